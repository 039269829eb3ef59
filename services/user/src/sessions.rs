//! Signing up, in and out, and the sessions that come of it.

use call::{Call, Caller, Scope};
use chrono::{DateTime, Utc};
use command::Work;
use events::Origin;
use futures::FutureExt;

use crate::App;
use crate::accounts::{self, NewAccount};
use crate::domain::device::DeviceName;
use crate::domain::email::{Email, EmailKey};
use crate::domain::id::{SessionId, UserId};
use crate::domain::password::Password;
use crate::domain::session::{RefreshOutcome, RefreshToken, Session};
use crate::domain::user::User;
use crate::error::Error;
use crate::known_device::{Acquaintance, KnownDevice};
use crate::password::{self, KeptPassword, PasswordHash};
use crate::standing;
use crate::store;
use crate::throttle::Guesser;

/// Somebody who has proved who they are.
#[derive(Debug)]
pub struct SignedIn {
    /// Their account.
    pub user: User,
    /// By which of their sessions.
    pub session: SessionId,
    /// What gets them the next access token.
    pub refresh_token: RefreshToken,
    /// When the session ends.
    pub expires_at: DateTime<Utc>,
}

/// What somebody signs in on.
#[derive(Clone, Debug)]
pub struct Device<'a> {
    /// What it calls itself.
    pub name: DeviceName,
    /// What it shows of earlier times, see [`KnownDevice`].
    pub shown: &'a str,
}

/// Makes a customer's account and signs them in, by the password that they chose.
///
/// # Errors
/// [`Error::EmailTaken`], [`Error::Busy`].
pub async fn sign_up(
    app: &App,
    call: &Call,
    draft: &NewAccount,
    password: Password,
    device: &DeviceName,
) -> Result<(SignedIn, Acquaintance), Error> {
    let hash = app.hasher.hash(password).await?;
    let origin = command::origin(call);
    command::transact(&app.db, &app.clock, &origin, |work| {
        enrol(app, work, draft, &hash, device).boxed()
    })
    .await
}

async fn enrol(
    app: &App,
    work: &mut Work<'_>,
    draft: &NewAccount,
    hash: &PasswordHash,
    device: &DeviceName,
) -> Result<(SignedIn, Acquaintance), Error> {
    let user = accounts::add(work, draft).await?;
    store::credential::put(&work.txn, user.id, hash, work.now).await?;
    let (user_id, since) = (user.id, work.now);
    let signed_in = start_session(app, work, user, device).await?;
    let by = Acquaintance {
        user: user_id,
        since,
    };
    Ok((signed_in, by))
}

/// Signs in who knows the password. An unknown address, an account without a password and a
/// wrong password answer alike, in equal time. Whoever comes with a device that the account knows
/// is not held up by what strangers have tried.
///
/// # Errors
/// [`Error::WrongCredentials`], [`Error::Blocked`], [`Error::TooManyAttempts`], [`Error::Busy`].
pub async fn sign_in(
    app: &App,
    email: &Email,
    password: Password,
    device: &Device<'_>,
) -> Result<(SignedIn, Acquaintance), Error> {
    let address = email.key();
    let known = KnownDevice::find(&app.page_signer, device.shown, &address);
    let mut guesser = match known {
        Some(known) => Guesser::Known(known.id()),
        None => Guesser::Strangers(address),
    };
    app.throttle.admit(&guesser, app.clock.now())?;
    let found = find(app, &email.key()).await;
    let (id, kept) = found.inspect_err(|_| app.throttle.refund(&guesser))?;
    let by = kept.as_ref().map(|kept| Acquaintance::of(id, kept));
    if let Some(known) = known
        && !by.is_some_and(|by| known.is_known_by(by))
    {
        app.throttle.refund(&guesser);
        guesser = Guesser::Strangers(email.key());
        app.throttle.admit(&guesser, app.clock.now())?;
    }
    let hash = kept.map(|kept| kept.hash);
    let verified = verify(app, id, hash, password).await;
    match &verified {
        Ok(_) => app.throttle.succeeded(&guesser),
        Err(Error::WrongCredentials) => {}
        Err(_) => app.throttle.refund(&guesser),
    }
    let (id, hash, verdict) = verified?;
    command::transact(&app.db, &app.clock, &Origin::default(), |work| {
        admit(app, work, id, (&hash, &verdict), &device.name).boxed()
    })
    .await
}

/// Finds the account of an address and its password; with an unknown one it asks the database as
/// often.
async fn find(app: &App, address: &EmailKey) -> Result<(UserId, Option<KeptPassword>), Error> {
    let user = store::user::find_by_email(app.db.read(), address).await?;
    let id = user.map_or(UserId(uuid::Uuid::nil()), |user| user.id);
    Ok((id, store::credential::find(app.db.read(), id).await?))
}

/// Compares the password; where there is none it hashes as often.
async fn verify(
    app: &App,
    id: UserId,
    hash: Option<PasswordHash>,
    password: Password,
) -> Result<(UserId, PasswordHash, password::Verdict), Error> {
    let verdict = app.hasher.verify(password, hash.clone()).await?;
    match hash {
        Some(hash) if verdict != password::Verdict::Wrong => Ok((id, hash, verdict)),
        _ => Err(Error::WrongCredentials),
    }
}

