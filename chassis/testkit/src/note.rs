//! Writes down what a program sends to its databases.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter::Targets};

/// The file that a program whose statements are noted adds them to.
pub(crate) const NOTED_TO: &str = "TESTKIT_STATEMENTS";

/// Notes from now on what this program sends to its databases, if a [`crate::plans::check`] asked for that.
pub(crate) fn note() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(path) = std::env::var_os(NOTED_TO) else {
            return;
        };
        let file = File::options().append(true).open(path);
        let notes = Notes {
            file: Mutex::new((file.expect("the notes can be written"), BTreeSet::new())),
        };
        let only = Targets::new().with_target("sqlx::query", tracing::Level::DEBUG);
        let subscriber = tracing_subscriber::registry().with(notes.with_filter(only));
        subscriber.try_init().expect("nobody else listens");
    });
}

/// Writes down every statement, each once.
struct Notes {
    file: Mutex<(File, BTreeSet<String>)>,
}

impl<S: tracing::Subscriber> Layer<S> for Notes {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let statement = match text.statement.trim() {
            "" => text.summary,
            whole => whole.to_owned(),
        };
        let mut notes = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(&statement).expect("text is JSON");
        if notes.1.insert(statement) {
            writeln!(notes.0, "{line}").expect("the notes can be written");
        }
    }
}

/// The text of a statement: short ones stand in the summary alone.
#[derive(Default)]
struct Text {
    summary: String,
    statement: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
