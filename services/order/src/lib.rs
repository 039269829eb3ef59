//! The order service: owns orders, the checkout saga that fulfils them, and their history.
//!
//! It tells the world `order.created`, `.paid`, `.confirmed`, `.cancellation_started`, `.cancelled` and
//! `.rejected`. It never reserves stock or moves money by itself: it asks those who own them, and undoes
//! what it asked for.

pub mod config;
pub mod error;

pub mod domain;
pub mod saga;

mod answer;
mod checkout;
mod event;
mod history;
mod names;
mod precheck;
mod rpc;
mod store;
mod watch;
mod wire;

use std::sync::Arc;

use clock::Clock;
use edge::Service;
use events::Tail;
use slice::{Deps, Misconfigured, Slice};
use sql::Database;
use sql::page::Signer;
use tokio::sync::Semaphore;

use crate::precheck::Advisers;
use crate::saga::call::Callees;
use crate::saga::driver::{Driver, Parts};
use crate::saga::fail_point::FailPoints;

pub use config::Config;
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "order";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    let peers = &["user", "pricing", "inventory", "payment"];
    Slice::new(NAME, 5005, peers, |config, deps| {
        service(config, deps, FailPoints::default())
    })
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: Database,
    clock: Clock,
    config: Arc<Config>,
    advisers: Advisers,
    driver: Driver,
    tail: Tail,
    page_signer: Signer,
    placing: Arc<Semaphore>,
}

/// Orders being placed at once. Those whose clients have left count too, which the edge does not see.
const PLACING_MAX: usize = 1024;

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet. `fail_points` are where a test kills checkouts.
///
/// # Errors
/// A setting that cannot be.
pub fn service(
    config: Config,
    deps: Deps,
    fail_points: FailPoints,
) -> Result<Service, Misconfigured> {
    let Deps { db, clock, bus, .. } = deps;
    let driver = Driver::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        callees: Callees::new(&deps.peers, clock.clone(), config.calls_max),
        rules: config.rules(),
        fail_points,
    });
    let app = App {
        tail: Tail::start(db.clone(), clock.clone(), deps.shutdown),
        advisers: Advisers::new(&deps.peers),
        driver: driver.clone(),
        config: Arc::new(config),
        page_signer: deps.page_signer,
        placing: Arc::new(Semaphore::new(PLACING_MAX)),
        db,
        clock,
    };
    let service = slice::begin(NAME, &app.db, &app.clock, &bus, []);
    let service = slice::hear(service, &bus, names::group(&app.db, &app.clock));
    Ok(rpc::mount(service, &app)
        .background("checkouts", move |shutdown| driver.clone().run(shutdown)))
}
