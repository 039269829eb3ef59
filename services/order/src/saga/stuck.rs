//! Orphans that could not be taken over: written by a newer version, or with a row that somebody else holds. They
//! stand in nobody's way, and are tried again now and then.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::id::OrderId;
use crate::error::Error;

/// How long one rests before it is tried again: looking at thousands that will not move costs little then.
const REST: Duration = Duration::from_secs(10);

/// Orphans that wait, and until when.
#[derive(Default)]
pub(super) struct Stuck {
    until: HashMap<OrderId, Instant>,
    /// How many there were when it was last said.
    told: usize,
    /// One that came since, and why.
    news: Option<(OrderId, String)>,
}

impl Stuck {
    /// Whether this one was tried a moment ago.
    pub(super) fn rests(&self, id: OrderId) -> bool {
        self.until
            .get(&id)
            .is_some_and(|until| Instant::now() < *until)
    }

    /// It could not be taken over.
    pub(super) fn add(&mut self, id: OrderId, error: &Error) {
        self.until.insert(id, Instant::now() + REST);
        self.news
            .get_or_insert_with(|| (id, rpc::error::chain(error)));
    }

    /// It was taken over, or needs nobody any more.
    pub(super) fn remove(&mut self, id: OrderId) {
        self.until.remove(&id);
    }

    /// Forgets all but these: every orphan that there is.
    pub(super) fn keep(&mut self, orphans: &HashSet<OrderId>) {
        self.until.retain(|id, _| orphans.contains(id));
    }

    /// Says how many there are, whenever their number has changed.
    pub(super) fn tell(&mut self) {
        let count = self.until.len();
        metrics::gauge!("sagas_stuck").set(count as f64);
        let news = self.news.take();
        if let Some((id, cause)) = news.filter(|_| count != self.told) {
            tracing::warn!(
                count,
                order.id = %id,
                cause,
                "Checkouts cannot be carried on here for now; they are tried again every {} s",
                REST.as_secs()
            );
        }
        self.told = count;
    }
}
