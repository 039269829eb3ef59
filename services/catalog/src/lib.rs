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

use clock::Clock;

pub use config::Config;
pub use error::Error;

/// The name of this service: in addresses, tokens, logs and facts.
pub const NAME: &str = "catalog";

/// What the composition root hands to this service.
#[derive(Clone)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: ::store::Database,
    /// Tells the time, makes ids.
    pub clock: Clock,
    /// Signs page tokens; replicas share its key.
    pub page_signer: ::store::page::Signer,
}

/// What every handler works with.
#[derive(Clone)]
struct App {
    db: ::store::Database,
    clock: Clock,
    page_signer: ::store::page::Signer,
    categories: categories::Categories,
}

/// Puts the service together: every rpc of CatalogService, readiness and background work.
///
/// # Errors
/// None today; settings that cannot be will be refused here.
#[expect(clippy::unused_async, reason = "every service is put together alike")]
pub async fn service(_: Config, deps: Deps) -> Result<::rpc::Service, Error> {
    let Deps {
        db,
        clock,
        page_signer,
    } = deps;
    let service = command::service(NAME, &db, &clock, []);
    let app = App {
        db,
        clock,
        page_signer,
        categories: categories::Categories::default(),
    };
    Ok(rpc::mount(service, &app))
}
