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
