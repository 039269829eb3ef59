//! The life of a reservation, as a pure core: [`plan`] says what a demand would do to it,
//! [`Reservation::after`] what it then is. The store carries the plan out.
//!
//! | state     | Reserve, same items        | Commit                       | Release        | time is up |
//! |-----------|----------------------------|------------------------------|----------------|------------|
//! | none      | hold → Held, else Short    | refused: missing             | → Released     | –          |
//! | Held      | kept; overdue: held longer | → Committed                  | unhold → Released | unhold → Expired |
//! | Committed | kept                       | kept                         | restock → Released | –      |
//! | Released  | refused: released          | refused: released            | kept           | –          |
//! | Expired   | hold → Held, else Short    | sell → Committed, else Lost  | → Released     | –          |
//! | Short     | refused: out of stock      | refused: out of stock        | → Released     | –          |
//! | Lost      | refused: expired           | refused: expired             | → Released     | –          |
//!
//! Reserve with other items is refused in every state but none and Released. A refusal for
//! want of stock is remembered (Short, Lost): a late copy of the demand must not hold
//! pieces for an order that was rejected on the first answer. Release wins over everything
//! and is remembered also where there was nothing to release.

#[cfg(test)]
pub mod tests;

use chrono::{DateTime, Utc};

use crate::domain::item::{Items, OrderId, Quantity, Sku};
use crate::domain::level::Transfer;

/// Stock held for an order: all of its items or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The order, and the key.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: State,
    /// What was asked for; empty if a release came before any reserve.
    pub items: Items,
    /// When a hold ends or ended; none if there never was one.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many facts were published for it.
    pub version: i64,
}

/// Where a reservation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The pieces are reserved until [`Reservation::expires_at`].
    Held,
    /// The pieces are sold.
    Committed,
    /// The pieces are back, or never left; nothing can be reserved any more.
    Released(ReleaseReason),
    /// The pieces are back because time ran out.
    Expired,
    /// There were too few when they were to be held.
    Short(Vec<Shortage>),
    /// The hold had expired, and there were too few when they were to be sold.
    Lost(Vec<Shortage>),
}

/// Why pieces went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseReason {
    /// Somebody cancelled the order, or it failed for another reason.
    Cancelled,
    /// The hold's time was over.
    Expired,
    /// The payment did not go through.
    PaymentFailed,
}

/// A SKU of which there are too few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The SKU.
    pub sku: Sku,
    /// What was asked for.
    pub requested: Quantity,
    /// What there was.
    pub available: i64,
}

/// What can be asked of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Hold these items until then.
    Reserve { items: Items, until: DateTime<Utc> },
    /// Sell what is held.
    Commit,
    /// Give back whatever is held or sold, and hold nothing later.
    Release(ReleaseReason),
    /// Give back what is held if its time is over.
    Expire,
}

/// Why a demand has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReservationError {
    /// There are too few pieces.
    #[error("Out of stock")]
    OutOfStock(Vec<Shortage>),
    /// The hold ended before the sale, and the pieces went to others.
    #[error("the reservation has expired and its stock is gone")]
    Expired(Vec<Shortage>),
    /// It was released before.
    #[error("the reservation was released")]
    Released,
    /// The order has a reservation of other items.
    #[error("the order has reserved other items")]
    OtherItems,
    /// There is nothing to commit.
    #[error("the order has no reservation")]
    Missing,
}

/// What a demand would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: its effect is there already.
    Keep,
    /// Nothing: it may not.
    Refuse(ReservationError),
    /// This.
    Change(Transition),
}

/// A move of stock together with the states it may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What happens to every item; none if no piece moves.
    pub transfer: Option<Transfer>,
    /// The items it happens to, and that the reservation has afterwards.
    pub items: Items,
    /// The state when it has happened.
    pub then: State,
    /// When the hold ends from then on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Says what `demand` does to the reservation of an order, `current` if there is one.
pub fn plan(current: Option<&Reservation>, demand: &Demand, now: DateTime<Utc>) -> Decision {
    match demand {
        Demand::Reserve { items, until } => reserve(current, items, *until, now),
        Demand::Commit => commit(current),
        Demand::Release(reason) => release(current, *reason),
        Demand::Expire => expire(current, now),
    }
}

