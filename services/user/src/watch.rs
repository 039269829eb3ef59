//! One account's changes as they happen, read from this service's own outbox: so they arrive
//! whichever replica made them, and a cursor works on any.

use async_stream::try_stream;
use call::{Call, Caller, Scope};
use events::{Filter, Next, Recorded, Seal, Watch, WatchError};
use futures::Stream;
use proto::Fact;
use proto::event::v1::{UserCreated, UserDeleted, UserUpdated};

use crate::App;
use crate::domain::id::UserId;
use crate::domain::user::User;
use crate::error::Error;
use crate::{standing, store};

const TOPICS: &[&str] = &[UserCreated::TOPIC, UserUpdated::TOPIC, UserDeleted::TOPIC];

/// What a watcher is told.
#[derive(Clone, Debug)]
pub struct Update {
    /// What happened; none in a heartbeat.
    pub change: Option<UserEvent>,
    /// Where to resume after this.
    pub cursor: String,
    /// Whether updates were dropped before this one.
    pub gap: bool,
}

/// What happened to an account.
#[derive(Clone, Debug)]
pub enum UserEvent {
    /// It was made.
    Created(Box<User>),
    /// It changed; as it is now, which may be later than the change told of.
    Updated(Box<User>),
    /// It is gone: the last update.
    Deleted,
}

/// A watch that has begun.
#[derive(Debug)]
pub struct Open {
    watch: Watch,
    seal: Seal,
    /// Facts up to this version were there before: on PostgreSQL one may still be on its way.
    since: i64,
}

/// Follows an account within reach of the caller.
///
/// # Errors
/// [`Error::UserNotFound`], [`Error::CursorUnknown`], [`Error::CursorExpired`]; those of [`standing::require`].
pub async fn open(app: &App, call: &Call, id: UserId, cursor: &str) -> Result<Open, Error> {
    standing::require(app.db.read(), &call.caller, app.clock.now()).await?;
    let filter = Filter {
        topics: TOPICS,
        key: Some(id.to_string()),
        subject: None,
    };
    // Of all accounts: who watches one from before it was made is told that it was.
    let seal = Seal::new(app.page_signer.clone(), "user updates", "everybody");
    let opened = seal.open(cursor).map_err(|error| to_error(error, cursor));
    let (place, _) = opened?;
    let watch = app.tail.watch(filter, &place).await;
    let watch = watch.map_err(|error| to_error(error, cursor))?;
    // After the watch has begun, so that no end of the account goes unnoticed.
    let user = store::user::find(app.db.read(), call.scope, id).await?;
    let user = user.ok_or(Error::UserNotFound)?;
    let since = if cursor.is_empty() { user.version } else { 0 };
    Ok(Open { watch, seal, since })
}

/// The updates of a watch, up to the account's end; heartbeats too if they are wanted. A stream outlives the token
/// that it was asked for with, so each time there is something to tell the watcher's session must live still.
pub fn updates(
    app: App,
    caller: Caller,
    id: UserId,
    open: Open,
    heartbeats: bool,
) -> impl Stream<Item = Result<Update, Error>> {
    let Open {
        mut watch,
        seal,
        since,
    } = open;
    try_stream! {
        loop {
            let next = watch.next().await;
            let next = next.map_err(|error| to_error(error, &seal.close(watch.cursor(), 0)))?;
            let (change, gap) = match next {
                Next::Event(fact) if fact.version <= since => continue,
                Next::Event(fact) => (Some(change(&app, id, &fact).await?), false),
                Next::Gap { .. } => (Some(state(&app, id).await?), true),
                Next::Idle if heartbeats => (None, false),
                Next::Idle => continue,
            };
            let is_over = matches!(change, Some(UserEvent::Deleted));
            if change.is_some() && !is_over {
                standing::require(app.db.read(), &caller, app.clock.now()).await?;
            }
            yield Update { change, cursor: seal.close(watch.cursor(), 0), gap };
            if is_over {
                break;
            }
        }
    }
}

/// What a fact says. A fact holds less than the account, so the rest is read; an account that was
/// deleted since is told as deleted, and its last fact never comes.
async fn change(app: &App, id: UserId, fact: &Recorded) -> Result<UserEvent, Error> {
    match state(app, id).await? {
        UserEvent::Updated(user) if fact.topic == UserCreated::TOPIC => {
            Ok(UserEvent::Created(user))
        }
        change => Ok(change),
    }
}

async fn state(app: &App, id: UserId) -> Result<UserEvent, Error> {
    let user = store::user::find(app.db.read(), Scope::Everyone, id).await?;
    Ok(user.map_or(UserEvent::Deleted, |user| {
        UserEvent::Updated(Box::new(user))
    }))
}

fn to_error(error: WatchError, cursor: &str) -> Error {
    match error {
        WatchError::Invalid(_) => Error::CursorUnknown,
        WatchError::Expired => Error::CursorExpired,
        WatchError::Closing => Error::Stopping {
            cursor: cursor.to_owned(),
        },
        WatchError::Db(error) => Error::Store(error),
    }
}
