//! The facts this service tells the world, each in the transaction that makes it true.

use ::store::Transaction;
use clock::Clock;
use events::{Fact, Origin};
use prost::Message;
use proto::Fact as Topic;
use proto::event::v1::{UserCreated, UserDeleted, UserUpdated};
use rpc::Call;
use sea_orm::DbErr;

use crate::domain::user::User;

/// The service's name in envelopes.
pub const SOURCE: &str = "user";

/// Says that an account was made.
pub async fn created(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    user: &User,
) -> Result<(), DbErr> {
    let fact = UserCreated {
        user_id: user.id.to_string(),
        name: user.name.to_string(),
        email: user.email.as_str().to_owned(),
        roles: user
            .roles
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect(),
    };
    push(txn, clock, origin, user, user.version, &fact).await
}

/// Says that an account changed, was blocked or unblocked.
pub async fn updated(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    user: &User,
) -> Result<(), DbErr> {
    let fact = UserUpdated {
        user_id: user.id.to_string(),
        name: user.name.to_string(),
        email: user.email.as_str().to_owned(),
        can_place_orders: user.can_place_orders(),
    };
    push(txn, clock, origin, user, user.version, &fact).await
}

/// Says that an account is gone; the last fact about it.
pub async fn deleted(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    user: &User,
) -> Result<(), DbErr> {
    let fact = UserDeleted {
        user_id: user.id.to_string(),
    };
    push(txn, clock, origin, user, user.version + 1, &fact).await
}

/// Where a fact comes from that a call makes true.
pub fn origin(call: &Call) -> Origin {
    Origin {
        correlation_id: call.correlation_id.to_string(),
        traceparent: call.trace.to_string(),
        synthetic: call.synthetic,
    }
}

async fn push<F: Topic + Message>(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    user: &User,
    version: i64,
    fact: &F,
) -> Result<(), DbErr> {
    let fact = Fact {
        topic: F::TOPIC,
        key: fact.key().to_owned(),
        version,
        subject: Some(user.id.0),
        data: fact.encode_to_vec(),
    };
    events::outbox::push(txn, clock, SOURCE, origin, fact)
        .await
        .map(drop)
}
