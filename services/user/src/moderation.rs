//! What staff do to other people's accounts: blocks and passwords.

use call::{Caller, Role, Scope};
use command::Work;

use crate::accounts::{find, require_another_admin, save};
use crate::domain::id::UserId;
use crate::domain::line::SingleLine;
use crate::domain::user::{Effect, User};
use crate::error::Error;
use crate::password::PasswordHash;
use crate::{credentials, standing, store};

/// Blocks an account and ends its sessions.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin blocks staff, [`Error::LastAdmin`] if
/// nobody could unblock the account again; those of [`standing::require`].
pub async fn block(
    work: &mut Work<'_>,
    caller: &Caller,
    id: UserId,
    reason: &SingleLine,
) -> Result<User, Error> {
    standing::require(&work.txn, caller, work.now).await?;
    let mut user = find(&work.txn, Scope::Everyone, id).await?;
    require_power_over(caller, &user)?;
    let was_admin = user.is_active_admin();
    if user.block(reason, work.now) == Effect::Changed {
        if was_admin {
            require_another_admin(&work.txn, id).await?;
        }
        store::session::delete_all_of(&work.txn, id).await?;
        store::password_reset::delete(&work.txn, id).await?;
        save(work, &user).await?;
    }
    Ok(user)
}

/// Restores what [`block`] took away.
///
/// # Errors
/// [`Error::StaffAccount`] if somebody who is not an admin unblocks staff; those of [`standing::require`].
pub async fn unblock(work: &mut Work<'_>, caller: &Caller, id: UserId) -> Result<User, Error> {
    standing::require(&work.txn, caller, work.now).await?;
    let mut user = find(&work.txn, Scope::Everyone, id).await?;
    require_power_over(caller, &user)?;
    if user.unblock(work.now) == Effect::Changed {
        save(work, &user).await?;
    }
    Ok(user)
}

/// Replaces an account's password and ends its sessions.
///
/// # Errors
/// [`Error::UserNotFound`]; those of [`standing::require`].
pub async fn set_password(
    work: &mut Work<'_>,
    caller: &Caller,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Error> {
    standing::require(&work.txn, caller, work.now).await?;
    let user = find(&work.txn, Scope::Everyone, id).await?;
    credentials::replace(work, user.id, hash, None).await
}

/// Support staff keep customers in order; only an admin keeps staff.
fn require_power_over(caller: &Caller, user: &User) -> Result<(), Error> {
    if caller.has_role(Role::Admin) || !user.is_staff() {
        Ok(())
    } else {
        Err(Error::StaffAccount)
    }
}
