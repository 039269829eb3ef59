//! What a peer's calls have between them and its connections.

use std::time::Duration;

use crate::breaker::BreakerRules;

/// How often a peer is asked, for how long, and when it is left alone. Each of these is on or off by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a call is tried that may be repeated, the first time included.
    pub attempts: u32,
    /// How long a try may take; without it as long as its call. One that took longer is not tried again: whoever is
    /// slow is not helped by being asked once more.
    pub try_timeout: Option<Duration>,
    /// When calls are refused instead; without it never.
    pub breaker: Option<BreakerRules>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            try_timeout: None,
            breaker: Some(BreakerRules::default()),
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
        }
    }
}
