//! Validation by the buf.validate rules of the contract.
//!
//! The generator writes one [`Validate`] per message; this file owns what that
//! code calls, and the wire form of what it finds. All violations are
//! collected, not just the first. A valid message costs no allocation.

/// A rule that a message breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the contract's names: `items[0].quantity`.
    pub field: String,
    /// The rule, in the words of buf.validate: `string.uuid`.
    pub rule_id: String,
    /// What is wrong, as a sentence for a person.
    pub message: String,
}

/// A message whose rules can be checked.
pub trait Validate {
    /// Adds what the message breaks, itself and below, under the path.
    fn check(&self, at: Path<'_>, found: &mut Vec<Violation>);

    /// Everything the message breaks; empty if it is valid.
    fn validate(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        self.check(Path::ROOT, &mut found);
        found
    }
}

/// Where in the message the check is. A list on the stack, spelt out only when
/// something is found.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Root,
    Field(&'static str),
    Item(&'static str, usize),
}

impl Path<'_> {
    /// The message itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// The path of a field of the message at this path.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Path<'_> {
        Path {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    /// The path of an element of a repeated field.
    #[must_use]
    pub fn item(&self, name: &'static str, index: usize) -> Path<'_> {
        Path {
            parent: Some(self),
            step: Step::Item(name, index),
        }
    }

    fn spell(&self, into: &mut String) {
        use std::fmt::Write as _;

        if let Some(parent) = self.parent {
            parent.spell(into);
            if !into.is_empty() {
                into.push('.');
            }
        }
        match self.step {
            Step::Root => {}
            Step::Field(name) => into.push_str(name),
            Step::Item(name, index) => {
                let _ = write!(into, "{name}[{index}]");
            }
        }
    }
}
