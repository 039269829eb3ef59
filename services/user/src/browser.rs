//! What a browser keeps: the refresh token and the marks of a known device, in cookies that scripts
//! cannot read. The token is accepted from our own pages only.

use axum::extract::FromRequestParts;
use call::{Call, ConnectError};
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri};

use crate::domain::device::DeviceName;
use crate::domain::session::RefreshToken;
use crate::error::Error;

/// The cookie's name. Browsers let no subdomain and no unencrypted page set one of this prefix.
pub const COOKIE_NAME: &str = "__Host-sid";
/// And that of the marks by which an account knows the device again.
pub const DEVICE_COOKIE_NAME: &str = "__Host-device";
/// For how long a browser keeps those: as long as browsers keep any cookie.
const DEVICE_KEPT: TimeDelta = TimeDelta::days(400);

/// What a request says of the browser that sent it.
#[derive(Clone, Debug)]
pub struct Browser {
    cookie: Option<RefreshToken>,
    marks: String,
    name: DeviceName,
    same_origin: bool,
}

impl Browser {
    /// The refresh token in the cookie, if there is one.
    ///
    /// # Errors
    /// [`Error::CrossSite`] if it came with a request that our own pages did not make.
    pub fn refresh_token(&self) -> Result<Option<&RefreshToken>, Error> {
        match &self.cookie {
            Some(_) if !self.same_origin => Err(Error::CrossSite),
            cookie => Ok(cookie.as_ref()),
        }
    }

    /// The marks of a known device in the cookie; empty if there are none. They let nobody in, so
    /// it does not matter whose page made the request.
    pub fn marks(&self) -> &str {
        &self.marks
    }

    /// What the device calls itself.
    pub fn name(&self) -> &DeviceName {
        &self.name
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = ConnectError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ConnectError> {
        let headers = &parts.headers;
        let user_agent = headers.get(USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok());
        Ok(Self {
            cookie: cookie(headers, COOKIE_NAME).and_then(RefreshToken::parse),
            marks: cookie(headers, DEVICE_COOKIE_NAME)
                .unwrap_or_default()
                .to_owned(),
            name: DeviceName::of(user_agent.unwrap_or_default()),
            same_origin: is_same_origin(&parts.headers, &parts.uri),
        })
    }
}

/// Lets the browser keep the token until the session ends.
pub fn keep(call: &Call, token: &RefreshToken, expires_at: DateTime<Utc>, now: DateTime<Utc>) {
    let left = expires_at - now + TimeDelta::milliseconds(999); // a started second counts
    set_cookie(
        call,
        COOKIE_NAME,
        &token.reveal(),
        left.num_seconds().max(0),
    );
}

/// Lets the browser keep the marks by which accounts know it again.
pub fn keep_marks(call: &Call, marks: &str) {
    set_cookie(call, DEVICE_COOKIE_NAME, marks, DEVICE_KEPT.num_seconds());
}

/// Makes the browser forget its token.
pub fn forget(call: &Call) {
    set_cookie(call, COOKIE_NAME, "", 0);
}

fn set_cookie(call: &Call, name: &str, value: &str, max_age_seconds: i64) {
    let cookie = format!(
        "{name}={value}; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age_seconds}"
    );
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        cookie.set_sensitive(true);
        call.response.header(SET_COOKIE, cookie);
    }
}

/// The cookie's value; HTTP/2 may split cookies over several headers.
fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let headers = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok());
    let mut pairs = headers
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim() == wanted).then_some(value.trim())
        });
    pairs.next()
}

/// Whether one of our own pages sent the request. A browser says so itself; an older one names
/// the page's origin, which must be the one it asks. What says neither is not let near a cookie.
fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let asked = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(|authority| authority.as_str()));
    let from = headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .and_then(|origin| {
            origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"))
        });
    matches!((asked, from), (Some(asked), Some(from)) if asked.eq_ignore_ascii_case(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = |pairs: &[(&'static str, &str)]| {
            cookie(&headers(pairs), COOKIE_NAME).map(str::to_owned)
        };
        assert_eq!(
            found(&[("cookie", "a=b; __Host-sid=x; c")]),
            Some("x".to_owned())
        );
        assert_eq!(
            found(&[("cookie", "a=b"), ("cookie", "__Host-sid=x")]),
            Some("x".to_owned())
        );
        assert_eq!(found(&[("cookie", "X__Host-sid=x; __host-sid=x")]), None);
        assert_eq!(found(&[]), None);
    }

    /// row: X23, S-17
    #[test]
    fn only_our_own_pages_may_use_the_cookie() {
        let own = |pairs: &[(&'static str, &str)]| {
            is_same_origin(&headers(pairs), &Uri::from_static("/"))
        };
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[
            ("origin", "https://shop.example"),
            ("host", "shop.example")
        ]));
        assert!(own(&[
            ("origin", "http://localhost:8080"),
            ("host", "localhost:8080")
        ]));
        for strange in [
            &[("host", "shop.example")][..],
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://shop.example"),
                ("host", "shop.example"),
            ],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null"), ("host", "shop.example")],
            &[
                ("origin", "https://shop.example:8443"),
                ("host", "shop.example"),
            ],
            &[
                ("origin", "https://evil.shop.example"),
                ("host", "shop.example"),
            ],
            &[("origin", "https://shop.example")],
        ] {
            assert!(!own(strange), "{strange:?}");
        }
    }

    #[test]
    fn over_http_2_the_host_stands_in_the_uri() {
        let headers = headers(&[("origin", "https://shop.example")]);
        assert!(is_same_origin(
            &headers,
            &Uri::from_static("https://shop.example/x")
        ));
        assert!(!is_same_origin(
            &headers,
            &Uri::from_static("https://evil.example/x")
        ));
    }
}
