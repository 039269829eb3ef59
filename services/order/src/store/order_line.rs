//! Table `order_lines`: what an order consists of, never changed.

use ::store::Transaction;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QueryTrait, Set};

use crate::domain::amount::{Amount, Currency};
use crate::domain::id::OrderId;
use crate::domain::order::{Line, Order};

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
            unit_price_minor: Set(line.unit_price.minor),
            amount_minor: Set(line.amount.minor),
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
    Ok(rows.into_iter().map(|row| row.line(currency)).collect())
}

impl Model {
    fn line(self, currency: Currency) -> Line {
        Line {
            sku: self.sku,
            quantity: self.quantity,
            unit_price: Amount::new(currency, self.unit_price_minor),
            amount: Amount::new(currency, self.amount_minor),
        }
    }
}
