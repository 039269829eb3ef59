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
mod wire;

use clock::Clock;
use money::Currency;
use slice::{Deps, Misconfigured, Slice};

pub use config::Config;
pub use error::Error;

use telling::Teller;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "pricing";

/// This service, to the process that runs it.
pub fn slice() -> Slice {
    Slice::new(NAME, 5003, &["catalog"], service)
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: sql::Database,
    clock: Clock,
    /// The currency of requests that name none.
    currency: Currency,
}

/// Puts the service together: its rpcs, readiness and background work. It asks the database for
/// nothing yet.
///
/// # Errors
/// A setting that cannot be.
pub fn service(config: Config, deps: Deps) -> Result<edge::Service, Misconfigured> {
    let currency = config.currency()?;
    let Deps { db, clock, .. } = deps;
    let teller = Teller::new(db.clone(), clock.clone(), currency, &deps.peers);
    let app = App {
        db,
        clock,
        currency,
    };
    let service = slice::begin(NAME, &app.db, &app.clock, &deps.bus, []);
    Ok(
        rpc::mount(service, &app).background("display prices", move |shutdown| {
            teller.clone().run(shutdown)
        }),
    )
}
