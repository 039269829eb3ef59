//! The demo's people.

use call::Role;
use clock::Clock;
use command::Work;
use futures::FutureExt;
use sql::Database;
use uuid::Uuid;

use crate::config::PasswordConfig;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::SingleLine;
use crate::domain::password::Password;
use crate::domain::user::User;
use crate::error::Error;
use crate::password::{Hasher, PasswordHash};
use crate::provision::{add, origin};
use crate::store;

/// Somebody of the demo.
#[derive(Clone, Debug)]
pub struct Person {
    /// The id, the same on every machine.
    pub id: Uuid,
    /// The full name.
    pub name: &'static str,
    /// The address to sign in with.
    pub email: &'static str,
    /// What they may do.
    pub roles: &'static [Role],
}

/// Adds those people who are not there yet, in one transaction, all with the same password.
/// Running it again changes nothing.
///
/// # Errors
/// [`Error::EmailTaken`] if somebody else has one of the addresses.
pub async fn seed(
    db: &Database,
    clock: &Clock,
    config: &PasswordConfig,
    people: &[Person],
    password: &str,
) -> Result<(), Error> {
    let hasher = Hasher::new(config, clock.clone())?;
    let hash = hasher.hash(Password::presented(password)).await?;
    let now = clock.now();
    let users: Vec<User> = people
        .iter()
        .map(|person| {
            let roles = person.roles.iter().copied().collect();
            User::new(
                UserId(person.id),
                SingleLine::stored(person.name.to_owned()),
                Email::new(person.email),
                roles,
                now,
            )
        })
        .collect();
    command::transact(db, clock, &origin(clock), |work| {
        add_missing(work, &users, &hash).boxed()
    })
    .await
}

async fn add_missing(
    work: &mut Work<'_>,
    users: &[User],
    hash: &PasswordHash,
) -> Result<(), Error> {
    for user in &store::user::missing(&work.txn, users).await? {
        add(work, user, hash).await?;
    }
    Ok(())
}
