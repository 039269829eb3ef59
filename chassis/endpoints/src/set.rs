//! All replicas of one peer, and which of them a call goes to.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use metrics::gauge;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::address::Address;
use crate::health::{Health, Standing, Ticket};
use crate::resolve::{Resolve, Unresolved};
use crate::source::Source;

/// How long a call waits to hear for the first time where anybody is.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(2);
/// Replicas at most; a registry that knows more is believed so far.
const ENDPOINTS_MAX: usize = 256;

/// What is kept for each replica of one peer. Clones share it.
#[derive(Debug)]
pub struct Endpoints<T>(Arc<Shared<T>>);

impl<T> Clone for Endpoints<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Shared<T> {
    peer: &'static str,
    ejection: Option<Duration>,
    make: Box<dyn Fn(&Address) -> T + Send + Sync>,
    all: RwLock<Arc<[Arc<Endpoint<T>>]>>,
    /// Whether each of them is ready, so that nobody need look.
    all_ready: AtomicBool,
    counting: Mutex<()>,
    first_answer: Notify,
    _resolving: DropGuard,
}

impl<T> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoints")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

struct Endpoint<T> {
    address: Address,
    health: Mutex<Health>,
    kept: T,
}

impl<T> Endpoint<T> {
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wanted of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Draws those that are compared.
    pub random: u64,
    /// The one that was tried last, which is not tried again if there is another.
    pub not: Option<&'a Address>,
    /// Whether the call may be repeated: such a one may look whether a replica can be reached again. Others do where
    /// none comes for as long again.
    pub repeatable: bool,
}

/// What is kept for the replica that a call goes to. Dropped, it says nothing of it.
#[derive(Debug)]
pub struct Picked<T> {
    set: Endpoints<T>,
    endpoint: Arc<Endpoint<T>>,
    ticket: Ticket,
    probe: bool,
    told: bool,
}

impl<T> std::fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({})", self.address)
    }
}

impl<T: Send + Sync + 'static> Endpoints<T> {
    /// Keeps what `make` makes for each replica there is. One that is lost is left alone for as long as `ejection`
    /// says; without it none is. A source that is asked again wants a tokio runtime.
    pub fn new(
        peer: &'static str,
        source: Source,
        ejection: Option<Duration>,
        make: impl Fn(&Address) -> T + Send + Sync + 'static,
    ) -> Self {
        let (known, resolver) = match source {
            Source::One(address) => (vec![address], None),
            Source::Several(all) => (all, None),
            Source::Resolved(resolver) => (Vec::new(), Some(resolver)),
        };
        let ended = CancellationToken::new();
        let set = Self(Arc::new(Shared {
            peer,
            ejection,
            make: Box::new(make),
            all: RwLock::new(Arc::new([])),
            all_ready: AtomicBool::new(true),
            counting: Mutex::default(),
            first_answer: Notify::new(),
            _resolving: ended.clone().drop_guard(),
        }));
        set.0.replace(known);
        if let Some(resolver) = resolver {
            let weak = Arc::downgrade(&set.0);
            let supervised = tasks::supervise(peer, "addresses", ended.clone(), move || {
                let following = follow(weak.clone(), resolver.clone());
                let ended = ended.clone();
                async move {
                    ended.run_until_cancelled(following).await;
                }
            });
            tokio::spawn(supervised);
        }
        set
    }
}

impl<T> Endpoints<T> {
    /// The less busy of two that are drawn among those that are ready, or among all if none is; now and then the one
    /// that was left alone for long enough. None while nobody knows where anybody is.
    pub async fn pick(&self, choice: Choice<'_>, load: impl Fn(&T) -> usize) -> Option<Picked<T>> {
        let mut all = self.0.all();
        if all.is_empty() {
            let until = Instant::now() + FIRST_ANSWER_MAX;
            while all.is_empty() {
                let heard = self.0.first_answer.notified();
                all = self.0.all();
                if all.is_empty() {
                    timeout_at(until, heard).await.ok()?;
                }
            }
        }
        if let Some(probe) = self.probe(&all, choice) {
            return Some(probe);
        }
        let wanted = |one: &&Arc<Endpoint<T>>| Some(&one.address) != choice.not;
        if choice.not.is_none() && self.0.all_ready.load(Ordering::Relaxed) {
            return Some(self.picked(less_busy(all.len(), |at| &all[at], choice.random, load)));
        }
        let (ready, lost): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.health().is_ready());
        let known = if ready.is_empty() { lost } else { ready };
        let others: Vec<_> = known.iter().copied().filter(wanted).collect();
        let fit = if others.is_empty() { known } else { others };
        Some(self.picked(less_busy(fit.len(), |at| fit[at], choice.random, load)))
    }

    /// Whether one is ready beside that one.
    pub fn has_another(&self, than: &Address) -> bool {
        let all = self.0.all();
        all.iter()
            .any(|one| one.address != *than && one.health().is_ready())
    }

    /// Shows each with its standing.
    pub fn each(&self, mut show: impl FnMut(&Address, Standing, &T)) {
        for one in &*self.0.all() {
            let standing = one.health().standing();
            show(&one.address, standing, &one.kept);
        }
    }

    /// Where nobody was for a while there may be somebody again.
    fn probe(&self, all: &[Arc<Endpoint<T>>], choice: Choice<'_>) -> Option<Picked<T>> {
        let ejection = self.0.ejection?;
        if self.0.all_ready.load(Ordering::Relaxed) {
            return None;
        }
        let grace = if choice.repeatable {
            Duration::ZERO
        } else {
            ejection
        };
        let now = Instant::now();
        let mut others = all.iter().filter(|one| Some(&one.address) != choice.not);
        others.find_map(|one| {
            let ticket = one.health().probe(now, ejection, grace)?;
            let mut picked = self.picked(one);
            (picked.ticket, picked.probe) = (ticket, true);
            Some(picked)
        })
    }

    fn picked(&self, endpoint: &Arc<Endpoint<T>>) -> Picked<T> {
        Picked {
            set: self.clone(),
            ticket: endpoint.health().ticket(),
            endpoint: endpoint.clone(),
            probe: false,
            told: false,
        }
    }
}

