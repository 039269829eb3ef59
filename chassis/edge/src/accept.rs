//! What codings a client takes, by RFC 9110 §12.5.3.
//!
//! By hand, since no library of typed headers does: `headers` has no such header, and
//! `headers-accept-encoding` takes `q=0` for a yes and panics at a weight that is no number.

use http::{HeaderMap, HeaderName};

/// Whether this header, of the kind of `accept-encoding`, takes `coding`: by its name, or else by `*`,
/// with a weight above zero. What is malformed takes nothing.
pub fn takes(headers: &HeaderMap, header: &HeaderName, coding: &str) -> bool {
    let values = headers.get_all(header).iter();
    let items = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut any = false;
    for item in items {
        let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let taken = is_above_zero(weight);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding) => return taken,
            "*" => any = taken,
            _ => {}
        }
    }
    any
}

fn is_above_zero(weight: &str) -> bool {
    let number = weight
        .trim()
        .strip_prefix(['q', 'Q'])
        .and_then(|rest| rest.trim().strip_prefix('='));
    number
        .and_then(|number| number.trim().parse::<f32>().ok())
        .is_some_and(|number| number > 0.0)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::ACCEPT_ENCODING;

    use super::*;

    #[test]
    fn a_coding_is_taken_by_its_name_or_by_a_star_unless_its_weight_is_nothing() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP ; Q = 0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("*", true),
            ("br, *;q=0.1", true),
            ("*, gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("*;q=0", false),
            ("br", false),
            ("gzip;q=", false),
            ("gzip;level=1", false),
            ("gzip;q=NaN", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(
                takes(&headers, &ACCEPT_ENCODING, "gzip"),
                expected,
                "{value:?}"
            );
        }
        assert!(!takes(&HeaderMap::new(), &ACCEPT_ENCODING, "gzip"));
    }
}
