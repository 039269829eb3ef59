//! What a peer's calls have between them and its connections.

use std::time::Duration;

use endpoints::BreakerRules;

/// How often a peer is asked, for how long, by how many at once, and when it is left alone. Each of these is on or off
/// by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a call is tried that may be repeated, the first time included.
    pub attempts: u32,
    /// How long a try may take; without it as long as its call. One that took longer is not tried again: whoever is
    /// slow is not helped by being asked once more.
    pub try_timeout: Option<Duration>,
    /// When calls are refused instead; without it never.
    pub breaker: Option<BreakerRules>,
    /// How many unary calls there may be at once; without it as many as there are places on connections.
    pub bulkhead: Option<Bulkhead>,
    /// How long one of several replicas is not asked that could not be reached; without it none is left alone.
    pub ejection: Option<Duration>,
}

/// A wall between a peer and everything else that a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulkhead {
    /// Calls that are out at once.
    pub calls_max: usize,
    /// Calls that wait for one of them to end; one more is refused at once.
    pub waiting_max: usize,
}

/// How long a replica is left alone, unless it is set.
const EJECTION: Duration = Duration::from_secs(30);

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            try_timeout: None,
            breaker: Some(BreakerRules::default()),
            bulkhead: None,
            ejection: Some(EJECTION),
        }
    }
}

impl Default for Bulkhead {
    /// What fits on the connections to one replica, and the line before them.
    fn default() -> Self {
        Self {
            calls_max: 400,
            waiting_max: 256,
        }
    }
}

impl Policy {
    /// Every call goes out, once.
    pub fn none() -> Self {
        Self {
            attempts: 1,
            try_timeout: None,
            breaker: None,
            bulkhead: None,
            ejection: None,
        }
    }
}
