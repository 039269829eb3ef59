//! Writes `impl Validate` for every message, from its buf.validate rules.
//!
//! Reads the rules reflectively, so a rule that is not listed here, CEL too, is
//! noticed and stops generation: it would otherwise be silently unenforced.

use std::collections::HashSet;
use std::fmt::Write as _;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};

use super::{Failure, extras::snake, pattern};

/// The validation code of one package.
pub fn write(pool: &DescriptorPool, package: &str, runtime: &str) -> Result<String, Failure> {
    let rules = Rules { pool };
    let mut text = String::new();
    for message in pool.all_messages() {
        if message.package_name() == package && !message.is_map_entry() {
            let body = rules
                .message(&message)
                .map_err(|failure| format!("{}: {failure}", message.full_name()))?;
            text.push_str(&implementation(&message, &body, runtime));
        }
    }
    Ok(text)
}

fn implementation(message: &MessageDescriptor, body: &str, runtime: &str) -> String {
    let (at, found, import) = if body.is_empty() {
        ("_at", "_found", "")
    } else if body.contains("rule::") {
        ("at", "found", "use validate::rule;")
    } else {
        ("at", "found", "")
    };
    let import = if import.is_empty() {
        String::new()
    } else {
        format!("use {runtime}::validate::rule;\n")
    };
    format!(
        "impl {runtime}::validate::Validate for {} {{
            fn check(&self, {at}: {runtime}::validate::Path<'_>, {found}: &mut Vec<{runtime}::validate::Violation>) {{
                {import}{body}
            }}
        }}\n",
        rust_type(message)
    )
}

/// The message's type as its own package names it.
fn rust_type(message: &MessageDescriptor) -> String {
    match message.parent_message() {
        Some(parent) => format!("{}::{}", rust_module(&parent), message.name()),
        None => message.name().to_owned(),
    }
}

/// The module that holds what is declared inside the message.
fn rust_module(message: &MessageDescriptor) -> String {
    let own = snake(message.name());
    match message.parent_message() {
        Some(parent) => format!("{}::{own}", rust_module(&parent)),
        None => own,
    }
}

struct Rules<'a> {
    pool: &'a DescriptorPool,
}

