//! Where the broker is.

use bus::NatsAddress;
use serde::de::{Deserialize, Deserializer, Error};

/// Reads its address. What is wrong with it is said without it, since it may have a password.
pub fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NatsAddress>, D::Error> {
    let text = String::deserialize(from)?;
    text.trim().parse().map(Some).map_err(D::Error::custom)
}
