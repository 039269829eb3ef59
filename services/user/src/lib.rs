//! Accounts, credentials, sessions and the keys that sign access tokens.
//!
//! It never returns a password or its hash, never stores a refresh token, and never believes what
//! a caller says of its own roles. Who may call an rpc is decided at the edge, by the contract;
//! whose account a query finds is decided here, by its scope.

mod accounts;
mod browser;
mod config;
mod credentials;
pub mod demo;
mod domain;
mod error;
mod event;
mod expiry;
mod keyring;
mod known_device;
mod mailbox;
mod moderation;
mod password;
mod provision;
mod resets;
mod rpc;
mod sessions;
mod standing;
mod store;
mod throttle;
mod watch;
mod wire;

use std::sync::Arc;

use clock::Clock;
use edge::Service;
use events::Tail;
use futures::FutureExt;
use slice::{Deps, HOUSEKEEPING_EVERY, Misconfigured, Slice, Sweep};
use sql::Database;
use sql::page::Signer;

pub use config::{Config, PasswordConfig};
pub use error::Error;
pub use keyring::Keyring;
pub use provision::{AccountSpec, create_account};

use password::Hasher;
use resets::Letterbox;
use throttle::Throttle;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "user";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5001, &[], service)
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: Database,
    clock: Clock,
    config: Arc<Config>,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    letterbox: Letterbox,
    keyring: Keyring,
    page_signer: Signer,
    tail: Tail,
}

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(config: Config, deps: Deps) -> Result<Service, Misconfigured> {
    let keyring = Keyring::new(deps.db.clone(), deps.clock.clone(), &config);
    signing(config, deps, keyring)
}

/// As [`service`], for who looks after its keys.
///
/// # Errors
/// A setting that cannot be.
pub fn signing(config: Config, deps: Deps, keyring: Keyring) -> Result<Service, Misconfigured> {
    let Deps { db, clock, .. } = deps;
    let (letterbox, clerk) = resets::letterbox(&config);
    let app = App {
        hasher: Hasher::new(&config.password, clock.clone())?,
        throttle: Arc::new(Throttle::new(config.failed_sign_ins_per_minute)),
        letterbox,
        tail: Tail::start(db.clone(), clock.clone(), deps.shutdown),
        config: Arc::new(config),
        page_signer: deps.page_signer,
        db,
        clock,
        keyring,
    };
    let expired = Sweep::new("expired sessions and resets", HOUSEKEEPING_EVERY, {
        let (db, clock) = (app.db.clone(), app.clock.clone());
        move || expiry::forget(db.clone(), clock.now())
    });
    let service = slice::begin(NAME, &app.db, &app.clock, &deps.bus, [expired]);
    let mut service = rpc::mount(service, &app);
    if let Some(clerk) = clerk {
        service = clerk.at_work(service, &app);
    }
    Ok(with_keys(service, app.keyring))
}

fn with_keys(service: Service, keyring: Keyring) -> Service {
    let ready = keyring.clone();
    service
        .tells_keys(keyring.source())
        .ready("signing keys", move || {
            let keyring = ready.clone();
            async move {
                let ready = keyring.ready().await;
                ready.map_err(|error| call::error::chain(&error))
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
