//! One row per order that was ever to be paid or refunded.

use call::Scope;
use chrono::{DateTime, Utc};
use money::Amount;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{InsertStatement, OnConflict};
use sea_orm::{Condition, QueryTrait};
use sql::Transaction;

use crate::domain::id::{CustomerId, OrderId, PaymentKey};
use crate::domain::payment::{Payment, Refund, Request};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    customer_id: Option<Uuid>,
    charge_key: Option<String>,
    charge_hash: Option<Vec<u8>>,
    currency_code: String,
    amount: i64,
    transaction_id: Option<String>,
    decline_reason: Option<String>,
    refund_key: Option<String>,
    refund_id: Option<String>,
    refunded: i64,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The payment of an order, if anything was ever asked about it and it is within reach.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: Scope,
    order_id: OrderId,
) -> Result<Option<Payment>, DbErr> {
    let query = Entity::find_by_id(order_id.0).apply_if(scope.owner(), |query, owner| {
        query.filter(Column::CustomerId.eq(owner))
    });
    query.one(db).await?.map(payment).transpose()
}

/// The payment that a charge meets: that of its order, or else that of its key.
pub async fn find_met(
    db: &impl ConnectionTrait,
    order_id: OrderId,
    charge_key: &PaymentKey,
) -> Result<Option<Payment>, DbErr> {
    let met = Condition::any()
        .add(Column::OrderId.eq(order_id.0))
        .add(Column::ChargeKey.eq(charge_key.as_str()));
    let rows = Entity::find().filter(met).all(db).await?;
    // The key first: that it stands for another order is the worse mistake.
    let keyed = |row: &Model| row.charge_key.as_deref() == Some(charge_key.as_str());
    let index = rows.iter().position(keyed).unwrap_or(0);
    rows.into_iter().nth(index).map(payment).transpose()
}

/// The order that was refunded under a key, if one was.
pub async fn find_refunded(
    db: &impl ConnectionTrait,
    refund_key: &PaymentKey,
) -> Result<Option<OrderId>, DbErr> {
    let row = Entity::find()
        .filter(Column::RefundKey.eq(refund_key.as_str()))
        .one(db)
        .await?;
    Ok(row.map(|row| OrderId(row.order_id)))
}

/// Stores the first state of an order's payment; false if it has one, or if a key or id in it
/// belongs to another. Then nothing changes.
///
/// It is tried before any read: on PostgreSQL looking for a row that is not there yet would
/// make every two concurrent orders conflict.
pub async fn insert(
    txn: &impl ConnectionTrait,
    payment: &Payment,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let inserted = txn.execute(&inserting(payment, now)).await?;
    Ok(inserted.rows_affected() == 1)
}

/// As [`insert`], deferred to the commit, which fails with [`DbErr::RecordNotUpdated`] where that
/// would be false.
pub async fn insert_with_commit(
    txn: &Transaction,
    payment: &Payment,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    txn.defer_required(&inserting(payment, now)).await
}

fn inserting(payment: &Payment, now: DateTime<Utc>) -> InsertStatement {
    let anything = OnConflict::new().do_nothing().to_owned();
    Entity::insert(row(payment, now))
        .on_conflict(anything)
        .into_query()
}

/// Stores the next state of an order's payment.
pub async fn update(
    txn: &impl ConnectionTrait,
    payment: &Payment,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    Entity::update(row(payment, now))
        .exec_without_returning(txn)
        .await
        .map(drop)
}

/// A sum as it is stored.
pub(super) fn amount(currency_code: &str, minor_units: i64) -> Result<Amount, DbErr> {
    Amount::parse(currency_code, minor_units)
        .ok_or_else(|| DbErr::Type(format!("{minor_units} {currency_code} is no amount")))
}

fn row(payment: &Payment, now: DateTime<Utc>) -> ActiveModel {
    let request = payment.request.as_ref();
    let refund = payment.refund.as_ref();
    ActiveModel {
        order_id: Set(payment.order_id.0),
        customer_id: Set(payment.customer_id.map(|customer| customer.0)),
        charge_key: Set(request.map(|request| request.key.as_str().to_owned())),
        charge_hash: Set(request.map(|request| request.hash.to_vec())),
        currency_code: Set(payment.amount.currency().to_string()),
        amount: Set(payment.amount.minor_units()),
        transaction_id: Set(payment.transaction_id.clone()),
        decline_reason: Set(payment.decline_reason.clone()),
        refund_key: Set(refund.map(|refund| refund.key.as_str().to_owned())),
        refund_id: Set(refund.and_then(|refund| refund.id.clone())),
        refunded: Set(refund.map_or(0, |refund| refund.amount.minor_units())),
        version: Set(payment.version),
        created_at: Set(payment.created_at),
        updated_at: Set(now),
    }
}

fn payment(row: Model) -> Result<Payment, DbErr> {
    let charged = amount(&row.currency_code, row.amount)?;
    let request = match (row.charge_key, row.charge_hash) {
        (Some(key), Some(hash)) => {
            let hash = hash.try_into();
            let hash = hash.map_err(|_| DbErr::Type("a charge's hash has 32 bytes".into()))?;
            Some(Request {
                key: PaymentKey::new(key),
                hash,
            })
        }
        _ => None,
    };
    let refunded = amount(&row.currency_code, row.refunded)?;
    let refund = row.refund_key.map(|key| Refund {
        key: PaymentKey::new(key),
        id: row.refund_id,
        amount: refunded,
    });
    Ok(Payment {
        order_id: OrderId(row.order_id),
        customer_id: row.customer_id.map(CustomerId),
        request,
        amount: charged,
        transaction_id: row.transaction_id,
        decline_reason: row.decline_reason,
        refund,
        version: row.version,
        created_at: row.created_at,
    })
}
