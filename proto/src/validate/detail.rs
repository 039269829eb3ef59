//! The wire form of violations: `buf.validate.Violations`, as far as it is
//! sent. Written by hand, since validate.proto would add ten thousand
//! generated lines; a test compares it with the vendored contract.

use prost::Message;

use super::{Step, Violation};

/// The full type URL of the detail.
const TYPE_URL: &str = "type.googleapis.com/buf.validate.Violations";

/// The violations as an error detail: its type URL and its bytes.
#[must_use]
pub fn violations_detail(violations: &[Violation]) -> (&'static str, Vec<u8>) {
    let wire = Violations {
        violations: violations.iter().map(WireViolation::from).collect(),
    };
    (TYPE_URL, wire.encode_to_vec())
}

#[derive(Clone, PartialEq, Message)]
struct Violations {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<WireViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct WireViolation {
    #[prost(message, optional, tag = "5")]
    field: Option<FieldPath>,
    #[prost(string, optional, tag = "2")]
    rule_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    message: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldPath {
    #[prost(message, repeated, tag = "1")]
    elements: Vec<FieldPathElement>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldPathElement {
    #[prost(int32, optional, tag = "1")]
    field_number: Option<i32>,
    #[prost(string, optional, tag = "2")]
    field_name: Option<String>,
    #[prost(int32, optional, tag = "3")]
    field_type: Option<i32>,
    /// A member of the oneof `subscript`, hence with presence.
    #[prost(uint64, optional, tag = "6")]
    index: Option<u64>,
}

impl From<&Violation> for WireViolation {
    fn from(violation: &Violation) -> Self {
        Self {
            field: Some(FieldPath {
                elements: violation.steps.iter().map(FieldPathElement::from).collect(),
            }),
            rule_id: Some(violation.rule_id.clone()),
            message: Some(violation.message.clone()),
        }
    }
}

impl From<&Step> for FieldPathElement {
    fn from(step: &Step) -> Self {
        Self {
            field_number: step.number,
            field_name: Some(step.name.clone()),
            field_type: step.kind,
            index: step.index.map(|index| index as u64),
        }
    }
}
