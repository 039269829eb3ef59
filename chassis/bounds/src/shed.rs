//! Refuses work early when there is too much of it: a bounded number of calls in flight,
//! a short wait for a place, then a clear refusal that says when to come back.

use std::sync::Arc;
use std::time::Duration;

use call::Caller;
use connectrpc_axum::prelude::{Code, ConnectError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use call::error::with_retry_after;

use crate::share::{Share, ShareBounds};

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

/// Who goes first when there are few places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What strangers read: most of what there is too much of, and nobody's order.
    Strangers,
    /// What people do, known or about to be.
    People,
    /// What our own services ask for: an order that was begun waits for it.
    Services,
}

impl Class {
    /// That of a call by `caller`.
    pub fn of(only_reads: bool, caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous if only_reads => Self::Strangers,
            // What the gateway reads for whoever looks at a page is no more than that.
            Caller::Service {
                acting_for: None, ..
            } if only_reads => Self::People,
            Caller::Service { .. } => Self::Services,
            Caller::Anonymous | Caller::User(_) => Self::People,
        }
    }

    /// Of all places, those that it may have, in eighths.
    fn eighths(self) -> usize {
        match self {
            Self::Strangers => 6,
            Self::People => 7,
            Self::Services => 8,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Strangers => "strangers",
            Self::People => "people",
            Self::Services => "services",
        }
    }
}

/// A call's place among all, and among those of its class and the classes that go before it.
pub struct Place {
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

/// All places.
#[derive(Clone)]
pub struct Shed {
    /// Of strangers, of strangers and people, of all.
    places: [Arc<Semaphore>; 3],
    wait_max: Duration,
}

impl Shed {
    /// They are free.
    pub fn new(load: Load) -> Self {
        let places = |class: Class| {
            let places = load.in_flight_max * class.eighths();
            Arc::new(Semaphore::new(places.div_ceil(8)))
        };
        Self {
            places: [Class::Strangers, Class::People, Class::Services].map(places),
            wait_max: load.wait_max,
        }
    }

    /// Takes a place, for as long as it lives. Who waits for one holds the `bytes` of his message.
    ///
    /// # Errors
    /// `resource_exhausted` with a time to come back, when none came free in time.
    pub async fn enter(
        &self,
        class: Class,
        mut share: Option<&mut Share>,
        bytes: usize,
    ) -> Result<Place, ConnectError> {
        let place = match self.free(class) {
            Some(place) => place,
            None => {
                if let Some(share) = share.as_deref_mut() {
                    share.let_go();
                    share.hold(bytes)?;
                }
                self.wait(class).await?
            }
        };
        if let Some(share) = share {
            share.let_go();
        }
        Ok(place)
    }

    /// Those among whom a call of this class has a place, its own first.
    fn among(&self, class: Class) -> impl Iterator<Item = (usize, Arc<Semaphore>)> {
        let all = self.places.iter().cloned().enumerate();
        all.skip(class as usize)
    }

    fn free(&self, class: Class) -> Option<Place> {
        let mut permits = [None, None, None];
        for (number, places) in self.among(class) {
            permits[number] = Some(places.try_acquire_owned().ok()?);
        }
        Some(Place { _permits: permits })
    }

    async fn wait(&self, class: Class) -> Result<Place, ConnectError> {
        let waiting = async {
            let mut permits = [None, None, None];
            for (number, places) in self.among(class) {
                // In its own line alone: those of the classes after it are for them.
                permits[number] = match number == class as usize {
                    true => places.acquire_owned().await.ok(),
                    false => places.try_acquire_owned().ok(),
                };
                permits[number].as_ref()?;
            }
            Some(Place { _permits: permits })
        };
        match tokio::time::timeout(self.wait_max, waiting).await {
            Ok(Some(place)) => Ok(place),
            Ok(None) | Err(_) => {
                metrics::counter!("rpc_shed_total", "of" => class.label()).increment(1);
                let error = ConnectError::new(Code::ResourceExhausted, "The server is full");
                Err(with_retry_after(error, Duration::from_secs(1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: R4
    #[tokio::test]
    async fn strangers_reads_go_first_and_the_calls_of_our_services_last() {
        let shed = Shed::new(Load {
            in_flight_max: 8,
            wait_max: Duration::from_millis(10),
            ..Load::default()
        });
        let enter = |class| shed.enter(class, None, 0);
        let mut held = Vec::new();
        for (class, places) in [
            (Class::Strangers, 6),
            (Class::People, 1),
            (Class::Services, 1),
        ] {
            for _ in 0..places {
                held.push(enter(class).await.unwrap());
            }
            let refused = enter(class).await.err().unwrap();
            assert_eq!(refused.code(), Code::ResourceExhausted, "{class:?}");
        }
        assert!(
            enter(Class::Strangers).await.is_err(),
            "all places are taken"
        );
        held.clear();
        for _ in 0..8 {
            held.push(enter(Class::Services).await.unwrap());
        }
        assert!(enter(Class::People).await.is_err());
        held.pop();
        assert!(
            enter(Class::Strangers).await.is_ok(),
            "a free place is for everybody"
        );
    }
}