impl Rules<'_> {
    /// The statements that check a message.
    fn message(&self, message: &MessageDescriptor) -> Result<String, Failure> {
        if self
            .option(&message.options(), "buf.validate.message")
            .is_some()
        {
            return Err("rules over a whole message are not supported".into());
        }
        for oneof in message.oneofs() {
            if self
                .option(&oneof.options(), "buf.validate.oneof")
                .is_some()
            {
                return Err(
                    format!("{}: rules over a oneof are not supported", oneof.name()).into(),
                );
            }
        }
        let mut text = String::new();
        for field in message.fields() {
            let code = self.field(message, &field);
            text.push_str(&code.map_err(|failure| format!("{}: {failure}", field.name()))?);
        }
        Ok(text)
    }

    fn field(
        &self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
    ) -> Result<String, Failure> {
        let rules = self.option(&field.options(), "buf.validate.field");
        let mut rules = Reading::new(rules);
        let required = rules.flag("required");
        let ignore = rules.number("ignore").unwrap_or_default();
        if !matches!(ignore, 0 | 1) {
            return Err(format!("ignore {ignore} is not supported").into());
        }
        let name = rust_field(field);
        let at = place(field);
        let mut text = String::new();
        if field.is_list() {
            text.push_str(&self.list(field, rules.nested("repeated"), &name)?);
        } else if field.is_map() {
            if rules.nested("map").is_some() {
                return Err("rules of maps are not supported".into());
            }
        } else {
            let nullable = field.supports_presence();
            let value = if nullable {
                "value".to_owned()
            } else {
                by_value(field, &format!("self.{name}"))
            };
            let checks = self.value(field, &mut rules, &at, &value)?;
            let oneof = field
                .containing_oneof()
                .filter(|oneof| !oneof.is_synthetic());
            if let Some(oneof) = oneof {
                if required {
                    return Err("a member of a oneof cannot be required".into());
                }
                if !checks.is_empty() {
                    let variant = camel(field.name());
                    let module = rust_module(message);
                    let kind = camel(oneof.name());
                    let _ = write!(
                        text,
                        "if let Some({module}::{kind}::{variant}(value)) = &self.{} {{ {checks} }}\n",
                        oneof.name()
                    );
                }
            } else if nullable {
                if required {
                    let _ = write!(
                        text,
                        "rule::required({at}, self.{name}.is_some(), found);\n"
                    );
                }
                if !checks.is_empty() {
                    let bind = if is_scalar(field) { "&" } else { "" };
                    let binding = if bind.is_empty() { "value" } else { "value" };
                    let source = if is_copy(field) {
                        format!("self.{name}")
                    } else {
                        format!("&self.{name}")
                    };
                    let _ = write!(text, "if let Some({binding}) = {source} {{ {checks} }}\n");
                }
            } else {
                if required {
                    return Err("only messages can be required; say min_len for strings".into());
                }
                if ignore == 1 && !checks.is_empty() {
                    let set = match field.kind() {
                        Kind::String => format!("!self.{name}.is_empty()"),
                        _ => format!("self.{name} != 0"),
                    };
                    let _ = write!(text, "if {set} {{ {checks} }}\n");
                } else {
                    text.push_str(&checks);
                }
            }
        }
        rules.finish()?;
        Ok(text)
    }

    /// The statements that check one value of the field's kind.
    fn value(
        &self,
        field: &FieldDescriptor,
        rules: &mut Reading,
        at: &str,
        value: &str,
    ) -> Result<String, Failure> {
        match field.kind() {
            Kind::String => string(rules.nested("string"), at, value),
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => {
                let kind = format!("{:?}", field.kind()).to_lowercase();
                number(rules.nested(&kind), &kind, at, value)
            }
            Kind::Enum(kind) => {
                let Some(mut rules) = rules.nested("enum") else {
                    return Ok(String::new());
                };
                let mut text = String::new();
                if rules.flag("defined_only") {
                    let numbers: Vec<i32> = kind.values().map(|value| value.number()).collect();
                    let _ = write!(
                        text,
                        "rule::defined_only({at}, {value}, &{numbers:?}, found);\n"
                    );
                }
                rules.finish()?;
                Ok(text)
            }
            Kind::Message(message) if message.full_name() == "google.protobuf.Duration" => {
                duration(rules.nested("duration"), at, value)
            }
            Kind::Message(message) if self.constrained(&message, &mut HashSet::new()) => {
                Ok(format!("value.check({at}, found);\n"))
            }
            _ => Ok(String::new()),
        }
    }

    fn list(
        &self,
        field: &FieldDescriptor,
        rules: Option<Reading>,
        name: &str,
    ) -> Result<String, Failure> {
        let mut rules = rules.unwrap_or_else(|| Reading::new(None));
        let at = place(field);
        let mut text = String::new();
        if let Some(min) = rules.number("min_items") {
            let _ = write!(
                text,
                "rule::min_items({at}, self.{name}.len(), {min}, found);\n"
            );
        }
        if let Some(max) = rules.number("max_items") {
            let _ = write!(
                text,
                "rule::max_items({at}, self.{name}.len(), {max}, found);\n"
            );
        }
        if rules.flag("unique") {
            let _ = write!(text, "rule::unique({at}, &self.{name}, found);\n");
        }
        let mut items = rules.nested("items").unwrap_or_else(|| Reading::new(None));
        let at = format!("at.item(index, {})", identity(field));
        let value = if is_copy(field) { "*value" } else { "value" };
        let checks = self.value(field, &mut items, &at, value)?;
        items.finish()?;
        if !checks.is_empty() {
            let _ = write!(
                text,
                "for (index, value) in self.{name}.iter().enumerate() {{ {checks} }}\n"
            );
        }
        rules.finish()?;
        Ok(text)
    }

    /// Whether the message, or one below it, has a rule.
    fn constrained(&self, message: &MessageDescriptor, seen: &mut HashSet<String>) -> bool {
        seen.insert(message.full_name().to_owned())
            && message.fields().any(|field| {
                let own = self
                    .option(&field.options(), "buf.validate.field")
                    .is_some();
                own || field
                    .kind()
                    .as_message()
                    .is_some_and(|message| self.constrained(message, seen))
            })
    }

    fn option(&self, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
        let extension = self.pool.get_extension_by_name(name)?;
        if !options.has_extension(&extension) {
            return None;
        }
        options.get_extension(&extension).as_message().cloned()
    }
}

fn string(rules: Option<Reading>, at: &str, value: &str) -> Result<String, Failure> {
    let Some(mut rules) = rules else {
        return Ok(String::new());
    };
    let mut text = String::new();
    for name in ["min_len", "max_len"] {
        if let Some(limit) = rules.number(name) {
            let _ = write!(text, "rule::{name}({at}, {value}, {limit}, found);\n");
        }
    }
    if let Some(regex) = rules.text("pattern") {
        let runs = pattern::compile(&regex)?;
        let _ = write!(
            text,
            "rule::pattern({at}, {value}, {regex:?}, &{runs}, found);\n"
        );
    }
    let allowed = rules.texts("in");
    if !allowed.is_empty() {
        let _ = write!(text, "rule::one_of({at}, {value}, &{allowed:?}, found);\n");
    }
    for name in ["uuid", "email"] {
        if rules.flag(name) {
            let _ = write!(text, "rule::{name}({at}, {value}, found);\n");
        }
    }
    rules.finish()?;
    Ok(text)
}

