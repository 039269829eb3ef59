//! Texts that stand in headers and fields: ids, keys, traces, addresses, cursors, page tokens.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use bounds::{ClientAddress, FORWARDED_FOR, TrustedProxies, forwarded};
use call::{CORRELATION_ID, CorrelationId, IdempotencyKey};
use events::Cursor;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use sql::page::Signer;
use telemetry::{TraceContext, redact, trace::TRACEPARENT};

/// What names a call, and where it is in a trace, comes out as it went in or not at all.
pub(crate) fn correlation_id(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(id) = CorrelationId::parse(&text) {
        assert_eq!(id.as_str(), text);
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(matches!(redact::text(id.as_str()), Cow::Borrowed(_)));
        let mut headers = HeaderMap::new();
        id.write_headers(&mut headers);
        assert_eq!(headers[CORRELATION_ID], *text);
    }
    if let Some(trace) = TraceContext::parse(&text) {
        assert_eq!(TraceContext::parse(&trace.to_string()), Some(trace));
        let mut headers = HeaderMap::new();
        trace.write_headers(&mut headers);
        assert_eq!(headers[TRACEPARENT], trace.to_string());
        assert_eq!(TraceContext::from_headers(&headers), Some(trace));
    }
}

/// A key is 1 to 255 characters that a header may have, or none.
pub(crate) fn idempotency_key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let good =
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = IdempotencyKey::parse(&text);
    assert_eq!(
        key.as_ref().map(IdempotencyKey::as_str),
        good.then_some(&*text)
    );
    if let Some(key) = key {
        assert!(HeaderValue::from_str(key.as_str()).is_ok());
    }
}

/// A cursor that is read is written as one that is read the same.
pub(crate) fn cursor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

/// Nobody makes a token but its signer, and one of his is read as it was made.
pub(crate) fn page_token(bytes: &[u8]) {
    let signer = Signer::new([7; 32]);
    let text = String::from_utf8_lossy(bytes);
    let opened = signer.open::<Value>(&text, &"filter");
    assert!(text.is_empty() || opened.is_err(), "{opened:?}");
    let made = signer.sign(&text, &"filter");
    let read = signer.open::<String>(&made, &"filter");
    assert!(made.len() > 2048 || read == Ok(Some(text.clone().into_owned())));
    assert!(signer.open::<String>(&made, &"another").is_err());
    for at in [0, made.len() / 2, made.len() - 1] {
        let mut changed = made.clone();
        let swapped = if &changed[at..=at] == "A" { "B" } else { "A" };
        changed.replace_range(at..=at, swapped);
        assert!(
            signer.open::<String>(&changed, &"filter").is_err(),
            "{changed}"
        );
    }
}

/// No header moves whoever is no proxy, and behind a proxy an address is one that is named.
pub(crate) fn forwarded_for(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(FORWARDED_FOR, value);
        }
    }
    let (proxy, other) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(203, 0, 113, 9));
    let ours = TrustedProxies::new(&["10.0.0.0/8".to_owned(), "2001:db8::/32".to_owned()]);
    let ours = ours.expect("they are networks");
    let (proxy, other) = (IpAddr::from(proxy), IpAddr::from(other));
    assert_eq!(ours.client(other, &headers), ClientAddress::of(other));
    let client = ours.client(proxy, &headers);
    let named = forwarded(&headers).flatten().map(ClientAddress::of);
    let known: Vec<_> = named.chain([ClientAddress::of(proxy)]).collect();
    assert!(known.contains(&client), "{client} of {known:?}");
    // Whoever comes first at the right and is no proxy is whom it counts for.
    let nearest = forwarded(&headers).next().flatten();
    if let Some(nearest) = nearest.filter(|address| !ours.have(*address)) {
        assert_eq!(client, ClientAddress::of(nearest));
    }
}

/// Secrets are masked whatever stands around them.
pub(crate) fn redact(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Cow::Borrowed(clean) = redact::text(&text) {
        assert_eq!(clean, text);
    }
    for secret in [
        "4111111111111111",
        "ann@example.test",
        "eyJhbGciOiJFZERTQSJ9.e30.abc",
    ] {
        let around = format!("{text}\n{secret}\n{text}");
        let masked = redact::text(&around);
        let left = masked.matches(secret).count();
        let given = redact::text(&text).matches(secret).count() * 2;
        assert!(left <= given, "{masked}");
    }
}
