//! What those who buy are called: a copy for lists, kept by what the user service tells.

use bus::{Group, Start};
use clock::Clock;
use command::Work;
use futures::FutureExt;
use proto::event::v1::{UserCreated, UserDeleted, UserUpdated};
use sql::Database;

use crate::error::Error;
use crate::store;
use crate::wire::customer_id;

/// The group that hears of it, as the contract calls it.
pub const GROUP: &str = "order-views";

/// What is heard, and what is done about it.
pub fn group(db: &Database, clock: &Clock) -> Group {
    Group::new(GROUP, Start::Earliest, db, clock)
        .hears("user", |work, told: bus::Told<UserCreated>| {
            keep(work, told.fact.user_id, told.fact.name, told.version).boxed()
        })
        .hears("user", |work, told: bus::Told<UserUpdated>| {
            keep(work, told.fact.user_id, told.fact.name, told.version).boxed()
        })
        .hears("user", |work, told: bus::Told<UserDeleted>| {
            keep(work, told.fact.user_id, String::new(), told.version).boxed()
        })
}

async fn keep(
    work: &mut Work<'_>,
    user_id: String,
    name: String,
    version: i64,
) -> Result<(), Error> {
    let id = customer_id(&user_id, "user_id")?;
    store::customer_name::keep(&work.txn, id, name, version).await?;
    Ok(())
}
