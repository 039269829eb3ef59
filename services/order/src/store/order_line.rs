//! Table `order_lines`: what an order consists of, never changed.

use std::collections::HashMap;

use money::{Amount, Currency};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, Set};
use sql::Transaction;

use crate::domain::id::OrderId;
use crate::domain::order::{Line, Order};
use crate::store::broken;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    position: i32,
    sku: String,
    quantity: i32,
    unit_price_minor: i64,
    amount_minor: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Stores the lines of a new order in one statement.
///
/// # Errors
/// The database failed.
pub async fn insert(txn: &Transaction, order: &Order) -> Result<(), DbErr> {
    let rows = order
        .lines
        .iter()
        .zip(0..)
        .map(|(line, position)| ActiveModel {
            order_id: Set(order.id.0),
            position: Set(position),
            sku: Set(line.sku.clone()),
            quantity: Set(line.quantity),
            unit_price_minor: Set(line.unit_price.minor_units()),
            amount_minor: Set(line.amount.minor_units()),
        });
    txn.defer(Entity::insert_many(rows).as_query()).await
}

/// The lines of an order, in the order they were asked for. An order has at most 100.
///
/// # Errors
/// The database failed.
pub async fn of(
    db: &impl ConnectionTrait,
    id: OrderId,
    currency: Currency,
) -> Result<Vec<Line>, DbErr> {
    let rows = Entity::find()
        .filter(Column::OrderId.eq(id.0))
        .order_by_asc(Column::Position)
        .all(db)
        .await?;
    rows.into_iter().map(|row| row.line(currency)).collect()
}

/// The SKUs of the first lines of some orders, at most `lines_max` of each, by one statement. The
/// caller bounds the orders.
///
/// # Errors
/// The database failed.
pub async fn first_skus(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = OrderId>,
    lines_max: i32,
) -> Result<HashMap<OrderId, Vec<String>>, DbErr> {
    let rows: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::Sku])
        .filter(Column::OrderId.is_in(ids.into_iter().map(|id| id.0)))
        .filter(Column::Position.lt(lines_max))
        .order_by_asc(Column::OrderId)
        .order_by_asc(Column::Position)
        .into_tuple()
        .all(db)
        .await?;
    let mut skus: HashMap<OrderId, Vec<String>> = HashMap::new();
    for (id, sku) in rows {
        skus.entry(OrderId(id)).or_default().push(sku);
    }
    Ok(skus)
}

impl Model {
    fn line(self, currency: Currency) -> Result<Line, DbErr> {
        let amount = |minor_units| {
            Amount::new(currency, minor_units).ok_or_else(|| broken("order_lines", "amount"))
        };
        Ok(Line {
            sku: self.sku,
            quantity: self.quantity,
            unit_price: amount(self.unit_price_minor)?,
            amount: amount(self.amount_minor)?,
        })
    }
}
