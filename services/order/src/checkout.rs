//! Placing an order and undoing it: effects that `command` carries out.
//!
//! Placing runs in a task of its own, so that a client that leaves changes nothing about it.

use std::sync::Arc;
use std::time::Duration;

use call::{Call, Scope};
use chrono::{DateTime, Utc};
use command::{Command, Repeated, Work};
use futures::FutureExt;
use sea_orm::ConnectionTrait;
use telemetry::CallIds;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::App;
use crate::answer::CreateOrderAnswer;
use crate::domain::draft::{Draft, Quote};
use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{EndReason, Order};
use crate::error::Error;
use crate::event;
use crate::saga::change::{Occasion, change};
use crate::saga::checkout::{self, Event};
use crate::saga::driver::PendingAnswer;
use crate::saga::fail_point::FailPoint;
use crate::saga::record::{Lease, Record, Saga};
use crate::store;

/// What one who waits leaves of his deadline, to say so in time.
const SPARE: Duration = Duration::from_millis(100);

/// Places an order, and answers with its outcome if that is known in time.
///
/// # Errors
/// Why there is no order. Once there is one, its end is an answer.
pub async fn create(
    app: &App,
    call: Call,
    command: Command,
    draft: Draft,
) -> Result<command::Answer<CreateOrderAnswer>, Error> {
    let app = app.clone();
    let place_taken = Arc::clone(&app.placing)
        .try_acquire_owned()
        .map_err(|_| Error::Busy)?;
    let placing = async move {
        let _place_taken = place_taken;
        let placed = place(&app, &call, &command, &draft).boxed();
        app.driver.mortal(placed).await.ok_or(Error::Killed)?
    };
    let placing = telemetry::within(CallIds::current(), placing.in_current_span());
    tokio::spawn(placing).await?
}

async fn place(
    app: &App,
    call: &Call,
    command: &Command,
    draft: &Draft,
) -> Result<command::Answer<CreateOrderAnswer>, Error> {
    let patience = call.deadline.instant() - SPARE;
    // Until whoever accepted it has answered, or is late.
    let wait = app.config.outcome_wait() + SPARE;
    let mut until = patience.min(Instant::now() + wait + SPARE);
    let (record, accepted) = loop {
        match command.repeated(&app.db, &app.clock, until).await? {
            None => {}
            Some(Repeated::Answered(answer)) => return Ok(answer),
            Some(Repeated::Pending(accepted)) if app.clock.now() >= accepted + wait => {
                return conclude(app, command, draft.customer_id, accepted, patience).await;
            }
            // Who has less time than that answers for nobody who is in time himself.
            Some(Repeated::Pending(_)) if until >= patience => {
                return Err(command::Error::KeyPending.into());
            }
            Some(Repeated::Pending(_)) => {
                until = patience;
                continue;
            }
        }
        let quote = app.advisers.quote(call, draft).await?;
        let accepted = Instant::now();
        let record = command::accept(&app.db, &app.clock, command, patience, |work| {
            accept(app, work, command, draft, &quote).boxed()
        });
        if let Some(record) = record.await? {
            break (record, accepted);
        }
    };
    if !app.driver.survives(FailPoint::Accepted, "accept") {
        return Err(Error::Killed);
    }
    let Order { id, created_at, .. } = record.order;
    let outcome = app.driver.drive(record);
    let known = in_time(outcome, accepted + app.config.outcome_wait());
    match known.await {
        Some(answer) => Ok(command::Answer::new(answer)),
        // Without a key nothing is sealed, and whoever only reads waits for no writer.
        None if command.key().is_none() => {
            let answer = as_it_stands(app.db.read(), id).await?;
            Ok(command::Answer::new(answer))
        }
        None => {
            let answer = command.conclude(&app.db, created_at, patience, |txn| {
                as_it_stands(txn, id).boxed()
            });
            answer.await
        }
    }
}

/// Answers for whoever accepted this order and has not answered: it is dead, or late, and then one of the two answers
/// stays. The repeat need not wait until another carries the checkout on.
async fn conclude(
    app: &App,
    command: &Command,
    customer: CustomerId,
    accepted: DateTime<Utc>,
    patience: Instant,
) -> Result<command::Answer<CreateOrderAnswer>, Error> {
    let key = command.key().ok_or(Error::OrderNotFound)?;
    let answer = command.conclude(&app.db, accepted, patience, |txn| {
        let key = key.clone();
        async move {
            let id = store::saga::of_key(txn, customer, accepted, &key).await?;
            as_it_stands(txn, id.ok_or(Error::OrderNotFound)?).await
        }
        .boxed()
    });
    Ok(answer.await?.repeated(app.db.service()))
}

/// Writes the order and the saga that carries it on.
async fn accept(
    app: &App,
    work: &mut Work<'_>,
    command: &Command,
    draft: &Draft,
    quote: &Quote,
) -> Result<Record, Error> {
    let on = Occasion {
        now: work.now,
        ..app.driver.occasion(Duration::ZERO)
    };
    let (state, _) = checkout::accepted(on.now);
    let order = Order::new(draft, quote.clone(), OrderId(work.id()), on.now);
    let saga = Saga {
        lease: Some(Lease::new(on.driver, on.now)),
        state,
        revision: 1,
        origin: command.origin.clone(),
        payment_method: draft.payment_method.clone(),
        key: command.key().cloned(),
    };
    store::order::insert(&work.txn, &order).await?;
    store::saga::insert(&work.txn, order.id, &saga).await?;
    work.tell(event::of(&order, None));
    Ok(Record { order, saga })
}

/// The outcome, if it is known before `until`.
async fn in_time(outcome: Option<PendingAnswer>, until: Instant) -> Option<CreateOrderAnswer> {
    let mut outcome = outcome?;
    let known = tokio::time::timeout_at(until, outcome.wait_for(Option::is_some)).await;
    known.ok()?.ok()?.clone()
}

async fn as_it_stands(db: &impl ConnectionTrait, id: OrderId) -> Result<CreateOrderAnswer, Error> {
    let order = store::order::find(db, Scope::Everyone, id).await?;
    Ok(CreateOrderAnswer::about(
        &order.ok_or(Error::OrderNotFound)?,
    ))
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
