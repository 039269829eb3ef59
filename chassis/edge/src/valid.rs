//! Validation by the contract, before a handler or a peer runs.

use std::ops::Deref;

use connectrpc_axum::prelude::{Code, ConnectError};
use proto::Validate;

/// A message that keeps the rules of its contract. Domain types convert from this alone,
/// so that nobody can forget to validate.
#[derive(Clone, Debug)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Valid<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Checks `request` against the rules in its contract.
///
/// # Errors
/// `invalid_argument` with `buf.validate.Violations`, naming every field at fault.
pub fn valid<T: Validate>(request: T) -> Result<Valid<T>, ConnectError> {
    let violations = request.validate();
    let Some(first) = violations.first() else {
        return Ok(Valid(request));
    };
    let message = match violations.len() {
        1 => format!("{}: {}", first.field, first.message),
        many => format!("{}: {} (and {} more)", first.field, first.message, many - 1),
    };
    let (type_url, detail) = proto::validate::violations_detail(&violations);
    Err(ConnectError::new(Code::InvalidArgument, message).add_detail(type_url, detail))
}
