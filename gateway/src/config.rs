//! The gateway's section of the configuration.

use serde::Deserialize;

/// What the gateway can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many products the front page features; 1 to 24, default 8.
    pub featured: u8,
    /// The currency in which strangers and customers see prices, ISO 4217; empty (the
    /// default) is the pricing service's own.
    pub currency: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            featured: 8,
            currency: String::new(),
        }
    }
}
