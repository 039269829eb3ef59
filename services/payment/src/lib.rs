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

use clock::Clock;
use money::Currency;
use slice::{Deps, Misconfigured, Slice};
use sql::Database;
use tokio_util::task::TaskTracker;

use provider::{Provider, Sandbox};

pub use config::{Config, ProviderName};
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "payment";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5006, &[], service)
}

/// What every handler works with.
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

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(config: Config, deps: Deps) -> Result<edge::Service, Misconfigured> {
    let currency = config.currency()?;
    let Deps { db, clock, .. } = deps;
    let provider: Arc<dyn Provider> = match config.provider {
        ProviderName::Sandbox => Arc::new(Sandbox::new(
            db.clone(),
            clock.clone(),
            config.sandbox_slow(),
        )),
    };
    let moving = TaskTracker::new();
    let arriving = moving.clone();
    let app = App {
        db,
        clock,
        currency,
        provider,
        moving,
    };
    let service = slice::begin(NAME, &app.db, &app.clock, &deps.bus, []);
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
