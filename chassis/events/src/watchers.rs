//! Watchers by what they wait for, so that a fact visits those who may want it and nobody else.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use crate::mailbox::{Filter, Mailbox};
use crate::outbox::Recorded;

/// Watchers by number.
type Group = HashMap<u64, Arc<Mailbox>>;

/// All watchers of one outbox.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    by_key: HashMap<String, Group>,
    /// Those of one subject, whatever it happened to.
    by_subject: HashMap<Uuid, Group>,
    /// Those who name neither.
    of_all: Group,
    count: u32,
}

impl Watchers {
    pub(crate) fn insert(&mut self, number: u64, mailbox: Arc<Mailbox>) {
        let Filter { key, subject, .. } = &mailbox.filter;
        let group = match (key, subject) {
            (Some(key), _) => self.by_key.entry(key.clone()).or_default(),
            (None, Some(subject)) => self.by_subject.entry(*subject).or_default(),
            (None, None) => &mut self.of_all,
        };
        group.insert(number, mailbox);
        self.count += 1;
    }

    pub(crate) fn remove(&mut self, number: u64, filter: &Filter) {
        match (&filter.key, &filter.subject) {
            (Some(key), _) => leave(&mut self.by_key, key, number),
            (None, Some(subject)) => leave(&mut self.by_subject, subject, number),
            (None, None) => drop(self.of_all.remove(&number)),
        }
        self.count -= 1;
    }

    /// Those who may want a fact: each still has a filter of its own to pass.
    pub(crate) fn of(&self, fact: &Recorded) -> impl Iterator<Item = &Arc<Mailbox>> {
        let by_key = self.by_key.get(&fact.key);
        let by_subject = fact
            .subject
            .and_then(|subject| self.by_subject.get(&subject));
        let groups = [by_key, by_subject, Some(&self.of_all)];
        groups.into_iter().flatten().flat_map(HashMap::values)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        let groups = self.by_key.values().chain(self.by_subject.values());
        groups.chain([&self.of_all]).flat_map(HashMap::values)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }
}

/// Takes a watcher from its group, and the group away with its last.
fn leave<K: Eq + Hash>(groups: &mut HashMap<K, Group>, key: &K, number: u64) {
    if let Some(group) = groups.get_mut(key) {
        group.remove(&number);
        if group.is_empty() {
            groups.remove(key);
        }
    }
}
