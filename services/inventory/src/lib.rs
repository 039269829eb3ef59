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

use ::store::Database;
use clock::Clock;
use command::Sweep;

pub use config::Config;
pub use error::Error;

/// The service's short name: in its peers' configuration, in facts, in logs and metrics.
pub const NAME: &str = "inventory";

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
    config: Arc<Config>,
    db: Database,
    clock: Clock,
    lanes: lane::Lanes,
}

/// Puts the service together: every rpc of InventoryService, readiness and background work.
///
/// # Errors
/// [`Error::Config`] for a setting that cannot be.
pub async fn service(config: Config, deps: Deps) -> Result<::rpc::Service, Error> {
    config.check()?;
    let Deps { db, clock } = deps;
    let app = App {
        config: Arc::new(config),
        db,
        clock,
        lanes: lane::Lanes::new(),
    };
    let overdue = Sweep::new("overdue reservations", app.config.sweep_interval(), {
        let app = app.clone();
        move || sweep::all(app.clone())
    });
    let service = command::service(NAME, &app.db, &app.clock, [overdue]);
    Ok(rpc::mount(service, &app))
}
