//! Charges, refunds and reads: asks the provider, then records its word in one transaction.
//!
//! Nothing is written before the provider is asked, and nothing is open while it is. What
//! makes that safe is the port's contract (`provider.rs`): whoever lost an answer asks again.

#[cfg(test)]
mod tests;

use ::store::{Fault, retrying};
use prost::Message;
use rpc::Scope;
use sea_orm::DbErr;
use tracing::Instrument;

use crate::domain::id::{CustomerId, OrderId};
use crate::domain::payment;
use crate::domain::payment::{
    Charge, Charged, Payment, Plan, Recorded, Refund, RefundRequest, Returned,
};
use crate::error::Error;
use crate::provider::{Capture, ProviderError, Token};
use crate::{App, event, store};
use command::{Answer, Command};

/// The payment of an order within the caller's reach.
///
/// # Errors
/// [`Error::PaymentNotFound`] if there is none, or it is somebody else's.
pub async fn get(app: &App, order_id: OrderId, scope: Scope) -> Result<Payment, Error> {
    let owner = scope.owner().map(CustomerId);
    let payment = store::payment::find(app.db.read(), order_id, owner).await?;
    payment.ok_or(Error::PaymentNotFound)
}

/// Charges an order, once.
///
/// # Errors
/// [`Error::Refused`] where the charge is named like another one,
/// [`Error::ProviderUnavailable`] where it may be made again.
pub async fn charge<R>(
    app: &App,
    command: Command,
    charge: Charge,
    token: Token,
) -> Result<Answer<R>, Error>
where
    R: From<Charged> + Message + Default + 'static,
{
    let task = app.clone();
    let work = async move { charge_through(&task, &command, &charge, token).await };
    // A caller who leaves drops its handler; money that moved is recorded all the same.
    app.moving.spawn(work.in_current_span()).await?
}

async fn charge_through<R>(
    app: &App,
    command: &Command,
    charge: &Charge,
    token: Token,
) -> Result<Answer<R>, Error>
where
    R: From<Charged> + Message + Default,
{
    if let Some(answer) = command.look(&app.db, app.clock.now()).await? {
        return Ok(answer);
    }
    let Charge {
        order_id,
        request,
        amount,
        ..
    } = charge;
    let met = store::payment::find_met(app.db.read(), *order_id, &request.key).await?;
    if let Plan::Answer(charged) = Payment::plan_charge(met.as_ref(), charge)? {
        return Ok(Answer::known(charged.into()));
    }
    let key = request.key.clone();
    let capture = Capture {
        key,
        order_id: *order_id,
        amount: *amount,
        token,
    };
    let outcome = match app.provider.charge(capture).await {
        Err(ProviderError::Voided) => return Ok(Answer::known(Charged::Blocked.into())),
        outcome => outcome?,
    };
    let recorded = payment::record_charge(charge, outcome, app.clock.now());
    match retrying(|| record_new_charge(app, command, &recorded)).await {
        Err(Error::Store(DbErr::RecordNotUpdated)) => {
            retrying(|| record_charge(app, command, charge, &recorded)).await
        }
        answered => answered,
    }
}

/// Records a charge in the hope that neither its order nor any of its keys was met before: then
/// nothing need be read. Stores nothing otherwise.
async fn record_new_charge<R>(
    app: &App,
    command: &Command,
    recorded: &Recorded,
) -> Result<Answer<R>, Error>
where
    R: From<Charged> + Message,
{
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    let charged = recorded.payment.charged();
    let answer = command.claim_and_seal(&txn, charged.into(), now).await?;
    store::payment::insert_with_commit(&txn, &recorded.payment, now).await?;
    keep(app, &txn, command, recorded).await?;
    txn.commit().await?;
    Ok(answer)
}

