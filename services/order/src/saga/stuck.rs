//! Orphans that could not be taken over: written by a newer version, or with a row that somebody else holds. They are
//! tried again after all others, more and more rarely.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::id::OrderId;
use crate::error::Error;

/// How long one rests before it is tried again; twice as long each time.
const REST: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_secs(10);

/// Orphans that were tried in vain.
#[derive(Default)]
pub(super) struct Stuck {
    tried: HashMap<OrderId, Tried>,
    /// One that is stuck since, and why.
    news: Option<(OrderId, String)>,
}

struct Tried {
    times: u32,
    until: Instant,
}

impl Stuck {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.tried.is_empty()
    }

    /// Whether this one was tried in vain.
    pub(super) fn knows(&self, id: OrderId) -> bool {
        self.tried.contains_key(&id)
    }

    /// When it is to be tried again; one that was not tried is due.
    pub(super) fn due(&self, id: OrderId) -> Option<Instant> {
        self.tried.get(&id).map(|tried| tried.until)
    }

    /// Whether it was tried a moment ago.
    pub(super) fn rests(&self, id: OrderId) -> bool {
        self.due(id).is_some_and(|due| Instant::now() < due)
    }

    /// It could not be taken over. Once may be chance; the second time it is stuck.
    pub(super) fn add(&mut self, id: OrderId, error: &Error) {
        let times = self.tried.get(&id).map_or(1, |tried| tried.times + 1);
        let rest = REST * (1 << (times - 1).min(6));
        let until = Instant::now() + rest.min(REST_MAX);
        self.tried.insert(id, Tried { times, until });
        if times == 2 {
            self.news
                .get_or_insert_with(|| (id, call::error::chain(error)));
        }
    }

    /// It was taken over, or needs nobody any more.
    pub(super) fn remove(&mut self, id: OrderId) {
        self.tried.remove(&id);
    }

    /// Forgets all but these: every orphan that there is.
    pub(super) fn keep(&mut self, orphans: &HashSet<OrderId>) {
        self.tried.retain(|id, _| orphans.contains(id));
    }

    /// Says how many there are, and of new ones why.
    pub(super) fn tell(&mut self) {
        let count = self.tried.values().filter(|tried| tried.times > 1).count();
        metrics::gauge!("sagas_stuck").set(count as f64);
        if let Some((id, cause)) = self.news.take() {
            tracing::warn!(
                count,
                order.id = %id,
                cause,
                "Checkouts cannot be carried on here for now, and are tried again from time to time"
            );
        }
    }
}
