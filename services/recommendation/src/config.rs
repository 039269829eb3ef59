//! The `[recommendation]` section of the configuration.

use serde::Deserialize;
use slice::Settings;

/// Settings of the recommendation service: none yet, so every key is refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

impl Settings for Config {}
