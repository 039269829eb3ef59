//! How often a client may ask, over all protocols together. A client is a person, or the address of whoever has not
//! signed in. What an rpc bears of its own stands in the contract; reads and writes have a budget each beside it.
//!
//! A person has thrice the budget of a session over all sessions. Whoever was signed out has a token for some minutes
//! more, and could else keep the owner out with it.
//!
//! `governor` counts (GCRA: a burst, then one at a time), without the layer of `tower-governor` around it: a layer
//! knows neither who was found to call nor what it calls, and answers in no protocol of ours. Each process counts for
//! itself.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ahash::RandomState;
use call::Caller;
use call::error::with_retry_after;
use connectrpc_axum::prelude::{Code, ConnectError};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use uuid::Uuid;

use crate::address::ClientAddress;
use crate::client::Client;

/// Budgets that a limit keeps. Whoever comes from an address when so many are kept shares that of his network with
/// others there: who makes up addresses has networks of his own.
const ENTRIES_MAX: usize = 10_000;
/// And when so many are kept, one of so many with whomever chance has it.
const SHARED_ENTRIES_MAX: usize = 14_000;
const CROWDS: u64 = 1000;
/// How many sessions' budgets a person has over all of them.
const SESSIONS: NonZeroU32 = NonZeroU32::new(3).expect("three is not none");
/// How many checks come between two counts of a limit's entries.
const COUNTED_EVERY: usize = 64;
/// How often budgets that are whole again are forgotten.
pub const SWEPT_EVERY: Duration = Duration::from_secs(30);

/// So many requests in so long: all of them may come at once, and each has its place back after its part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// How often clients may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimit {
    /// Reads 50 a second and 100 at once, writes 10 a second and 20 at once; and what the contract says of an rpc.
    #[default]
    Usual,
    /// One budget for all that a client asks for, in the place of those for reads and writes; and what the contract
    /// says of an rpc.
    All(Rate),
    /// As often as they like.
    Off,
}

/// What is no rate limit.
#[derive(Debug, thiserror::Error)]
#[error("is neither `usual` nor `off` nor a rate such as `100/15m` or `50/s`")]
pub struct BadRateLimit;

impl Rate {
    const fn new(requests: u32, per: Duration) -> Self {
        let requests = NonZeroU32::new(requests).expect("a rate is not of nothing");
        Self { requests, per }
    }

    /// The time after which one of its places is free again.
    fn interval(self) -> Duration {
        (self.per / self.requests.get()).max(Duration::from_nanos(1))
    }
}

impl FromStr for Rate {
    type Err = BadRateLimit;

    fn from_str(text: &str) -> Result<Self, BadRateLimit> {
        let (requests, per) = text.split_once('/').ok_or(BadRateLimit)?;
        let requests: NonZeroU32 = requests.trim().parse().map_err(|_| BadRateLimit)?;
        let per = per.trim();
        let (number, seconds) = [("s", 1), ("m", 60), ("h", 3600)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((per.strip_suffix(unit)?, seconds)))
            .ok_or(BadRateLimit)?;
        let number = match number {
            "" => 1,
            number => number.parse::<u32>().map_err(|_| BadRateLimit)?,
        };
        let per = Duration::from_secs(u64::from(number) * seconds);
        match (Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&per) {
            true => Ok(Self { requests, per }),
            false => Err(BadRateLimit),
        }
    }
}

impl FromStr for RateLimit {
    type Err = BadRateLimit;

