//! What may be done to accounts. Each function works inside the transaction of its command, whose
//! begin and commit stand in [`crate::command::once`].

use ::store::Transaction;
use rpc::{Call, Role, Roles, Scope};

use crate::App;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::domain::user::{Change, Outcome, User};
use crate::error::Error;
use crate::password::PasswordHash;
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
pub async fn create(
    app: &App,
    call: &Call,
    txn: &Transaction,
    draft: &Draft,
) -> Result<User, Error> {
    let (id, now) = (UserId(app.clock.id()), app.clock.now());
    let user = User::new(
        id,
        draft.name.clone(),
        draft.email.clone(),
        draft.roles,
        now,
    );
    store::user::insert(txn, &user).await?;
    event::created(txn, &app.clock, &event::origin(call), &user).await?;
    Ok(user)
}

/// Changes the fields of an account that are present.
///
/// # Errors
/// [`Error::LastAdmin`] if it would take the role from the last admin, [`Error::EmailTaken`].
pub async fn update(
    app: &App,
    call: &Call,
    txn: &Transaction,
    id: UserId,
    change: &Change,
) -> Result<User, Error> {
    let mut user = find(txn, id, call.scope).await?;
    let was_admin = user.is_active_admin();
    if user.change(change, app.clock.now()) == Outcome::Changed {
        if was_admin && !user.is_active_admin() {
            require_another_admin(txn, id).await?;
        }
        save(app, call, txn, &user).await?;
    }
    Ok(user)
}

/// Removes an account and ends its sessions.
///
/// # Errors
/// [`Error::LastAdmin`] if nobody else could keep the accounts.
pub async fn delete(app: &App, call: &Call, txn: &Transaction, id: UserId) -> Result<(), Error> {
    let user = find(txn, id, call.scope).await?;
    if user.is_active_admin() {
        require_another_admin(txn, id).await?;
    }
    store::user::delete(txn, id).await?;
    event::deleted(txn, &app.clock, &event::origin(call), &user).await?;
    Ok(())
}

/// Blocks an account and ends its sessions.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin blocks staff, [`Error::LastAdmin`] if
/// nobody could unblock the account again.
pub async fn block(
    app: &App,
    call: &Call,
    txn: &Transaction,
    id: UserId,
    reason: &Line,
) -> Result<User, Error> {
    let mut user = find(txn, id, call.scope).await?;
    require_power_over(call, &user)?;
    let was_admin = user.is_active_admin();
    if user.block(reason, app.clock.now()) == Outcome::Changed {
        if was_admin {
            require_another_admin(txn, id).await?;
        }
        store::session::delete_all_of(txn, id).await?;
        save(app, call, txn, &user).await?;
    }
    Ok(user)
}

/// Restores what [`block`] took away.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin unblocks staff.
pub async fn unblock(app: &App, call: &Call, txn: &Transaction, id: UserId) -> Result<User, Error> {
    let mut user = find(txn, id, call.scope).await?;
    require_power_over(call, &user)?;
    if user.unblock(app.clock.now()) == Outcome::Changed {
        save(app, call, txn, &user).await?;
    }
    Ok(user)
}

/// Replaces an account's password and ends its sessions.
///
/// # Errors
/// [`Error::UserNotFound`].
pub async fn set_password(
    app: &App,
    call: &Call,
    txn: &Transaction,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Error> {
    let user = find(txn, id, call.scope).await?;
    store::credential::put(txn, user.id, hash, app.clock.now()).await?;
    store::session::delete_all_of(txn, user.id).await?;
    Ok(())
}

async fn find(txn: &Transaction, id: UserId, scope: Scope) -> Result<User, Error> {
    store::user::find_to_change(txn, id, scope)
        .await?
        .ok_or(Error::UserNotFound)
}

async fn save(app: &App, call: &Call, txn: &Transaction, user: &User) -> Result<(), Error> {
    store::user::update(txn, user).await?;
    event::updated(txn, &app.clock, &event::origin(call), user).await?;
    Ok(())
}

async fn require_another_admin(txn: &Transaction, id: UserId) -> Result<(), Error> {
    let another = store::user::another_admin_exists(txn, id).await?;
    if another {
        Ok(())
    } else {
        Err(Error::LastAdmin)
    }
}

/// Support staff keep customers in order; only an admin keeps staff.
fn require_power_over(call: &Call, user: &User) -> Result<(), Error> {
    let allowed = call.caller.has_role(Role::Admin) || !user.is_staff();
    if allowed {
        Ok(())
    } else {
        Err(Error::StaffAccount)
    }
}
