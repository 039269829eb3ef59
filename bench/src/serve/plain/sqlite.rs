//! Three files, each with one thread that writes: WAL and `synchronous=FULL`, so that a commit
//! is on the disk before anybody hears of it, and statements that are prepared once.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Move, Order, Step};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The one thread that writes to a file.
#[derive(Clone, Debug)]
struct Writer(Sender<Job>);

/// The three files.
#[derive(Clone, Debug)]
pub struct Books {
    orders: Writer,
    inventory: Writer,
    payment: Writer,
}

impl Books {
    /// Opens them.
    ///
    /// # Errors
    /// There are none.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            orders: Writer::open(&folder.join("orders.db"))?,
            inventory: Writer::open(&folder.join("inventory.db"))?,
            payment: Writer::open(&folder.join("payment.db"))?,
        })
    }
}

impl super::Books for Books {
    async fn accept(&self, order: Order, key: String) -> anyhow::Result<Order> {
        let work = move |db: &Connection| {
            let mut insert = db.prepare_cached(
                "insert into orders (id, idempotency_key, customer_id, sku, quantity, \
                 total_minor, currency, status, step) \
                 values (?, ?, ?, ?, ?, ?, 'EUR', 'PENDING', 'reserve') \
                 on conflict (idempotency_key) do nothing",
            )?;
            let total = order.total();
            let (id, customer) = (order.id.as_bytes(), order.customer.as_bytes());
            if insert.execute(params![id, key, customer, order.sku, order.quantity, total])? == 1 {
                return Ok(order);
            }
            db.prepare_cached(
                "select id, customer_id, sku, quantity, step, status from orders \
                 where idempotency_key = ?",
            )?
            .query_row([key], order_of)
        };
        self.orders.run(work).await
    }

    async fn reserve(&self, order: &Order) -> anyhow::Result<bool> {
        let order = order.clone();
        let work = move |db: &Connection| {
            let id = order.id.as_bytes();
            let held = db
                .prepare_cached("select 1 from reservations where order_id = ?")?
                .exists([id])?;
            if held {
                return Ok(true);
            }
            let taken = db
                .prepare_cached(
                    "update stock_levels set available = available - ?1, reserved = reserved + ?1 \
                     where sku = ?2 and available >= ?1",
                )?
                .execute(params![order.quantity, order.sku])?;
            if taken == 0 {
                return Ok(false);
            }
            db.prepare_cached(
                "insert into reservations (order_id, sku, quantity, state) \
                 values (?, ?, ?, 'RESERVED')",
            )?
            .execute(params![id, order.sku, order.quantity])?;
            Ok(true)
        };
        self.inventory.run(move |db| whole(db, work)).await
    }

    async fn provide(&self, order: &Order) -> anyhow::Result<String> {
        let order = order.clone();
        let work = move |db: &Connection| {
            let reference = Uuid::new_v4();
            let transaction = format!("tx_{reference}");
            let (id, reference) = (order.id.as_bytes(), reference.as_bytes());
            let inserted = db
                .prepare_cached(
                    "insert into sandbox_charges \
                     (charge_key, reference, amount, currency, transaction_id) \
                     values (?, ?, ?, 'EUR', ?) on conflict (charge_key) do nothing",
                )?
                .execute(params![id, reference, order.total(), transaction])?;
            if inserted == 1 {
                return Ok(transaction);
            }
            db.prepare_cached("select transaction_id from sandbox_charges where charge_key = ?")?
                .query_row([id], |row| row.get(0))
        };
        self.payment.run(work).await
    }

    async fn charge(&self, order: &Order, transaction: &str) -> anyhow::Result<()> {
        let (order, transaction) = (order.clone(), transaction.to_owned());
        let work = move |db: &Connection| {
            let (id, customer) = (order.id.as_bytes(), order.customer.as_bytes());
            let total = order.total();
            let paid = db
                .prepare_cached(
                    "insert into payments \
                     (order_id, customer_id, amount, currency, transaction_id) \
                     values (?, ?, ?, 'EUR', ?) on conflict do nothing",
                )?
                .execute(params![id, customer, total, transaction])?;
            if paid == 0 {
                return Ok(());
            }
            // An order is charged once, so its id can name the booking too.
            db.prepare_cached(
                "insert into ledger_transactions (id, order_id, kind) values (?1, ?1, 'charge')",
            )?
            .execute([id])?;
            db.prepare_cached(
                "insert into ledger_entries (transaction_id, line, account, currency, minor_units) \
                 values (?1, 1, 'provider', 'EUR', ?2), (?1, 2, 'sales', 'EUR', -?2)",
            )?
            .execute(params![id, total])?;
            Ok(())
        };
        self.payment.run(move |db| whole(db, work)).await
    }

    async fn commit(&self, order: &Order) -> anyhow::Result<()> {
        let order = order.clone();
        let work = move |db: &Connection| {
            let held: Option<i64> = db
                .prepare_cached(
                    "update reservations set state = 'COMMITTED', \
                     updated_at = unixepoch('subsec') \
                     where order_id = ? and state = 'RESERVED' returning quantity",
                )?
                .query_row([order.id.as_bytes()], |row| row.get(0))
                .optional()?;
            if let Some(quantity) = held {
                db.prepare_cached(
                    "update stock_levels \
                     set reserved = reserved - ?1, committed = committed + ?1 where sku = ?2",
                )?
                .execute(params![quantity, order.sku])?;
            }
            Ok(())
        };
        self.inventory.run(move |db| whole(db, work)).await
    }

    async fn mark(&self, order: &Order, to: Move) -> anyhow::Result<()> {
        let (id, from) = (order.id, order.step);
        let work = move |db: &Connection| {
            db.prepare_cached(
                "update orders set status = ?, step = ?, \
                 transaction_id = coalesce(?, transaction_id), \
                 updated_at = unixepoch('subsec') where id = ? and step = ?",
            )?
            .execute(params![
                to.status,
                to.step.name(),
                to.transaction,
                id.as_bytes(),
                from.name()
            ])
        };
        self.orders.run(work).await?;
        Ok(())
    }

    async fn unfinished(&self) -> anyhow::Result<Vec<Order>> {
        let work = |db: &Connection| {
            let mut all = db.prepare(
                "select id, customer_id, sku, quantity, step, status from orders \
                 where step <> 'done'",
            )?;
            all.query_map((), order_of)?.collect()
        };
        self.orders.run(work).await
    }
}

impl Writer {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(path, flags)
            .with_context(|| format!("open {}", path.display()))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        let (sender, jobs) = channel::<Job>();
        std::thread::spawn(move || {
            for job in jobs {
                job(&connection);
            }
        });
        Ok(Self(sender))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (sender, answer) = oneshot::channel();
        let job = move |db: &Connection| drop(sender.send(work(db)));
        let sent = self.0.send(Box::new(job));
        sent.ok().context("the thread that writes is gone")?;
        Ok(answer.await??)
    }
}

/// Does several statements in one transaction.
fn whole<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.prepare_cached("begin immediate")?.execute(())?;
    let done = work(db);
    let end = if done.is_ok() { "commit" } else { "rollback" };
    db.prepare_cached(end)?.execute(())?;
    done
}

fn order_of(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order {
        id: Uuid::from_bytes(row.get(0)?),
        customer: Uuid::from_bytes(row.get(1)?),
        sku: Arc::from(row.get::<_, String>(2)?),
        quantity: row.get(3)?,
        step: row.get(4)?,
        confirmed: row.get::<_, String>(5)? == "CONFIRMED",
    })
}

impl FromSql for Step {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
