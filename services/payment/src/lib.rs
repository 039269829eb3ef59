//! Payment: charges and refunds, each once, and the books of both.
//!
//! It owns payments, a double-entry ledger and the port to whoever moves the money. It never
//! charges twice for one order, and stores no card and no token.

mod domain;

mod config;
mod error;

mod event;
mod payments;
mod provider;
mod rpc;
mod store;
mod wire;

use std::sync::Arc;

use ::store::Database;
use clock::Clock;
use tokio_util::task::TaskTracker;

use domain::money::Currency;
use provider::{Provider, Sandbox};

pub use config::{Config, ProviderName};
pub use error::Error;

/// The service's short name: in its peers' configuration, in facts, in logs and metrics.
pub const NAME: &str = "payment";

/// What the service needs of the process it runs in.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: Database,
    /// The time, and ids.
    pub clock: Clock,
}

/// The state of every handler.
#[derive(Clone, Debug)]
struct App {
    db: Database,
    clock: Clock,
    /// The currency of nothing.
    currency: Currency,
    provider: Arc<dyn Provider>,
    /// Money on its way; the service does not stop before it has arrived.
    moving: TaskTracker,
}

/// Puts the service together: every rpc of PaymentService, readiness and background work.
///
/// # Errors
/// [`Error::Config`] for a setting that cannot be.
pub async fn service(config: Config, deps: Deps) -> Result<::rpc::Service, Error> {
    let currency = Currency::parse(&config.currency).ok_or(Error::Config {
        key: "payment.currency",
        problem: "must be an ISO 4217 code such as EUR",
    })?;
    let Deps { db, clock } = deps;
    let provider: Arc<dyn Provider> = match config.provider {
        ProviderName::Sandbox => Arc::new(Sandbox::new(
            db.clone(),
            clock.clone(),
            config.sandbox_slow(),
        )),
    };
    let service = command::service(NAME, &db, &clock, []);
    let moving = TaskTracker::new();
    let arriving = moving.clone();
    let app = App {
        db,
        clock,
        currency,
        provider,
        moving,
    };
    Ok(
        rpc::mount(service, &app).background("arrival", move |shutdown| {
            let arriving = arriving.clone();
            async move {
                shutdown.cancelled().await;
                arriving.close();
                arriving.wait().await;
            }
        }),
    )
}
