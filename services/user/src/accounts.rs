//! Making, changing and deleting accounts.

use call::{Roles, Scope};
use command::Work;
use sql::Transaction;

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
pub async fn create(work: &mut Work<'_>, draft: &Draft) -> Result<User, Error> {
    let Draft { name, email, roles } = draft.clone();
    let user = User::new(UserId(work.id()), name, email, roles, work.now);
    store::user::insert(&work.txn, &user).await?;
    work.tell(event::created(&user));
    Ok(user)
}

/// Changes the fields of an account that are present.
///
/// # Errors
/// [`Error::LastAdmin`] if it would take the role from the last admin, [`Error::EmailTaken`].
pub async fn update(
    work: &mut Work<'_>,
    scope: Scope,
    id: UserId,
    change: &Change,
) -> Result<User, Error> {
    let mut user = find(&work.txn, id, scope).await?;
    let was_admin = user.is_active_admin();
    if user.change(change, work.now) == Outcome::Changed {
        if was_admin && !user.is_active_admin() {
            require_another_admin(&work.txn, id).await?;
        }
        save(work, &user).await?;
    }
    Ok(user)
}

/// Removes an account and ends its sessions.
///
/// # Errors
/// [`Error::LastAdmin`] if nobody else could keep the accounts.
pub async fn delete(work: &mut Work<'_>, scope: Scope, id: UserId) -> Result<(), Error> {
    let user = find(&work.txn, id, scope).await?;
    if user.is_active_admin() {
        require_another_admin(&work.txn, id).await?;
    }
    store::user::delete(&work.txn, id).await?;
    work.tell(event::deleted(&user));
    Ok(())
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
pub async fn save(work: &mut Work<'_>, user: &User) -> Result<(), Error> {
    store::user::update(&work.txn, user).await?;
    work.tell(event::updated(user));
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
