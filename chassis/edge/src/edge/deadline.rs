//! One effective deadline for every protocol, from whichever header its protocol has.

use std::time::Duration;

use call::Deadline;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use super::named::Named;
use super::protocol::Protocol;
use contract::Method;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const CONNECT_TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");

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
            true => header(headers, named, &GRPC_TIMEOUT, grpc_timeout)?,
            false => header(headers, named, &CONNECT_TIMEOUT, connect_timeout)?,
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

/// Milliseconds, at most ten digits, as the Connect specification says.
fn connect_timeout(value: &str) -> Option<Duration> {
    digits(value, 10).map(Duration::from_millis)
}

/// At most eight digits and a unit, as the gRPC specification says.
fn grpc_timeout(value: &str) -> Option<Duration> {
    let (amount, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount = digits(amount, 8)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

fn digits(value: &str, max: usize) -> Option<u64> {
    let plain = (1..=max).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| value.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: P-05
    #[test]
    fn malformed_timeouts_are_none_and_legal_ones_never_overflow() {
        for bad in ["", "-1", "12345678901", "١", "1.5", " 1", "1 "] {
            assert_eq!(connect_timeout(bad), None, "{bad:?}");
        }
        for bad in ["", "S", "-1S", "123456789S", "1", "1s", "١S", "1é"] {
            assert_eq!(grpc_timeout(bad), None, "{bad:?}");
        }
        assert_eq!(
            connect_timeout("9999999999"),
            Some(Duration::from_millis(9_999_999_999))
        );
        assert_eq!(
            grpc_timeout("99999999H"),
            Some(Duration::from_secs(99_999_999 * 3600))
        );
        assert_eq!(grpc_timeout("0n"), Some(Duration::ZERO));
    }
}