async fn record_charge<R>(
    app: &App,
    command: &Command,
    charge: &Charge,
    recorded: &Recorded,
) -> Result<Answer<R>, Error>
where
    R: From<Charged> + Message + Default,
{
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    let key_reused = match command.claim(&txn, now).await {
        Ok(Some(answer)) => return Ok(answer),
        Ok(None) => false,
        // The header's key was misused while the provider was asked: the money has moved.
        Err(command::Error::KeyReused) => true,
        Err(error) => return Err(error.into()),
    };
    let charged = if store::payment::insert(&txn, &recorded.payment, now).await? {
        keep(app, &txn, command, recorded).await?;
        recorded.payment.charged()
    } else {
        let Charge {
            order_id, request, ..
        } = charge;
        let met = store::payment::find_met(&txn, *order_id, &request.key).await?;
        match Payment::plan_charge(met.as_ref(), charge)? {
            Plan::Answer(charged) => charged,
            Plan::Ask => return Err(DbErr::RecordNotInserted.into()),
        }
    };
    if key_reused {
        txn.commit().await?;
        return Err(command::Error::KeyReused.into());
    }
    let answer = command.seal(&txn, charged.into()).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Gives an order's money back, once, and blocks every charge that comes later.
///
/// # Errors
/// [`Error::KeyReused`] where the key refunded another order,
/// [`Error::ProviderUnavailable`] where it may be asked for again.
pub async fn refund<R>(
    app: &App,
    command: Command,
    request: RefundRequest,
) -> Result<Answer<R>, Error>
where
    R: From<Refund> + Message + Default + 'static,
{
    let task = app.clone();
    let work = async move { refund_through(&task, &command, &request).await };
    app.moving.spawn(work.in_current_span()).await?
}

async fn refund_through<R>(
    app: &App,
    command: &Command,
    request: &RefundRequest,
) -> Result<Answer<R>, Error>
where
    R: From<Refund> + Message + Default,
{
    if let Some(answer) = command.look(&app.db, app.clock.now()).await? {
        return Ok(answer);
    }
    let order_id = request.order_id;
    let used_for = store::payment::find_refunded(app.db.read(), &request.key).await?;
    if used_for.is_some_and(|other| other != order_id) {
        return Err(command::Error::KeyReused.into());
    }
    let current = store::payment::find(app.db.read(), order_id, None).await?;
    if let Plan::Answer(refund) = Payment::plan_refund(current.as_ref()) {
        return Ok(Answer::known(refund.into()));
    }
    let returned = app.provider.refund(request.key.clone(), order_id).await?;
    retrying(|| record_refund(app, command, request, &returned)).await
}

async fn record_refund<R>(
    app: &App,
    command: &Command,
    request: &RefundRequest,
    returned: &Returned,
) -> Result<Answer<R>, Error>
where
    R: From<Refund> + Message + Default,
{
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    let key_reused = match command.claim(&txn, now).await {
        Ok(Some(answer)) => return Ok(answer),
        Ok(None) => false,
        Err(command::Error::KeyReused) => true, // as for a charge
        Err(error) => return Err(error.into()),
    };
    let current = store::payment::find(&txn, request.order_id, None).await?;
    let refund = match Payment::plan_refund(current.as_ref()) {
        Plan::Answer(refund) => refund,
        Plan::Ask => {
            let recorded = payment::record_refund(current.as_ref(), request, returned.clone(), now);
            match current {
                Some(_) => update(&txn, &recorded.payment, now).await?,
                // Only the key can be in the way: the order has no payment.
                None if !store::payment::insert(&txn, &recorded.payment, now).await? => {
                    return Err(command::Error::KeyReused.into());
                }
                None => {}
            }
            keep(app, &txn, command, &recorded).await?;
            recorded.payment.refund.ok_or(DbErr::RecordNotUpdated)?
        }
    };
    if key_reused {
        txn.commit().await?;
        return Err(command::Error::KeyReused.into());
    }
    let answer = command.seal(&txn, refund.into()).await?;
    txn.commit().await?;
    Ok(answer)
}

async fn update(
    txn: &::store::Transaction,
    payment: &Payment,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    let updated = store::payment::update(txn, payment, now).await;
    updated.map_err(|error| match ::store::fault(&error) {
        fault @ Fault::Unique { .. }
            if fault.is_unique("payments_refund_key", &["payments.refund_key"]) =>
        {
            command::Error::KeyReused.into()
        }
        _ => error.into(),
    })
}

/// Writes what a recorded word of the provider means: the books and the fact.
async fn keep(
    app: &App,
    txn: &::store::Transaction,
    command: &Command,
    recorded: &Recorded,
) -> Result<(), Error> {
    for entry in &recorded.entries {
        store::ledger::insert(txn, app.clock.id(), entry, app.clock.now()).await?;
    }
    let fact = event::payment(&recorded.payment);
    events::outbox::push(txn, &app.clock, crate::NAME, &command.origin, fact).await?;
    Ok(())
}
