//! Carries demands on reservations out: plans by the pure core, moves stock, tells the facts,
//! all in one transaction.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use command::Work;
use events::Origin;
use futures::FutureExt;
use sea_orm::DbErr;
use sql::{Engine, Transaction};
use uuid::Uuid;

use crate::domain::item::{OrderId, Sku};
use crate::domain::level::{Level, Transfer};
use crate::domain::reservation::{Change, Demand, Plan, Refusal, Reservation, Shortage, plan};
use crate::error::Error;
use crate::lane::Pass;
use crate::{App, event, store, sweep};

/// Who demands something of a reservation.
#[derive(Clone, Debug)]
pub struct Demander {
    /// Where the facts come from.
    pub origin: Origin,
    /// The person for whom a service does.
    pub user: Option<Uuid>,
}

/// Why an attempt stores nothing.
#[derive(Debug, thiserror::Error)]
enum Halt {
    /// There is too little, while holds that are over have not all been given back.
    #[error("holds are overdue")]
    Overdue,
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<DbErr> for Halt {
    fn from(error: DbErr) -> Self {
        Self::Failed(error.into())
    }
}

/// Carries out what is demanded of an order's reservation, and answers with what it then is. The
/// order's id makes repeats harmless: what was done is found done.
///
/// # Errors
/// [`Error::Refused`] by the state of the reservation or of the stock.
pub async fn carry_out(
    app: &App,
    by: &Demander,
    order_id: OrderId,
    demand: &Demand,
) -> Result<Reservation, Error> {
    let _turn = queue(app, order_id, demand).await?;
    for sweeps_left in [true, false] {
        let attempt = command::transact(&app.db, &app.clock, &by.origin, |work| {
            attempt(work, by.user, order_id, demand, sweeps_left).boxed()
        });
        match attempt.await {
            Ok(outcome) => return Ok(outcome?),
            Err(Halt::Failed(error)) => return Err(error),
            Err(Halt::Overdue) => sweep::all(app.clone()).await?,
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

/// A refusal among what is answered is remembered.
async fn attempt(
    work: &mut Work<'_>,
    user: Option<Uuid>,
    order_id: OrderId,
    demand: &Demand,
    sweeps_left: bool,
) -> Result<Result<Reservation, Refusal>, Halt> {
    let (txn, now) = (&work.txn, work.now);
    let Opened {
        stored,
        current,
        plan,
    } = open(txn, order_id, demand, now).await?;
    let change = match plan {
        Plan::Keep => return Ok(current.ok_or(Refusal::Missing)),
        Plan::Refuse(refusal) => return Err(Error::from(refusal).into()),
        Plan::Change(change) => change,
    };
    let (change, levels, refusal) = match move_stock(txn, &change, now).await? {
        Ok(levels) => (change, levels, None),
        Err(_) if sweeps_left && sweep::is_due(txn, now).await? => return Err(Halt::Overdue),
        Err(short) => {
            let (change, refusal) = change.fall_short(short);
            (change, Vec::new(), Some(refusal))
        }
    };
    let after = Reservation::after(order_id, current.as_ref(), change);
    save(txn, stored.as_ref(), current.as_ref(), &after, now).await?;
    work.tell(event::reservation(&after, user));
    for level in &levels {
        work.tell(event::stock_changed(level));
    }
    Ok(refusal.map_or(Ok(after), Err))
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
