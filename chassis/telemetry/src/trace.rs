//! W3C trace context: the ids under which one request is seen everywhere.
//!
//! Randomness comes from the caller, so that a simulation repeats its traces.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header of the W3C recommendation.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where in a trace we are: the trace, and the span that causes what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// Names the whole trace; never all zero.
    pub trace_id: [u8; 16],
    /// Names the causing span; never all zero.
    pub span_id: [u8; 8],
    /// Whether somebody upstream records this trace.
    pub sampled: bool,
}

impl TraceContext {
    /// The start of a trace of our own. Ids of zeros alone are forbidden by
    /// the recommendation and get their last bit set.
    #[must_use]
    pub fn root(mut trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        if trace_id == [0; 16] {
            trace_id[15] = 1;
        }
        Self {
            trace_id,
            span_id: nonzero(span_id),
            sampled: true,
        }
    }

    /// The same trace, one span deeper.
    #[must_use]
    pub fn child(&self, span_id: [u8; 8]) -> Self {
        Self {
            span_id: nonzero(span_id),
            ..*self
        }
    }

    /// Reads `00-<32 hex>-<16 hex>-<2 hex>`; None for anything malformed.
    ///
    /// A version above 00 may carry more fields behind the known four, which
    /// are skipped; version ff is forbidden.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = lower_hex::<1>(parts.next()?)?[0];
        let trace_id = lower_hex::<16>(parts.next()?)?;
        let span_id = lower_hex::<8>(parts.next()?)?;
        let flags = lower_hex::<1>(parts.next()?)?[0];
        let more = parts.next().is_some();
        let known = version != 0xff && !(version == 0 && more);
        let set = trace_id != [0; 16] && span_id != [0; 8];
        (known && set).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }

    /// Reads the header, if it is there and well formed.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
    }

    /// Writes the header, for HTTP/2 not to index: no other message has the same.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        if let Ok(mut value) = HeaderValue::from_bytes(&self.text()) {
            value.set_sensitive(true);
            headers.insert(TRACEPARENT, value);
        }
    }

    /// Every call writes it, so it is not formatted.
    fn text(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        for (bytes, digits) in [(&self.trace_id[..], 3..35), (&self.span_id[..], 36..52)] {
            // Two digits for a byte: they fit.
            let _ = hex::encode_to_slice(bytes, &mut text[digits]);
        }
        text[54] += u8::from(self.sampled);
        text
    }

    /// The trace id as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id_hex(&self) -> String {
        hex::encode(self.trace_id)
    }

    /// The span id as 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn span_id_hex(&self) -> String {
        hex::encode(self.span_id)
    }
}

/// The value of the `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

fn nonzero(mut span_id: [u8; 8]) -> [u8; 8] {
    if span_id == [0; 8] {
        span_id[7] = 1;
    }
    span_id
}

/// Exactly `N` bytes of lower-case hexadecimal, as the recommendation says.
fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_survives_a_round_trip() {
        let context = TraceContext::parse(SAMPLE).expect("sample is valid");
        assert!(context.sampled);
        assert_eq!(context.to_string(), SAMPLE);
        let mut headers = http::HeaderMap::new();
        context.write_headers(&mut headers);
        assert_eq!(TraceContext::from_headers(&headers), Some(context));
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceContext::parse(SAMPLE).expect("sample is valid");
        let child = parent.child([7; 8]);
        assert_eq!(
            (child.trace_id, child.span_id, child.sampled),
            (parent.trace_id, [7; 8], true)
        );
        assert_ne!(parent.child([0; 8]).span_id, [0; 8]);
        assert_ne!(TraceContext::root([0; 16], [0; 8]).trace_id, [0; 16]);
    }

    #[test]
    fn malformed_headers_are_refused() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
        let later = format!("cc{}-what-comes", &SAMPLE[2..]);
        assert!(
            TraceContext::parse(&later).is_some(),
            "a later version is read as far as known"
        );
    }
}
