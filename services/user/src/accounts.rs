//! Making, reading, changing and deleting accounts.

use call::{Call, Caller, Role, Roles, Scope};
use command::Work;
use sql::{Transaction, page};

use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::SingleLine;
use crate::domain::user::{Effect, User, UserPatch};
use crate::error::Error;
use crate::password::KeptPassword;
use crate::store::user::Position;
use crate::{App, credentials, event, standing, store};

/// What page tokens of the list of accounts are bound to.
const LIST: &str = "users";

/// An account to make.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The full name, maybe empty.
    pub name: SingleLine,
    /// The address to sign in with.
    pub email: Email,
    /// Its roles; none means customer.
    pub roles: Roles,
}

/// Makes an account for somebody else.
///
/// # Errors
/// Those of [`standing::require`] and of [`add`].
pub async fn create(
    work: &mut Work<'_>,
    caller: &Caller,
    draft: &NewAccount,
) -> Result<User, Error> {
    standing::require(&work.txn, caller, work.now).await?;
    add(work, draft).await
}

/// Makes an account, which has no password yet.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn add(work: &mut Work<'_>, draft: &NewAccount) -> Result<User, Error> {
    let NewAccount { name, email, roles } = draft.clone();
    let user = User::new(UserId(work.id()), name, email, roles, work.now);
    store::user::insert(&work.txn, &user).await?;
    work.tell(event::created(&user));
    Ok(user)
}

/// Who gives an account another address.
#[derive(Clone, Copy, Debug)]
pub enum Mover<'a> {
    /// Somebody who keeps the accounts of others.
    Admin,
    /// The one whose account it is, with the password that they have shown. Without it nobody gets
    /// the letters that set a new one, be it with their token.
    Owner(Option<&'a KeptPassword>),
}

/// Changes the fields of an account that are present.
///
/// # Errors
/// [`Error::LastAdmin`] if it would take the role from the last admin, [`Error::EmailTaken`],
/// [`Error::WrongPassword`] for another address if the owner has not shown the password; those of
/// [`standing::require`].
pub async fn update(
    work: &mut Work<'_>,
    call: &Call,
    id: UserId,
    change: &UserPatch,
    mover: Mover<'_>,
) -> Result<User, Error> {
    standing::require(&work.txn, &call.caller, work.now).await?;
    let mut user = find(&work.txn, call.scope, id).await?;
    if let Mover::Owner(shown) = mover
        && change.moves(&user)
    {
        let shown = shown.ok_or(Error::WrongPassword)?;
        credentials::require_still(&work.txn, id, shown).await?;
    }
    let was_admin = user.is_active_admin();
    let roles = user.roles;
    if user.change(change, work.now) == Effect::Changed {
        if was_admin && !user.is_active_admin() {
            require_another_admin(&work.txn, id).await?;
        }
        let lost = |role| role != Role::Customer && !user.roles.contains(role);
        if roles.iter().any(lost) {
            // Their tokens tell the roles of before, by which a role that was taken away could be given back.
            store::session::delete_all_of(&work.txn, id).await?;
        }
        if change.email.is_some() {
            // The letter may have gone to an address that is somebody else's by now.
            store::password_reset::delete(&work.txn, id).await?;
        }
        save(work, &user).await?;
    }
    Ok(user)
}

/// Removes an account and ends its sessions.
///
/// # Errors
/// [`Error::LastAdmin`] if nobody else could keep the accounts; those of [`standing::require`].
pub async fn delete(work: &mut Work<'_>, call: &Call, id: UserId) -> Result<(), Error> {
    standing::require(&work.txn, &call.caller, work.now).await?;
    let user = find(&work.txn, call.scope, id).await?;
    if user.is_active_admin() {
        require_another_admin(&work.txn, id).await?;
    }
    store::user::delete(&work.txn, id).await?;
    work.tell(event::deleted(&user));
    Ok(())
}

/// Reads an account within reach of the caller.
///
/// # Errors
/// [`Error::UserNotFound`]; those of [`standing::require`].
pub async fn read(app: &App, call: &Call, id: UserId) -> Result<User, Error> {
    standing::require(app.db.read(), &call.caller, app.clock.now()).await?;
    look_up(app, call.scope, id).await
}

/// Reads an account within reach of the caller, for what the caller's session has no part in.
///
/// # Errors
/// [`Error::UserNotFound`].
pub async fn look_up(app: &App, scope: Scope, id: UserId) -> Result<User, Error> {
    let user = store::user::find(app.db.read(), scope, id).await?;
    user.ok_or(Error::UserNotFound)
}

/// One page of accounts.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub users: Vec<User>,
    /// Asks for the next page; none on the last.
    pub next_page_token: Option<String>,
}

/// A page of all accounts.
///
/// # Errors
/// [`Error::Page`] for a size or token that cannot be; those of [`standing::require`].
pub async fn page(
    app: &App,
    caller: &Caller,
    page_size: i32,
    page_token: &str,
) -> Result<Page, Error> {
    standing::require(app.db.read(), caller, app.clock.now()).await?;
    let size = page::size(page_size)?;
    let after = app.page_signer.open(page_token, &LIST)?;
    let mut users = store::user::list(app.db.read(), after, size + 1).await?;
    let more = page::cut(&mut users, size);
    let next = users.last().filter(|_| more).map(Position::of);
    let next_page_token = next.map(|next| app.page_signer.sign(&next, &LIST));
    Ok(Page {
        users,
        next_page_token,
    })
}

/// Finds an account to change, within reach of the caller.
///
/// # Errors
/// [`Error::UserNotFound`].
pub async fn find(txn: &Transaction, scope: Scope, id: UserId) -> Result<User, Error> {
    let user = store::user::find_to_change(txn, scope, id).await?;
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
