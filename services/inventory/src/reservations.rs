//! Carries demands on reservations out: plans by the pure core, moves stock, tells the facts,
//! all in one transaction.

#[cfg(test)]
mod tests;

use std::iter;

use ::store::{Engine, Transaction, retrying};
use chrono::{DateTime, Utc};
use prost::Message;

use crate::domain::item::{OrderId, Sku};
use crate::domain::level::{Level, Transfer};
use crate::domain::reservation::{Change, Demand, Plan, Refusal, Reservation, Shortage, plan};
use crate::error::Error;
use crate::lane::Pass;
use crate::{App, event, store, sweep};
use command::{Answer, Command};

/// What one attempt came to.
enum Attempt<R> {
    /// It is carried out, or was before.
    Done(Answer<R>),
    /// It is refused, and that is remembered.
    Refused(Refusal),
    /// There is too little, while holds that are over have not been given back.
    Overdue,
}

/// Carries out what is demanded of an order's reservation, and answers with what it then is.
///
/// # Errors
/// [`Error::Refused`] by the state of the reservation or of the stock.
pub async fn carry_out<R>(
    app: &App,
    command: &Command,
    order_id: OrderId,
    demand: &Demand,
) -> Result<Answer<R>, Error>
where
    R: From<Reservation> + Message + Default,
{
    let _turn = queue(app, order_id, demand).await?;
    for sweeps_left in [true, false] {
        let run = || attempt(app, command, order_id, demand, sweeps_left);
        match retrying(run).await? {
            Attempt::Done(answer) => return Ok(answer),
            Attempt::Refused(refusal) => return Err(refusal.into()),
            Attempt::Overdue => drop(sweep::sweep(app).await?),
        }
    }
    unreachable!("the last attempt does not leave it to a sweep")
}

/// Waits in line for the order and its SKUs; SQLite's one writer is a line already.
async fn queue(app: &App, order_id: OrderId, demand: &Demand) -> Result<Option<Pass>, Error> {
    if app.db.engine() == Engine::Sqlite {
        return Ok(None);
    }
    let skus: Vec<Sku> = match demand {
        Demand::Reserve { items, .. } => items.skus().cloned().collect(),
        // Items never change, so they may be read before the transaction begins.
        Demand::Commit | Demand::Release(_) | Demand::Expire => {
            store::reservation::skus(app.db.read(), &[order_id]).await?
        }
    };
    Ok(Some(app.lanes.enter(&[order_id], &skus).await))
}

async fn attempt<R>(
    app: &App,
    command: &Command,
    order_id: OrderId,
    demand: &Demand,
    sweeps_left: bool,
) -> Result<Attempt<R>, Error>
where
    R: From<Reservation> + Message + Default,
{
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(Attempt::Done(answer));
    }
    let Opened {
        stored,
        current,
        plan,
    } = open(&txn, order_id, demand, now).await?;
    let change = match plan {
        Plan::Keep => {
            let kept = current.ok_or(Refusal::Missing)?;
            let answer = command.seal(&txn, R::from(kept)).await?;
            txn.commit().await?;
            return Ok(Attempt::Done(answer));
        }
        Plan::Refuse(refusal) => return Err(refusal.into()),
        Plan::Change(change) => change,
    };
    let (change, levels, refusal) = match move_stock(&txn, &change, now).await? {
        Ok(levels) => (change, levels, None),
        Err(_) if sweeps_left && sweep::is_due(&txn, now).await? => return Ok(Attempt::Overdue),
        Err(short) => {
            let (change, refusal) = change.fall_short(short);
            (change, Vec::new(), Some(refusal))
        }
    };
    let after = Reservation::after(order_id, current.as_ref(), change);
    save(&txn, stored.as_ref(), current.as_ref(), &after, now).await?;
    tell(app, &txn, command, &after, &levels).await?;
    if let Some(refusal) = refusal {
        txn.commit().await?;
        return Ok(Attempt::Refused(refusal));
    }
    let answer = command.seal(&txn, R::from(after)).await?;
    txn.commit().await?;
    Ok(Attempt::Done(answer))
}

/// Where a demand finds a reservation.
struct Opened {
    /// What was stored already, in the hope that all goes well.
    stored: Option<Reservation>,
    current: Option<Reservation>,
    plan: Plan,
}

/// Most demands that may come first do: so the first state is stored before anything is read.
async fn open(
    txn: &Transaction,
    order_id: OrderId,
    demand: &Demand,
    now: DateTime<Utc>,
) -> Result<Opened, Error> {
    let first = plan(None, demand, now);
    if let Plan::Change(change) = &first {
        let hoped = Reservation::after(order_id, None, change.clone());
        if store::reservation::insert(txn, &hoped, now).await? {
            return Ok(Opened {
                stored: Some(hoped),
                current: None,
                plan: first,
            });
        }
    }
    let current = store::reservation::find(txn, order_id).await?;
    let plan = plan(current.as_ref(), demand, now);
    Ok(Opened {
        stored: None,
        current,
        plan,
    })
}

async fn move_stock(
    txn: &Transaction,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<Result<Vec<Level>, Vec<Shortage>>, Error> {
    let Some(transfer) = change.transfer else {
        return Ok(Ok(Vec::new()));
    };
    if transfer.takes() {
        return Ok(store::stock_level::take(txn, transfer, &change.items, now).await?);
    }
    let pieces: Vec<_> = change
        .items
        .iter()
        .map(|(sku, quantity)| (sku.clone(), i64::from(*quantity)))
        .collect();
    let levels = store::stock_level::give(txn, transfer, &pieces, now).await?;
    // A commit moves pieces that buyers could not have before either.
    Ok(Ok(if transfer == Transfer::Commit {
        Vec::new()
    } else {
        levels
    }))
}

async fn save(
    txn: &Transaction,
    stored: Option<&Reservation>,
    current: Option<&Reservation>,
    after: &Reservation,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if stored != Some(after) {
        store::reservation::update(txn, after, now).await?;
    }
    if current.is_none() {
        store::reservation::insert_rest(txn, after).await?;
    }
    Ok(())
}

async fn tell(
    app: &App,
    txn: &Transaction,
    command: &Command,
    after: &Reservation,
    levels: &[Level],
) -> Result<(), Error> {
    let facts = iter::once(event::reservation(after, command.user))
        .chain(levels.iter().map(event::stock_changed));
    events::outbox::push_all(txn, &app.clock, crate::NAME, &command.origin, facts).await?;
    Ok(())
}
