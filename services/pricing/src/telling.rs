//! Tells the catalog what things cost, so that lists can show it.
//!
//! A changed price is noted in its own transaction and told after it, until the catalog has heard: neither a catalog
//! that is away nor the end of this process undoes a price or forgets to tell it.

use std::time::Duration;

use call::{CorrelationId, Deadline};
use clock::Clock;
use events::Origin;
use futures::FutureExt;
use money::Currency;
use peers::{Channel, Outgoing, Peers};
use proto::catalog::v1::SetDisplayPriceRequest;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use sql::Database;
use telemetry::TraceContext;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::store;
use crate::store::untold::Untold;

/// How long a price that another process changed, or that could not be told, may wait.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the catalog may take to hear one.
const ATTEMPT_MAX: Duration = Duration::from_secs(3);
/// SKUs that are read at once.
const BATCH: u64 = 100;

/// Tells the catalog; cheap to clone.
#[derive(Clone)]
pub struct Teller {
    db: Database,
    clock: Clock,
    /// The currency that lists show.
    currency: Currency,
    catalog: CatalogServiceClient<Channel>,
}

impl Teller {
    pub fn new(db: Database, clock: Clock, currency: Currency, peers: &Peers) -> Self {
        Self {
            db,
            clock,
            currency,
            catalog: CatalogServiceClient::new(peers.channel("catalog").once()),
        }
    }

    /// Tells what there is to tell, after each change and now and then, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut changed = self.db.committed();
        let mut failing = false;
        while !shutdown.is_cancelled() {
            changed.borrow_and_update();
            let told = shutdown.run_until_cancelled(self.tell_all()).await;
            if let Some(Err(error)) = &told
                && !failing
            {
                let cause = call::error::chain(error);
                tracing::warn!(cause, "The catalog could not be told of a price, trying on");
            }
            failing = matches!(told, Some(Err(_)));
            tokio::select! {
                () = shutdown.cancelled() => {}
                Ok(()) = changed.changed(), if !failing => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells each price that was not told yet. One that fails stops no other.
    ///
    /// # Errors
    /// The last that failed.
    async fn tell_all(&self) -> Result<(), Error> {
        let (mut after, mut outcome) = (None, Ok(()));
        loop {
            let untold = store::untold::page(self.db.read(), after.as_ref(), BATCH).await?;
            for untold in &untold {
                if let Err(error) = self.tell(untold).await {
                    outcome = Err(error);
                }
            }
            match untold.last() {
                Some(last) if untold.len() as u64 == BATCH => after = Some(last.sku.clone()),
                _ => return outcome,
            }
        }
    }

    async fn tell(&self, untold: &Untold) -> Result<(), Error> {
        let mut told = untold.clone();
        let price = store::price::find(self.db.read(), &untold.sku, self.currency).await?;
        if let Some(price) = price {
            told.version = told.version.max(price.version);
            let message = SetDisplayPriceRequest {
                sku: price.sku.to_string(),
                price: Some(price.amount.into()),
                version: price.version,
            };
            let mut catalog = self.catalog.clone();
            catalog.set_display_price(self.request(message)).await?;
        }
        let origin = Origin::default();
        command::transact(&self.db, &self.clock, &origin, |work| {
            async { Ok(store::untold::strike(&work.txn, &told).await?) }.boxed()
        })
        .await
    }

    fn request<T>(&self, message: T) -> tonic::Request<T> {
        let outgoing = Outgoing {
            acting_for: None,
            deadline: Deadline::after(ATTEMPT_MAX),
            correlation_id: CorrelationId::from_uuid(self.clock.id()),
            trace: TraceContext::root(self.clock.random(), self.clock.random()),
            idempotency_key: None, // the version guards it
            authorization: None,
            synthetic: false,
        };
        peers::request_as(outgoing, message)
    }
}
