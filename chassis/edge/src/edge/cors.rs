//! Cross-origin calls from browsers: off unless origins are named, exact origins only.
//! Preflights are answered before anything is counted; refusals carry the headers too.
//!
//! By hand: tower-http's layer takes every OPTIONS for a preflight, answers it with 200 whether the
//! origin is allowed or not, and cannot stand outside of what writes our refusals.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::named::Named;

const ALLOW_HEADERS: &str = "content-type, connect-protocol-version, connect-timeout-ms, \
    grpc-timeout, x-grpc-web, x-user-agent, authorization, idempotency-key, traceparent, \
    x-correlation-id";
const EXPOSE_HEADERS: &str = "grpc-status, grpc-message, grpc-status-details-bin, retry-after, \
    x-ratelimit-limit, x-ratelimit-remaining, x-correlation-id, x-degraded, stoa-next-page-token, idempotency-replayed";
const VARY_ON: &str = "origin, access-control-request-method, access-control-request-headers";

/// The origins that may call from a browser.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<HeaderValue>,
}

/// An origin that cannot be allowed.
#[derive(Debug, thiserror::Error)]
#[error("an entry that is not an exact origin such as https://shop.example")]
pub struct BadOrigin;

impl Cors {
    /// Allows these origins, each exact: scheme, host, port, nothing else.
    ///
    /// # Errors
    /// [`BadOrigin`] for `*`, `null` and whatever else names no single origin.
    pub fn new<I: IntoIterator<Item: AsRef<str>>>(origins: I) -> Result<Self, BadOrigin> {
        let origins = origins.into_iter().map(|origin| exact(origin.as_ref()));
        Ok(Self {
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// The answer to a preflight, if the request is one and any origin is allowed at all.
    pub(super) fn preflight(&self, request: &Parts) -> Option<Response> {
        let asks = || request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if self.origins.is_empty() || request.method != Method::OPTIONS || !asks() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self
            .allows(&request.headers, Named::of(&request.headers))
            .is_some()
        {
            let headers = response.headers_mut();
            headers.insert(
                ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST"),
            );
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static(ALLOW_HEADERS),
            );
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        }
        Some(response)
    }

    /// The origin of this request, if it is an allowed one.
    pub(super) fn allows(&self, headers: &HeaderMap, named: Named) -> Option<HeaderValue> {
        let origin = named.get(headers, &ORIGIN)?;
        self.origins.contains(origin).then(|| origin.clone())
    }

    /// Opens an answer to the origin that [`Cors::allows`] found.
    pub(super) fn open(&self, origin: Option<HeaderValue>, response: &mut Response) {
        if self.origins.is_empty() {
            return;
        }
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static(VARY_ON));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSE_HEADERS),
            );
        }
    }
}

fn exact(origin: &str) -> Result<HeaderValue, BadOrigin> {
    let bad = || BadOrigin;
    let (scheme, host) = origin.split_once("://").ok_or_else(bad)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let fits = matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(plain);
    let value = HeaderValue::from_str(&origin.to_ascii_lowercase()).map_err(|_| bad())?;
    if fits { Ok(value) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: P9
    #[test]
    fn only_exact_origins_can_be_named() {
        assert!(Cors::new(["https://shop.example", "http://localhost:5173"]).is_ok());
        for bad in [
            "*",
            "null",
            "",
            "shop.example",
            "https://",
            "https://*.example",
            "https://a/b",
        ] {
            assert!(Cors::new([bad]).is_err(), "{bad:?}");
        }
    }
}
