//! Making, changing and deleting accounts. Each command is one transaction: its idempotency
//! record, the change and the fact.

use ::store::{Transaction, retrying};
use command::{Answer, Command};
use events::Origin;
use prost::Message;
use rpc::{Roles, Scope};

use crate::App;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::domain::user::{Change, Outcome, User};
use crate::error::Error;
use crate::{event, store};

/// An account to make.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The full name, maybe empty.
    pub name: Line,
    /// The address to sign in with.
    pub email: Email,
    /// Its roles; none means customer.
    pub roles: Roles,
}

/// Makes an account, which has no password yet.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn create<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    draft: &Draft,
) -> Result<Answer<R>, Error> {
    retrying(|| create_once(app, command, draft)).await
}

async fn create_once<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    draft: &Draft,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let user = add(app, &command.origin, &txn, draft).await?;
    let answer = command.seal(&txn, R::from(user)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Adds an account within a transaction.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn add(
    app: &App,
    origin: &Origin,
    txn: &Transaction,
    draft: &Draft,
) -> Result<User, Error> {
    let (id, now) = (UserId(app.clock.id()), app.clock.now());
    let Draft { name, email, roles } = draft.clone();
    let user = User::new(id, name, email, roles, now);
    store::user::insert(txn, &user).await?;
    event::created(txn, &app.clock, origin, &user).await?;
    Ok(user)
}

/// Changes the fields of an account that are present.
///
/// # Errors
/// [`Error::LastAdmin`] if it would take the role from the last admin, [`Error::EmailTaken`].
pub async fn update<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    scope: Scope,
    id: UserId,
    change: &Change,
) -> Result<Answer<R>, Error> {
    retrying(|| update_once(app, command, scope, id, change)).await
}

async fn update_once<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    scope: Scope,
    id: UserId,
    change: &Change,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let mut user = find(&txn, id, scope).await?;
    let was_admin = user.is_active_admin();
    if user.change(change, now) == Outcome::Changed {
        if was_admin && !user.is_active_admin() {
            require_another_admin(&txn, id).await?;
        }
        save(app, command, &txn, &user).await?;
    }
    let answer = command.seal(&txn, R::from(user)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Removes an account and ends its sessions.
///
/// # Errors
/// [`Error::LastAdmin`] if nobody else could keep the accounts.
pub async fn delete<R: Message + Default>(
    app: &App,
    command: &Command,
    scope: Scope,
    id: UserId,
) -> Result<Answer<R>, Error> {
    retrying(|| delete_once(app, command, scope, id)).await
}

async fn delete_once<R: Message + Default>(
    app: &App,
    command: &Command,
    scope: Scope,
    id: UserId,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let user = find(&txn, id, scope).await?;
    if user.is_active_admin() {
        require_another_admin(&txn, id).await?;
    }
    store::user::delete(&txn, id).await?;
    event::deleted(&txn, &app.clock, &command.origin, &user).await?;
    let answer = command.seal(&txn, R::default()).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Finds an account to change, within reach of the caller.
///
/// # Errors
/// [`Error::UserNotFound`].
pub async fn find(txn: &Transaction, id: UserId, scope: Scope) -> Result<User, Error> {
    let user = store::user::find_to_change(txn, id, scope).await?;
    user.ok_or(Error::UserNotFound)
}

/// Stores a changed account and says so.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn save(
    app: &App,
    command: &Command,
    txn: &Transaction,
    user: &User,
) -> Result<(), Error> {
    store::user::update(txn, user).await?;
    event::updated(txn, &app.clock, &command.origin, user).await?;
    Ok(())
}

/// Refuses what would leave nobody to keep the accounts.
///
/// # Errors
/// [`Error::LastAdmin`].
pub async fn require_another_admin(txn: &Transaction, id: UserId) -> Result<(), Error> {
    let another = store::user::another_admin_exists(txn, id).await?;
    if another {
        Ok(())
    } else {
        Err(Error::LastAdmin)
    }
}
