//! Why a configuration is refused.

/// The exit code for a configuration that is refused (`EX_CONFIG`).
pub const EXIT_CODE: u8 = 78;

/// A key and what is wrong with it. No value is ever part of it: it may be a
/// secret.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {key} {reason}")]
pub struct Error {
    key: String,
    reason: String,
}

impl Error {
    /// `reason` continues the sentence that the key begins.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}
