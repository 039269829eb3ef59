//! Three databases, each with connections of its own: every commit is one prepared statement
//! and one round trip.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::{Move, Order, Step};

/// Connections to each database.
const CONNECTIONS: usize = 10;

type Arguments<'a> = &'a [&'a (dyn ToSql + Sync)];

const ACCEPT: &str = "
    insert into orders
      (id, idempotency_key, customer_id, sku, quantity, total_minor, currency, status, step)
    values ($1, $2, $3, $4, $5, $6, 'EUR', 'PENDING', 'reserve')
    on conflict (idempotency_key) do nothing";
const FIND: &str = "
    select id, customer_id, sku, quantity, step, status from orders where idempotency_key = $1";
const MARK: &str = "
    update orders
    set status = $2, step = $3, transaction_id = coalesce($4, transaction_id), updated_at = now()
    where id = $1 and step = $5";
const UNFINISHED: &str = "
    select id, customer_id, sku, quantity, step, status from orders where step <> 'done'";
const RESERVE: &str = "
    with level as (
      update stock_levels set available = available - $3, reserved = reserved + $3
      where sku = $2 and available >= $3
        and not exists (select 1 from reservations where order_id = $1)
      returning sku
    ), held as (
      insert into reservations (order_id, sku, quantity, state)
      select $1, sku, $3, 'RESERVED' from level returning order_id
    )
    select exists (select 1 from held)
      or exists (select 1 from reservations where order_id = $1)";
const COMMIT: &str = "
    with final as (
      update reservations set state = 'COMMITTED', updated_at = now()
      where order_id = $1 and state = 'RESERVED' returning sku, quantity
    )
    update stock_levels
    set reserved = reserved - final.quantity, committed = committed + final.quantity
    from final where stock_levels.sku = final.sku";
const PROVIDE: &str = "
    insert into sandbox_charges (charge_key, reference, amount, currency, transaction_id)
    values ($1, $2, $3, 'EUR', $4) on conflict (charge_key) do nothing";
const PROVIDED: &str = "
    select transaction_id from sandbox_charges where charge_key = $1";
// An order is charged once, so its id can name the booking too.
const CHARGE: &str = "
    with paid as (
      insert into payments (order_id, customer_id, amount, currency, transaction_id)
      values ($1, $2, $3, 'EUR', $4) on conflict do nothing returning order_id, amount
    ), booked as (
      insert into ledger_transactions (id, order_id, kind)
      select order_id, order_id, 'charge' from paid returning id
    )
    insert into ledger_entries (transaction_id, line, account, currency, minor_units)
    select booked.id, lines.line, lines.account, 'EUR', lines.sign * paid.amount
    from paid, booked, (values (1, 'provider', 1), (2, 'sales', -1)) as lines (line, account, sign)";

/// The three databases.
#[derive(Clone)]
pub struct Books {
    orders: Pool,
    inventory: Pool,
    payment: Pool,
}

impl Books {
    /// Opens them on the server at `url`, which ends where a database's name begins.
    ///
    /// # Errors
    /// There are none.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let at = |name| format!("{url}/{name}");
        Ok(Self {
            orders: Pool::open(&at("orders"), &[ACCEPT, FIND, MARK, UNFINISHED]).await?,
            inventory: Pool::open(&at("inventory"), &[RESERVE, COMMIT]).await?,
            payment: Pool::open(&at("payment"), &[PROVIDE, PROVIDED, CHARGE]).await?,
        })
    }
}

