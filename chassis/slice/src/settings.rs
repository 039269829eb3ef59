//! What a service can be told by its section of the configuration.

use std::ops::RangeInclusive;

use http::Uri;
use serde::de::DeserializeOwned;

/// The settings of one service.
pub trait Settings: Clone + DeserializeOwned + Send + Sync + 'static {
    /// Refuses values that cannot be, naming the key.
    ///
    /// # Errors
    /// The first of them.
    fn check(&self) -> Result<(), Misconfigured> {
        Ok(())
    }

    /// The keys whose values are weaker than the defaults, which production refuses.
    fn insecure(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {problem}")]
pub struct Misconfigured {
    /// The setting, as in the file: `order.calls_max`.
    pub key: &'static str,
    /// What is wrong with it, as the rest of a sentence that begins with the key.
    pub problem: String,
}

impl Misconfigured {
    /// A setting that cannot be.
    pub fn new(key: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { key, problem }
    }
}

/// Refuses a number that is out of its range.
///
/// # Errors
/// Names the key and the range.
pub fn within(
    key: &'static str,
    value: impl TryInto<u64>,
    range: RangeInclusive<u64>,
) -> Result<(), Misconfigured> {
    match value.try_into() {
        Ok(value) if range.contains(&value) => Ok(()),
        _ => {
            let (least, most) = range.into_inner();
            let problem = format!("must be {least} to {most}");
            Err(Misconfigured::new(key, problem))
        }
    }
}

/// Whether that is `http://host:port` or `https://host:port`, nothing behind it.
pub fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri
            .authority()
            .is_some_and(|at| !at.host().is_empty() && !at.as_str().contains('@'))
        && uri.path_and_query().is_none_or(|path| path == "/")
        && !text.ends_with('/')
}
