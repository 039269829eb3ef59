//! Table `orders`: what a customer sees of an order.

use call::Scope;
use chrono::{DateTime, Utc};
use money::Amount;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait, Select, Set};
use serde::{Deserialize, Serialize};
use sql::Transaction;

use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{EndReason, Line, Order, Status};
use crate::domain::summary::{OrderFilter, Summary};
use crate::store::{broken, order_line};

/// A list is counted up to here: beyond, its size is told as this.
pub const COUNT_MAX: u64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    customer_id: Uuid,
    status: i16,
    end_reason: Option<i16>,
    currency: String,
    total_minor: i64,
    piece_count: i32,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a page of orders ends: newest first, ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    created_at: DateTime<Utc>,
    id: Uuid,
}

impl Position {
    /// The position of an order that is the last of its page.
    pub fn of(order: &Summary) -> Self {
        Self {
            created_at: order.created_at,
            id: order.id.0,
        }
    }
}

/// Stores a new order and its lines.
///
/// # Errors
/// The database failed.
pub async fn insert(txn: &Transaction, order: &Order) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(order.id.0),
        customer_id: Set(order.customer_id.0),
        status: Set(order.status as i16),
        end_reason: Set(order.end_reason.map(|reason| reason as i16)),
        currency: Set(order.total.currency().to_string()),
        total_minor: Set(order.total.minor_units()),
        piece_count: Set(order.piece_count()),
        version: Set(order.version),
        created_at: Set(order.created_at),
        updated_at: Set(order.updated_at),
    };
    txn.defer(Entity::insert(row).as_query()).await?;
    order_line::insert(txn, order).await
}

/// Stores where an order stands now. Its saga's revision keeps two writers apart. When there is no
/// such order, the commit fails with [`DbErr::RecordNotUpdated`].
///
/// # Errors
/// The database failed.
pub async fn update(txn: &Transaction, order: &Order) -> Result<(), DbErr> {
    let changes = ActiveModel {
        status: Set(order.status as i16),
        end_reason: Set(order.end_reason.map(|reason| reason as i16)),
        version: Set(order.version),
        updated_at: Set(order.updated_at),
        ..Default::default()
    };
    let update = Entity::update_many()
        .set(changes)
        .filter(Column::Id.eq(order.id.0));
    txn.defer_required(update.as_query()).await
}

/// The order of that id, if it is within reach.
///
/// # Errors
/// The database failed.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: Scope,
    id: OrderId,
) -> Result<Option<Order>, DbErr> {
    let mut query = Entity::find_by_id(id.0);
    if let Some(owner) = scope.owner() {
        query = query.filter(Column::CustomerId.eq(owner));
    }
    let Some(row) = query.one(db).await? else {
        return Ok(None);
    };
    let summary = Summary::try_from(&row)?;
    let lines = order_line::of(db, id, summary.total.currency()).await?;
    Ok(Some(summary.whole(lines)))
}

/// Selects the ids of the orders that a customer placed at that very time.
pub(super) fn ids_at(customer: CustomerId, at: DateTime<Utc>) -> SelectStatement {
    let placed = Entity::find().select_only().column(Column::Id);
    let placed = placed.filter(Column::CustomerId.eq(customer.0));
    placed.filter(Column::CreatedAt.eq(at)).into_query()
}

/// A page of orders, newest first, at most `limit`, those after `after`.
///
/// # Errors
/// The database failed.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: OrderFilter,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Summary>, DbErr> {
    let mut query = filtered(filter);
    if let Some(Position { created_at, id }) = after {
        let tied = Condition::all()
            .add(Column::CreatedAt.eq(created_at))
            .add(Column::Id.lt(id));
        let older = Condition::any()
            .add(Column::CreatedAt.lt(created_at))
            .add(tied);
        // The first condition alone lets the index be entered at the position.
        query = query
            .filter(Column::CreatedAt.lte(created_at))
            .filter(older);
    }
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.iter().map(Summary::try_from).collect()
}

/// How many orders a filter finds, counted up to [`COUNT_MAX`], so that a long history costs no more.
///
/// # Errors
/// The database failed.
pub async fn count(db: &impl ConnectionTrait, filter: OrderFilter) -> Result<u64, DbErr> {
    filtered(filter)
        .select_only()
        .column(Column::Id)
        .limit(COUNT_MAX)
        .count(db)
        .await
}

fn filtered(filter: OrderFilter) -> Select<Entity> {
    let query = Entity::find().filter(Column::CustomerId.eq(filter.customer_id.0));
    match filter.status {
        Some(status) => query.filter(Column::Status.eq(status as i16)),
        None => query,
    }
}

impl TryFrom<&Model> for Summary {
    type Error = DbErr;

    fn try_from(row: &Model) -> Result<Self, DbErr> {
        let total = Amount::parse(&row.currency, row.total_minor);
        let reason =
            |number| EndReason::from_number(number).ok_or_else(|| broken("orders", "end reason"));
        Ok(Self {
            id: OrderId(row.id),
            customer_id: CustomerId(row.customer_id),
            status: Status::from_number(row.status).ok_or_else(|| broken("orders", "status"))?,
            end_reason: row.end_reason.map(reason).transpose()?,
            version: row.version,
            piece_count: row.piece_count,
            total: total.ok_or_else(|| broken("orders", "total"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Summary {
    fn whole(self, lines: Vec<Line>) -> Order {
        Order {
            id: self.id,
            customer_id: self.customer_id,
            status: self.status,
            end_reason: self.end_reason,
            lines,
            total: self.total,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }
}
