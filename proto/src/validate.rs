//! Validation by the buf.validate rules of the contract.
//!
//! The generator writes one [`Validate`] per message; this file and `rule` own
//! what that code calls, and `detail` the wire form of what it finds. All
//! violations are collected, not just the first. A valid message costs no
//! allocation.

mod detail;
pub mod rule;

pub use detail::violations_detail;

/// A message whose rules can be checked.
pub trait Validate {
    /// Adds what the message breaks, itself and below, as seen from the path.
    fn check(&self, at: Path<'_>, found: &mut Vec<Violation>);

    /// Everything the message breaks; empty if it is valid.
    fn validate(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        self.check(Path::ROOT, &mut found);
        found
    }
}

/// A rule that a message breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the contract's names: `items[0].quantity`.
    pub field: String,
    /// The rule, in the words of buf.validate: `string.uuid`.
    pub rule_id: String,
    /// What is wrong, in words that follow the field's name: `must be a UUID`.
    pub message: String,
    /// The path once more, in pieces, for the wire.
    steps: Vec<Step>,
}

impl Violation {
    /// A violation of a rule that the contract cannot express, found by a
    /// handler. The field is a path such as `items[0].quantity`.
    #[must_use]
    pub fn new(field: &str, rule_id: &str, message: &str) -> Self {
        Self {
            field: field.to_owned(),
            rule_id: rule_id.to_owned(),
            message: message.to_owned(),
            steps: field.split('.').map(Step::parse).collect(),
        }
    }

    fn found(at: Path<'_>, rule_id: String, message: String) -> Self {
        let steps = at.steps();
        let names: Vec<String> = steps.iter().map(Step::to_string).collect();
        Self {
            field: names.join("."),
            rule_id,
            message,
            steps,
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.field, self.message)
    }
}

/// Where in the message a check is. A list on the stack, spelt out only when
/// something is found.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    /// The step to here and the path before it; none at the message itself.
    last: Option<(&'a Path<'a>, &'static str, i32, i32, Option<usize>)>,
}

impl Path<'_> {
    /// The message itself.
    pub const ROOT: Path<'static> = Path { last: None };

    /// The path of a field, given its name, number and type (by the numbers of
    /// google.protobuf.FieldDescriptorProto.Type).
    #[must_use]
    pub fn field(&self, name: &'static str, number: i32, kind: i32) -> Path<'_> {
        Path {
            last: Some((self, name, number, kind, None)),
        }
    }

    /// The path of an element of a repeated field.
    #[must_use]
    pub fn item(&self, index: usize, name: &'static str, number: i32, kind: i32) -> Path<'_> {
        Path {
            last: Some((self, name, number, kind, Some(index))),
        }
    }

    fn steps(&self) -> Vec<Step> {
        let Some((before, name, number, kind, index)) = self.last else {
            return Vec::new();
        };
        let mut steps = before.steps();
        steps.push(Step {
            name: name.to_owned(),
            number: Some(number),
            kind: Some(kind),
            index,
        });
        steps
    }
}

/// One field of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    number: Option<i32>,
    kind: Option<i32>,
    index: Option<usize>,
}

impl Step {
    /// `items[0]` as a step; number and type stay unknown.
    fn parse(text: &str) -> Self {
        let indexed = text.strip_suffix(']').and_then(|text| text.split_once('['));
        let (name, index) = match indexed {
            Some((name, index)) => (name, index.parse().ok()),
            None => (text, None),
        };
        Self {
            name: name.to_owned(),
            number: None,
            kind: None,
            index,
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            Some(index) => write!(formatter, "{}[{index}]", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}
