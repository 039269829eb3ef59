//! The catalog owns products, categories and search. It never knows prices or stock: its display
//! price is a copy for the eye, and no order is charged by it.

mod categories;
mod config;
pub mod demo;
mod domain;
mod error;
mod event;
mod listing;
mod products;
mod rpc;
mod store;
mod wire;

use clock::Clock;
use slice::{Deps, Misconfigured, Slice};

pub use config::Config;
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "catalog";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5002, &[], service)
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: sql::Database,
    clock: Clock,
    page_signer: sql::page::Signer,
    categories: categories::Categories,
}

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(_: Config, deps: Deps) -> Result<edge::Service, Misconfigured> {
    let app = App {
        db: deps.db,
        clock: deps.clock,
        page_signer: deps.page_signer,
        categories: categories::Categories::default(),
    };
    let service = slice::begin(NAME, &app.db, &app.clock, &deps.bus, []);
    Ok(rpc::mount(service, &app))
}
