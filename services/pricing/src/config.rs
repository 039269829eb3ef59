//! The `[pricing]` section of the configuration.

use money::Currency;
use serde::Deserialize;
use slice::{Misconfigured, Settings};

/// Settings of the pricing service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The ISO 4217 code used where a request names no currency. Default `EUR`.
    pub currency: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
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
            .ok_or_else(|| Misconfigured::new("pricing.currency", problem))
    }
}
