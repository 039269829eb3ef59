//! Placing an order, which begins and commits here, and undoing it, an effect that `command::run` carries.
//!
//! Placing runs in a task of its own, so that a client that leaves changes nothing about it.

use std::sync::Arc;
use std::time::Duration;

use ::store::idempotency::{self, Claim, Key};
use ::store::{Transaction, retrying_until};
use command::Work;
use events::outbox;
use rpc::{Call, Scope};
use sea_orm::DbErr;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::App;
use crate::answer::Answer;
use crate::domain::draft::{Draft, Quote};
use crate::domain::id::OrderId;
use crate::domain::order::{EndReason, Order};
use crate::error::Error;
use crate::event;
use crate::saga::change::{Occasion, change, lease};
use crate::saga::checkout::{self, Event};
use crate::saga::driver::Outcome;
use crate::saga::fail_point::Place;
use crate::saga::record::{Record, Saga, Secret};
use crate::store;

/// How often one who waits for another's answer looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// What one who waits leaves of his deadline, to say so in time.
const SPARE: Duration = Duration::from_millis(100);

/// An answer, and whether it was given before.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Given before, under the same key.
    pub replayed: bool,
}

/// Places an order, and answers with its outcome if that is known in time.
///
/// # Errors
/// Why there is no order. Once there is one, its end is an answer.
pub async fn create(
    app: &App,
    call: Call,
    draft: Draft,
    key: Option<Key>,
) -> Result<Answered, Error> {
    let app = app.clone();
    let place_taken = Arc::clone(&app.placing)
        .try_acquire_owned()
        .map_err(|_| Error::Busy)?;
    let placing = async move {
        let _place_taken = place_taken;
        place(&app, &call, &draft, key).await
    };
    tokio::spawn(placing.in_current_span()).await?
}

async fn place(app: &App, call: &Call, draft: &Draft, key: Option<Key>) -> Result<Answered, Error> {
    if let Some(key) = &key
        && let Some(claim) = idempotency::look(app.db.read(), key, app.clock.now()).await?
    {
        return repeat(app, call, key, claim).await;
    }
    let quote = app.advisers.quote(call, draft).await?;
    let accepted = Instant::now();
    let patience = call.deadline.instant() - SPARE;
    let record = match accept(app, call, draft, &quote, key.as_ref(), patience).await? {
        Accepted::Now(record) => *record,
        Accepted::Before(key, claim) => return repeat(app, call, &key, claim).await,
    };
    if !app.driver.survives(Place::Accepted, "accept") {
        return Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::ConnectionClosed).into());
    }
    let (id, outcome) = (record.order.id, app.driver.drive(record));
    let known = in_time(outcome, accepted + app.config.outcome_wait());
    let answer = match app.driver.dead().run_until_cancelled(known).await.flatten() {
        Some(answer) => answer,
        None => {
            let answer = || answer_as_it_stands_once(app, id, key.as_ref());
            retrying_until(patience, answer).await?
        }
    };
    Ok(Answered {
        answer,
        replayed: false,
    })
}

/// What came of accepting.
enum Accepted {
    /// There is a new order.
    Now(Box<Record>),
    /// The key was claimed before.
    Before(Key, Claim),
}

/// Writes the order, at first in the hope that its key is new.
async fn accept(
    app: &App,
    call: &Call,
    draft: &Draft,
    quote: &Quote,
    key: Option<&Key>,
    patience: Instant,
) -> Result<Accepted, Error> {
    let hoping = || async {
        let txn = app.db.begin_write().await?;
        let on = app.driver.occasion(Duration::ZERO);
        idempotency::claim_with_commit(&txn, key, None, on.now).await?;
        accept_claimed(app, call, draft, quote, key, &on, txn).await
    };
    match retrying_until(patience, hoping).await {
        Err(Error::Store(DbErr::RecordNotUpdated)) => {}
        accepted => return accepted,
    }
    let looking = || async {
        let txn = app.db.begin_write().await?;
        let on = app.driver.occasion(Duration::ZERO);
        match (idempotency::claim(&txn, key, on.now).await?, key) {
            (Claim::New, _) | (_, None) => {
                accept_claimed(app, call, draft, quote, key, &on, txn).await
            }
            (claim, Some(key)) => {
                txn.rollback().await?;
                Ok(Accepted::Before(key.clone(), claim))
            }
        }
    };
    retrying_until(patience, looking).await
}

