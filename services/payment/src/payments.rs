//! Charges, refunds and reads: asks the provider, then records its word in one transaction.
//!
//! Nothing is written before the provider is asked, and nothing is open while it is. What
//! makes that safe is the port's contract (`provider.rs`): whoever lost an answer asks again.

#[cfg(test)]
mod tests;

use call::Scope;
use command::Work;
use events::Origin;
use futures::FutureExt;
use sea_orm::DbErr;
use sql::Fault;
use telemetry::CallIds;
use tracing::Instrument;

use crate::domain::id::OrderId;
use crate::domain::payment;
use crate::domain::payment::{
    Booking, Charge, ChargeError, Charged, Payment, Plan, Refund, RefundRequest, Returned,
};
use crate::error::Error;
use crate::provider::{Capture, ProviderError, Token};
use crate::{App, event, store};

/// The payment of an order within the caller's reach.
///
/// # Errors
/// [`Error::PaymentNotFound`] if there is none, or it is somebody else's.
pub async fn get(app: &App, order_id: OrderId, scope: Scope) -> Result<Payment, Error> {
    let payment = store::payment::find(app.db.read(), scope, order_id).await?;
    payment.ok_or(Error::PaymentNotFound)
}

/// Charges an order, once.
///
/// # Errors
/// [`Error::Refused`] where the charge is named like another one,
/// [`Error::ProviderUnavailable`] where it may be made again.
pub async fn charge(
    app: &App,
    origin: Origin,
    charge: Charge,
    token: Token,
) -> Result<Charged, Error> {
    let task = app.clone();
    let work = async move { charge_through(&task, &origin, &charge, token).await };
    // A caller who leaves drops its handler; money that moved is recorded all the same.
    let work = telemetry::within(CallIds::current(), work.in_current_span());
    app.moving.spawn(work).await?
}

async fn charge_through(
    app: &App,
    origin: &Origin,
    charge: &Charge,
    token: Token,
) -> Result<Charged, Error> {
    let Charge {
        order_id,
        request,
        amount,
        ..
    } = charge;
    let met = store::payment::find_met(app.db.read(), *order_id, &request.key).await?;
    if let Plan::Answer(charged) = Payment::plan_charge(met.as_ref(), charge)? {
        return Ok(charged);
    }
    let capture = Capture {
        key: request.key.clone(),
        order_id: *order_id,
        amount: *amount,
        token,
    };
    let outcome = match app.provider.charge(capture).await {
        Err(ProviderError::Voided) => return Ok(Charged::Blocked),
        outcome => outcome?,
    };
    let recorded = payment::record_charge(charge, outcome, app.clock.now());
    let new = command::guarded(&app.db, &app.clock, origin, |work| {
        record_new_charge(work, &recorded).boxed()
    });
    match new.await {
        Err(Error::Store(DbErr::RecordNotUpdated)) => {
            command::transact(&app.db, &app.clock, origin, |work| {
                record_charge(work, charge, &recorded).boxed()
            })
            .await
        }
        answered => answered,
    }
}

/// Records a charge in the hope that neither its order nor any of its keys was met before: then
/// nothing need be read. Stores nothing otherwise.
async fn record_new_charge(work: &mut Work<'_>, recorded: &Booking) -> Result<Charged, Error> {
    store::payment::insert_with_commit(&work.txn, &recorded.payment, work.now).await?;
    keep(work, recorded).await?;
    Ok(recorded.payment.charged())
}

async fn record_charge(
    work: &mut Work<'_>,
    charge: &Charge,
    recorded: &Booking,
) -> Result<Charged, Error> {
    if store::payment::insert(&work.txn, &recorded.payment, work.now).await? {
        keep(work, recorded).await?;
        return Ok(recorded.payment.charged());
    }
    let met = store::payment::find_met(&work.txn, charge.order_id, &charge.request.key).await?;
    match Payment::plan_charge(met.as_ref(), charge)? {
        Plan::Answer(charged) => Ok(charged),
        Plan::Ask => Err(DbErr::RecordNotInserted.into()),
    }
}

/// Gives an order's money back, once, and blocks every charge that comes later.
///
/// # Errors
/// [`Error::Refused`] where the key refunded another order,
/// [`Error::ProviderUnavailable`] where it may be asked for again.
pub async fn refund(app: &App, origin: Origin, request: RefundRequest) -> Result<Refund, Error> {
    let task = app.clone();
    let work = async move { refund_through(&task, &origin, &request).await };
    let work = telemetry::within(CallIds::current(), work.in_current_span());
    app.moving.spawn(work).await?
}

async fn refund_through(
    app: &App,
    origin: &Origin,
    request: &RefundRequest,
) -> Result<Refund, Error> {
    let order_id = request.order_id;
    let used_for = store::payment::find_refunded(app.db.read(), &request.key).await?;
    if used_for.is_some_and(|other| other != order_id) {
        return Err(ChargeError::KeyReused.into());
    }
    let current = store::payment::find(app.db.read(), Scope::Everyone, order_id).await?;
    if let Plan::Answer(refund) = Payment::plan_refund(current.as_ref()) {
        return Ok(refund);
    }
    let returned = app.provider.refund(request.key.clone(), order_id).await?;
    command::transact(&app.db, &app.clock, origin, |work| {
        record_refund(work, request, &returned).boxed()
    })
    .await
}

async fn record_refund(
    work: &mut Work<'_>,
    request: &RefundRequest,
    returned: &Returned,
) -> Result<Refund, Error> {
    let current = store::payment::find(&work.txn, Scope::Everyone, request.order_id).await?;
    if let Plan::Answer(refund) = Payment::plan_refund(current.as_ref()) {
        return Ok(refund);
    }
    let recorded = payment::record_refund(current.as_ref(), request, returned.clone(), work.now);
    match current {
        Some(_) => update(&work.txn, &recorded.payment, work.now).await?,
        // Only the key can be in the way: the order has no payment.
        None if !store::payment::insert(&work.txn, &recorded.payment, work.now).await? => {
            return Err(ChargeError::KeyReused.into());
        }
        None => {}
    }
    keep(work, &recorded).await?;
    Ok(recorded.payment.refund.ok_or(DbErr::RecordNotUpdated)?)
}

async fn update(
    txn: &sql::Transaction,
    payment: &Payment,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    let updated = store::payment::update(txn, payment, now).await;
    updated.map_err(|error| match sql::fault(&error) {
        fault @ Fault::Unique { .. }
            if fault.is_unique("payments_refund_key", &["payments.refund_key"]) =>
        {
            ChargeError::KeyReused.into()
        }
        _ => error.into(),
    })
}

/// Writes what a recorded word of the provider means: the books and the fact.
async fn keep(work: &mut Work<'_>, recorded: &Booking) -> Result<(), Error> {
    for entry in &recorded.entries {
        store::ledger::insert(&work.txn, work.id(), entry, work.now).await?;
    }
    work.tell(event::payment(&recorded.payment));
    Ok(())
}
