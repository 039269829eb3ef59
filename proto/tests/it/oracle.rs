//! Generated validation finds what protovalidate, the reference, finds in a few
//! hundred random messages. `tests/oracle.py` wrote them down.

use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;
use proto::Validate;
use serde_json::Value;

/// The most violations we report.
const FOUND_MAX: usize = 100;

/// Field and rule of each violation, sorted.
type Broken = Vec<(String, String)>;

fn check<M: Validate + Message + Default>(name: &str, message: Value) -> Broken {
    // By reflection, since our own JSON already refuses numbers no enum has.
    let descriptor = super::pool().get_message_by_name(name).unwrap();
    let message = DynamicMessage::deserialize(descriptor, message).unwrap();
    let message: M = message.transcode_to().unwrap();
    let violations = message.validate().into_iter();
    let mut broken: Broken = violations
        .map(|found| (found.field, found.rule_id))
        .collect();
    broken.sort();
    broken
}

macro_rules! checked_by_name {
    ($($name:literal => $message:ty,)+) => {
        /// What our validation finds in a message given by type and JSON.
        fn broken(name: &str, message: Value) -> Broken {
            match name {
                $($name => check::<$message>(name, message),)+
                _ => panic!("{name} is no request"),
            }
        }
    };
}

proto::requests!(checked_by_name);

/// row: P18
#[test]
fn the_reference_finds_the_same() {
    let mut seen = 0;
    for line in include_str!("../oracle.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let expected: Broken = serde_json::from_value(case["broken"].clone()).unwrap();
        let ours = broken(case["type"].as_str().unwrap(), case["message"].clone());
        if expected.len() <= FOUND_MAX {
            assert_eq!(ours, expected, "{line:.500}");
        } else {
            assert_eq!(ours.len(), FOUND_MAX, "{line:.500}");
            assert!(
                ours.iter().all(|found| expected.contains(found)),
                "{line:.500}"
            );
        }
        seen += 1;
    }
    assert!(seen > 500, "only {seen} messages were looked at");
}

/// Every request of every rpc is among the messages.
///
/// row: P18
#[test]
fn no_request_is_left_out() {
    let cases = include_str!("../oracle.jsonl");
    for rpc in super::rpcs(&super::pool()) {
        let name = format!("\"type\": \"{}\"", rpc.input().full_name());
        assert!(
            cases.contains(&name),
            "run tests/oracle.py: {name} is missing"
        );
    }
}
