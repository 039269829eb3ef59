//! The `[pricing]` section of the configuration.

use serde::Deserialize;

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
