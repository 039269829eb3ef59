//! Carries demands on reservations out: plans by the pure core, moves stock, tells the facts,
//! all in one transaction that guards what it writes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use command::Work;
use events::Origin;
use futures::FutureExt;
use sea_orm::DbErr;
use sql::{Engine, Transaction};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::domain::item::{OrderId, Sku};
use crate::domain::level::{Level, Transfer};
use crate::domain::reservation::{
    Decision, Demand, Reservation, ReservationError, Shortage, Transition, plan,
};
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

/// Attempts at one demand. Whoever is overtaken was so by one who was not; of four processes that want one SKU without
/// a pause, one in a million demands loses so often.
const ATTEMPTS_MAX: u32 = 50;
/// After so many of them others are let by for a moment.
const ATTEMPTS_AT_ONCE: u32 = 3;

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
/// It is optimistic: it looks, plans, and writes all of it at once, which stores nothing if the
/// reservation or a level is not what it looked at any more. Then it looks again.
///
/// # Errors
/// [`Error::Refused`] by the state of the reservation or of the stock.
pub async fn carry_out(
    app: &App,
    by: &Demander,
    order_id: OrderId,
    demand: &Demand,
) -> Result<Reservation, Error> {
    let mut hope = Hope {
        is_new: matches!(demand, Demand::Reserve { .. }),
        may_sweep: true,
    };
    let mut line = OnceCell::new();
    for attempts in 1..=ATTEMPTS_MAX {
        let made = command::guarded(&app.db, &app.clock, &by.origin, |work| {
            attempt(app, work, by.user, (order_id, demand), &hope, &line).boxed()
        });
        match made.await {
            Ok(outcome) => return Ok(outcome?),
            Err(Halt::Failed(Error::Store(DbErr::RecordNotUpdated))) => {
                hope.is_new = false;
                if attempts >= ATTEMPTS_AT_ONCE {
                    let [jitter] = app.clock.random();
                    tokio::time::sleep(Duration::from_micros(u64::from(jitter) * 40)).await;
                }
            }
            Err(Halt::Failed(error)) => return Err(error),
            Err(Halt::Overdue) => {
                line = OnceCell::new(); // those who give back want the same lanes
                if let Err(error) = sweep::all(app.clone()).await {
                    tracing::warn!(%error, "Holds that are over could not be given back");
                }
                hope.may_sweep = false;
            }
        }
    }
    Err(Error::Overtaken)
}

/// What an attempt need not look at.
struct Hope {
    /// Most orders are reserved for once, so for the first time nobody looks whether one was.
    is_new: bool,
    /// Nobody has looked yet whether holds are overdue.
    may_sweep: bool,
}

/// A refusal among what is answered is remembered.
async fn attempt(
    app: &App,
    work: &mut Work<'_>,
    user: Option<Uuid>,
    (order_id, demand): (OrderId, &Demand),
    hope: &Hope,
    line: &OnceCell<Option<Pass>>,
) -> Result<Result<Reservation, ReservationError>, Halt> {
    let now = work.now;
    let current = match hope.is_new {
        true => None,
        false => store::reservation::find(&work.txn, order_id).await?,
    };
    let change = match plan(current.as_ref(), demand, now) {
        Decision::Keep => return Ok(current.ok_or(ReservationError::Missing)),
        Decision::Refuse(refusal) => return Err(Error::from(refusal).into()),
        Decision::Change(change) => change,
    };
    line.get_or_init(|| queue(app, order_id, &change)).await;
    let (change, levels, refusal) = match look(&work.txn, &change).await? {
        Ok(levels) => (change, levels, None),
        // Nobody looked whether the order had these pieces already; or what it had is gone, since it has moved on.
        Err(_) if hope.is_new || !change.transfer.is_some_and(Transfer::takes) => {
            return Err(DbErr::RecordNotUpdated.into());
        }
        Err(_) if hope.may_sweep && sweep::is_due(&work.txn, now).await? => {
            return Err(Halt::Overdue);
        }
        // No hold is overdue now: of one that was, while the levels were looked at, they tell only now.
        Err(_) => match look(&work.txn, &change).await? {
            Ok(levels) => (change, levels, None),
            Err(short) => {
                let (change, refusal) = change.fall_short(short);
                (change, Vec::new(), Some(refusal))
            }
        },
    };
    move_stock(&work.txn, &change, &levels, now).await?;
    let after = Reservation::after(order_id, current.as_ref(), change);
    match current {
        None => store::reservation::insert(&work.txn, &after, now).await?,
        Some(_) => store::reservation::update(&work.txn, &after, now).await?,
    }
    work.tell(event::reservation(&after, user));
    for level in &levels {
        work.tell(event::stock_changed(level));
    }
    Ok(refusal.map_or(Ok(after), Err))
}

/// Waits in line for the order and its SKUs; SQLite's one writer is a line already.
async fn queue(app: &App, order_id: OrderId, change: &Transition) -> Option<Pass> {
    if app.db.engine() == Engine::Sqlite {
        return None;
    }
    let skus: Vec<Sku> = change.items.skus().cloned().collect();
    Some(app.lanes.enter(&[order_id], &skus).await)
}

/// What the levels are after a change, those that buyers can see it in, or what is short.
async fn look(
    txn: &Transaction,
    change: &Transition,
) -> Result<Result<Vec<Level>, Vec<Shortage>>, DbErr> {
    let Some(transfer) = change.transfer.filter(|transfer| transfer.is_visible()) else {
        return Ok(Ok(Vec::new()));
    };
    let skus: Vec<Sku> = change.items.skus().cloned().collect();
    let mut levels = store::stock_level::find_many(txn, &skus).await?;
    let mut after = Vec::with_capacity(skus.len());
    let mut short = Vec::new();
    for (sku, requested) in change.items.iter() {
        let level = levels.remove(sku);
        let available = level.as_ref().map_or(0, |level| level.counts.available);
        match level.map(|level| level.transfer(transfer, *requested)) {
            Some(Ok(level)) => after.push(level),
            Some(Err(_)) | None => short.push(Shortage {
                sku: sku.clone(),
                requested: *requested,
                available,
            }),
        }
    }
    Ok(if short.is_empty() {
        Ok(after)
    } else {
        Err(short)
    })
}

async fn move_stock(
    txn: &Transaction,
    change: &Transition,
    levels: &[Level],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let Some(transfer) = change.transfer else {
        return Ok(());
    };
    let mut levels = levels.iter();
    for (sku, quantity) in change.items.iter() {
        store::stock_level::transfer(txn, transfer, (sku, *quantity), levels.next(), now).await?;
    }
    Ok(())
}
