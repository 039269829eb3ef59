//! What staff do to other people's accounts: blocks and passwords. Each command is one
//! transaction: its idempotency record, the change and the fact.

use ::store::retrying;
use command::{Answer, Command};
use prost::Message;
use rpc::{Caller, Role, Scope};

use crate::App;
use crate::accounts::{find, require_another_admin, save};
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::domain::user::{Outcome, User};
use crate::error::Error;
use crate::password::PasswordHash;
use crate::store;

/// Blocks an account and ends its sessions.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin blocks staff, [`Error::LastAdmin`] if
/// nobody could unblock the account again.
pub async fn block<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    caller: &Caller,
    id: UserId,
    reason: &Line,
) -> Result<Answer<R>, Error> {
    retrying(|| block_once(app, command, caller, id, reason)).await
}

async fn block_once<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    caller: &Caller,
    id: UserId,
    reason: &Line,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let mut user = find(&txn, id, Scope::Everyone).await?;
    require_power_over(caller, &user)?;
    let was_admin = user.is_active_admin();
    if user.block(reason, now) == Outcome::Changed {
        if was_admin {
            require_another_admin(&txn, id).await?;
        }
        store::session::delete_all_of(&txn, id).await?;
        save(app, command, &txn, &user).await?;
    }
    let answer = command.seal(&txn, R::from(user)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Restores what [`block`] took away.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin unblocks staff.
pub async fn unblock<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    caller: &Caller,
    id: UserId,
) -> Result<Answer<R>, Error> {
    retrying(|| unblock_once(app, command, caller, id)).await
}

async fn unblock_once<R: From<User> + Message + Default>(
    app: &App,
    command: &Command,
    caller: &Caller,
    id: UserId,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let mut user = find(&txn, id, Scope::Everyone).await?;
    require_power_over(caller, &user)?;
    if user.unblock(now) == Outcome::Changed {
        save(app, command, &txn, &user).await?;
    }
    let answer = command.seal(&txn, R::from(user)).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Replaces an account's password and ends its sessions.
///
/// # Errors
/// [`Error::UserNotFound`].
pub async fn set_password<R: Message + Default>(
    app: &App,
    command: &Command,
    id: UserId,
    hash: &PasswordHash,
) -> Result<Answer<R>, Error> {
    retrying(|| set_password_once(app, command, id, hash)).await
}

async fn set_password_once<R: Message + Default>(
    app: &App,
    command: &Command,
    id: UserId,
    hash: &PasswordHash,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let user = find(&txn, id, Scope::Everyone).await?;
    store::credential::put(&txn, user.id, hash, now).await?;
    store::session::delete_all_of(&txn, user.id).await?;
    let answer = command.seal(&txn, R::default()).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Support staff keep customers in order; only an admin keeps staff.
fn require_power_over(caller: &Caller, user: &User) -> Result<(), Error> {
    if caller.has_role(Role::Admin) || !user.is_staff() {
        Ok(())
    } else {
        Err(Error::StaffAccount)
    }
}
