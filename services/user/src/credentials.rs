//! Passwords that their owners change.

use call::Scope;
use command::Work;
use events::Origin;
use futures::FutureExt;

use crate::App;
use crate::domain::id::{SessionId, UserId};
use crate::domain::password::Password;
use crate::error::Error;
use crate::password::{PasswordHash, Verdict};
use crate::store;
use crate::throttle::Guesser;

/// Replaces a person's own password and ends their sessions, but the one they do it in.
///
/// Who holds somebody's access token has as many guesses at the password as who has none: they are
/// counted apart from those at sign-in, so that neither uses up the other's.
///
/// # Errors
/// [`Error::WrongPassword`], [`Error::TooManyAttempts`], [`Error::Blocked`], [`Error::Busy`].
pub async fn change(
    app: &App,
    (user, session): (UserId, Option<SessionId>),
    current: Password,
    next: Password,
) -> Result<(), Error> {
    let guesser = Guesser::SignedIn(user);
    app.throttle.admit(&guesser, app.clock.now())?;
    let verified = verify(app, user, current).await;
    match &verified {
        Ok(_) => app.throttle.succeeded(&guesser),
        Err(Error::WrongPassword) => {}
        Err(_) => app.throttle.refund(&guesser),
    }
    let known = verified?;
    let hash = app.hasher.hash(next).await?;
    command::transact(&app.db, &app.clock, &Origin::default(), |work| {
        exchange(work, (user, session), &known, &hash).boxed()
    })
    .await
}

async fn verify(app: &App, user: UserId, current: Password) -> Result<PasswordHash, Error> {
    let known = store::credential::find(app.db.read(), user).await?;
    let known = known.map(|known| known.hash);
    let verdict = app.hasher.verify(current, known.clone()).await?;
    match known {
        Some(known) if verdict != Verdict::Wrong => Ok(known),
        _ => Err(Error::WrongPassword),
    }
}

async fn exchange(
    work: &mut Work<'_>,
    (id, session): (UserId, Option<SessionId>),
    known: &PasswordHash,
    next: &PasswordHash,
) -> Result<(), Error> {
    let user = store::user::find_to_change(&work.txn, Scope::Everyone, id).await?;
    if user.ok_or(Error::UserNotFound)?.is_blocked() {
        return Err(Error::Blocked);
    }
    let kept = store::credential::find(&work.txn, id).await?;
    if kept.is_none_or(|kept| kept.hash != *known) {
        return Err(Error::WrongPassword); // changed while the new one was being hashed
    }
    replace(work, id, next, session).await
}

/// Sets an account's password. No letter that was sent sets another, and all its sessions end but
/// one, if one is to be kept.
///
/// # Errors
/// The database failed.
pub async fn replace(
    work: &mut Work<'_>,
    user: UserId,
    hash: &PasswordHash,
    kept: Option<SessionId>,
) -> Result<(), Error> {
    store::credential::put(&work.txn, user, hash, work.now).await?;
    store::password_reset::delete(&work.txn, user).await?;
    match kept {
        Some(kept) => store::session::delete_others_of(&work.txn, user, kept).await?,
        None => store::session::delete_all_of(&work.txn, user).await?,
    }
    Ok(())
}
