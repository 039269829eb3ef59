//! One effective deadline for every protocol, from whichever header its protocol has.

use std::time::Duration;

use call::Deadline;
use call::timeout::{self, CONNECT_TIMEOUT, GRPC_TIMEOUT};
use connectrpc_axum::prelude::{Code, ConnectError};
use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use super::named::Named;
use super::protocol::Protocol;
use contract::Method;

/// How long calls may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a unary call whose client names none.
    pub default: Duration,
    /// The most that a client gets, however much it asks for.
    pub max: Duration,
    /// The least: less would only burn work.
    pub min: Duration,
    /// The age at which an open stream is ended.
    pub stream_max: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            default: Duration::from_secs(10),
            max: Duration::from_secs(30),
            min: Duration::from_millis(10),
            stream_max: Duration::from_secs(30 * 60),
        }
    }
}

impl Timeouts {
    /// The deadline of a call that arrives now.
    ///
    /// # Errors
    /// `invalid_argument` for a header that is no timeout.
    pub(super) fn deadline(
        &self,
        method: &Method,
        protocol: Protocol,
        headers: &HeaderMap,
        named: Named,
        began: Instant,
    ) -> Result<Deadline, ConnectError> {
        let asked = match protocol.is_grpc() {
            true => header(headers, named, &GRPC_TIMEOUT, timeout::of_grpc)?,
            false => header(headers, named, &CONNECT_TIMEOUT, timeout::of_connect)?,
        };
        let (default, max) = match method.is_unary() {
            true => (self.default, self.max),
            false => (self.stream_max, self.stream_max),
        };
        let timeout = match asked {
            None => default,
            Some(Duration::ZERO) => Duration::ZERO,
            Some(asked) => asked.clamp(self.min, max),
        };
        Ok(Deadline::at(began + timeout))
    }
}

fn header(
    headers: &HeaderMap,
    named: Named,
    name: &HeaderName,
    parse: fn(&str) -> Option<Duration>,
) -> Result<Option<Duration>, ConnectError> {
    let Some(value) = named.get(headers, name) else {
        return Ok(None);
    };
    match value.to_str().ok().and_then(parse) {
        Some(timeout) => Ok(Some(timeout)),
        None => Err(ConnectError::new(
            Code::InvalidArgument,
            format!("{name} is not a timeout"),
        )),
    }
}
