//! What the auditor reads, and how: whole tables, by name, from each database.

mod things;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, TryGetable};
use sql::Database;
use uuid::Uuid;

/// The state of an order, by the number in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Paid,
    Confirmed,
    Cancelling,
    Cancelled,
    Rejected,
    /// A number that the contract does not know.
    Unknown(i16),
}

impl Status {
    fn from_number(number: i16) -> Self {
        match number {
            1 => Self::Pending,
            2 => Self::Paid,
            3 => Self::Confirmed,
            4 => Self::Cancelling,
            5 => Self::Cancelled,
            6 => Self::Rejected,
            other => Self::Unknown(other),
        }
    }

    /// Nothing moves any more, unless a person cancels.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Confirmed | Self::Cancelled | Self::Rejected)
    }
}

/// One order with what was bought.
#[derive(Clone, Debug)]
pub struct Order {
    pub status: Status,
    pub currency: String,
    pub total: i64,
    /// Pieces by SKU.
    pub items: BTreeMap<String, i64>,
}

/// What inventory holds or sold for an order.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// In capitals: HELD, COMMITTED, RELEASED …
    pub state: String,
    pub items: BTreeMap<String, i64>,
}

/// The stock of one SKU.
#[derive(Clone, Debug)]
pub struct Level {
    pub sku: String,
    pub available: i64,
    pub reserved: i64,
    pub committed: i64,
    pub received: i64,
}

/// One movement of money with its lines.
#[derive(Clone, Debug)]
pub struct Movement {
    pub order_id: Uuid,
    /// `capture` or `refund`.
    pub kind: String,
    /// Currency and signed minor units.
    pub lines: Vec<(String, i64)>,
}

/// What payment tells about an order.
#[derive(Clone, Debug)]
pub struct Payment {
    pub currency: String,
    pub amount: i64,
    pub refunded: i64,
    pub captured: bool,
}

/// One remembered answer.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub service: &'static str,
    pub subject: String,
    pub method: String,
    pub key: String,
    pub sealed: bool,
}

/// One fact in an outbox.
#[derive(Clone, Debug)]
pub struct Fact {
    pub service: &'static str,
    /// The kind of aggregate: `order` of `order.paid`.
    pub aggregate: String,
    pub key: String,
    pub version: i64,
    /// It says that its thing is gone.
    pub is_farewell: bool,
}

/// What facts are told about, as its own table has it.
#[derive(Clone, Debug)]
pub struct Thing {
    pub service: &'static str,
    /// As facts name its kind.
    pub aggregate: &'static str,
    pub key: String,
    /// How many facts were told about it.
    pub version: i64,
    /// When it came to be, where the table says so.
    pub created_at: Option<DateTime<Utc>>,
    /// When the last of them was told, or a while later.
    pub updated_at: DateTime<Utc>,
}

/// Everything the checks need.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub read_at: DateTime<Utc>,
    pub orders: HashMap<Uuid, Order>,
    /// Orders whose saga still has something to do.
    pub pending_sagas: Vec<Uuid>,
    pub levels: Vec<Level>,
    pub reservations: HashMap<Uuid, Reservation>,
    pub movements: Vec<Movement>,
    pub payments: HashMap<Uuid, Payment>,
    pub remembered: Vec<Remembered>,
    pub facts: Vec<Fact>,
    pub things: Vec<Thing>,
    /// Services that have deleted old facts.
    pub pruned: BTreeSet<&'static str>,
}

impl Rows {
    /// No order and no saga is on its way.
    pub fn is_quiet(&self) -> bool {
        self.pending_sagas.is_empty()
            && self.orders.values().all(|order| order.status.is_terminal())
    }
}

/// Reads all rows, as of `now`.
///
/// # Errors
///
/// A database that is not there, or a table that is not as this binary knows it.
pub async fn read(databases: &[Database], now: DateTime<Utc>) -> Result<Rows, DbErr> {
    let mut rows = Rows {
        read_at: now,
        ..Rows::default()
    };
    for db in databases {
        match db.service() {
            order::NAME => orders(&mut rows, db).await?,
            inventory::NAME => stock(&mut rows, db).await?,
            payment::NAME => money(&mut rows, db).await?,
            _ => {}
        }
        remembered(&mut rows, db.service(), db).await?;
        things::read(&mut rows, db).await?;
    }
    Ok(rows)
}

