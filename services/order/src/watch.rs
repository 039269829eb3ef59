//! Following orders as they change, from the facts in this service's own outbox.
//!
//! The watch begins before the state is read, and facts that the state has already are skipped by
//! version: no change falls between. A cursor resumes after its fact, on any replica.

use std::time::Duration;

use chrono::{DateTime, Utc};
use events::{Filter, Next, Recorded, Watch, WatchError};
use futures::Stream;
use rpc::{Call, Scope};

use crate::App;
use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{Order, Status};
use crate::error::Error;
use crate::event;
use crate::store;
use crate::wire;

/// How long a resumed watch of an ended order waits for what it may have missed.
const PATIENCE: Duration = Duration::from_millis(500);
/// Orders whose state a watcher is told who missed something.
const LATEST: u64 = 20;

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// None for a heartbeat.
    pub moved: Option<Moved>,
    /// Where to resume.
    pub cursor: String,
    /// Whether updates before this one were dropped.
    pub gap: bool,
}

/// An order at one of its statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which order.
    pub order_id: String,
    /// Where it stands.
    pub status: Status,
    /// Why it ended, as the contract numbers reasons.
    pub end_reason: i32,
    /// Its version there.
    pub version: i64,
    /// Since when.
    pub changed_at: DateTime<Utc>,
}

/// The statuses of one order: the current one first, or those after `cursor`, until it ends.
///
/// # Errors
/// [`Error::OrderNotFound`] out of reach, [`Error::Watch`] for the cursor.
pub async fn status(
    app: &App,
    call: &Call,
    id: OrderId,
    cursor: String,
    heartbeats: bool,
) -> Result<impl Stream<Item = Result<Update, Error>> + Send + use<>, Error> {
    let filter = Filter {
        topics: event::TOPICS,
        key: Some(id.to_string()),
        subject: None,
    };
    let scope = call.scope;
    find(app, scope, id).await?; // out of reach: the cursor is not even looked at
    let mut watch = open(app, filter, &cursor).await?;
    let now = find(app, scope, id).await?;
    let app = app.clone();
    Ok(async_stream::try_stream! {
        let mut version = 0;
        if cursor.is_empty() {
            version = now.version;
            yield Update { moved: Some(Moved::from(&now)), cursor: watch.cursor().to_string(), gap: false };
            if now.status.is_terminal() {
                return;
            }
        }
        loop {
            // An order that has ended may have nothing more to tell to one who resumes.
            let patience = now.status.is_terminal().then_some(PATIENCE);
            let Some(next) = next(&mut watch, patience).await? else { return };
            let update = match next {
                Next::Event(fact) => Update::of(Moved::of(&fact), &fact),
                Next::Gap { cursor } => {
                    let order = find(&app, scope, id).await?;
                    Update { moved: Some(Moved::from(&order)), cursor: cursor.to_string(), gap: true }
                }
                Next::Idle if heartbeats => Update::heartbeat(&watch),
                Next::Idle => continue,
            };
            let Some(moved) = &update.moved else {
                yield update;
                continue;
            };
            if moved.version <= version {
                continue;
            }
            version = moved.version;
            let ended = moved.status.is_terminal() && version >= now.version;
            yield update;
            if ended {
                return;
            }
        }
    })
}

/// The changes of all orders of one person from now on, or after `cursor`. It does not end by itself.
///
/// # Errors
/// [`Error::UserNotFound`] out of reach, [`Error::Watch`] for the cursor.
pub async fn updates(
    app: &App,
    call: &Call,
    user: CustomerId,
    cursor: String,
    heartbeats: bool,
) -> Result<impl Stream<Item = Result<Update, Error>> + Send + use<>, Error> {
    if !call.scope.reaches(user.0) {
        return Err(Error::UserNotFound);
    }
    let filter = Filter {
        topics: event::TOPICS,
        key: None,
        subject: Some(user.0),
    };
    let mut watch = open(app, filter, &cursor).await?;
    let app = app.clone();
    Ok(async_stream::try_stream! {
        if cursor.is_empty() && heartbeats {
            yield Update::heartbeat(&watch); // tells a new watcher from where on it hears everything
        }
        loop {
            match next(&mut watch, None).await? {
                Some(Next::Event(fact)) => yield Update::of(Moved::of(&fact), &fact),
                Some(Next::Gap { cursor }) => {
                    for update in latest(&app, user, &cursor.to_string()).await? {
                        yield update;
                    }
                }
                Some(Next::Idle) if heartbeats => yield Update::heartbeat(&watch),
                Some(Next::Idle) | None => {}
            }
        }
    })
}

/// Where a person's latest orders stand, for a watcher who missed something.
async fn latest(app: &App, user: CustomerId, cursor: &str) -> Result<Vec<Update>, Error> {
    let filter = store::order::Filter {
        customer_id: user,
        status: None,
    };
    let ids = store::order::list(app.db.read(), filter, None, LATEST).await?;
    let mut updates = Vec::with_capacity(ids.len());
    for summary in ids {
        let order = find(app, Scope::Everyone, summary.id).await?;
        updates.push(Update {
            moved: Some(Moved::from(&order)),
            cursor: cursor.to_owned(),
            gap: true,
        });
    }
    Ok(updates)
}

async fn find(app: &App, scope: Scope, id: OrderId) -> Result<Order, Error> {
    store::order::find(app.db.read(), scope, id)
        .await?
        .ok_or(Error::OrderNotFound)
}

async fn open(app: &App, filter: Filter, cursor: &str) -> Result<Watch, Error> {
    let opened = app.tail.watch(filter, cursor).await;
    opened.map_err(|source| Error::Watch {
        cursor: String::new(),
        source,
    })
}

/// What comes next; none when nothing came for as long as one has `patience`.
async fn next(watch: &mut Watch, patience: Option<Duration>) -> Result<Option<Next>, Error> {
    let next = match patience {
        None => watch.next().await,
        Some(patience) => match tokio::time::timeout(patience, watch.next()).await {
            Ok(next) => next,
            Err(_) => return Ok(None),
        },
    };
    next.map(Some).map_err(|source: WatchError| Error::Watch {
        cursor: watch.cursor().to_string(),
        source,
    })
}

impl Update {
    fn of(moved: Option<Moved>, fact: &Recorded) -> Self {
        Self {
            moved,
            cursor: fact.cursor.to_string(),
            gap: false,
        }
    }

    fn heartbeat(watch: &Watch) -> Self {
        Self {
            moved: None,
            cursor: watch.cursor().to_string(),
            gap: false,
        }
    }
}

impl Moved {
    fn of(fact: &Recorded) -> Option<Self> {
        let status = event::status_of(&fact.topic)?;
        Some(Self {
            order_id: fact.key.clone(),
            status,
            end_reason: event::reason_of(status, &fact.data),
            version: fact.version,
            changed_at: fact.at,
        })
    }
}

impl From<&Order> for Moved {
    fn from(order: &Order) -> Self {
        Self {
            order_id: order.id.to_string(),
            status: order.status,
            end_reason: wire::end_reason(order.end_reason).into(),
            version: order.version,
            changed_at: order.updated_at,
        }
    }
}
