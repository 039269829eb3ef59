//! One order, a person's orders page by page, and an order's timeline.
//!
//! Lists are read from the orders themselves; what their customers are called, from what [`crate::names`] heard.

use std::collections::HashMap;

use call::{Call, Scope};
use serde::Serialize;
use telemetry::TraceContext;
use uuid::Uuid;

use crate::App;
use crate::domain::id::OrderId;
use crate::domain::order::{Order, Status};
use crate::domain::summary::{OrderFilter, Summary};
use crate::error::Error;
use crate::event::status_name;
use crate::saga::change::entered;
use crate::saga::record::LogEntry;
use crate::store;
use crate::store::order::Position;

/// How many lines of each order a list names.
const LINES_NAMED: i32 = 4;

/// One page of orders.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub orders: Vec<Summary>,
    /// What the person is called whose they are.
    pub customer_name: String,
    /// What the first [`LINES_NAMED`] lines of each order buy.
    pub skus: HashMap<OrderId, Vec<String>>,
    /// Asks for the next page; empty on the last.
    pub next_page_token: String,
    /// How many the filter finds in all, counted up to [`store::order::COUNT_MAX`].
    pub total_size: u64,
}

/// What a page token is bound to.
#[derive(Serialize)]
struct Bound {
    list: &'static str,
    customer_id: Uuid,
    status: Option<i16>,
}

/// A page of the orders that `filter` finds.
///
/// # Errors
/// [`Error::UserNotFound`] for somebody else's, [`Error::Page`] for a size or token that cannot be.
pub async fn page(
    app: &App,
    call: &Call,
    filter: OrderFilter,
    page_size: i32,
    page_token: &str,
) -> Result<Page, Error> {
    let size = sql::page::size(page_size)?;
    let bound = Bound {
        list: "orders",
        customer_id: filter.customer_id.0,
        status: filter.status.map(|status| status as i16),
    };
    let after: Option<Position> = app.page_signer.open(page_token, &bound)?;
    if !call.scope.reaches(filter.customer_id.0) {
        return Err(Error::UserNotFound);
    }
    let (orders, total_size, customer_name) = tokio::join!(
        store::order::list(app.db.read(), filter, after, size + 1),
        store::order::count(app.db.read(), filter),
        store::customer_name::of(app.db.read(), filter.customer_id),
    );
    let mut orders = orders?;
    let more = sql::page::cut(&mut orders, size);
    let next = orders.last().filter(|_| more).map(Position::of);
    let next_page_token = next
        .map(|next| app.page_signer.sign(&next, &bound))
        .unwrap_or_default();
    let ids = orders.iter().map(|order| order.id);
    let skus = match orders.is_empty() {
        true => HashMap::new(),
        false => store::order_line::first_skus(app.db.read(), ids, LINES_NAMED).await?,
    };
    Ok(Page {
        orders,
        customer_name: customer_name?,
        skus,
        next_page_token,
        total_size: total_size?,
    })
}

/// One order.
///
/// # Errors
/// [`Error::OrderNotFound`] out of reach.
pub async fn order(app: &App, scope: Scope, id: OrderId) -> Result<Order, Error> {
    let order = store::order::find(app.db.read(), scope, id).await?;
    order.ok_or(Error::OrderNotFound)
}

/// The timeline of an order, oldest first.
///
/// # Errors
/// [`Error::OrderNotFound`] out of reach.
pub async fn timeline(app: &App, call: &Call, id: OrderId) -> Result<Vec<LogEntry>, Error> {
    let record = store::saga::find(app.db.read(), call.scope, id)
        .await?
        .ok_or(Error::OrderNotFound)?;
    let trace_id = TraceContext::parse(&record.saga.origin.traceparent);
    let trace_id = trace_id
        .map(|trace| trace.trace_id_hex())
        .unwrap_or_default();
    // The line about the accepted order is not stored: the order itself tells it.
    let pending = status_name(Status::Pending);
    let mut entries = vec![entered(
        pending,
        "entered".to_owned(),
        &trace_id,
        record.order.created_at,
    )];
    entries.extend(store::saga_log::of(app.db.read(), id).await?);
    Ok(entries)
}