async fn select(
    db: &Database,
    table: &'static str,
    columns: &[&'static str],
) -> Result<Vec<QueryResult>, DbErr> {
    let mut query = Query::select();
    query
        .columns(columns.iter().map(|column| Alias::new(*column)))
        .from(Alias::new(table));
    db.read().query_all(&query).await
}

fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, DbErr> {
    row.try_get("", column)
}

async fn orders(rows: &mut Rows, db: &Database) -> Result<(), DbErr> {
    for row in select(db, "orders", &["id", "status", "currency", "total_minor"]).await? {
        let order = Order {
            status: Status::from_number(get(&row, "status")?),
            currency: get(&row, "currency")?,
            total: get(&row, "total_minor")?,
            items: BTreeMap::new(),
        };
        rows.orders.insert(get(&row, "id")?, order);
    }
    for row in select(db, "order_lines", &["order_id", "sku", "quantity"]).await? {
        let quantity: i32 = get(&row, "quantity")?;
        if let Some(order) = rows.orders.get_mut(&get(&row, "order_id")?) {
            *order.items.entry(get(&row, "sku")?).or_default() += i64::from(quantity);
        }
    }
    for row in select(db, "sagas", &["order_id", "lease_until"]).await? {
        let lease: Option<DateTime<Utc>> = get(&row, "lease_until")?;
        if lease.is_some() {
            rows.pending_sagas.push(get(&row, "order_id")?);
        }
    }
    Ok(())
}

async fn stock(rows: &mut Rows, db: &Database) -> Result<(), DbErr> {
    let columns = ["sku", "available", "reserved", "committed", "received"];
    for row in select(db, "stock_levels", &columns).await? {
        rows.levels.push(Level {
            sku: get(&row, "sku")?,
            available: get(&row, "available")?,
            reserved: get(&row, "reserved")?,
            committed: get(&row, "committed")?,
            received: get(&row, "received")?,
        });
    }
    for row in select(db, "reservations", &["order_id", "state"]).await? {
        let state: String = get(&row, "state")?;
        let reservation = Reservation {
            state: state.to_uppercase(),
            items: BTreeMap::new(),
        };
        rows.reservations
            .insert(get(&row, "order_id")?, reservation);
    }
    for row in select(db, "reservation_items", &["order_id", "sku", "quantity"]).await? {
        let quantity: i64 = get(&row, "quantity")?;
        if let Some(reservation) = rows.reservations.get_mut(&get(&row, "order_id")?) {
            *reservation.items.entry(get(&row, "sku")?).or_default() += quantity;
        }
    }
    Ok(())
}

async fn money(rows: &mut Rows, db: &Database) -> Result<(), DbErr> {
    let mut movements: BTreeMap<Uuid, Movement> = BTreeMap::new();
    for row in select(db, "ledger_transactions", &["id", "order_id", "kind"]).await? {
        let movement = Movement {
            order_id: get(&row, "order_id")?,
            kind: get(&row, "kind")?,
            lines: Vec::new(),
        };
        movements.insert(get(&row, "id")?, movement);
    }
    let columns = ["transaction_id", "currency_code", "minor_units"];
    for row in select(db, "ledger_entries", &columns).await? {
        if let Some(movement) = movements.get_mut(&get(&row, "transaction_id")?) {
            movement
                .lines
                .push((get(&row, "currency_code")?, get(&row, "minor_units")?));
        }
    }
    rows.movements = movements.into_values().collect();
    let columns = [
        "order_id",
        "currency_code",
        "amount",
        "refunded",
        "transaction_id",
    ];
    for row in select(db, "payments", &columns).await? {
        let transaction: Option<String> = get(&row, "transaction_id")?;
        let payment = Payment {
            currency: get(&row, "currency_code")?,
            amount: get(&row, "amount")?,
            refunded: get(&row, "refunded")?,
            captured: transaction.is_some(),
        };
        rows.payments.insert(get(&row, "order_id")?, payment);
    }
    Ok(())
}

async fn remembered(rows: &mut Rows, service: &'static str, db: &Database) -> Result<(), DbErr> {
    let columns = ["subject", "method", "key", "answer"];
    for row in select(db, "idempotency_keys", &columns).await? {
        let answer: Option<Vec<u8>> = get(&row, "answer")?;
        rows.remembered.push(Remembered {
            service,
            subject: get(&row, "subject")?,
            method: get(&row, "method")?,
            key: get(&row, "key")?,
            sealed: answer.is_some(),
        });
    }
    Ok(())
}
