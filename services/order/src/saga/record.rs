//! All that must survive a crash for a saga to be carried on by whoever finds it.

use chrono::{DateTime, TimeDelta, Utc};
use events::Origin;
use sql::idempotency::Key;
use uuid::Uuid;

use crate::domain::order::Order;
use crate::domain::payment_method::PaymentMethod;
use crate::saga::checkout::State;

/// An order's saga as it is stored.
#[derive(Clone, Debug)]
pub struct Saga {
    /// How far it is.
    pub state: State,
    /// Rises with each change, so that of two drivers only one writes.
    pub revision: i64,
    /// What its calls and facts are traced to: the request that placed the order.
    pub origin: Origin,
    /// How the customer pays.
    pub payment_method: PaymentMethod,
    /// The key under which the answer of CreateOrder is to be sealed.
    pub key: Option<Key>,
    /// Who drives it; none when nothing is pending.
    pub lease: Option<Lease>,
}

/// The right to drive a saga for a while, renewed for as long as it is driven. It saves work; what keeps effects
/// single is that each is guarded by its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The driver, a new id per start of the process.
    pub owner: Uuid,
    /// Until when nobody else should drive.
    pub until: DateTime<Utc>,
}

impl Lease {
    /// How long a dead driver keeps others from its sagas.
    pub const LENGTH: TimeDelta = TimeDelta::seconds(4);

    /// One that begins now.
    pub fn new(owner: Uuid, now: DateTime<Utc>) -> Self {
        let until = now + Self::LENGTH;
        Self { owner, until }
    }
}

/// An order together with its saga.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the customer sees.
    pub order: Order,
    /// How far it is.
    pub saga: Saga,
}

/// One line of an order's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The step, undo or status.
    pub step: String,
    /// What kind of line it is.
    pub kind: LogKind,
    /// Which try, from 1; 0 for a status.
    pub attempt: i32,
    /// What came of it, in a word.
    pub outcome: String,
    /// How long the peer took.
    pub duration_ms: i64,
    /// The trace in which it happened.
    pub trace_id: String,
}

/// What a line of the timeline tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// A try of a step.
    Step,
    /// A try of an undo.
    Undo,
    /// A status the order came to.
    Status,
}

impl LogKind {
    /// The kind as the contract and the database name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Undo => "undo",
            Self::Status => "status",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Step, Self::Undo, Self::Status]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}
