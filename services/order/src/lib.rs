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
mod precheck;
mod rpc;
mod store;
mod watch;
mod wire;

use std::sync::Arc;

use ::rpc::Service;
use ::store::Database;
use ::store::page::Signer;
use clock::Clock;
use events::Tail;
use peers::Peers;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::precheck::Advisers;
use crate::saga::call::Callees;
use crate::saga::driver::{Driver, Parts};
use crate::saga::fail_point::FailPoints;

pub use config::Config;
pub use error::Error;

/// The name of this service: its database, its peers' word for it, its label in metrics.
pub const NAME: &str = "order";

/// What the service needs from whoever composes it.
pub struct Deps {
    /// Its database, migrated.
    pub db: Database,
    /// The time.
    pub clock: Clock,
    /// The way to inventory, payment, pricing and user.
    pub peers: Peers,
    /// Signs page tokens; replicas share its key.
    pub page_signer: Signer,
    /// Ends streams and everything in the background.
    pub shutdown: CancellationToken,
    /// Where a test kills the checkout; the default is nowhere.
    pub fail_points: FailPoints,
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

/// Makes the service. It asks the database for nothing yet.
///
/// # Errors
/// [`Error::Config`] for a setting that cannot be.
pub async fn service(config: Config, deps: Deps) -> Result<Service, Error> {
    config.check()?;
    let Deps {
        db,
        clock,
        peers,
        page_signer,
        shutdown,
        fail_points,
    } = deps;
    let driver = Driver::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        callees: Callees::new(&peers, clock.clone(), config.calls_max),
        rules: config.rules(),
        fail_points,
    });
    let app = App {
        tail: Tail::start(db.clone(), clock.clone(), shutdown),
        advisers: Advisers::new(&peers),
        driver: driver.clone(),
        config: Arc::new(config),
        page_signer,
        placing: Arc::new(Semaphore::new(PLACING_MAX)),
        db,
        clock,
    };
    let service = command::service(NAME, &app.db, &app.clock, []);
    Ok(rpc::mount(service, &app)
        .background("checkouts", move |shutdown| driver.clone().run(shutdown)))
}
