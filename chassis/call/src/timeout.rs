//! How long an answer is of use, as a header of each protocol has it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// gRPC's header, gRPC-Web's too.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// Connect's.
pub const CONNECT_TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");

const CONNECT_DIGITS: usize = 10;
const GRPC_DIGITS: usize = 8;

/// Milliseconds, at most ten digits, as the Connect specification says. None for anything else.
pub fn of_connect(value: &str) -> Option<Duration> {
    digits(value, CONNECT_DIGITS).map(Duration::from_millis)
}

/// At most eight digits and a unit, as the gRPC specification says. None for anything else.
pub fn of_grpc(value: &str) -> Option<Duration> {
    let (amount, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount = digits(amount, GRPC_DIGITS)?;
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

/// The value of [`CONNECT_TIMEOUT`], at least a millisecond.
pub fn to_connect(left: Duration) -> HeaderValue {
    let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    left.clamp(1, 9_999_999_999).into()
}

/// The value of [`GRPC_TIMEOUT`], of the finest unit that has room for it and at least a microsecond.
pub fn to_grpc(left: Duration) -> HeaderValue {
    const MAX: u128 = 99_999_999;
    let (amount, unit) = match left.as_micros() {
        micros @ ..=MAX => (micros.max(1), 'u'),
        _ => (left.as_millis().min(MAX), 'm'),
    };
    HeaderValue::try_from(format!("{amount}{unit}")).expect("digits and a letter")
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
            assert_eq!(of_connect(bad), None, "{bad:?}");
        }
        for bad in ["", "S", "-1S", "123456789S", "1", "1s", "١S", "1é"] {
            assert_eq!(of_grpc(bad), None, "{bad:?}");
        }
        assert_eq!(
            of_connect("9999999999"),
            Some(Duration::from_millis(9_999_999_999))
        );
        assert_eq!(
            of_grpc("99999999H"),
            Some(Duration::from_secs(99_999_999 * 3600))
        );
        assert_eq!(of_grpc("0n"), Some(Duration::ZERO));
    }

    /// row: P-05
    #[test]
    fn a_timeout_of_any_length_is_written_as_it_may_be_and_never_as_none() {
        for (left, connect, grpc) in [
            (Duration::ZERO, "1", "1u"),
            (Duration::from_millis(2500), "2500", "2500000u"),
            (Duration::from_secs(1800), "1800000", "1800000m"),
            (Duration::from_secs(1 << 32), "9999999999", "99999999m"),
        ] {
            assert_eq!(to_connect(left), connect);
            assert_eq!(to_grpc(left), grpc);
        }
    }
}
