//! Where the peers of a process are, and how each is asked: `[peers]`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use config_rs::{Value, ValueKind};
use endpoints::{BreakerRules, Source};
use peers::{Bulkhead, Policy};

use super::Error;
use super::layers::{Table, refused};
use crate::services::{SERVICES, service};

/// The section of one peer, `[peers.order]`. A text in its place is its `url`.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it is: `http://host:port`, `static://a:5000,b:5000`, `dns://name:5000`.
    pub url: Option<Source>,
    /// The total time of a call. Default 5 s, of some less: [`usual_timeout`].
    pub timeout: Option<Duration>,
    /// How it is asked, but for how long a breaker is open, which is set for all.
    policy: Policy,
}

/// What stands for a total time that is off: no caller has more.
const TIMEOUT_OFF: Duration = Duration::from_secs(30 * 60);
const TIME_MIN: Duration = Duration::from_millis(10);
const TIME_MAX: Duration = Duration::from_secs(3600);
const ATTEMPTS_MAX: u32 = 10;
const CALLS_MAX: usize = 100_000;
/// How long nobody asks when a breaker opens for the first time: a process that restarts needs no longer.
const BREAKER_OPEN_FIRST: Duration = Duration::from_secs(1);

/// The total for a call to that service, where it is not that for all.
pub fn usual_timeout(service: &str) -> Option<Duration> {
    match service {
        // The provider behind it may be slow, but no checkout waits for it longer.
        payment::NAME => Some(Duration::from_secs(3)),
        // A page does without it.
        recommendation::NAME => Some(Duration::from_secs(1)),
        _ => None,
    }
}

/// How that service is asked unless it is set, at an address or at none.
fn usual_policy(service: &str) -> Policy {
    let usual = |answers| Policy {
        breaker: Some(BreakerRules {
            answers,
            ..BreakerRules::default()
        }),
        ..Policy::default()
    };
    match service {
        // Nobody needs it so much that it should be asked twice when it has enough to do, or waited for while it hangs.
        recommendation::NAME => Policy {
            attempts: 1,
            ..usual(true)
        },
        // A client's fault, or that of a peer further on, must not take a peer from everybody.
        _ => usual(false),
    }
}

impl Peer {
    /// That service, of which nothing is set.
    fn usual(service: &str) -> Self {
        Self {
            url: None,
            timeout: None,
            policy: usual_policy(service),
        }
    }

    /// How it is asked, where a breaker is open for `breaker_open` at most.
    pub fn policy(&self, breaker_open: Duration) -> Policy {
        Policy {
            breaker: self.policy.breaker.map(|rules| BreakerRules {
                open_first: BREAKER_OPEN_FIRST,
                open: breaker_open,
                ..rules
            }),
            ..self.policy
        }
    }
}

/// A text names an address, in whichever layer: it is made a table here, so that one layer may say where a peer is,
/// and another how it is asked.
pub(super) fn spread(table: &mut Table) -> Result<(), Error> {
    let Some(all) = table.remove("peers") else {
        return Ok(());
    };
    let all = all.into_table().map_err(|error| refused("peers", &error))?;
    let spread = all.into_iter().map(|(name, value)| match value.kind {
        ValueKind::Table(_) => (name, value),
        _ => (name, with_url(value)),
    });
    let spread: Table = spread.collect();
    table.insert("peers".to_owned(), Value::new(None, spread));
    Ok(())
}

/// The same for variables: `STOA_PEERS__ORDER` is `STOA_PEERS__ORDER__URL`.
///
/// # Errors
/// Both are set.
pub(super) fn spread_variables(variables: &mut HashMap<String, String>) -> Result<(), Error> {
    let short = |name: &&String| {
        let lower = name.to_lowercase();
        let peer = lower.strip_prefix("stoa_peers__");
        peer.is_some_and(|peer| !peer.contains("__"))
    };
    let names: Vec<String> = variables.keys().filter(short).cloned().collect();
    for name in names {
        let url = variables.remove(&name).unwrap_or_default(); // it was there
        let long = format!("{name}__URL");
        if variables.insert(long.clone(), url).is_some() {
            return Err(Error::new(long, format!("is set beside {name}: set one")));
        }
    }
    Ok(())
}

/// `INVENTORY_SERVICE_HOST` and `INVENTORY_SERVICE_PORT` stand in for a peer that has no address of its own.
pub(super) fn service_variables(
    environment: &HashMap<String, String>,
    peers: &mut BTreeMap<&'static str, Peer>,
) -> Result<(), Error> {
    for slice in SERVICES.iter() {
        let upper = slice.name.to_uppercase();
        let host = environment.get(&format!("{upper}_SERVICE_HOST"));
        let port = environment.get(&format!("{upper}_SERVICE_PORT"));
        let (Some(host), Some(port)) = (host, port) else {
            continue;
        };
        let peer = peers
            .entry(slice.name)
            .or_insert_with(|| Peer::usual(slice.name));
        if peer.url.is_none() {
            let key = format!("{upper}_SERVICE_PORT");
            let host = match host.parse::<std::net::Ipv6Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => host.clone(),
            };
            let url = format!("http://{host}:{port}").parse();
            peer.url = Some(url.map_err(|_bad| Error::new(key, "makes no address with its host"))?);
        }
    }
    Ok(())
}

