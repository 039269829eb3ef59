//! Writes `impl Validate` for every message, from its buf.validate rules.
//!
//! Reads the rules reflectively, so a rule that is not listed here, CEL too, is
//! noticed and stops generation: it would otherwise be silently unenforced.

use std::collections::HashSet;
use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::{Failure, extras::snake, pattern, reading::Reading};

/// The validation code of one package.
pub fn write(pool: &DescriptorPool, package: &str) -> Result<String, Failure> {
    let rules = Rules { pool };
    let mut text = String::new();
    for message in pool.all_messages() {
        if message.package_name() == package && !message.is_map_entry() {
            let body = rules
                .message(&message)
                .map_err(|failure| format!("{}: {failure}", message.full_name()))?;
            text.push_str(&implementation(&message, &body));
        }
    }
    Ok(text)
}

fn implementation(message: &MessageDescriptor, body: &str) -> String {
    let (at, found) = if body.is_empty() {
        ("_at", "_found")
    } else {
        ("at", "found")
    };
    let import = if body.contains("rule::") {
        "use crate::validate::rule;\n"
    } else {
        ""
    };
    let name = rust_type(message);
    format!(
        "impl crate::validate::Validate for {name} {{
            fn check(
                &self,
                {at}: crate::validate::Path<'_>,
                {found}: &mut Vec<crate::validate::Violation>,
            ) {{
                {import}{body}
            }}
        }}\n"
    )
}

/// The message's type as its own package names it.
pub fn rust_type(message: &MessageDescriptor) -> String {
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
        let mut rules = Reading::new(self.option(&field.options(), "buf.validate.field"));
        let text = if field.is_list() {
            self.list(field, rules.nested("repeated"))?
        } else if field.is_map() {
            String::new() // whatever rules it has stay unread, which stops us below
        } else if field.supports_presence() {
            self.present(message, field, &mut rules)?
        } else {
            self.implicit(field, &mut rules)?
        };
        rules.finish()?;
        Ok(text)
    }

    /// A field that can be absent: its rules hold where it is there.
    fn present(
        &self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        rules: &mut Reading,
    ) -> Result<String, Failure> {
        let (name, at) = (rust_field(field), place(field));
        let checks = self.value(field, rules, &at, "value")?;
        let oneof = field.containing_oneof();
        if let Some(oneof) = oneof.filter(|oneof| !oneof.is_synthetic()) {
            let (module, kind) = (rust_module(message), camel(oneof.name()));
            let (variant, oneof) = (camel(field.name()), oneof.name());
            return Ok(guarded(
                &format!("let Some({module}::{kind}::{variant}(value)) = &self.{oneof}"),
                &checks,
            ));
        }
        let borrow = if is_copy(field) { "" } else { "&" };
        let checks = guarded(&format!("let Some(value) = {borrow}self.{name}"), &checks);
        Ok(if rules.flag("required") {
            format!("rule::required({at}, self.{name}.is_some(), found);\n{checks}")
        } else {
            checks
        })
    }

    /// A field that always has a value: its rules hold for the default too,
    /// unless the contract says otherwise.
    fn implicit(&self, field: &FieldDescriptor, rules: &mut Reading) -> Result<String, Failure> {
        let own = format!("self.{}", rust_field(field));
        let borrow = if is_copy(field) { "" } else { "&" };
        let checks = self.value(field, rules, &place(field), &format!("{borrow}{own}"))?;
        match (rules.number("ignore").unwrap_or_default(), field.kind()) {
            (0, _) => Ok(checks),
            (1, Kind::String) => Ok(guarded(&format!("!{own}.is_empty()"), &checks)),
            (1, _) => Ok(guarded(&format!("{own} != 0"), &checks)),
            (other, _) => Err(format!("ignore {other} is not supported").into()),
        }
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
            Kind::String => string(field, rules.nested("string"), at, value),
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
                    let _ = writeln!(
                        text,
                        "rule::defined_only({at}, {value}, &{numbers:?}, found);"
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

    fn list(&self, field: &FieldDescriptor, rules: Option<Reading>) -> Result<String, Failure> {
        let mut rules = rules.unwrap_or_else(|| Reading::new(None));
        let (name, at) = (rust_field(field), place(field));
        let mut text = String::new();
        if let Some(min) = rules.number("min_items") {
            let _ = writeln!(
                text,
                "rule::min_items({at}, self.{name}.len(), {min}, found);"
            );
        }
        if let Some(max) = rules.number("max_items") {
            let _ = writeln!(
                text,
                "rule::max_items({at}, self.{name}.len(), {max}, found);"
            );
        }
        if rules.flag("unique") {
            let _ = writeln!(text, "rule::unique({at}, &self.{name}, found);");
        }
        let mut items = rules.nested("items").unwrap_or_else(|| Reading::new(None));
        let at = format!("at.item(index, {})", identity(field));
        let value = if is_copy(field) { "*value" } else { "value" };
        let checks = self.value(field, &mut items, &at, value)?;
        items.finish()?;
        if !checks.is_empty() {
            let _ = writeln!(
                text,
                "for (index, value) in self.{name}.iter().enumerate() {{ {checks} }}"
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

fn string(
    field: &FieldDescriptor,
    rules: Option<Reading>,
    at: &str,
    value: &str,
) -> Result<String, Failure> {
    let Some(mut rules) = rules else {
        return Ok(String::new());
    };
    let mut text = String::new();
    // What is one of a list or of a regular form is nothing else, and a password is kept as no text.
    let is_bound = rules.has("in") || rules.flag("uuid") || rules.flag("email");
    if !is_bound && field.name() != "password" {
        let _ = writeln!(text, "rule::no_nul({at}, {value}, found);");
    }
    for name in ["min_len", "max_len"] {
        if let Some(limit) = rules.number(name) {
            let _ = writeln!(text, "rule::{name}({at}, {value}, {limit}, found);");
        }
    }
    if let Some(regex) = rules.text("pattern") {
        let runs = pattern::compile(&regex)?;
        let _ = writeln!(
            text,
            "rule::pattern({at}, {value}, {regex:?}, &{runs}, found);"
        );
    }
    let allowed = rules.texts("in");
    if !allowed.is_empty() {
        let _ = writeln!(text, "rule::one_of({at}, {value}, &{allowed:?}, found);");
    }
    for name in ["uuid", "email"] {
        if rules.flag(name) {
            let _ = writeln!(text, "rule::{name}({at}, {value}, found);");
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

/// The path of the field, as an expression.
fn place(field: &FieldDescriptor) -> String {
    format!("at.field({})", identity(field))
}

/// The field's name, number and type, as arguments.
fn identity(field: &FieldDescriptor) -> String {
    let kind = field.field_descriptor_proto().r#type();
    format!("{:?}, {}, {}", field.name(), field.number(), kind as i32)
}

/// The field's name in Rust.
pub fn rust_field(field: &FieldDescriptor) -> String {
    match field.name() {
        "type" | "use" => format!("r#{}", field.name()),
        name => name.to_owned(),
    }
}

fn is_copy(field: &FieldDescriptor) -> bool {
    !matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_))
}

/// The checks under a condition; nothing if there are none.
fn guarded(condition: &str, checks: &str) -> String {
    if checks.is_empty() {
        String::new()
    } else {
        format!("if {condition} {{ {checks} }}\n")
    }
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
