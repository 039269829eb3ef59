//! The section `[order]` of the configuration.

use std::time::Duration;

use serde::Deserialize;
use slice::{Misconfigured, Settings, within};

use crate::saga::checkout::Rules;

/// How orders are carried out.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// For how many seconds a step of the checkout is tried before it is given up and undone, 1 to
    /// 600. Default 600; the dev profile sets 30.
    pub step_budget_seconds: u32,
    /// For how many milliseconds CreateOrder waits for the outcome of an accepted order before it
    /// answers PENDING, 0 to 8,000. Default 2,000.
    pub outcome_wait_ms: u32,
    /// For how many hours after confirmation an order can be cancelled, 0 to 720. Default 24.
    pub cancel_window_hours: u32,
    /// Calls that all checkouts together have out at once to one peer, 1 to 1,024. Default 64.
    pub calls_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            step_budget_seconds: 600,
            outcome_wait_ms: 2_000,
            cancel_window_hours: 24,
            calls_max: 64,
        }
    }
}

impl Settings for Config {
    fn check(&self) -> Result<(), Misconfigured> {
        within(
            "order.step_budget_seconds",
            self.step_budget_seconds,
            1..=600,
        )?;
        within("order.outcome_wait_ms", self.outcome_wait_ms, 0..=8_000)?;
        within(
            "order.cancel_window_hours",
            self.cancel_window_hours,
            0..=720,
        )?;
        within("order.calls_max", self.calls_max, 1..=1_024)
    }
}

impl Config {
    /// The numbers of the pure core.
    pub fn rules(&self) -> Rules {
        Rules {
            step_budget: Duration::from_secs(self.step_budget_seconds.into()),
            cancel_window: Duration::from_secs(u64::from(self.cancel_window_hours) * 60 * 60),
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(2),
        }
    }

    /// How long CreateOrder waits for the outcome.
    pub fn outcome_wait(&self) -> Duration {
        Duration::from_millis(self.outcome_wait_ms.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_refused_by_its_key() {
        assert!(Config::default().check().is_ok());
        let config = Config {
            outcome_wait_ms: 8_001,
            ..Config::default()
        };
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "order.outcome_wait_ms must be 0 to 8000"
        );
    }
}
