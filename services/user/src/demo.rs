//! The demo's people.

use ::store::Database;
use clock::Clock;
use rpc::Role;
use uuid::Uuid;

use crate::config::PasswordConfig;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::domain::password::Password;
use crate::domain::user::User;
use crate::error::Error;
use crate::password::{Hasher, PasswordHash};
use crate::provision::origin;
use crate::{event, store};

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
                Line::stored(person.name.to_owned()),
                Email::new(person.email),
                roles,
                now,
            )
        })
        .collect();
    ::store::retrying(|| seed_once(db, clock, &users, &hash)).await
}

async fn seed_once(
    db: &Database,
    clock: &Clock,
    users: &[User],
    hash: &PasswordHash,
) -> Result<(), Error> {
    let txn = db.begin_write().await?;
    let missing = store::user::missing(&txn, users).await?;
    for user in &missing {
        store::user::insert(&txn, user).await?;
        store::credential::put(&txn, user.id, hash, user.created_at).await?;
        event::created(&txn, clock, &origin(clock), user).await?;
    }
    txn.commit().await?;
    Ok(())
}
