//! The section `[inventory]` of the configuration.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use slice::{Misconfigured, Settings, within};

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

impl Settings for Config {
    fn check(&self) -> Result<(), Misconfigured> {
        within("inventory.hold_seconds", self.hold_seconds, 1..=3_600)?;
        within(
            "inventory.sweep_interval_ms",
            self.sweep_interval_ms,
            10..=u32::MAX.into(),
        )
    }
}

impl Config {
    /// How long a reservation holds its pieces when the caller does not say.
    pub(crate) fn hold(&self) -> TimeDelta {
        TimeDelta::seconds(self.hold_seconds.into())
    }

    /// The pause between two looks for overdue reservations.
    pub(crate) fn sweep_interval(&self) -> Duration {
        Duration::from_millis(self.sweep_interval_ms.into())
    }
}