/// Takes the section of each peer.
pub(super) fn take(table: &mut Table) -> Result<BTreeMap<&'static str, Peer>, Error> {
    let Some(all) = table.remove("peers") else {
        return Ok(BTreeMap::new());
    };
    let all: Table = all.into_table().map_err(|error| refused("peers", &error))?;
    let mut peers = BTreeMap::new();
    for (name, value) in all {
        let key = format!("peers.{name}");
        let slice = service(&name).ok_or_else(|| Error::new(&key, "is no service"))?;
        let keys = value.into_table().map_err(|error| refused(&key, &error))?;
        let peer = read(slice.name, Keys { of: key, keys })?;
        peers.insert(slice.name, peer);
    }
    Ok(peers)
}

fn with_url(url: Value) -> Value {
    Value::new(None, Table::from([("url".to_owned(), url)]))
}

fn read(service: &str, mut keys: Keys) -> Result<Peer, Error> {
    let usual = usual_policy(service);
    let url = match keys.text("url")? {
        Some(url) => Some(url.parse().map_err(|error| keys.bad("url", error))?),
        None => None,
    };
    let timeout = keys.switch("timeout", time)?;
    let attempts = keys.switch("attempts", |text| within(text, 1, ATTEMPTS_MAX))?;
    let try_timeout = keys.switch("try_timeout", time)?;
    let breaker = keys.switch("breaker", |_| Err("must be true or false".to_owned()))?;
    let ejection = keys.switch("ejection", time)?;
    let policy = Policy {
        attempts: attempts.or(usual.attempts, 1),
        try_timeout: try_timeout.optional(usual.try_timeout),
        breaker: breaker.optional(usual.breaker),
        ejection: ejection.optional(usual.ejection),
        bulkhead: bulkhead(&mut keys)?,
    };
    keys.none_left()?;
    let timeout = match timeout {
        Switch::Unset | Switch::On => None,
        Switch::Off => Some(TIMEOUT_OFF),
        Switch::Set(timeout) => Some(timeout),
    };
    Ok(Peer {
        url,
        timeout,
        policy,
    })
}

fn bulkhead(keys: &mut Keys) -> Result<Option<Bulkhead>, Error> {
    let usual = Bulkhead::default();
    let table = |value: &Value| matches!(value.kind, ValueKind::Table(_));
    if !keys.keys.get("bulkhead").is_some_and(table) {
        let neither = |_: &str| Err("must be true, false or { calls, waiting }".to_owned());
        return Ok(match keys.switch("bulkhead", neither)? {
            Switch::Unset | Switch::Off => None,
            Switch::On => Some(usual),
            Switch::Set(set) => Some(set),
        });
    }
    let value = keys.keys.remove("bulkhead").unwrap_or_default(); // it is there
    let of = format!("{}.bulkhead", keys.of);
    let table = value.into_table().map_err(|error| refused(&of, &error))?;
    let mut keys = Keys { of, keys: table };
    let calls = keys.switch("calls", |text| within(text, 1, CALLS_MAX))?;
    let waiting = keys.switch("waiting", |text| within(text, 0, CALLS_MAX))?;
    keys.none_left()?;
    Ok(Some(Bulkhead {
        calls_max: calls.or(usual.calls_max, usual.calls_max),
        waiting_max: waiting.or(usual.waiting_max, 0),
    }))
}

/// What is left to read of a section.
struct Keys {
    of: String,
    keys: Table,
}

/// A setting that is on or off by itself.
enum Switch<T> {
    Unset,
    On,
    Off,
    Set(T),
}

impl<T> Switch<T> {
    fn or(self, usual: T, off: T) -> T {
        match self {
            Self::Unset | Self::On => usual,
            Self::Off => off,
            Self::Set(value) => value,
        }
    }

    fn optional(self, usual: Option<T>) -> Option<T> {
        match self {
            Self::Unset | Self::On => usual,
            Self::Off => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl Keys {
    fn bad(&self, key: &str, problem: impl Display) -> Error {
        Error::new(format!("{}.{key}", self.of), problem.to_string())
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Error> {
        let value = self.keys.remove(key).map(Value::into_string).transpose();
        value.map_err(|error| refused(&format!("{}.{key}", self.of), &error))
    }

    fn switch<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Switch<T>, Error> {
        Ok(match self.text(key)?.as_deref() {
            None => Switch::Unset,
            Some("true" | "on") => Switch::On,
            Some("false" | "off") => Switch::Off,
            Some(text) => Switch::Set(parse(text).map_err(|problem| self.bad(key, problem))?),
        })
    }

    fn none_left(&self) -> Result<(), Error> {
        match self.keys.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.bad(key, "is no setting of a peer")),
        }
    }
}

/// `5s`, `500ms`, `2m`; a number alone is seconds.
fn time(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '.');
    let number = text
        .strip_suffix(unit)
        .and_then(|text| text.parse::<f64>().ok());
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err("is no time such as 5s or 500ms".to_owned()),
    };
    let time = number.and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    time.filter(|time| (TIME_MIN..=TIME_MAX).contains(time))
        .ok_or_else(|| "is no time from 10ms to 60m".to_owned())
}

fn within<N: FromStr + PartialOrd + Display>(text: &str, min: N, max: N) -> Result<N, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (&min..=&max).contains(&number));
    number.ok_or_else(|| format!("must be {min} to {max}"))
}
