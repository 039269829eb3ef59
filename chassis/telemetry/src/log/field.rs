//! The fields of one span or event, collected once and masked where their name
//! or their shape says that they are secret. All texts of one set share one
//! buffer: every request logs, and an allocation for each text would cost more
//! than writing it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{Debug, Display, Write as _};
use std::ops::Range;

use tracing::field::{Field, Visit};

use crate::redact;

/// One recorded value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
}

/// The same, its text kept elsewhere.
#[derive(Clone, Debug)]
enum Kept {
    Text(Range<usize>),
    Other(Value<'static>),
}

/// Fields in the order they were recorded; a later value replaces an earlier.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    entries: Vec<(&'static str, Kept)>,
    texts: String,
}

impl Fields {
    /// Room for `entries` fields, and as much text as they usually have.
    pub(super) fn with_capacity(entries: usize) -> Self {
        Self {
            entries: Vec::with_capacity(entries),
            texts: String::with_capacity(entries * 32),
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.texts.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.entries
            .iter()
            .map(|(name, kept)| (*name, self.value(kept)))
    }

    pub(super) fn get(&self, name: &str) -> Option<Value<'_>> {
        let mut entries = self.entries.iter();
        let (_, kept) = entries.find(|(known, _)| *known == name)?;
        Some(self.value(kept))
    }

    fn value(&self, kept: &Kept) -> Value<'_> {
        match kept {
            Kept::Text(range) => Value::Text(&self.texts[range.clone()]),
            Kept::Other(value) => *value,
        }
    }

    /// Adds a field of a new name, its value known to hold no secret.
    pub(super) fn push(&mut self, name: &'static str, value: Value<'static>) {
        self.entries.push((name, Kept::Other(value)));
    }

    /// As [`Fields::push`], for a text.
    pub(super) fn push_text(&mut self, name: &'static str, value: &str) {
        let start = self.texts.len();
        self.texts.push_str(value);
        self.entries
            .push((name, Kept::Text(start..self.texts.len())));
    }

    /// As [`Fields::push_text`], for what can be written.
    pub(super) fn push_display(&mut self, name: &'static str, value: &dyn Display) {
        let start = self.texts.len();
        let _ = write!(self.texts, "{value}"); // into a String, which cannot fail
        let range = start..self.texts.len();
        self.entries.push((name, Kept::Text(range)));
    }

    fn put(&mut self, field: &Field, kept: Kept) {
        let name = field.name();
        // One place in the code records them all, so a name is the same text in memory.
        let same = |known: &str| std::ptr::eq(known, name);
        match self.entries.iter_mut().find(|(known, _)| same(known)) {
            Some((_, old)) => *old = kept,
            None => self.entries.push((name, kept)),
        }
    }

    fn put_value(&mut self, field: &Field, value: Value<'static>) {
        match care(field) {
            Care::Mask => self.put_text(field, |_| {}),
            Care::Look | Care::None => self.put(field, Kept::Other(value)),
        }
    }

    /// Keeps what `write` appends, masked.
    fn put_text(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let start = self.texts.len();
        match care(field) {
            Care::Mask => self.texts.push_str(redact::MASK),
            Care::None => write(&mut self.texts),
            Care::Look => {
                write(&mut self.texts);
                if let Cow::Owned(masked) = redact::text(&self.texts[start..]) {
                    self.texts.truncate(start);
                    self.texts.push_str(&masked);
                }
            }
        }
        self.put(field, Kept::Text(start..self.texts.len()));
    }
}

/// How a field is kept from telling a secret.
#[derive(Clone, Copy)]
enum Care {
    /// Its name says that it is one.
    Mask,
    /// Its text may have one in it.
    Look,
    /// The ids of a call, which are nobody's words, and are in every line: a correlation id that
    /// looks like a secret is not taken from a caller.
    None,
}

impl Care {
    fn of(name: &str) -> Self {
        match name {
            "service" | "correlation_id" | "trace_id" => Self::None,
            _ if redact::is_sensitive(name) => Self::Mask,
            _ => Self::Look,
        }
    }
}

/// Names that a thread has met, with the care they need.
const MET: usize = 64;

thread_local! {
    static CARE: [Cell<(&'static str, Care)>; MET] =
        const { [const { Cell::new(("", Care::Look)) }; MET] };
}

/// Asked for each field of each line, so that the answer is kept by where the name is in memory.
fn care(field: &Field) -> Care {
    let name = field.name();
    let place = (name.as_ptr().addr() ^ name.len()) % MET;
    CARE.with(|met| {
        let (known, care) = met[place].get();
        if std::ptr::eq(known, name) {
            return care;
        }
        let care = Care::of(name);
        met[place].set((name, care));
        care
    })
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_value(field, Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_value(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_value(field, Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_value(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, |texts| texts.push_str(value));
    }

    /// An error is written with its whole chain of causes.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put_text(field, |texts| {
            // Writing into a String cannot fail.
            let _ = write!(texts, "{value}");
            let mut cause = value.source();
            while let Some(error) = cause {
                let _ = write!(texts, ": {error}");
                cause = error.source();
            }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, |texts| {
            let _ = write!(texts, "{value:?}"); // into a String, which cannot fail
        });
    }
}
