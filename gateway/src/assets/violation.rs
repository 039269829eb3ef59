//! What a browser kept a page of ours from, told by itself: `report-uri` of Content Security Policy
//! Level 3, section 5.3, the one way that every browser takes, and takes at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{self, Body};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode};
use serde::Deserialize;

/// Where it is told.
pub(super) const PATH: &str = "/csp-reports";
const MEDIA_TYPE: &str = "application/csp-report";
/// Browsers cut a sample of the script to 40 characters, and addresses are as long as they like.
const BYTES_MAX: usize = 16 << 10;
const TAKES_MAX: Duration = Duration::from_secs(5);
/// What is shown of an address, in characters.
const SHOWN_MAX: usize = 200;
/// Anybody may send reports: of each directive one is logged in so long, and all are counted.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// How reports are counted that are of no page of this shop: any site may name this address for its own, and its
/// readers' browsers send them here.
const OF_ANOTHER_SITE: &str = "of-another-site";

/// What may be named as broken: strangers write reports too, and must not make a label.
const DIRECTIVES: [&str; 17] = [
    "base-uri",
    "connect-src",
    "default-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "require-trusted-types-for",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "trusted-types",
];

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "csp-report")]
    report: Report,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
struct Report {
    document_uri: Option<String>,
    blocked_uri: Option<String>,
    effective_directive: Option<String>,
    /// What older browsers say instead, and newer ones beside it.
    violated_directive: Option<String>,
}

/// Takes a report: it is counted by what was broken, and logged now and then without what may be secret in an address.
pub(super) async fn report(request: Request<Body>) -> Response {
    if *request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    if !is_report(request.headers()) {
        let said = "A report of a broken policy is application/csp-report\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, said).into_response();
    }
    let (parts, body) = request.into_parts();
    let whole = body::to_bytes(body, BYTES_MAX);
    let bytes = match tokio::time::timeout(TAKES_MAX, whole).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "16 KiB at most\n").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "It took too long\n").into_response(),
    };
    let Ok(Told { report }) = serde_json::from_slice(&bytes) else {
        return (StatusCode::BAD_REQUEST, "This is no report\n").into_response();
    };
    let Some(directive) = report.directive() else {
        return (StatusCode::BAD_REQUEST, "It names no directive\n").into_response();
    };
    let ours = asked_host(&parts).is_some_and(|host| report.is_of(host));
    let counted = if ours { directive } else { OF_ANOTHER_SITE };
    metrics::counter!("csp_reports_total", "directive" => counted).increment(1);
    if !ours {
        return StatusCode::NO_CONTENT.into_response();
    }
    if is_due(directive, Instant::now()) {
        tracing::warn!(
            directive,
            page = shown(report.document_uri.as_deref()),
            blocked = shown(report.blocked_uri.as_deref()),
            "A browser kept a page from what its policy forbids"
        );
    }
    StatusCode::NO_CONTENT.into_response()
}

/// The name and port under which this shop was asked.
fn asked_host(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    parts.uri.authority().map(Authority::as_str).or(named)
}

fn is_report(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    let named = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE));
    named && !headers.contains_key(CONTENT_ENCODING) // no browser compresses it
}

/// Whether one of this directive is to be logged again.
fn is_due(directive: &'static str, now: Instant) -> bool {
    static LOGGED: Mutex<Option<HashMap<&'static str, Instant>>> = Mutex::new(None);
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    let logged = logged.get_or_insert_default();
    let due = logged
        .get(directive)
        .is_none_or(|last| now.saturating_duration_since(*last) >= LOGGED_EVERY);
    if due {
        logged.insert(directive, now);
    }
    due
}

impl Report {
    /// Whether it is of a page at this host. TLS may end before us, so both schemes are ours.
    fn is_of(&self, host: &str) -> bool {
        let page = self.document_uri.as_deref().unwrap_or_default();
        let Some((scheme, rest)) = page.split_once("://") else {
            return false;
        };
        let usual = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return false,
        };
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let bare = |at: &str| at.strip_suffix(usual).unwrap_or(at).to_ascii_lowercase();
        bare(&rest[..end]) == bare(host)
    }

    /// What was broken. Older browsers name all of the directive, sources too.
    fn directive(&self) -> Option<&'static str> {
        let said = self
            .effective_directive
            .as_ref()
            .or(self.violated_directive.as_ref())?;
        let name = said.split_whitespace().next();
        let known = DIRECTIVES.into_iter().find(|known| Some(*known) == name);
        Some(known.unwrap_or("other"))
    }
}

