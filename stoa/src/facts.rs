//! Facts as people are shown them: in the contract's JSON, without what the contract calls sensitive.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::SecondsFormat;
use events::Recorded;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value as Reflected,
};
use serde_json::{Value, json};
use telemetry::redact;

/// The facts that the contract knows.
pub struct Facts {
    by_topic: BTreeMap<String, MessageDescriptor>,
    sensitive: ExtensionDescriptor,
}

impl Facts {
    /// Those of this binary's contract.
    ///
    /// # Errors
    ///
    /// A mistake in the program.
    pub fn new() -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS)?;
        let option = |name| {
            let option = pool.get_extension_by_name(name);
            option.with_context(|| format!("the contract has no option {name}"))
        };
        let (fact, sensitive) = (
            option("stoa.options.v1.fact")?,
            option("stoa.options.v1.sensitive")?,
        );
        let topic = |message: &MessageDescriptor| {
            let options = message.options();
            let fact = options.get_extension(&fact);
            let topic = fact.as_message()?.get_field_by_name("topic")?;
            topic.as_str().map(str::to_owned)
        };
        let facts = pool.all_messages().filter_map(|message| {
            let topic = topic(&message).filter(|topic| !topic.is_empty())?;
            Some((topic, message))
        });
        Ok(Self {
            by_topic: facts.collect(),
            sensitive,
        })
    }

    /// All topics, in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.by_topic.keys().map(String::as_str)
    }

    /// Finds topics by their names; with none, all of them.
    ///
    /// # Errors
    ///
    /// A sentence that says which name is unknown, and which there are.
    pub fn named<'a>(&'a self, names: &[String]) -> Result<Vec<&'a str>, String> {
        if names.is_empty() {
            return Ok(self.topics().collect());
        }
        let known = |name: &String| match self.by_topic.get_key_value(name) {
            Some((topic, _)) => Ok(topic.as_str()),
            None => {
                let all: Vec<&str> = self.topics().collect();
                Err(format!(
                    "There is no topic {name:?}, but {}",
                    all.join(", ")
                ))
            }
        };
        names.iter().map(known).collect()
    }

    /// A fact in its envelope, as `stoa.event.v1.Event` has it in JSON, but with its data readable. What cannot be
    /// decoded is null.
    pub fn show(&self, fact: &Recorded) -> Value {
        json!({
            "eventId": fact.event_id,
            "eventType": fact.topic.to_uppercase().replace('.', "_"),
            "timestamp": fact.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "source": fact.source,
            "key": fact.key,
            "version": fact.version.to_string(),
            "correlationId": fact.origin.correlation_id,
            "traceparent": fact.origin.traceparent,
            "synthetic": fact.origin.synthetic,
            "subject": fact.subject,
            "data": self.data(&fact.topic, &fact.data),
        })
    }

    fn data(&self, topic: &str, data: &[u8]) -> Option<Value> {
        let message = self.by_topic.get(topic)?.clone();
        let mut message = DynamicMessage::decode(message, data).ok()?;
        self.mask(&mut message);
        serde_json::to_value(&message).ok()
    }

    fn mask(&self, message: &mut DynamicMessage) {
        let set: Vec<FieldDescriptor> = message.fields().map(|(field, _)| field).collect();
        for field in set {
            if self.is_sensitive(&field) {
                let masked = Reflected::String(redact::MASK.to_owned());
                match field.kind() {
                    Kind::String if !field.is_list() && !field.is_map() => {
                        message.set_field(&field, masked);
                    }
                    _ => message.clear_field(&field),
                }
            } else if matches!(field.kind(), Kind::Message(_)) {
                self.mask_within(message.get_field_mut(&field));
            }
        }
    }

    fn mask_within(&self, value: &mut Reflected) {
        match value {
            Reflected::Message(message) => self.mask(message),
            Reflected::List(list) => list.iter_mut().for_each(|value| self.mask_within(value)),
            Reflected::Map(map) => map.values_mut().for_each(|value| self.mask_within(value)),
            _ => {}
        }
    }

    fn is_sensitive(&self, field: &FieldDescriptor) -> bool {
        let options = field.options();
        options.get_extension(&self.sensitive).as_bool() == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use events::Origin;
    use prost::Message;
    use proto::Fact;
    use proto::event::v1::{OrderCreated, UserCreated};

    use super::*;

    fn recorded(topic: &str, data: Vec<u8>) -> Recorded {
        Recorded {
            event_id: uuid::Uuid::nil(),
            cursor: "A".repeat(54).parse().expect("a place"),
            topic: topic.to_owned(),
            key: "1".to_owned(),
            version: 2,
            source: "user".to_owned(),
            subject: None,
            at: DateTime::from_timestamp(1_790_000_000, 0).expect("a time"),
            origin: Origin::internal("c"),
            data,
        }
    }

    /// row: X10, E1
    #[test]
    fn a_fact_is_shown_by_the_contract_s_names_without_what_is_sensitive() {
        let facts = Facts::new().unwrap();
        let created = UserCreated {
            user_id: "1".to_owned(),
            name: "Ada".to_owned(),
            email: "ada@example.test".to_owned(),
            roles: vec!["customer".to_owned()],
        };
        let shown = facts.show(&recorded(UserCreated::TOPIC, created.encode_to_vec()));
        assert_eq!(shown["eventType"], UserCreated::EVENT_TYPE);
        assert_eq!(shown["timestamp"], "2026-09-21T14:13:20.000000Z");
        assert_eq!(shown["version"], "2");
        assert_eq!(shown["data"]["userId"], "1");
        assert_eq!(shown["data"]["email"], redact::MASK);
        assert!(!shown.to_string().contains("example.test"), "{shown}");
        let garbage = facts.show(&recorded(OrderCreated::TOPIC, vec![0xff]));
        assert_eq!(garbage["data"], Value::Null);
    }

    /// row: E4
    #[test]
    fn a_topic_that_does_not_exist_is_told_with_those_that_do() {
        let facts = Facts::new().unwrap();
        assert_eq!(
            facts.named(&["order.created".to_owned()]).unwrap(),
            ["order.created"]
        );
        let said = facts.named(&["order.create".to_owned()]).unwrap_err();
        assert!(
            said.contains("\"order.create\"") && said.contains("order.created"),
            "{said}"
        );
        assert!(facts.named(&[]).unwrap().contains(&"user.created"));
    }
}
