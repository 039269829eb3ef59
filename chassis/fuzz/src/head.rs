//! What stands before a body: verb, path, query and headers.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, StatusCode};

use crate::tokens::IDENTITIES;
use crate::within::{self, RPCS};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// As HTTP/1 writes it down: `POST /path?query`, a header on each line, an empty line, a body.
pub(crate) fn check(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (first, mut rest) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let first = String::from_utf8_lossy(first);
    let Some((verb, path)) = first.split_once(' ') else {
        return;
    };
    let mut request = Request::builder().method(verb).uri(path);
    let mut signed = false;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            break;
        }
        let at = line.iter().position(|byte| *byte == b':');
        let Some((name, value)) = at.map(|at| (&line[..at], &line[at + 1..])) else {
            continue;
        };
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim_ascii())) {
            signed |= name == "authorization";
            request = request.header(name, value);
        }
    }
    if !signed {
        request = request.header("authorization", format!("Bearer {}", IDENTITIES.good));
    }
    if let Ok(request) = request.body(Body::from(rest.to_vec())) {
        within::ask(request);
    }
}

/// The query of a Connect GET.
pub(crate) fn query(bytes: &[u8]) {
    let query: String = bytes
        .iter()
        .map(|byte| match byte {
            b'!'..=b'~' if !b"\"<>#`\\^{|}".contains(byte) => char::from(*byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let request = Request::get(format!("{}?{query}", RPCS[1]))
        .header("authorization", format!("Bearer {}", IDENTITIES.good))
        .body(Body::empty());
    if let Ok(request) = request {
        within::ask(request);
    }
}

/// How long a call may take: a first byte says in which protocol, the rest is the header. What the specifications do
/// not allow is `invalid_argument`, and nothing else is.
pub(crate) fn timeout(bytes: &[u8]) {
    let Some((kind, value)) = bytes.split_first() else {
        return;
    };
    let Ok(header) = HeaderValue::from_bytes(value) else {
        return;
    };
    let is_grpc = kind % 2 == 1;
    let (name, content_type, body) = match is_grpc {
        true => ("grpc-timeout", "application/grpc", &[0; 5][..]),
        false => ("connect-timeout-ms", "application/json", &b"{}"[..]),
    };
    let request = Request::post(HEALTH)
        .version(http::Version::HTTP_2)
        .header("content-type", content_type)
        .header(name, header)
        .body(Body::from(body));
    let told = within::ask(request.expect("it is a request"));
    let (number, most) = match value.split_last() {
        Some((unit, number)) if is_grpc && b"HMSmun".contains(unit) => (number, 8),
        _ if is_grpc => (&b""[..], 8),
        _ => (value, 10),
    };
    let legal = (1..=most).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let refused = ["3", "invalid_argument"].contains(&told.code.as_str());
    assert_eq!(refused, !legal, "{value:?}: {} {}", told.code, told.said);
    if legal && number.iter().all(|digit| *digit == b'0') {
        let late = ["4", "deadline_exceeded"].contains(&told.code.as_str());
        assert!(
            late && (is_grpc || told.status == StatusCode::GATEWAY_TIMEOUT),
            "{value:?}"
        );
    }
}