/// An address as far as it says where it is: without a name before its host, its query and its fragment, where a word
/// for a password may stand, and without what is no character of an address.
fn shown(address: Option<&str>) -> String {
    let address = address.unwrap_or_default();
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{path}")
        }
        // A word of the policy, or a scheme whose rest is the thing itself.
        None => address.split(':').next().unwrap_or_default().to_owned(),
    };
    let of_address = |char: &char| char.is_ascii_graphic() && !matches!(char, '"' | '=');
    shown.chars().filter(of_address).take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(method: Method, kind: &str, body: &str) -> StatusCode {
        let request = Request::builder().method(method).uri(PATH);
        let request = request.header(CONTENT_TYPE, kind);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        report(request).await.status()
    }

    /// row: S-17
    #[tokio::test]
    async fn what_is_no_report_is_told_so() {
        let good = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;
        let long = format!("{good}{}", " ".repeat(BYTES_MAX));
        let nothing_else = r#"{"csp-report":{"effective-directive":"x","document-uri":null}}"#;
        let parameter = "Application/CSP-report; charset=utf-8";
        for (method, kind, body, status) in [
            (Method::POST, MEDIA_TYPE, good, 204),
            (Method::POST, parameter, good, 204),
            (Method::GET, MEDIA_TYPE, good, 405),
            (Method::PUT, MEDIA_TYPE, good, 405),
            (Method::POST, "text/plain", good, 415),
            (Method::POST, MEDIA_TYPE, &long, 413),
            (Method::POST, MEDIA_TYPE, "{}", 400),
            (Method::POST, MEDIA_TYPE, "\u{0}", 400),
            (Method::POST, MEDIA_TYPE, r#"{"csp-report":{}}"#, 400),
            (Method::POST, MEDIA_TYPE, nothing_else, 204),
        ] {
            let said = told(method.clone(), kind, body).await;
            assert_eq!(
                said,
                status,
                "{method} {kind} {}",
                &body[..body.len().min(40)]
            );
        }
    }

    #[test]
    fn a_report_names_what_we_know_and_shows_no_secret() {
        let text = r#"{"csp-report":{"violated-directive":"script-src 'self'",
            "document-uri":"https://shop.test/account?next=%2F&word=secret#more","blocked-uri":"eval"}}"#;
        let Told { report } = serde_json::from_str(text).unwrap();
        assert_eq!(report.directive(), Some("script-src"));
        let page = report.document_uri.as_deref();
        assert_eq!(shown(page), "https://shop.test/account");
        for (address, seen) in [
            (
                "http://me:word@h.test/a b\u{202e}\" x=\n",
                "http://h.test/abx",
            ),
            ("data:text/html,secret", "data"),
            ("inline", "inline"),
            ("https://h.test", "https://h.test/"),
        ] {
            assert_eq!(shown(Some(address)), seen);
        }
        let made_up = Report {
            effective_directive: Some("made-up\u{1b}[31m".to_owned()),
            ..report
        };
        assert_eq!(made_up.directive(), Some("other"), "the newer name counts");
        assert_eq!(shown(Some(&"x".repeat(1000))).len(), SHOWN_MAX);
    }

    /// row: S-17
    #[test]
    fn a_report_is_of_the_host_that_its_page_has() {
        for (page, host, ours) in [
            ("https://shop.test/a?b#c", "shop.test", true),
            ("https://shop.test:443/", "SHOP.test", true),
            ("https://shop.test", "shop.test:443", true),
            ("http://shop.test:8080?x", "shop.test:8080", true),
            ("http://[::1]:8080/", "[::1]:8080", true),
            ("https://shop.test:80/", "shop.test", false),
            ("http://shop.test:8080/", "shop.test", false),
            ("https://shop.test.evil.test/", "shop.test", false),
            ("https://evil.test\\@shop.test/", "shop.test", false),
            ("https://me@shop.test/", "shop.test", false),
            ("data://shop.test/", "shop.test", false),
            ("shop.test", "shop.test", false),
            ("https://", "shop.test", false),
        ] {
            let report = Report {
                document_uri: Some(page.to_owned()),
                blocked_uri: None,
                effective_directive: None,
                violated_directive: None,
            };
            assert_eq!(report.is_of(host), ours, "{page} at {host}");
        }
    }

    #[test]
    fn a_flood_of_reports_is_no_flood_of_lines() {
        let begun = Instant::now();
        let due = |directive, seconds| is_due(directive, begun + Duration::from_secs(seconds));
        assert!(due("font-src", 0) && due("media-src", 0));
        assert!(!due("font-src", 0) && !due("font-src", 59));
        assert!(due("font-src", 60) && !due("media-src", 59));
    }
}
