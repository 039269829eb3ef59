//! Passwords that were forgotten: a letter with a token, and a new password by that token.
//!
//! Who asks is answered before anybody looks whose address it is, so that the answer and its time
//! are the same for all addresses. What was asked and not yet looked at is lost with the process:
//! then no letter comes, and it is asked for again.

use std::sync::Arc;

use call::{Call, Scope};
use chrono::{DateTime, Utc};
use command::Work;
use edge::Service;
use events::Origin;
use futures::FutureExt;
use tokio::sync::{Mutex, mpsc};

use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::password::{Owner, Password};
use crate::domain::password_reset::{LIFE, PasswordReset, ResetToken};
use crate::domain::user::User;
use crate::error::Error;
use crate::mailbox::{DevMailbox, Letter};
use crate::password::PasswordHash;
use crate::throttle::Guesser;
use crate::{App, credentials, store};

/// Letters that wait to be written before more are refused, whoever they are for.
const WAITING_MAX: usize = 256;
/// The page of the web client that takes the token. It stands behind a `#`, which no browser tells
/// to any server.
const PAGE: &str = "/account/reset-password#";

/// Where to ask for letters, if there is a way for them; cheap to clone.
#[derive(Clone)]
pub struct Letterbox(Option<mpsc::Sender<Email>>);

/// Who writes the letters.
pub struct Clerk {
    asked: Arc<Mutex<mpsc::Receiver<Email>>>,
    mailbox: DevMailbox,
    shop_url: String,
}

/// A letterbox, and who empties it, if there is a mailbox to write to.
pub fn letterbox(app: &crate::Config) -> (Letterbox, Option<Clerk>) {
    let (Some(folder), Some(shop_url)) = (&app.mail_folder, &app.shop_url) else {
        return (Letterbox(None), None);
    };
    let (ask, asked) = mpsc::channel(WAITING_MAX);
    let clerk = Clerk {
        asked: Arc::new(Mutex::new(asked)),
        mailbox: DevMailbox::new(folder.clone()),
        shop_url: shop_url.clone(),
    };
    (Letterbox(Some(ask)), Some(clerk))
}

/// Asks for a letter to an address, whosever it is. Test traffic sends none.
///
/// # Errors
/// [`Error::NoLetters`], [`Error::Busy`].
pub fn request(app: &App, call: &Call, email: Email) -> Result<(), Error> {
    let ask = app.letterbox.0.as_ref().ok_or(Error::NoLetters)?;
    if call.synthetic {
        return Ok(());
    }
    ask.try_send(email).map_err(|_| Error::Busy)
}

impl Clerk {
    /// Has a service write its letters in the background.
    pub fn at_work(self, service: Service, app: &App) -> Service {
        let (clerk, app) = (Arc::new(self), app.clone());
        service.background("letters", move |shutdown| {
            let (clerk, app) = (clerk.clone(), app.clone());
            async move {
                let writing = clerk.write_all(&app);
                shutdown.run_until_cancelled(writing).await;
            }
        })
    }

    async fn write_all(&self, app: &App) {
        let mut asked = self.asked.lock().await;
        while let Some(email) = asked.recv().await {
            if let Err(error) = self.write(app, &email).await {
                let cause = call::error::chain(&error);
                tracing::warn!(%cause, "A letter about a forgotten password was not written");
            }
        }
    }

    async fn write(&self, app: &App, email: &Email) -> Result<(), Error> {
        let user = store::user::find_by_email(app.db.read(), &email.key()).await?;
        let Some(id) = user.map(|user| user.id) else {
            return Ok(());
        };
        let origin = Origin::default();
        let started = command::transact(&app.db, &app.clock, &origin, |work| {
            start(app, work, id, email).boxed()
        });
        let Some((to, token)) = started.await? else {
            return Ok(());
        };
        let letter = self.letter(to, &token, app.clock.now());
        if let Err(error) = self.mailbox.put(app.clock.id(), letter).await {
            // Nobody has the token: the next who asks gets another.
            command::transact(&app.db, &app.clock, &origin, |work| {
                forget(work, &token).boxed()
            })
            .await?;
            return Err(error);
        }
        tracing::info!(user.id = %id, "Wrote a letter about a forgotten password");
        Ok(())
    }

