//! Accounts, credentials, sessions and the keys that sign access tokens.
//!
//! It never returns a password or its hash, never stores a refresh token, and never believes what
//! a caller says of its own roles. Who may call an rpc is decided at the edge, by the contract;
//! whose account a query finds is decided here, by its scope.

mod accounts;
mod browser;
mod config;
pub mod demo;
mod domain;
mod error;
mod event;
mod expiry;
mod keyring;

mod moderation;
mod password;
mod provision;
mod rpc;
mod sessions;
mod store;
mod throttle;
mod watch;

use std::sync::Arc;

use ::rpc::Service;
use ::store::Database;
use ::store::page::Signer;
use clock::Clock;
use events::Tail;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

pub use config::{Config, PasswordConfig};
pub use error::Error;
pub use keyring::Keyring;
pub use provision::{Account, create_account};

use password::Hasher;
use throttle::Throttle;

/// The name of this context.
pub const NAME: &str = "user";

/// What the service needs from whoever composes it.
pub struct Deps {
    /// The service's own database, migrated.
    pub db: Database,
    /// Time, ids and randomness.
    pub clock: Clock,
    /// The signing keys, shared with a verifier in the same process.
    pub keyring: Keyring,
    /// Signs page tokens with a key that replicas share.
    pub page_signer: Signer,
    /// Ends watches when the process stops.
    pub shutdown: CancellationToken,
}

/// What every handler works with; cheap to clone.
#[derive(Clone)]
struct App {
    db: Database,
    clock: Clock,
    config: Arc<Config>,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    keyring: Keyring,
    pages: Signer,
    tail: Tail,
}

/// Makes the service. It asks the database for nothing yet.
///
/// # Errors
/// [`Error::Config`] for a setting that cannot be.
pub async fn service(config: Config, deps: Deps) -> Result<Service, Error> {
    config.check()?;
    let Deps {
        db,
        clock,
        keyring,
        page_signer,
        shutdown,
    } = deps;
    let app = App {
        hasher: Hasher::new(&config.password, clock.clone())?,
        throttle: Arc::new(Throttle::new(config.failed_sign_ins_per_minute)),
        tail: Tail::start(db.clone(), clock.clone(), shutdown),
        config: Arc::new(config),
        pages: page_signer,
        db,
        clock,
        keyring,
    };
    let service = rpc::mount(command::service(NAME, &app.db, &app.clock), &app);
    Ok(with_background(service, app))
}

fn with_background(service: Service, app: App) -> Service {
    let keyring = app.keyring.clone();
    service
        .ready("signing keys", move || {
            let keyring = keyring.clone();
            async move {
                let ready = keyring.ready().await;
                ready.map_err(|error| ::rpc::error::chain(&error))
            }
            .boxed()
        })
        .background("signing keys", {
            let keyring = app.keyring.clone();
            move |shutdown| shutdown.run_until_cancelled_owned(keyring.keep()).map(drop)
        })
        .background("expired sessions", move |shutdown| {
            shutdown
                .run_until_cancelled_owned(expiry::run(app.db, app.clock))
                .map(drop)
        })
}
