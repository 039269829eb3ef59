//! Whether a person who calls may still act. A token tells by itself who shows it and is good until it expires; that
//! suffices elsewhere. Here sessions end and people are blocked, mostly since somebody else has the token, so here that
//! is asked of every call to do with an account.

use call::{Caller, Scope};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::domain::id::{SessionId, UserId};
use crate::error::Error;
use crate::store;

/// Refuses a person whose session is over, or who is blocked. To be asked in the transaction of whatever it guards.
///
/// A service has no session. Neither has whom another issuer vouches for: of them the block alone is asked.
///
/// # Errors
/// [`Error::Blocked`], whatever became of the session; [`Error::SessionOver`].
pub async fn require(
    db: &impl ConnectionTrait,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Caller::User(user) = caller else {
        return Ok(());
    };
    let id = UserId(user.id);
    if let Some(session) = user.session.map(SessionId)
        && store::session::lives(db, id, session, now).await?
    {
        return Ok(()); // a block ends all sessions, and nobody who is blocked begins one
    }
    let account = store::user::find(db, Scope::Everyone, id).await?;
    if account.is_some_and(|account| account.is_blocked()) {
        return Err(Error::Blocked);
    }
    match user.session {
        Some(_) => Err(Error::SessionOver),
        None => Ok(()),
    }
}
