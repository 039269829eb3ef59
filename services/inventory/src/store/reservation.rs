//! Reservations and their items: one row per order for good, so that what was refused or
//! released is remembered.

mod hold;
mod item;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::QueryTrait;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sql::Transaction;

use crate::domain::item::{Items, OrderId};
use crate::domain::reservation::{ReleaseReason, Reservation, Shortage, State};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reservations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    state: String,
    release_reason: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "item::Entity")]
    Item,
}

impl Related<item::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Item.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

const HELD: &str = "held";

/// The reservation of an order, if any command ever touched it.
pub async fn find(
    db: &impl ConnectionTrait,
    order_id: OrderId,
) -> Result<Option<Reservation>, DbErr> {
    let found = Entity::find_by_id(order_id.0)
        .find_with_related(item::Entity)
        .all(db)
        .await?;
    let reservation = |(row, items)| {
        let (items, short) = item::items(items)?;
        reservation(row, items, short)
    };
    found.into_iter().next().map(reservation).transpose()
}

/// Stores the first state of an order's reservation with the commit, which fails with
/// [`DbErr::RecordNotUpdated`] if there is one.
pub async fn insert(
    txn: &Transaction,
    reservation: &Reservation,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        created_at: Set(now),
        ..row(reservation, now)
    };
    let mut insert = Entity::insert(row).into_query();
    insert.on_conflict(OnConflict::column(Column::OrderId).do_nothing().to_owned());
    txn.defer_required(&insert).await?;
    item::insert(txn, reservation).await?;
    match (&reservation.state, reservation.expires_at) {
        (State::Held, Some(until)) => hold::upsert(txn, reservation.order_id, until).await,
        _ => Ok(()),
    }
}

/// Stores the next state of a reservation with the commit, which fails with
/// [`DbErr::RecordNotUpdated`] unless it is in the state before.
pub async fn update(
    txn: &Transaction,
    reservation: &Reservation,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let update = Entity::update_many()
        .set(ActiveModel {
            order_id: NotSet,
            ..row(reservation, now)
        })
        .filter(Column::OrderId.eq(reservation.order_id.0))
        .filter(Column::Version.eq(reservation.version - 1));
    txn.defer_required(update.as_query()).await?;
    if let State::Short(short) | State::Lost(short) = &reservation.state {
        item::mark_short(txn, reservation.order_id, short).await?;
    }
    match (&reservation.state, reservation.expires_at) {
        (State::Held, Some(until)) => hold::upsert(txn, reservation.order_id, until).await,
        _ => hold::delete(txn, reservation.order_id).await,
    }
}

/// The orders whose hold is over but not yet given back, the longest overdue first.
pub async fn overdue(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<OrderId>, DbErr> {
    hold::overdue(db, now, limit).await
}

fn row(reservation: &Reservation, now: DateTime<Utc>) -> ActiveModel {
    let (state, reason) = match &reservation.state {
        State::Held => (HELD, None),
        State::Committed => ("committed", None),
        State::Released(reason) => ("released", Some(reason_name(*reason))),
        State::Expired => ("expired", None),
        State::Short(_) => ("short", None),
        State::Lost(_) => ("lost", None),
    };
    ActiveModel {
        order_id: Set(reservation.order_id.0),
        state: Set(state.to_owned()),
        release_reason: Set(reason.map(str::to_owned)),
        expires_at: Set(reservation.expires_at),
        version: Set(reservation.version),
        updated_at: Set(now),
        ..Default::default()
    }
}

fn reservation(row: Model, items: Items, short: Vec<Shortage>) -> Result<Reservation, DbErr> {
    let state = match row.state.as_str() {
        HELD => State::Held,
        "committed" => State::Committed,
        "released" => State::Released(parse_reason(row.release_reason.as_deref())?),
        "expired" => State::Expired,
        "short" => State::Short(short),
        "lost" => State::Lost(short),
        other => {
            return Err(DbErr::Type(format!(
                "{other:?} is no state of a reservation"
            )));
        }
    };
    Ok(Reservation {
        order_id: OrderId(row.order_id),
        state,
        items,
        expires_at: row.expires_at,
        version: row.version,
    })
}

const fn reason_name(reason: ReleaseReason) -> &'static str {
    match reason {
        ReleaseReason::Cancelled => "cancelled",
        ReleaseReason::Expired => "expired",
        ReleaseReason::PaymentFailed => "payment_failed",
    }
}

fn parse_reason(name: Option<&str>) -> Result<ReleaseReason, DbErr> {
    let all = [
        ReleaseReason::Cancelled,
        ReleaseReason::Expired,
        ReleaseReason::PaymentFailed,
    ];
    let found = all
        .into_iter()
        .find(|reason| Some(reason_name(*reason)) == name);
    found.ok_or_else(|| DbErr::Type(format!("{name:?} is no reason of a release")))
}
