//! The recommendation service suggests products from confirmed orders: what was bought together, else
//! the best sellers.
//!
//! It asks nobody and tells nobody: all it knows hangs on the bus. Nobody needs it either, so it may be
//! away or behind, and it never holds up an order.

mod config;
mod domain;
mod error;
mod forgetting;
mod hearing;
mod rpc;
mod store;
mod suggestions;
mod wire;

use clock::Clock;
use slice::{Deps, HOUSEKEEPING_EVERY, Misconfigured, Slice, Sweep};
use sql::Database;

pub use config::Config;
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "recommendation";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5007, &[], service)
}

/// What every handler works with.
#[derive(Clone, Debug)]
struct App {
    db: Database,
}

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(_: Config, deps: Deps) -> Result<edge::Service, Misconfigured> {
    let Deps { db, clock, bus, .. } = deps;
    let sweep = forgetful(&db, &clock);
    let service = slice::begin(NAME, &db, &clock, &bus, [sweep]);
    let service = slice::hear(service, &bus, hearing::group(&db, &clock));
    Ok(rpc::mount(service, &App { db }))
}

fn forgetful(db: &Database, clock: &Clock) -> Sweep {
    let of = (db.clone(), clock.clone());
    Sweep::new("suggestions", HOUSEKEEPING_EVERY, move || {
        let (db, clock) = of.clone();
        async move { forgetting::forget(&db, clock.now()).await }
    })
}
