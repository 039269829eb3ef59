//! The section `[payment]` of the configuration.

use std::time::Duration;

use money::Currency;
use serde::Deserialize;
use slice::{Misconfigured, Settings};

/// Who moves the money, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The company that charges and refunds. Default `sandbox`, the only one so far: it moves
    /// no money and decides by the name of the token.
    pub provider: ProviderName,
    /// How long the sandbox takes over `tok_slow`; milliseconds. Default 2500.
    pub sandbox_slow_ms: u32,
    /// The ISO 4217 code in which "nothing" is said where no charge named another. Default
    /// `EUR`.
    pub currency: String,
}

/// The providers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// See [`Config::provider`].
    #[default]
    Sandbox,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            provider: ProviderName::Sandbox,
            sandbox_slow_ms: 2_500,
            currency: "EUR".to_owned(),
        }
    }
}

impl Settings for Config {
    fn check(&self) -> Result<(), Misconfigured> {
        self.currency().map(drop)
    }
}

impl Config {
    /// The currency where none is named.
    ///
    /// # Errors
    /// It is no ISO 4217 code.
    pub(crate) fn currency(&self) -> Result<Currency, Misconfigured> {
        let problem = "must be an ISO 4217 code such as EUR";
        Currency::parse(&self.currency)
            .ok_or_else(|| Misconfigured::new("payment.currency", problem))
    }

    /// How long the sandbox takes over `tok_slow`.
    pub(crate) fn sandbox_slow(&self) -> Duration {
        Duration::from_millis(self.sandbox_slow_ms.into())
    }
}