async fn admit(
    app: &App,
    work: &mut Work<'_>,
    id: UserId,
    (hash, verdict): (&PasswordHash, &password::Verdict),
    device: &DeviceName,
) -> Result<(SignedIn, Acquaintance), Error> {
    let user = store::user::find(&work.txn, Scope::Everyone, id).await?;
    let user = user.ok_or(Error::WrongCredentials)?;
    let kept = store::credential::find(&work.txn, id).await?;
    let Some(kept) = kept.filter(|kept| kept.hash == *hash) else {
        return Err(Error::WrongCredentials); // changed while the password was being hashed
    };
    if user.is_blocked() {
        return Err(Error::Blocked);
    }
    if let password::Verdict::Rehashed(hash) = verdict {
        store::credential::rehash(&work.txn, id, hash).await?;
    }
    let signed_in = start_session(app, work, user, device).await?;
    Ok((signed_in, Acquaintance::of(id, &kept)))
}

async fn start_session(
    app: &App,
    work: &Work<'_>,
    user: User,
    device: &DeviceName,
) -> Result<SignedIn, Error> {
    let (id, life) = (SessionId(work.id()), app.config.session_life());
    let secrets = (app.clock.random(), app.clock.random());
    let (mut session, refresh_token) = Session::start(id, user.id, secrets, work.now, life);
    session.device = device.clone();
    store::session::end_oldest_of(&work.txn, user.id).await?;
    store::session::insert(&work.txn, &session).await?;
    Ok(SignedIn {
        user,
        session: id,
        refresh_token,
        expires_at: session.expires_at,
    })
}

/// Exchanges a refresh token for its successor. A token that comes too late ends its session.
///
/// # Errors
/// [`Error::SessionOver`].
pub async fn refresh(app: &App, token: &RefreshToken) -> Result<SignedIn, Error> {
    let origin = Origin::default();
    let exchanged = command::transact(&app.db, &app.clock, &origin, |work| {
        exchange(app, work, token).boxed()
    });
    exchanged.await?.ok_or(Error::SessionOver)
}

/// None if the token was used before: its session ends with that, which must be stored.
async fn exchange(
    app: &App,
    work: &mut Work<'_>,
    token: &RefreshToken,
) -> Result<Option<SignedIn>, Error> {
    let session = store::session::find_to_change(&work.txn, token.session()).await?;
    let mut session = session.ok_or(Error::SessionOver)?;
    let (nonce, grace) = (app.clock.random(), app.config.refresh_grace());
    let refresh_token = match session.present(token, nonce, work.now, grace) {
        RefreshOutcome::Rotated(successor) => {
            store::session::update(&work.txn, &session).await?;
            successor
        }
        RefreshOutcome::Again(successor) => successor,
        RefreshOutcome::Reused => {
            store::session::delete(&work.txn, session.id).await?;
            work.then(move || {
                tracing::warn!(
                    user.id = %session.user_id,
                    session.id = %session.id,
                    "Ended a session whose refresh token was used twice",
                );
            });
            return Ok(None);
        }
        RefreshOutcome::Expired | RefreshOutcome::Forged => return Err(Error::SessionOver),
    };
    let user = store::user::find(&work.txn, Scope::Everyone, session.user_id).await?;
    let user = user
        .filter(|user| !user.is_blocked())
        .ok_or(Error::SessionOver)?;
    Ok(Some(SignedIn {
        user,
        session: session.id,
        refresh_token,
        expires_at: session.expires_at,
    }))
}

/// Which sessions to end.
#[derive(Debug)]
pub enum Ending {
    /// The one of this token.
    One(RefreshToken),
    /// All of the caller's.
    All,
}

/// Ends sessions of a person; one that is over, or somebody else's, is left as it is.
///
/// A refresh token opens its session, so whoever has it may end that one, by whatever session they call.
///
/// # Errors
/// Of [`Ending::All`] those of [`standing::require`], while there is a session to end.
pub async fn sign_out(
    app: &App,
    caller: &Caller,
    user: UserId,
    ending: &Ending,
) -> Result<(), Error> {
    command::transact(&app.db, &app.clock, &Origin::default(), |work| {
        end(work, caller, user, ending).boxed()
    })
    .await
}

async fn end(
    work: &mut Work<'_>,
    caller: &Caller,
    user: UserId,
    ending: &Ending,
) -> Result<(), Error> {
    match ending {
        Ending::All => {
            if !store::session::any_lives(&work.txn, user, work.now).await? {
                return Ok(()); // a repeat, whose own session has ended with the others
            }
            standing::require(&work.txn, caller, work.now).await?;
            store::session::delete_all_of(&work.txn, user).await?;
        }
        Ending::One(token) => {
            let session = store::session::find_to_change(&work.txn, token.session()).await?;
            let own = |session: &Session| session.user_id == user && session.handed_out(token);
            if let Some(session) = session.filter(own) {
                store::session::delete(&work.txn, session.id).await?;
            }
        }
    }
    Ok(())
}

/// A person's sessions that are not over, the last used first.
///
/// # Errors
/// Those of [`standing::require`].
pub async fn list(app: &App, caller: &Caller, user: UserId) -> Result<Vec<Session>, Error> {
    let now = app.clock.now();
    standing::require(app.db.read(), caller, now).await?;
    let mut sessions = store::session::list_of(app.db.read(), user, now).await?;
    sessions
        .sort_unstable_by_key(|session| std::cmp::Reverse((session.last_used_at(), session.id)));
    Ok(sessions)
}

/// Ends one of a person's sessions.
///
/// # Errors
/// [`Error::SessionNotFound`] for one that is over or somebody else's; those of [`standing::require`].
pub async fn end_one(app: &App, caller: &Caller, user: UserId, id: SessionId) -> Result<(), Error> {
    let origin = Origin::default();
    let ended = command::transact(&app.db, &app.clock, &origin, |work| {
        async move {
            standing::require(&work.txn, caller, work.now).await?;
            Ok::<_, Error>(store::session::delete_of(&work.txn, user, id).await?)
        }
        .boxed()
    });
    match ended.await? {
        true => Ok(()),
        false => Err(Error::SessionNotFound),
    }
}
