//! The checkout as one would write it by hand: the same eight durable commits in the same three
//! databases, one program, nothing around them. It knows no token, no fact, no log and no
//! metric; what a crash leaves half done is finished at the next start, or by whoever asks
//! again under the same key.

mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use clock::Clock;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::tables::PRICE;

/// An order on its way.
#[derive(Clone, Debug)]
struct Order {
    id: Uuid,
    customer: Uuid,
    sku: Arc<str>,
    quantity: i64,
    step: Step,
    confirmed: bool,
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Reserve,
    Charge,
    Commit,
    Done,
}

/// Where an order goes next.
#[derive(Clone, Debug)]
struct Move {
    status: &'static str,
    step: Step,
    transaction: Option<String>,
}

/// The databases. Every function is one durable commit and may be called again.
trait Books: Clone + Send + Sync + 'static {
    /// Keeps the order, once per key; returns the one that the key has.
    fn accept(
        &self,
        order: Order,
        key: String,
    ) -> impl Future<Output = anyhow::Result<Order>> + Send;
    /// Holds the pieces; whether there were enough.
    fn reserve(&self, order: &Order) -> impl Future<Output = anyhow::Result<bool>> + Send;
    /// Takes the money at the sandbox, which keeps books of its own; returns its reference.
    fn provide(&self, order: &Order) -> impl Future<Output = anyhow::Result<String>> + Send;
    /// Writes the payment and both lines of the ledger.
    fn charge(
        &self,
        order: &Order,
        transaction: &str,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Makes the hold final.
    fn commit(&self, order: &Order) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Moves the order on, unless somebody else did.
    fn mark(&self, order: &Order, to: Move) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Returns the orders that a crash left.
    fn unfinished(&self) -> impl Future<Output = anyhow::Result<Vec<Order>>> + Send;
}

/// Serves on the three files of a folder. Prints its address first.
///
/// # Errors
/// No port, or no such files.
pub async fn sqlite(listener: TcpListener, folder: &str) -> anyhow::Result<()> {
    let books = sqlite::Books::open(Path::new(folder))?;
    serve(listener, books).await
}

/// Serves on the three databases of a server. Prints its address first.
///
/// # Errors
/// No port, or no such databases.
pub async fn postgres(listener: TcpListener, url: &str) -> anyhow::Result<()> {
    let books = postgres::Books::open(url).await?;
    serve(listener, books).await
}

async fn serve(listener: TcpListener, books: impl Books) -> anyhow::Result<()> {
    for order in books.unfinished().await? {
        finish(&books, order).await?;
    }
    let clock = Clock::system();
    let app = Router::new()
        .route("/checkout", post(check_out))
        .with_state((books, clock));
    println!("{} -", listener.local_addr()?);
    #[expect(
        clippy::disallowed_methods,
        reason = "somebody who writes it by hand serves as the documentation says"
    )]
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    customer_id: Uuid,
    sku: Arc<str>,
    quantity: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    order_id: Uuid,
    status: &'static str,
}

async fn check_out<B: Books>(
    State((books, clock)): State<(B, Clock)>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> Response {
    let key = headers.get("idempotency-key");
    let Some(key) = key.and_then(|key| key.to_str().ok()) else {
        return (StatusCode::BAD_REQUEST, "an idempotency-key is needed").into_response();
    };
    let order = Order {
        id: clock.id(),
        customer: request.customer_id,
        sku: request.sku,
        quantity: request.quantity,
        step: Step::Reserve,
        confirmed: false,
    };
    let ended = match books.accept(order, key.to_owned()).await {
        Ok(order) => finish(&books, order).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(order) => Json(Answer {
            order_id: order.id,
            status: if order.confirmed {
                "CONFIRMED"
            } else {
                "REJECTED"
            },
        })
        .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

async fn finish(books: &impl Books, mut order: Order) -> anyhow::Result<Order> {
    while order.step != Step::Done {
        let (status, step, transaction) = match order.step {
            Step::Reserve if books.reserve(&order).await? => ("PENDING", Step::Charge, None),
            Step::Reserve => ("REJECTED", Step::Done, None),
            Step::Charge => {
                let transaction = books.provide(&order).await?;
                books.charge(&order, &transaction).await?;
                ("PAID", Step::Commit, Some(transaction))
            }
            Step::Commit => {
                books.commit(&order).await?;
                ("CONFIRMED", Step::Done, None)
            }
            Step::Done => break,
        };
        let to = Move {
            status,
            step,
            transaction,
        };
        books.mark(&order, to).await?;
        (order.step, order.confirmed) = (step, status == "CONFIRMED");
    }
    Ok(order)
}

impl Order {
    fn total(&self) -> i64 {
        self.quantity * PRICE
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Charge => "charge",
            Self::Commit => "commit",
            Self::Done => "done",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Reserve, Self::Charge, Self::Commit, Self::Done];
        all.into_iter().find(|step| step.name() == name)
    }
}