impl super::Books for Books {
    async fn accept(&self, order: Order, key: String) -> anyhow::Result<Order> {
        let total = order.total();
        let arguments: Arguments<'_> = &[
            &order.id,
            &key,
            &order.customer,
            &&*order.sku,
            &order.quantity,
            &total,
        ];
        if self.orders.execute(ACCEPT, arguments).await? == 1 {
            return Ok(order);
        }
        let found = self.orders.query(FIND, &[&key]).await?;
        order_of(found.first().context("the order has left its key")?)
    }

    async fn reserve(&self, order: &Order) -> anyhow::Result<bool> {
        let arguments: Arguments<'_> = &[&order.id, &&*order.sku, &order.quantity];
        let held = self.inventory.query(RESERVE, arguments).await?;
        Ok(held.first().context("a select answers")?.try_get(0)?)
    }

    async fn provide(&self, order: &Order) -> anyhow::Result<String> {
        let (key, reference) = (order.id.to_string(), Uuid::new_v4());
        let transaction = format!("tx_{reference}");
        let total = order.total();
        let arguments: Arguments<'_> = &[&key, &reference, &total, &transaction];
        if self.payment.execute(PROVIDE, arguments).await? == 1 {
            return Ok(transaction);
        }
        let found = self.payment.query(PROVIDED, &[&key]).await?;
        Ok(found
            .first()
            .context("the charge has left its key")?
            .try_get(0)?)
    }

    async fn charge(&self, order: &Order, transaction: &str) -> anyhow::Result<()> {
        let total = order.total();
        let arguments: Arguments<'_> = &[&order.id, &order.customer, &total, &transaction];
        self.payment.execute(CHARGE, arguments).await?;
        Ok(())
    }

    async fn commit(&self, order: &Order) -> anyhow::Result<()> {
        self.inventory.execute(COMMIT, &[&order.id]).await?;
        Ok(())
    }

    async fn mark(&self, order: &Order, to: Move) -> anyhow::Result<()> {
        let (step, from) = (to.step.name(), order.step.name());
        let arguments: Arguments<'_> = &[&order.id, &to.status, &step, &to.transaction, &from];
        self.orders.execute(MARK, arguments).await?;
        Ok(())
    }

    async fn unfinished(&self) -> anyhow::Result<Vec<Order>> {
        let rows = self.orders.query(UNFINISHED, &[]).await?;
        rows.iter().map(order_of).collect()
    }
}

/// A connection and its statements, each with its text.
struct Line {
    client: Client,
    statements: Vec<(&'static str, Statement)>,
}

/// Connections to one database, of which whoever asks gets the one that was used last.
#[derive(Clone)]
struct Pool {
    idle: Arc<Mutex<Vec<Line>>>,
    permits: Arc<Semaphore>,
}

/// A connection that returns by itself, also when its caller went away.
struct Lease<'a> {
    pool: &'a Pool,
    line: Option<Line>,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    async fn open(url: &str, texts: &[&'static str]) -> anyhow::Result<Self> {
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            let mut statements = Vec::new();
            for text in texts {
                statements.push((*text, client.prepare(text).await?));
            }
            lines.push(Line { client, statements });
        }
        Ok(Self {
            idle: Arc::new(Mutex::new(lines)),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    async fn execute(&self, text: &str, arguments: Arguments<'_>) -> anyhow::Result<u64> {
        let lease = self.lease().await?;
        let (client, statement) = lease.prepared(text)?;
        Ok(client.execute(statement, arguments).await?)
    }

    async fn query(&self, text: &str, arguments: Arguments<'_>) -> anyhow::Result<Vec<Row>> {
        let lease = self.lease().await?;
        let (client, statement) = lease.prepared(text)?;
        Ok(client.query(statement, arguments).await?)
    }

    async fn lease(&self) -> anyhow::Result<Lease<'_>> {
        let permit = self.permits.acquire().await?;
        let line = self.idle().pop();
        Ok(Lease {
            pool: self,
            line,
            _permit: permit,
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    fn prepared(&self, text: &str) -> anyhow::Result<(&Client, &Statement)> {
        let line = self.line.as_ref().context("a permit is a connection")?;
        let found = line.statements.iter().find(|(known, _)| *known == text);
        let (_, statement) = found.context("a statement that was not prepared")?;
        Ok((&line.client, statement))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.pool.idle().extend(self.line.take());
    }
}

fn order_of(row: &Row) -> anyhow::Result<Order> {
    let step: &str = row.try_get(4)?;
    let status: &str = row.try_get(5)?;
    Ok(Order {
        id: row.try_get(0)?,
        customer: row.try_get(1)?,
        sku: Arc::from(row.try_get::<_, &str>(2)?),
        quantity: row.try_get(3)?,
        step: Step::parse(step).with_context(|| format!("no order waits for {step}"))?,
        confirmed: status == "CONFIRMED",
    })
}
