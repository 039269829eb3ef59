//! Following orders as they change, from the facts in this service's own outbox.
//!
//! The watch begins before the state is read, and facts that the state has already are skipped by
//! version: no change falls between. A cursor resumes after its fact, on any replica.

use call::{Call, Scope};
use chrono::{DateTime, Utc};
use events::{Filter, Next, Recorded, Seal, Watch, WatchError};
use futures::Stream;

use crate::App;
use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{Order, Status};
use crate::domain::summary::{self, Summary};
use crate::error::Error;
use crate::event;
use crate::store;
use crate::wire;

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
    // The version too: what was told from the order itself may lie behind the place, so the place
    // alone would tell it again.
    let seal = Seal::new(app.page_signer.clone(), "order status", id);
    let (place, mut version) = seal.open(&cursor).map_err(unopened)?;
    let mut watch = open(app, filter, &place).await?;
    let now = find(app, scope, id).await?;
    let app = app.clone();
    Ok(async_stream::try_stream! {
        if cursor.is_empty() {
            version = now.version;
            let moved = Some(Moved::from(&now));
            yield Update { moved, cursor: seal.close(watch.cursor(), version), gap: false };
        }
        let mut ended = now.status.is_terminal() && version >= now.version;
        while !ended {
            let update = match told(watch.next().await, || seal.close(watch.cursor(), version))? {
                Next::Event(fact) => {
                    let moved = Moved::of(&fact).filter(|moved| moved.version > version);
                    let Some(moved) = moved else { continue };
                    let cursor = seal.close(fact.cursor, moved.version);
                    Update { moved: Some(moved), cursor, gap: false }
                }
                Next::Gap { cursor } => {
                    let order = find(&app, scope, id).await?;
                    let cursor = seal.close(cursor, order.version);
                    Update { moved: Some(Moved::from(&order)), cursor, gap: true }
                }
                Next::Idle if heartbeats => {
                    Update { moved: None, cursor: seal.close(watch.cursor(), version), gap: false }
                }
                Next::Idle => continue,
            };
            if let Some(moved) = &update.moved {
                version = moved.version;
                ended = moved.status.is_terminal() && version >= now.version;
            }
            yield update;
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
    let seal = Seal::new(app.page_signer.clone(), "order updates", user.0);
    let (place, _) = seal.open(&cursor).map_err(unopened)?;
    let mut watch = open(app, filter, &place).await?;
    let app = app.clone();
    Ok(async_stream::try_stream! {
        if cursor.is_empty() && heartbeats {
            yield Update::heartbeat(&watch, &seal); // tells a new watcher from where on it hears everything
        }
        loop {
            match told(watch.next().await, || seal.close(watch.cursor(), 0))? {
                Next::Event(fact) => yield Update::of(&fact, &seal),
                Next::Gap { cursor } => {
                    for update in latest(&app, user, &seal.close(cursor, 0)).await? {
                        yield update;
                    }
                }
                Next::Idle if heartbeats => yield Update::heartbeat(&watch, &seal),
                Next::Idle => {}
            }
        }
    })
}

/// Where a person's latest orders stand, for a watcher who missed something.
async fn latest(app: &App, user: CustomerId, cursor: &str) -> Result<Vec<Update>, Error> {
    let filter = summary::OrderFilter {
        customer_id: user,
        status: None,
    };
    let orders = store::order::list(app.db.read(), filter, None, LATEST).await?;
    let update = |order: &Summary| Update {
        moved: Some(Moved {
            order_id: order.id.to_string(),
            status: order.status,
            end_reason: wire::end_reason(order.end_reason).into(),
            version: order.version,
            changed_at: order.updated_at,
        }),
        cursor: cursor.to_owned(),
        gap: true,
    };
    Ok(orders.iter().map(update).collect())
}

async fn find(app: &App, scope: Scope, id: OrderId) -> Result<Order, Error> {
    store::order::find(app.db.read(), scope, id)
        .await?
        .ok_or(Error::OrderNotFound)
}

async fn open(app: &App, filter: Filter, cursor: &str) -> Result<Watch, Error> {
    app.tail.watch(filter, cursor).await.map_err(unopened)
}

fn unopened(source: WatchError) -> Error {
    let cursor = String::new();
    Error::Watch { cursor, source }
}

/// What a watch told; where it ended, with the cursor to resume from.
fn told(next: Result<Next, WatchError>, cursor: impl FnOnce() -> String) -> Result<Next, Error> {
    next.map_err(|source| Error::Watch {
        cursor: cursor(),
        source,
    })
}

impl Update {
    fn of(fact: &Recorded, seal: &Seal) -> Self {
        Self {
            moved: Moved::of(fact),
            cursor: seal.close(fact.cursor, 0),
            gap: false,
        }
    }

    fn heartbeat(watch: &Watch, seal: &Seal) -> Self {
        Self {
            moved: None,
            cursor: seal.close(watch.cursor(), 0),
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