fn reserve(
    current: Option<&Reservation>,
    items: &Items,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Decision {
    let hold = |transfer| {
        Decision::Change(Transition {
            transfer,
            items: items.clone(),
            then: State::Held,
            expires_at: Some(until),
        })
    };
    let Some(current) = current else {
        return hold(Some(Transfer::Hold));
    };
    match &current.state {
        State::Released(_) => Decision::Refuse(ReservationError::Released),
        _ if current.items != *items => Decision::Refuse(ReservationError::OtherItems),
        State::Held if current.is_overdue(now) => hold(None),
        State::Held | State::Committed => Decision::Keep,
        State::Expired => hold(Some(Transfer::Hold)),
        State::Short(short) => Decision::Refuse(ReservationError::OutOfStock(short.clone())),
        State::Lost(short) => Decision::Refuse(ReservationError::Expired(short.clone())),
    }
}

fn commit(current: Option<&Reservation>) -> Decision {
    let Some(current) = current else {
        return Decision::Refuse(ReservationError::Missing);
    };
    let sell = |transfer| {
        Decision::Change(Transition {
            transfer: Some(transfer),
            ..current.become_state(State::Committed)
        })
    };
    match &current.state {
        // An overdue hold that nobody has swept is as good as a fresh one: the pieces are there.
        State::Held => sell(Transfer::Commit),
        State::Expired => sell(Transfer::Sell),
        State::Committed => Decision::Keep,
        State::Released(_) => Decision::Refuse(ReservationError::Released),
        State::Short(short) => Decision::Refuse(ReservationError::OutOfStock(short.clone())),
        State::Lost(short) => Decision::Refuse(ReservationError::Expired(short.clone())),
    }
}

fn release(current: Option<&Reservation>, reason: ReleaseReason) -> Decision {
    let then = State::Released(reason);
    let Some(current) = current else {
        let (items, expires_at) = (Items::default(), None);
        return Decision::Change(Transition {
            transfer: None,
            items,
            then,
            expires_at,
        });
    };
    let transfer = match &current.state {
        State::Released(_) => return Decision::Keep,
        State::Held => Some(Transfer::Unhold),
        State::Committed => Some(Transfer::Restock),
        State::Expired | State::Short(_) | State::Lost(_) => None,
    };
    Decision::Change(Transition {
        transfer,
        ..current.become_state(then)
    })
}

fn expire(current: Option<&Reservation>, now: DateTime<Utc>) -> Decision {
    match current {
        Some(held) if held.state == State::Held && held.is_overdue(now) => {
            let change = held.become_state(State::Expired);
            Decision::Change(Transition {
                transfer: Some(Transfer::Unhold),
                ..change
            })
        }
        _ => Decision::Keep,
    }
}

impl Transition {
    /// What the reservation comes to instead, and the refusal to answer with, when the
    /// transfer found too little.
    ///
    /// # Panics
    /// If the transfer is one that moves only what was counted before: then the books are
    /// wrong, and no further step may be built on them.
    pub fn fall_short(self, short: Vec<Shortage>) -> (Self, ReservationError) {
        let (then, refusal) = match self.transfer {
            Some(Transfer::Hold) => (
                State::Short(short.clone()),
                ReservationError::OutOfStock(short),
            ),
            Some(Transfer::Sell) => (State::Lost(short.clone()), ReservationError::Expired(short)),
            other => panic!("{other:?} moves only what was counted, yet fell short of {short:?}"),
        };
        let expires_at = None;
        (
            Self {
                transfer: None,
                then,
                expires_at,
                ..self
            },
            refusal,
        )
    }
}

impl Reservation {
    /// The reservation once `change` has happened to `current`: every change is one fact.
    pub fn after(order_id: OrderId, current: Option<&Self>, change: Transition) -> Self {
        Self {
            order_id,
            state: change.then,
            items: change.items,
            expires_at: change.expires_at,
            version: current.map_or(0, |current| current.version) + 1,
        }
    }

    /// Whether its time is over.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn become_state(&self, then: State) -> Transition {
        Transition {
            transfer: None,
            items: self.items.clone(),
            then,
            expires_at: self.expires_at,
        }
    }
}
