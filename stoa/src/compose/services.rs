//! Each service with what is its own. The only file that names them all.

use futures::FutureExt;
use peers::Peers;
use rpc::token::FetchKeys;
use store::Database;

use super::Base;
use crate::cli::Service;
use crate::{config, schema};

/// A service, and where its process finds the keys of people's tokens, if it
/// is the one that keeps them.
pub struct Built {
    pub service: rpc::Service,
    pub people: Option<FetchKeys>,
}

/// Puts one service together.
///
/// # Errors
///
/// A value in its section that it refuses.
pub async fn build(
    base: &Base,
    service: Service,
    db: Database,
    peers: Peers,
) -> anyhow::Result<Built> {
    let (clock, page_signer) = (base.clock.clone(), base.page_signer.clone());
    let (config, shutdown) = (&base.config, base.stopping.clone());
    let mut people = None;
    let checked = db.clone();
    let service = match service {
        Service::User => {
            let config = config.user.config.clone();
            let keyring = user::Keyring::new(db.clone(), clock.clone(), &config);
            people = Some(keyring.source());
            let deps = user::Deps {
                db,
                clock,
                keyring,
                page_signer,
                shutdown,
            };
            user::service(config, deps)
                .await
                .map_err(|error| match error {
                    user::Error::Config { key, problem } => refused(key, problem),
                    error => error.into(),
                })?
        }
        Service::Catalog => {
            let deps = catalog::Deps {
                db,
                clock,
                page_signer,
            };
            catalog::service(config.catalog.config.clone(), deps).await?
        }
        Service::Pricing => {
            let deps = pricing::Deps { db, clock, peers };
            let made = pricing::service(config.pricing.config.clone(), deps).await;
            made.map_err(|error| match error {
                pricing::Error::Config { key, problem } => refused(key, problem),
                error => error.into(),
            })?
        }
        Service::Inventory => {
            let deps = inventory::Deps { db, clock };
            let made = inventory::service(config.inventory.config.clone(), deps).await;
            made.map_err(|error| match error {
                inventory::Error::Config { key, problem } => refused(key, problem),
                error => error.into(),
            })?
        }
        Service::Order => {
            let fail_points = order::saga::fail_point::FailPoints::default();
            let deps = order::Deps {
                db,
                clock,
                peers,
                page_signer,
                shutdown,
                fail_points,
            };
            let made = order::service(config.order.config.clone(), deps).await;
            made.map_err(|error| match error {
                order::Error::Config { key, problem } => refused(key, problem),
                error => error.into(),
            })?
        }
        Service::Payment => {
            let deps = payment::Deps { db, clock };
            let made = payment::service(config.payment.config.clone(), deps).await;
            made.map_err(|error| match error {
                payment::Error::Config { key, problem } => refused(key, problem),
                error => error.into(),
            })?
        }
    };
    let service = with_schema_check(service, checked);
    Ok(Built { service, people })
}

/// A service's own refusal of a value, as one of configuration.
fn refused(key: &str, problem: &str) -> anyhow::Error {
    config::Error::new(key, problem).into()
}

/// Serving never migrates: a database that is behind keeps the target alive
/// and not ready, and says what to do.
fn with_schema_check(service: rpc::Service, db: Database) -> rpc::Service {
    service.ready_noting("schema", move || {
        let db = db.clone();
        async move { schema::wellness(&db).await }.boxed()
    })
}
