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
use command::{HOUSEKEEPING_EVERY, Sweep};
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
    let expired = Sweep::new("expired sessions", HOUSEKEEPING_EVERY, {
        let (db, clock) = (app.db.clone(), app.clock.clone());
        move || expiry::forget(db.clone(), clock.now())
    });
    let service = command::service(NAME, &app.db, &app.clock, [expired]);
    Ok(with_keys(rpc::mount(service, &app), app.keyring))
}

fn with_keys(service: Service, keyring: Keyring) -> Service {
    let ready = keyring.clone();
    service
        .ready("signing keys", move || {
            let keyring = ready.clone();
            async move {
                let ready = keyring.ready().await;
                ready.map_err(|error| ::rpc::error::chain(&error))
            }
            .boxed()
        })
        .background("signing keys", {
            let keyring = keyring.clone();
            move |shutdown| {
                let keeping = keyring.clone().keep();
                shutdown.run_until_cancelled_owned(keeping).map(drop)
            }
        })
}