async fn accept_claimed(
    app: &App,
    call: &Call,
    draft: &Draft,
    quote: &Quote,
    key: Option<&Key>,
    on: &Occasion,
    txn: Transaction,
) -> Result<Accepted, Error> {
    let (state, _) = checkout::accepted(on.now);
    let order = Order::new(draft, quote.clone(), OrderId(app.clock.id()), on.now);
    let saga = Saga {
        lease: lease(state.pending().map(|attempt| attempt.due), on),
        state,
        revision: 1,
        origin: command::origin(call),
        payment_method: Secret(draft.payment_method.clone()),
        key: key.cloned(),
    };
    store::order::insert(&txn, &order).await?;
    store::saga::insert(&txn, order.id, &saga).await?;
    outbox::push(&txn, &app.clock, &saga.origin, event::of(&order, None)).await?;
    txn.commit().await?;
    Ok(Accepted::Now(Box::new(Record { order, saga })))
}

/// The outcome, if it is known before `until`.
async fn in_time(outcome: Option<Outcome>, until: Instant) -> Option<Answer> {
    let mut outcome = outcome?;
    let known = tokio::time::timeout_at(until, outcome.wait_for(Option::is_some)).await;
    known.ok()?.ok()?.clone()
}

/// Seals the answer about the order as it is, unless the checkout has sealed another meanwhile.
async fn answer_as_it_stands_once(
    app: &App,
    id: OrderId,
    key: Option<&Key>,
) -> Result<Answer, Error> {
    let Some(key) = key else {
        let order = store::order::find(app.db.read(), Scope::Everyone, id).await?;
        return Ok(Answer::about(&order.ok_or(Error::OrderNotFound)?));
    };
    let txn = app.db.begin_write().await?;
    let order = store::order::find(&txn, Scope::Everyone, id)
        .await?
        .ok_or(Error::OrderNotFound)?;
    let answer = Answer::about(&order);
    match idempotency::seal(&txn, Some(key), &answer.to_bytes()).await {
        Ok(()) => {
            txn.commit().await?;
            Ok(answer)
        }
        Err(DbErr::RecordNotUpdated) => {
            let sealed = idempotency::answer(&txn, key).await?;
            txn.rollback().await?;
            sealed.map_or(Ok(answer), |bytes| Answer::from_bytes(&bytes))
        }
        Err(error) => Err(error.into()),
    }
}

/// The answer that was given under the key, or will be: waits for it as long as the caller does.
async fn repeat(app: &App, call: &Call, key: &Key, claim: Claim) -> Result<Answered, Error> {
    let mut found = match claim {
        Claim::Replay(bytes) => Some(bytes),
        Claim::Pending | Claim::New => None,
    };
    while found.is_none() && call.deadline.remaining() > SPARE + LOOK_EVERY {
        tokio::time::sleep(LOOK_EVERY).await;
        found = idempotency::answer(app.db.read(), key).await?;
    }
    let answer = Answer::from_bytes(&found.ok_or(Error::KeyPending)?)?;
    Ok(Answered {
        answer,
        replayed: true,
    })
}

/// A request to undo an order.
#[derive(Clone, Debug)]
pub struct Cancellation {
    /// Which order.
    pub order_id: OrderId,
    /// A note by whoever cancels; may be empty.
    pub note: String,
    /// Who asks; empty if it is a service alone.
    pub user: Option<Uuid>,
    /// How far they reach.
    pub scope: Scope,
}

/// Cancels an order: its stock and money go back from now on. Repeated, it has the same effect.
///
/// # Errors
/// [`Error::OrderNotFound`] out of reach, [`Error::Cancel`] when it is too late.
pub async fn cancel(app: &App, work: &mut Work<'_>, asked: &Cancellation) -> Result<Order, Error> {
    let on = Occasion {
        now: work.now,
        note: asked.note.clone(),
        ..app.driver.occasion(Duration::ZERO)
    };
    let record = store::saga::find(&work.txn, asked.scope, asked.order_id).await?;
    let record = record.ok_or(Error::OrderNotFound)?;
    let reason = if asked.user == Some(record.order.customer_id.0) {
        EndReason::CustomerRequest
    } else {
        EndReason::StaffRequest
    };
    let Some(change) = change(app.driver.rules(), &record, Event::CancelAsked(reason), &on)? else {
        return Ok(record.order);
    };
    change.write(&work.txn, &app.clock).await?;
    let (driver, record) = (app.driver.clone(), change.record);
    let order = record.order.clone();
    work.then(move || drop(driver.drive(record)));
    Ok(order)
}
