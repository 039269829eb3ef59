//! What customers asked and were told, line by line: `invoke`, then `ok`, `fail` or `unknown`.
//!
//! A call without a whole answer is unknown, never failed. Answers go into a second file too,
//! in the form that `stoa audit --history` reads.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::shop::Answer;

/// Answers that leave the outcome open.
const PASSING: [&str; 5] = [
    "unavailable",
    "deadline_exceeded",
    "aborted",
    "resource_exhausted",
    "canceled",
];

/// The outcome is open: ask again under the same key.
pub fn is_passing(code: &str) -> bool {
    PASSING.contains(&code)
}

/// A command under a key, as often as it is sent.
#[derive(Clone, Debug)]
pub struct Command {
    pub subject: String,
    pub method: &'static str,
    pub key: String,
    pub message: Value,
}

/// The two files of a trial.
pub struct Journal {
    folder: PathBuf,
    begun: Instant,
    files: Mutex<(File, File)>,
}

impl Journal {
    pub fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the target folder is ours");
        let create = |name: &str| File::create(folder.join(name)).expect("the folder is ours");
        Self {
            folder: folder.to_owned(),
            begun: Instant::now(),
            files: Mutex::new((create("journal.jsonl"), create("history.jsonl"))),
        }
    }

    /// The file for the auditor.
    pub fn history(&self) -> PathBuf {
        self.folder.join("history.jsonl")
    }

    pub fn invoke(&self, command: &Command) {
        self.write("invoke", command, None);
    }

    /// Notes what came back, and returns it if it is final.
    pub fn returned<'a>(
        &self,
        command: &Command,
        answer: Option<&'a Answer>,
    ) -> Option<&'a Answer> {
        let Some(answer) = answer else {
            self.write("unknown", command, None);
            return None;
        };
        let code = answer.code();
        let event = if code == "ok" { "ok" } else { "fail" };
        self.write(event, command, Some(answer));
        (!is_passing(&code)).then_some(answer)
    }

    fn write(&self, event: &str, command: &Command, answer: Option<&Answer>) {
        let line = json!({
            "at_ms": u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "event": event,
            "method": command.method,
            "key": command.key,
            "code": answer.map(Answer::code),
            "order_id": answer.and_then(order_of),
        });
        let mut files = self.files.lock().expect("nobody panics while writing");
        writeln!(files.0, "{line}").expect("the file is ours");
        if let Some(answer) = answer {
            writeln!(files.1, "{}", entry(command, answer)).expect("the file is ours");
        }
    }
}

/// One line of history: what the customer was told.
fn entry(command: &Command, answer: &Answer) -> Value {
    let order = order_of(answer);
    let status = match answer.code().as_str() {
        "ok" => answer.json()["order"]["status"]
            .as_str()
            .map(|status| status.replace("ORDER_STATUS_", "")),
        // A checkout that is refused after it was accepted names its order.
        "failed_precondition" if command.method.ends_with("/CreateOrder") => {
            order.as_ref().map(|_| "REJECTED".to_owned())
        }
        _ => None,
    };
    json!({
        "subject": command.subject,
        "method": command.method,
        "key": command.key,
        "request": command.message.to_string(),
        "code": answer.code(),
        "answer": String::from_utf8_lossy(&answer.bytes),
        "order_id": order,
        "status": status,
    })
}

/// The id of the order that an answer speaks of, of a refused one too.
pub fn order_of(answer: &Answer) -> Option<String> {
    let body = answer.json();
    if let Some(id) = body["order"]["id"].as_str() {
        return Some(id.to_owned());
    }
    let detail = body["details"][0]["value"].as_str()?;
    let bytes = STANDARD_NO_PAD.decode(detail.trim_end_matches('=')).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find("order_id")? + "order_id".len();
    // The value of a protobuf map entry: tag, length, text.
    text.get(at + 2..at + 38).map(str::to_owned)
}