/// The less busy of two that are drawn, of so many, which are one at least.
fn less_busy<'a, T>(
    count: usize,
    at: impl Fn(usize) -> &'a Arc<Endpoint<T>>,
    random: u64,
    load: impl Fn(&T) -> usize,
) -> &'a Arc<Endpoint<T>> {
    if count == 1 {
        return at(0);
    }
    let others = count as u64 - 1;
    let first = random % count as u64;
    let second = (first + 1 + (random >> 32) % others) % count as u64;
    let (one, other) = (at(first as usize), at(second as usize));
    match load(&one.kept) <= load(&other.kept) {
        true => one,
        false => other,
    }
}

impl<T> Shared<T> {
    fn all(&self) -> Arc<[Arc<Endpoint<T>>]> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// These are there now. Who was there before stays what it is.
    fn replace(&self, mut known: Vec<Address>) {
        known.truncate(ENDPOINTS_MAX);
        let before = self.all();
        let same = before.len() == known.len();
        if same && before.iter().all(|one| known.contains(&one.address)) {
            return;
        }
        let kept = |address: &Address| {
            let known = before.iter().find(|one| one.address == *address);
            known.cloned().unwrap_or_else(|| {
                Arc::new(Endpoint {
                    kept: (self.make)(address),
                    address: address.clone(),
                    health: Mutex::new(Health::new()),
                })
            })
        };
        let all = known.iter().map(kept).collect();
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all;
        self.changed();
        self.first_answer.notify_waiters();
    }

    /// Shows how many there are of each standing. One at a time: a count that is written after a later one would stay.
    fn changed(&self) {
        let _counting = self.counting.lock();
        let all = self.all();
        let ready = all.iter().filter(|one| one.health().is_ready()).count();
        self.all_ready.store(ready == all.len(), Ordering::Relaxed);
        for (state, count) in [("ready", ready), ("ejected", all.len() - ready)] {
            gauge!("rpc_client_endpoints", "target" => self.peer, "state" => state)
                .set(count as f64);
        }
    }
}

/// Asks where the replicas are, for as long as anybody calls them.
async fn follow<T>(set: Weak<Shared<T>>, resolver: Arc<dyn Resolve>) {
    loop {
        let found = resolver.resolve().await;
        let Some(shared) = set.upgrade() else { return };
        match sorted(found) {
            Ok(known) => shared.replace(known),
            Err(error) => {
                let (peer, cause) = (shared.peer, error.to_string());
                tracing::warn!(
                    peer,
                    cause,
                    "Nobody says where {peer} is, the last known addresses stay"
                );
            }
        }
        drop(shared);
        tokio::time::sleep(resolver.pause()).await;
    }
}

/// Each once, and always in the same order, so that it is seen whether they are others.
fn sorted(found: Result<Vec<Address>, Unresolved>) -> Result<Vec<Address>, Unresolved> {
    let mut found = found?;
    if found.is_empty() {
        return Err("the answer has no address".into());
    }
    found.sort_by_cached_key(Address::to_string);
    found.dedup();
    Ok(found)
}

impl<T> Deref for Picked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.endpoint.kept
    }
}

impl<T> Picked<T> {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.endpoint.address
    }

    /// It answered, whatever it said.
    pub fn reached(&mut self) {
        self.told = true;
        let news = self.endpoint.health().reached(self.ticket);
        if news {
            self.set.0.changed();
            let (peer, address) = (self.set.0.peer, self.address());
            tracing::info!(peer, %address, "A replica can be reached again");
        }
    }

    /// It could not be reached, or the connection to it broke.
    pub fn lost(&mut self) {
        self.told = true;
        let Some(ejection) = self.set.0.ejection else {
            return;
        };
        let mut health = self.endpoint.health();
        let news = health.lost(self.ticket, Instant::now(), ejection);
        drop(health);
        if news {
            self.set.0.changed();
            let (peer, address) = (self.set.0.peer, self.address());
            tracing::warn!(peer, %address, "A replica cannot be reached, it is not asked for {ejection:?}");
        }
    }
}

impl<T> Drop for Picked<T> {
    fn drop(&mut self) {
        if self.probe && !self.told {
            self.endpoint.health().left(self.ticket, Instant::now());
        }
    }
}