    fn from_str(text: &str) -> Result<Self, BadRateLimit> {
        match text.trim() {
            "usual" => Ok(Self::Usual),
            "off" => Ok(Self::Off),
            rate => rate.parse().map(Self::All),
        }
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Cell {
    Client(Client),
    Network(ClientAddress),
    Crowd(u64),
}

type Cells = RateLimiter<Cell, DashMapStateStore<Cell, RandomState>, DefaultClock>;

/// One limit.
pub struct Limit {
    /// What each client has left of it: an address, a session, or a person who has no session of ours.
    each: Budgets,
    /// What each person has left over all sessions.
    people: Budgets,
}

/// What each client has left.
struct Budgets {
    cells: Cells,
    requests: NonZeroU32,
    /// As many as there were when they were last counted.
    entries: AtomicUsize,
    checks: AtomicUsize,
    hasher: RandomState,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Whether it changes nothing.
    pub only_reads: bool,
    /// Whether strangers may ask for it.
    pub is_public: bool,
}

/// All limits of an app.
pub struct Rates {
    off: bool,
    all: Vec<Arc<Limit>>,
    reads: Arc<Limit>,
    writes: Arc<Limit>,
    /// Tokens that were not seen before: each costs a signature.
    tokens: Arc<Limit>,
    /// Those that say they are of our services, who act for many people and show one for each.
    service_tokens: Arc<Limit>,
}

impl Rates {
    /// Nobody has asked yet.
    pub fn new(limit: RateLimit) -> Self {
        let second = Duration::from_secs(1);
        let make = |rate, burst| Arc::new(Limit::new(rate, burst));
        let (reads, writes) = match limit {
            RateLimit::Usual | RateLimit::Off => (
                make(Rate::new(50, second), 100),
                make(Rate::new(10, second), 20),
            ),
            RateLimit::All(rate) => {
                let one = make(rate, rate.requests.get());
                (one.clone(), one)
            }
        };
        let tokens = make(Rate::new(10, second), 100);
        let service_tokens = make(Rate::new(1000, second), 2000);
        Self {
            off: limit == RateLimit::Off,
            all: vec![
                reads.clone(),
                writes.clone(),
                tokens.clone(),
                service_tokens.clone(),
            ],
            reads,
            writes,
            tokens,
            service_tokens,
        }
    }

    /// A limit of an rpc's own.
    pub fn own(&mut self, rate: Option<Rate>) -> Option<Arc<Limit>> {
        let rate = rate.filter(|_| !self.off)?;
        let limit = Arc::new(Limit::new(rate, rate.requests.get()));
        self.all.push(limit.clone());
        Some(limit)
    }

    /// Whether a token that was not seen before may be looked at.
    ///
    /// # Errors
    /// `resource_exhausted`, when too many came from that address.
    pub fn token(&self, address: Option<Client>, of_service: bool) -> Result<(), ConnectError> {
        let limit = match of_service {
            true => &self.service_tokens,
            false => &self.tokens,
        };
        match address.filter(|_| !self.off) {
            Some(address) => limit.check(address, None),
            None => Ok(()),
        }
    }

    /// Counts a call. Our own services answer for their callers, and are not counted.
    ///
    /// # Errors
    /// `resource_exhausted`, with a time to come back, when this client has called too often.
    pub fn call(
        &self,
        asked: Asked,
        own: Option<&Limit>,
        address: Option<Client>,
        caller: &Caller,
    ) -> Result<(), ConnectError> {
        if self.off {
            return Ok(());
        }
        let (client, session) = match caller {
            Caller::Service { .. } => return Ok(()),
            Caller::User(user) => (Some(Client::Person(user.id)), user.session),
            Caller::Anonymous => (address, None),
        };
        // An rpc that strangers may call counts addresses: a client could be many persons, or none.
        let (of_own, own_session) = match asked.is_public {
            true => (address, None),
            false => (client, session),
        };
        let usual = match asked.only_reads {
            true => &self.reads,
            false => &self.writes,
        };
        if let Some(client) = client {
            usual.check(client, session)?; // first, since it has its place back sooner
        }
        match own.zip(of_own) {
            Some((own, client)) => own.check(client, own_session),
            None => Ok(()),
        }
    }

    /// Counts a page.
    ///
    /// # Errors
    /// As [`Rates::call`].
    pub fn page(&self, address: Option<Client>) -> Result<(), ConnectError> {
        match address.filter(|_| !self.off) {
            Some(address) => self.reads.check(address, None),
            None => Ok(()),
        }
    }

    /// How many budgets are kept; one for reads and writes counts as two.
    pub fn kept(&self) -> usize {
        self.all.iter().map(|limit| limit.len()).sum()
    }

    /// Forgets whose budget is whole again.
    pub fn sweep(&self) {
        for limit in &self.all {
            limit.sweep();
        }
    }
}

impl Limit {
    fn new(rate: Rate, burst: u32) -> Self {
        let (interval, burst) = (rate.interval(), NonZeroU32::new(burst));
        let burst = burst.unwrap_or(rate.requests);
        Self {
            each: Budgets::new(interval, burst),
            people: Budgets::new(interval / SESSIONS.get(), burst.saturating_mul(SESSIONS)),
        }
    }

    /// Takes a place of this client, and before that one of the session that they call in.
    fn check(&self, client: Client, session: Option<Uuid>) -> Result<(), ConnectError> {
        let Some(session) = session else {
            return self.each.check(client);
        };
        self.each.check(Client::Session(session))?;
        self.people.check(client)
    }

    fn len(&self) -> usize {
        self.each.cells.len() + self.people.cells.len()
    }

    fn sweep(&self) {
        for budgets in [&self.each, &self.people] {
            budgets.cells.retain_recent();
            budgets.cells.shrink_to_fit();
            budgets.count();
        }
    }
}

impl Budgets {
    fn new(interval: Duration, burst: NonZeroU32) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval).expect("it is at least a nanosecond");
        Self {
            cells: RateLimiter::dashmap_with_hasher(
                quota.allow_burst(burst),
                RandomState::default(),
            ),
            requests: burst,
            entries: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
            hasher: RandomState::default(),
        }
    }

    fn check(&self, client: Client) -> Result<(), ConnectError> {
        // A map of many shards is slow to count.
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks.is_multiple_of(COUNTED_EVERY) {
            self.count();
        }
        let cell = match (self.entries.load(Ordering::Relaxed), client) {
            (0..ENTRIES_MAX, _) => Cell::Client(client),
            (0..SHARED_ENTRIES_MAX, Client::Address(address)) => Cell::Network(address.network()),
            (0..SHARED_ENTRIES_MAX, _) => Cell::Client(client),
            _ => Cell::Crowd(self.hasher.hash_one(client) % CROWDS),
        };
        self.cells.check_key(&cell).map_err(|until| {
            let now = DefaultClock::default().now();
            refuse(client, self.requests, until.wait_time_from(now))
        })
    }

    fn count(&self) {
        self.entries.store(self.cells.len(), Ordering::Relaxed);
    }
}

fn refuse(client: Client, requests: NonZeroU32, wait: Duration) -> ConnectError {
    let of = client.kind();
    metrics::counter!("rpc_rate_refusals_total", "of" => of).increment(1);
    let message = format!("This {of} asks too often");
    let error = ConnectError::new(Code::ResourceExhausted, message)
        .with_meta("x-ratelimit-limit", requests.to_string())
        .with_meta("x-ratelimit-remaining", "0");
    with_retry_after(error, wait)
}

#[cfg(test)]
mod tests;
