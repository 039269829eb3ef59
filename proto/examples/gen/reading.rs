//! Reads buf.validate rules so that none goes unnoticed.

use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::Failure;

/// Rules being read. What is left unread at the end is a rule nobody knows.
pub struct Reading {
    rules: Option<DynamicMessage>,
    known: Vec<String>,
}

impl Reading {
    /// Begins to read; without rules there is nothing to find.
    pub fn new(rules: Option<DynamicMessage>) -> Self {
        Self {
            rules,
            known: Vec::new(),
        }
    }

    /// Whether the rule is set.
    pub fn has(&self, name: &str) -> bool {
        let rules = self.rules.as_ref();
        rules.is_some_and(|rules| rules.has_field_by_name(name))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.known.push(name.to_owned());
        let rules = self.rules.as_ref()?;
        let field = rules.descriptor().get_field_by_name(name)?;
        rules
            .has_field(&field)
            .then(|| rules.get_field(&field).into_owned())
    }

    /// A boolean rule; false where it is not set.
    pub fn flag(&mut self, name: &str) -> bool {
        self.take(name)
            .and_then(|value| value.as_bool())
            .unwrap_or_default()
    }

    /// A rule's number, whatever its type.
    pub fn number(&mut self, name: &str) -> Option<i128> {
        Some(match self.take(name)? {
            Value::I32(value) | Value::EnumNumber(value) => value.into(),
            Value::I64(value) => value.into(),
            Value::U32(value) => value.into(),
            Value::U64(value) => value.into(),
            other => panic!("{name} is no number: {other:?}"),
        })
    }

    /// A rule's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.take(name)?.as_str().map(str::to_owned)
    }

    /// A rule's list of texts; empty where it is not set.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.take(name);
        let values = values.as_ref().and_then(Value::as_list).unwrap_or_default();
        values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The rules below a rule.
    pub fn nested(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Value::Message(message) => Some(Self::new(Some(message))),
            other => panic!("{name} is no message: {other:?}"),
        }
    }

    /// Fails if a rule is set that was not asked for.
    pub fn finish(self) -> Result<(), Failure> {
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
