//! A time, as it is typed on the command line, whichever command takes it.

use std::time::Duration;

/// Reads `20s`, `1m 500ms`, or a number alone, which is of seconds.
///
/// # Errors
///
/// What would be a time.
pub fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    let read = seconds.or_else(|_| humantime::parse_duration(text));
    read.map_err(|_| "a time is a number and its unit, such as `20s`, `200ms` or `2m`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: X2
    #[test]
    fn a_time_is_a_number_with_a_unit_or_of_seconds() {
        for (text, milliseconds) in [
            ("20s", 20_000),
            ("20", 20_000),
            ("0", 0),
            ("200ms", 200),
            ("1m 500ms", 60_500),
            ("2h", 7_200_000),
        ] {
            assert_eq!(
                time(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "soon",
            "-1",
            "-1s",
            "1.5.2s",
            "20 s s",
            "99999999999999999999",
        ] {
            let refused = time(text).expect_err(text);
            assert!(refused.contains("`20s`"), "{refused}");
        }
    }
}
