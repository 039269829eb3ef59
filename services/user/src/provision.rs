//! Accounts that no caller asks for: the first admin's, by the command line.

use call::{Role, Roles};
use clock::Clock;
use command::Work;
use events::Origin;
use futures::FutureExt;
use proto::Validate;
use proto::user::v1::SignUpRequest;
use sql::Database;
use uuid::Uuid;

use crate::config::PasswordConfig;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::SingleLine;
use crate::domain::password::{Owner, Password};
use crate::domain::user::User;
use crate::error::Error;
use crate::password::{Hasher, PasswordHash};
use crate::{event, store};

/// An account to make.
#[derive(Clone, Debug)]
pub struct AccountSpec<'a> {
    /// The full name, maybe empty.
    pub name: &'a str,
    /// The address to sign in with.
    pub email: &'a str,
    /// What it may do; none means customer.
    pub roles: &'a [Role],
    /// The password to sign in with.
    pub password: &'a str,
}

/// Makes an account in a migrated database and returns its id.
///
/// # Errors
/// [`Error::Account`] for a name, address or password that sign-up would refuse,
/// [`Error::EmailTaken`].
pub async fn create_account(
    db: &Database,
    clock: &Clock,
    config: &PasswordConfig,
    account: &AccountSpec<'_>,
) -> Result<Uuid, Error> {
    check(account)?;
    let owner = Owner {
        email: account.email,
        name: account.name,
    };
    let password = Password::chosen(account.password, owner)?;
    let hash = Hasher::new(config, clock.clone())?.hash(password).await?;
    let roles: Roles = account.roles.iter().copied().collect();
    let (id, now) = (UserId(clock.id()), clock.now());
    let name = SingleLine::parse("name", account.name)?;
    let user = User::new(id, name, Email::new(account.email), roles, now);
    command::transact(db, clock, &origin(clock), |work| {
        add(work, &user, &hash).boxed()
    })
    .await?;
    Ok(id.0)
}

/// Stores an account with its password.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn add(work: &mut Work<'_>, user: &User, hash: &PasswordHash) -> Result<(), Error> {
    store::user::insert(&work.txn, user).await?;
    store::credential::put(&work.txn, user.id, hash, user.created_at).await?;
    work.tell(event::created(user));
    Ok(())
}

/// Where a fact comes from that no call made true.
pub fn origin(clock: &Clock) -> Origin {
    Origin::internal(clock.id().simple().to_string())
}

/// Holds an account to the rules of the contract.
fn check(account: &AccountSpec<'_>) -> Result<(), Error> {
    let request = SignUpRequest {
        name: account.name.to_owned(),
        email: account.email.to_owned(),
        password: account.password.to_owned(),
        use_cookie: false,
    };
    match request.validate().first() {
        Some(violation) => Err(Error::Account(format!(
            "{}: {}",
            violation.field, violation.message
        ))),
        None => Ok(()),
    }
}
