//! Passwords that their owners show while they are signed in, and change.

use call::{Caller, Scope};
use command::Work;
use events::Origin;
use futures::FutureExt;
use sql::Transaction;

use crate::App;
use crate::accounts;
use crate::domain::id::{SessionId, UserId};
use crate::domain::password::Password;
use crate::error::Error;
use crate::known_device::Acquaintance;
use crate::password::{KeptPassword, PasswordHash, Verdict};
use crate::standing;
use crate::store;
use crate::throttle::Guesser;

/// Has a person who is signed in show their own password; what it is kept as.
///
/// Who holds somebody's access token has as many guesses at the password as who has none: they are
/// counted apart from those at sign-in, so that neither uses up the other's. Whose session is over has
/// none, nor uses up the owner's.
///
/// # Errors
/// [`Error::WrongPassword`], [`Error::TooManyAttempts`], [`Error::Busy`]; those of [`standing::require`].
pub async fn prove(
    app: &App,
    caller: &Caller,
    user: UserId,
    current: Password,
) -> Result<KeptPassword, Error> {
    standing::require(app.db.read(), caller, app.clock.now()).await?;
    let guesser = Guesser::SignedIn(user);
    app.throttle.admit(&guesser, app.clock.now())?;
    let verified = verify(app, user, current).await;
    match &verified {
        Ok(_) => app.throttle.succeeded(&guesser),
        Err(Error::WrongPassword) => {}
        Err(_) => app.throttle.refund(&guesser),
    }
    verified
}

/// Refuses a password that is no longer the account's, though it was when it was compared.
///
/// # Errors
/// [`Error::WrongPassword`].
pub async fn require_still(
    txn: &Transaction,
    user: UserId,
    shown: &KeptPassword,
) -> Result<(), Error> {
    let kept = store::credential::find(txn, user).await?;
    match kept {
        Some(kept) if kept.hash == shown.hash => Ok(()),
        _ => Err(Error::WrongPassword),
    }
}

/// Replaces a person's own password and ends their sessions, but the one they do it in.
///
/// # Errors
/// [`Error::WrongPassword`], [`Error::TooManyAttempts`], [`Error::Busy`]; those of [`standing::require`].
pub async fn change(
    app: &App,
    caller: &Caller,
    (user, session): (UserId, Option<SessionId>),
    current: Password,
    next: Password,
) -> Result<Acquaintance, Error> {
    let known = prove(app, caller, user, current).await?;
    let hash = app.hasher.hash(next).await?;
    command::transact(&app.db, &app.clock, &Origin::default(), |work| {
        exchange(work, caller, (user, session), (&known, &hash)).boxed()
    })
    .await
}

async fn verify(app: &App, user: UserId, current: Password) -> Result<KeptPassword, Error> {
    let known = store::credential::find(app.db.read(), user).await?;
    let hash = known.as_ref().map(|known| known.hash.clone());
    let verdict = app.hasher.verify(current, hash).await?;
    match known {
        Some(known) if verdict != Verdict::Wrong => Ok(known),
        _ => Err(Error::WrongPassword),
    }
}

async fn exchange(
    work: &mut Work<'_>,
    caller: &Caller,
    (id, session): (UserId, Option<SessionId>),
    (known, next): (&KeptPassword, &PasswordHash),
) -> Result<Acquaintance, Error> {
    standing::require(&work.txn, caller, work.now).await?;
    accounts::find(&work.txn, Scope::Everyone, id).await?;
    require_still(&work.txn, id, known).await?;
    replace(work, id, next, session).await?;
    let since = work.now;
    Ok(Acquaintance { user: id, since })
}

/// The password that an account has now.
///
/// # Errors
/// [`Error::UserNotFound`] if it has none.
pub async fn acquaintance(app: &App, user: UserId) -> Result<Acquaintance, Error> {
    let kept = store::credential::find(app.db.read(), user).await?;
    let kept = kept.ok_or(Error::UserNotFound)?;
    Ok(Acquaintance::of(user, &kept))
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
