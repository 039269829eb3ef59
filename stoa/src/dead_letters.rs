//! Facts that consumers failed at, as staff are shown them: the JSON of `/dead-letters` on the admin listener, which
//! `stoa dlq` reads.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A fact that waits aside for a consumer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aside {
    /// Whose consumer it is.
    pub service: String,
    /// The consumer.
    pub group: String,
    /// How often it failed at the fact.
    pub tries: u32,
    /// When it tries next; none for a dead letter.
    pub next_at: Option<DateTime<Utc>>,
    /// Why it failed last; empty for a fact that waits behind another about the same thing.
    pub cause: String,
    /// The fact in its envelope, without what is sensitive.
    pub fact: Value,
}

/// What waits aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetAside {
    /// By service, of each the dead letters first.
    pub aside: Vec<Aside>,
    /// Whether there is more than these.
    pub more: bool,
}

/// Which dead letters are to be tried again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Redrive {
    /// Of this consumer alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Those with these ids; with none, all.
    pub event_ids: Vec<Uuid>,
}

/// How many are tried again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Redriven {
    /// That many.
    pub redriven: u64,
}
