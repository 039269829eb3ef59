//! Pricing owns price lists, promotions and quotes. It never uses floats, never converts
//! currencies and never trusts a price from outside.

mod config;
pub mod demo;
mod domain;
mod error;
mod event;
mod price_list;
mod promotions;
mod quotes;
mod rpc;
mod store;
mod telling;

use clock::Clock;
use peers::Peers;

pub use config::Config;
pub use error::Error;

use domain::money::Currency;
use telling::Teller;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "pricing";

/// What the composition root hands to this service.
#[derive(Clone)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: ::store::Database,
    /// Tells the time, makes ids.
    pub clock: Clock,
    /// The way to the catalog.
    pub peers: Peers,
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: ::store::Database,
    clock: Clock,
    /// The currency of requests that name none.
    currency: Currency,
}

/// Puts the service together: every rpc of PricingService, readiness and background work.
///
/// # Errors
/// [`Error::Config`] for a setting that cannot be.
pub async fn service(config: Config, deps: Deps) -> Result<::rpc::Service, Error> {
    let currency = Currency::parse(&config.currency).ok_or(Error::Config {
        key: "pricing.currency",
        problem: "must be an ISO 4217 code such as EUR",
    })?;
    let Deps { db, clock, peers } = deps;
    let teller = Teller::new(db.clone(), clock.clone(), currency, &peers);
    let service = command::service(NAME, &db, &clock, []);
    let app = App {
        db,
        clock,
        currency,
    };
    Ok(
        rpc::mount(service, &app).background("display prices", move |shutdown| {
            teller.clone().run(shutdown)
        }),
    )
}
