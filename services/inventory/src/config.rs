//! The section `[inventory]` of the configuration.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::error::Error;

/// How long stock is held, and how it comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a reservation holds its pieces when the caller does not say; seconds, 1 to
    /// 3600. Default 900.
    pub hold_seconds: u32,
    /// How often overdue reservations are looked for; milliseconds, at least 10. Default
    /// 1000. A buyer who finds too little looks for them at once.
    pub sweep_interval_ms: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hold_seconds: 900,
            sweep_interval_ms: 1_000,
        }
    }
}

impl Config {
    /// Refuses settings that cannot be.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=3_600).contains(&self.hold_seconds) {
            let problem = "must be 1 to 3600 seconds";
            return Err(Error::Config {
                key: "inventory.hold_seconds",
                problem,
            });
        }
        if self.sweep_interval_ms < 10 {
            let problem = "must be at least 10 milliseconds";
            return Err(Error::Config {
                key: "inventory.sweep_interval_ms",
                problem,
            });
        }
        Ok(())
    }

    /// How long a reservation holds its pieces when the caller does not say.
    pub(crate) fn hold(&self) -> TimeDelta {
        TimeDelta::seconds(self.hold_seconds.into())
    }

    /// The pause between two looks for overdue reservations.
    pub(crate) fn sweep_interval(&self) -> Duration {
        Duration::from_millis(self.sweep_interval_ms.into())
    }
}
