//! Refuses work early when there is too much of it: a bounded number of calls in flight,
//! a short wait for a place, then a clear refusal that says when to come back.

use std::sync::Arc;
use std::time::Duration;

use connectrpc_axum::prelude::{Code, ConnectError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use call::error::with_retry_after;

use super::share::{Share, ShareBounds};

/// How much work is taken on at once.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Calls in flight whose message is whole, streams not counted once they run.
    pub in_flight_max: usize,
    /// How long a call waits for a place.
    pub wait_max: Duration,
    /// What clients may have under way, whole or not.
    pub shares: ShareBounds,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            in_flight_max: 512,
            wait_max: Duration::from_millis(100),
            shares: ShareBounds::default(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Shed {
    places: Arc<Semaphore>,
    wait_max: Duration,
}

impl Shed {
    pub(crate) fn new(load: Load) -> Self {
        Self {
            places: Arc::new(Semaphore::new(load.in_flight_max)),
            wait_max: load.wait_max,
        }
    }

    /// Takes a place, for as long as the permit lives. Who waits for one holds the `bytes` of his message.
    ///
    /// # Errors
    /// `resource_exhausted` with a time to come back, when none came free in time.
    pub(crate) async fn enter(
        &self,
        mut share: Option<&mut Share>,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, ConnectError> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                if let Some(share) = share.as_deref_mut() {
                    share.let_go();
                    share.hold(bytes)?;
                }
                self.wait().await?
            }
        };
        if let Some(share) = share {
            share.let_go();
        }
        Ok(permit)
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, ConnectError> {
        let waiting = self.places.clone().acquire_owned();
        match tokio::time::timeout(self.wait_max, waiting).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("rpc_shed_total").increment(1);
                let error = ConnectError::new(Code::ResourceExhausted, "The server is full");
                Err(with_retry_after(error, Duration::from_secs(1)))
            }
        }
    }
}
