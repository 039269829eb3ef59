//! What the sandbox remembers of an order. No other table is joined with this one.

use chrono::{DateTime, Utc};
use money::Amount;
use sea_orm::ActiveValue::Set;
use sea_orm::Condition;
use sea_orm::QueryTrait;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{InsertStatement, OnConflict};
use sql::Transaction;

use crate::domain::id::{OrderId, PaymentKey};
use crate::domain::payment::Outcome;
use crate::store::payment::amount;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    reference: Uuid,
    charge_key: Option<String>,
    currency_code: Option<String>,
    amount: i64,
    transaction_id: Option<String>,
    decline_reason: Option<String>,
    refund_id: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What the sandbox knows of one order.
#[derive(Clone, Debug)]
pub struct SandboxCharge {
    /// The order.
    pub order_id: OrderId,
    /// What is known.
    pub memory: Memory,
}

/// What became of an order's money.
#[derive(Clone, Debug)]
pub enum Memory {
    /// A refund came first: nothing will be captured.
    Voided,
    /// A charge came first.
    Charged {
        /// Its name.
        key: PaymentKey,
        /// What was asked for.
        amount: Amount,
        /// What became of it.
        outcome: Outcome,
        /// The refund, if it was captured and given back.
        refund_id: Option<String>,
    },
}

/// Remembers an order of which nothing is known; false if something is, or if the charge's
/// key belongs to another order. Then nothing changes.
pub async fn insert(
    txn: &impl ConnectionTrait,
    record: &SandboxCharge,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let inserted = txn.execute(&inserting(record, now)).await?;
    Ok(inserted.rows_affected() == 1)
}

/// As [`insert`], deferred to the commit, which fails with [`DbErr::RecordNotUpdated`] where that
/// would be false.
pub async fn insert_with_commit(
    txn: &Transaction,
    record: &SandboxCharge,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    txn.defer_required(&inserting(record, now)).await
}

fn inserting(record: &SandboxCharge, now: DateTime<Utc>) -> InsertStatement {
    let mut row = ActiveModel {
        reference: Set(record.order_id.0),
        amount: Set(0),
        created_at: Set(now),
        ..Default::default()
    };
    if let Memory::Charged {
        key,
        amount,
        outcome,
        ..
    } = &record.memory
    {
        row.charge_key = Set(Some(key.as_str().to_owned()));
        row.currency_code = Set(Some(amount.currency().to_string()));
        row.amount = Set(amount.minor_units());
        match outcome {
            Outcome::Captured { transaction_id } => {
                row.transaction_id = Set(Some(transaction_id.clone()));
            }
            Outcome::Declined { reason } => row.decline_reason = Set(Some(reason.clone())),
        }
    }
    let anything = OnConflict::new().do_nothing().to_owned();
    Entity::insert(row).on_conflict(anything).into_query()
}

/// What is known of an order, or, failing that, of the order that has this key.
pub async fn find(
    db: &impl ConnectionTrait,
    order_id: OrderId,
    key: Option<&PaymentKey>,
) -> Result<Option<SandboxCharge>, DbErr> {
    let mut any = Condition::any().add(Column::Reference.eq(order_id.0));
    if let Some(key) = key {
        any = any.add(Column::ChargeKey.eq(key.as_str()));
    }
    // Two rows at most: without an order each is found by its own index.
    let rows = Entity::find().filter(any).all(db).await?;
    let own = rows
        .iter()
        .position(|row| row.reference == order_id.0)
        .unwrap_or(0);
    rows.into_iter().nth(own).map(record).transpose()
}

/// Notes that an order's money went back.
pub async fn mark_returned(
    txn: &impl ConnectionTrait,
    order_id: OrderId,
    refund_id: &str,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        reference: Set(order_id.0),
        refund_id: Set(Some(refund_id.to_owned())),
        ..Default::default()
    };
    Entity::update(row)
        .exec_without_returning(txn)
        .await
        .map(drop)
}

fn record(row: Model) -> Result<SandboxCharge, DbErr> {
    let outcome = match (row.transaction_id, row.decline_reason) {
        (Some(transaction_id), _) => Some(Outcome::Captured { transaction_id }),
        (None, Some(reason)) => Some(Outcome::Declined { reason }),
        (None, None) => None,
    };
    let memory = match (row.charge_key, row.currency_code, outcome) {
        (Some(key), Some(code), Some(outcome)) => Memory::Charged {
            key: PaymentKey::new(key),
            amount: amount(&code, row.amount)?,
            outcome,
            refund_id: row.refund_id,
        },
        _ => Memory::Voided,
    };
    Ok(SandboxCharge {
        order_id: OrderId(row.reference),
        memory,
    })
}