fn number(rules: Option<Reading>, kind: &str, at: &str, value: &str) -> Result<String, Failure> {
    let Some(mut rules) = rules else {
        return Ok(String::new());
    };
    let (low, high) = (rules.number("gte"), rules.number("lte"));
    rules.finish()?;
    let bound = |bound: Option<i128>| {
        bound.map_or_else(|| "None".to_owned(), |bound| format!("Some({bound})"))
    };
    Ok(format!(
        "rule::range({at}, i128::from({value}), {kind:?}, {}, {}, found);\n",
        bound(low),
        bound(high)
    ))
}

fn duration(rules: Option<Reading>, at: &str, value: &str) -> Result<String, Failure> {
    let Some(mut rules) = rules else {
        return Ok(String::new());
    };
    let mut seconds = |name: &str| -> Result<Option<i128>, Failure> {
        let Some(mut bound) = rules.nested(name) else {
            return Ok(None);
        };
        let seconds = bound.number("seconds").unwrap_or_default();
        bound.finish()?;
        Ok(Some(seconds))
    };
    let (above, most) = (seconds("gt")?, seconds("lte")?);
    rules.finish()?;
    let (Some(above), Some(most)) = (above, most) else {
        return Err("a duration needs gt and lte, in whole seconds".into());
    };
    Ok(format!(
        "rule::duration({at}, {value}, {above}, {most}, found);\n"
    ))
}

/// Rules being read. What is left unread at the end is a rule nobody knows.
struct Reading {
    rules: Option<DynamicMessage>,
    known: Vec<String>,
}

impl Reading {
    fn new(rules: Option<DynamicMessage>) -> Self {
        Self {
            rules,
            known: Vec::new(),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.known.push(name.to_owned());
        let rules = self.rules.as_ref()?;
        let field = rules.descriptor().get_field_by_name(name)?;
        rules
            .has_field(&field)
            .then(|| rules.get_field(&field).into_owned())
    }

    fn flag(&mut self, name: &str) -> bool {
        self.take(name)
            .and_then(|value| value.as_bool())
            .unwrap_or_default()
    }

    fn number(&mut self, name: &str) -> Option<i128> {
        Some(match self.take(name)? {
            Value::I32(value) | Value::EnumNumber(value) => value.into(),
            Value::I64(value) => value.into(),
            Value::U32(value) => value.into(),
            Value::U64(value) => value.into(),
            other => panic!("{name} is no number: {other:?}"),
        })
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name)?.as_str().map(str::to_owned)
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.take(name);
        let values = values.as_ref().and_then(Value::as_list).unwrap_or_default();
        values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    fn nested(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Value::Message(message) => Some(Self::new(Some(message))),
            other => panic!("{name} is no message: {other:?}"),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let Some(rules) = &self.rules else {
            return Ok(());
        };
        for (field, _) in rules.fields() {
            if !self.known.iter().any(|known| known == field.name()) {
                return Err(format!("the rule {} is not supported", field.full_name()).into());
            }
        }
        if let Some((extension, _)) = rules.extensions().next() {
            return Err(format!("the rule {} is not supported", extension.full_name()).into());
        }
        Ok(())
    }
}

/// The path of the field, as an expression.
fn place(field: &FieldDescriptor) -> String {
    format!("at.field({})", identity(field))
}

/// The field's name, number and type, as arguments.
fn identity(field: &FieldDescriptor) -> String {
    let kind = field.field_descriptor_proto().r#type();
    format!("{:?}, {}, {}", field.name(), field.number(), kind as i32)
}

fn rust_field(field: &FieldDescriptor) -> String {
    match field.name() {
        "type" | "use" => format!("r#{}", field.name()),
        name => name.to_owned(),
    }
}

fn by_value(field: &FieldDescriptor, place: &str) -> String {
    if is_copy(field) {
        place.to_owned()
    } else {
        format!("&{place}")
    }
}

fn is_scalar(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_none()
}

fn is_copy(field: &FieldDescriptor) -> bool {
    is_scalar(field) && !matches!(field.kind(), Kind::String | Kind::Bytes)
}

/// `top_rec` as `TopRec`.
fn camel(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            [first.to_uppercase(), rest.to_owned()]
        })
        .collect()
}
