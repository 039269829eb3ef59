//! Inventory: how many pieces of each SKU there are, and for which orders they are held.
//!
//! It owns stock levels and reservations with their expiry. It never oversells, and knows
//! neither prices nor what an order costs.

mod domain;

mod config;
mod error;

mod event;
mod lane;
mod reservations;
mod rpc;
mod stock;
mod store;
mod sweep;
mod wire;

pub mod demo;

use std::sync::Arc;

use clock::Clock;
use slice::{Deps, Misconfigured, Slice, Sweep};
use sql::Database;

pub use config::Config;
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "inventory";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5004, &[], service)
}

/// What every handler works with.
#[derive(Clone, Debug)]
struct App {
    config: Arc<Config>,
    db: Database,
    clock: Clock,
    lanes: lane::Lanes,
    /// Held while overdue holds are given back: whoever else wants that waits, and finds it done.
    sweeping: Arc<tokio::sync::Mutex<()>>,
}

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(config: Config, deps: Deps) -> Result<edge::Service, Misconfigured> {
    let app = App {
        config: Arc::new(config),
        db: deps.db,
        clock: deps.clock,
        lanes: lane::Lanes::new(),
        sweeping: Arc::default(),
    };
    let overdue = Sweep::new("overdue reservations", app.config.sweep_interval(), {
        let app = app.clone();
        move || sweep::all(app.clone())
    });
    let service = slice::begin(NAME, &app.db, &app.clock, &deps.bus, [overdue]);
    Ok(rpc::mount(service, &app))
}