    fn letter(&self, to: Email, token: &ResetToken, now: DateTime<Utc>) -> Letter {
        let (shop, token, minutes) = (&self.shop_url, token.reveal(), LIFE.num_minutes());
        let body = format!(
            "Somebody, you we hope, asked for a new password of your account.\n\n\
             Choose it here, within {minutes} minutes:\n\n{shop}{PAGE}{token}\n\n\
             If it was not you, do nothing: your password stays as it is.\n"
        );
        Letter {
            to,
            subject: "Choose a new password",
            body,
            date: now,
        }
    }
}

/// Makes a token, and says which address its letter goes to. None if the address is no longer the account's, or if
/// the last one was asked for a short while ago.
async fn start(
    app: &App,
    work: &mut Work<'_>,
    id: UserId,
    email: &Email,
) -> Result<Option<(Email, ResetToken)>, Error> {
    let user = store::user::find_to_change(&work.txn, Scope::Everyone, id).await?;
    let user = user.filter(|user| !user.is_blocked() && user.email.key() == email.key());
    let Some(user) = user else {
        return Ok(None);
    };
    let last = store::password_reset::find_to_change(&work.txn, id).await?;
    if last.is_some_and(|last| last.is_fresh(work.now)) {
        return Ok(None);
    }
    let (reset, token) = PasswordReset::start(id, app.clock.random(), work.now);
    store::password_reset::put(&work.txn, &reset).await?;
    Ok(Some((user.email, token)))
}

async fn forget(work: &mut Work<'_>, token: &ResetToken) -> Result<(), Error> {
    Ok(store::password_reset::delete_token(&work.txn, &token.hash()).await?)
}

/// Sets a new password by the token of a letter, and ends all sessions. Whoever was locked out by
/// wrong passwords may sign in at once. Returns whose password it was.
///
/// # Errors
/// [`Error::BadResetToken`], [`Error::BadPassword`], [`Error::Blocked`], [`Error::Busy`].
pub async fn reset(app: &App, token: &ResetToken, password: &str) -> Result<User, Error> {
    let found = store::password_reset::find_by_token(app.db.read(), &token.hash()).await?;
    let found = found.filter(|found| found.is_good(app.clock.now()));
    let id = found.ok_or(Error::BadResetToken)?.user_id;
    let user = store::user::find(app.db.read(), Scope::Everyone, id).await?;
    let user = user.ok_or(Error::BadResetToken)?;
    let owner = Owner {
        email: user.email.as_str(),
        name: &user.name,
    };
    let password = Password::chosen(password, owner)?;
    let hash = app.hasher.hash(password).await?;
    let user = command::transact(&app.db, &app.clock, &Origin::default(), |work| {
        redeem(work, id, token, &hash).boxed()
    })
    .await?;
    let strangers = Guesser::Strangers(user.email.key());
    app.throttle.succeeded(&strangers);
    Ok(user)
}

async fn redeem(
    work: &mut Work<'_>,
    id: UserId,
    token: &ResetToken,
    hash: &PasswordHash,
) -> Result<User, Error> {
    let user = store::user::find_to_change(&work.txn, Scope::Everyone, id).await?;
    let user = user.ok_or(Error::BadResetToken)?;
    let found = store::password_reset::find_to_change(&work.txn, id).await?;
    let good = |found: &PasswordReset| found.token_hash == token.hash() && found.is_good(work.now);
    if !found.as_ref().is_some_and(good) {
        return Err(Error::BadResetToken); // used or replaced while the password was being hashed
    }
    // A program of the version before sets passwords and leaves tokens as they are.
    let kept = store::credential::find(&work.txn, id).await?;
    if kept.is_some_and(|kept| found.is_some_and(|found| kept.since > found.created_at)) {
        return Err(Error::BadResetToken);
    }
    if user.is_blocked() {
        return Err(Error::Blocked);
    }
    credentials::replace(work, id, hash, None).await?;
    Ok(user)
}
