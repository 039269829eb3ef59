//! What a reservation asks for. Items never change; only a refusal adds what was left.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait;
use sea_orm::entity::prelude::*;
use sql::Transaction;

use crate::domain::item::{Items, OrderId, Quantity, Sku};
use crate::domain::reservation::{Reservation, Shortage, State};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    sku: String,
    quantity: i64,
    available_when_short: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::Entity",
        from = "Column::OrderId",
        to = "super::Column::OrderId"
    )]
    Reservation,
}

impl Related<super::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Reservation.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

/// The items of an order, and those that were short when it was refused.
pub fn items(rows: Vec<Model>) -> Result<(Items, Vec<Shortage>), DbErr> {
    let mut items = Vec::with_capacity(rows.len());
    let mut short = Vec::new();
    for row in rows {
        let sku = Sku::new(row.sku);
        let requested = i32::try_from(row.quantity).ok().and_then(Quantity::new);
        let requested =
            requested.ok_or_else(|| DbErr::Type(format!("{} is no quantity", row.quantity)))?;
        if let Some(available) = row.available_when_short {
            short.push(Shortage {
                sku: sku.clone(),
                requested,
                available,
            });
        }
        items.push((sku, requested.pieces()));
    }
    let items = Items::collect(items).map_err(|error| DbErr::Type(error.to_string()))?;
    Ok((items, short))
}

/// Stores the items of a reservation, with what was short if it was refused.
pub async fn insert(txn: &Transaction, reservation: &Reservation) -> Result<(), DbErr> {
    if reservation.items.is_empty() {
        return Ok(());
    }
    let left = |sku: &Sku| match &reservation.state {
        State::Short(short) | State::Lost(short) => short
            .iter()
            .find(|one| one.sku == *sku)
            .map(|one| one.available),
        State::Held | State::Committed | State::Released(_) | State::Expired => None,
    };
    let rows = reservation.items.iter().map(|(sku, quantity)| ActiveModel {
        order_id: Set(reservation.order_id.0),
        sku: Set(sku.as_str().to_owned()),
        quantity: Set(i64::from(*quantity)),
        available_when_short: Set(left(sku)),
    });
    txn.defer(Entity::insert_many(rows).as_query()).await
}

/// Notes what was left of the items that were short.
pub async fn mark_short(
    txn: &Transaction,
    order_id: OrderId,
    short: &[Shortage],
) -> Result<(), DbErr> {
    for shortage in short {
        let update = Entity::update_many()
            .col_expr(Column::AvailableWhenShort, Expr::value(shortage.available))
            .filter(Column::OrderId.eq(order_id.0))
            .filter(Column::Sku.eq(shortage.sku.as_str()));
        txn.defer(update.as_query()).await?;
    }
    Ok(())
}
