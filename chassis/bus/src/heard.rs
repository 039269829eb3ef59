//! How far groups have come in the outboxes of a process, for who prunes these.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use events::Cursor;

/// How far all groups have come in an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nobody hears it.
    ByNobody,
    /// A group has not said yet where it is.
    Unknown,
    /// All have come up to that place, for good.
    UpTo(Cursor),
}

/// The places of all groups.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<&'static str, Groups>>);

/// The places of groups in one outbox; none where it is not known yet.
type Groups = BTreeMap<&'static str, Option<Cursor>>;

impl Places {
    /// Waits for a group to say where it is.
    pub fn expect(&self, source: &'static str, group: &'static str) {
        self.lock().entry(source).or_default().insert(group, None);
    }

    /// Notes how far a group has come for good.
    pub fn note(&self, source: &'static str, group: &'static str, place: Cursor) {
        let mut places = self.lock();
        places.entry(source).or_default().insert(group, Some(place));
    }

    /// How far all groups have come.
    pub fn of(&self, source: &str) -> Heard {
        let places = self.lock();
        let Some(groups) = places.get(source) else {
            return Heard::ByNobody;
        };
        let mut least: Option<Cursor> = None;
        for place in groups.values() {
            let Some(place) = *place else {
                return Heard::Unknown;
            };
            least = match least {
                Some(least) if least.later(place) == place => Some(least),
                _ => Some(place),
            };
        }
        least.map_or(Heard::ByNobody, Heard::UpTo)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Groups>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
