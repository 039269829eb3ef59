//! Times, which are written as seconds and fractions of them.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A time that may be left out.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds: Option<f64> = Option::deserialize(deserializer)?;
    let time = seconds.map(Duration::try_from_secs_f64).transpose();
    time.map_err(|_| D::Error::custom("is no time in seconds"))
}

/// The longest time between SIGTERM and the listener's end, in seconds: all of a stop has 25.
pub const PRE_STOP_SECONDS_MAX: u64 = 13;

/// A time before a stop, which may be left out.
pub fn before_stop<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let time = optional(deserializer)?;
    match time {
        Some(time) if time > Duration::from_secs(PRE_STOP_SECONDS_MAX) => {
            let reason = format!("is more than {PRE_STOP_SECONDS_MAX}: all of a stop has 25 s");
            Err(D::Error::custom(reason))
        }
        time => Ok(time),
    }
}

/// The longest time for which nobody looks whether a peer is well again, in seconds.
const BREAKER_SECONDS_MAX: u64 = 3600;

/// A time for which a peer is left alone, which may be left out.
pub fn of_a_breaker<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let time = optional(deserializer)?;
    let bounds = Duration::from_millis(100)..=Duration::from_secs(BREAKER_SECONDS_MAX);
    match time {
        Some(time) if !bounds.contains(&time) => {
            let reason = format!("is less than 0.1 or more than {BREAKER_SECONDS_MAX}");
            Err(D::Error::custom(reason))
        }
        time => Ok(time),
    }
}
