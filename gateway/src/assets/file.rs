//! One file of the built web client, in the best encoding that its reader takes.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// What `npm run build` left in `web-client/dist`.
#[derive(RustEmbed)]
#[folder = "../web-client/dist"]
struct WebClient;

/// A file whose name carries a hash of what is in it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// How many letters the build's hashes have, of base64's alphabet for addresses.
const HASH_LETTERS: usize = 8;
/// A picture changes seldom, and its tag tells when; so does what has no hash in its name.
const AN_HOUR: &str = "public, max-age=3600";
/// A page is asked for anew each time, and mostly answered with 304.
const REVALIDATE: &str = "no-cache";

/// A file, as it is to be sent.
pub(super) struct File {
    bytes: Cow<'static, [u8]>,
    hash: [u8; 32],
    kind: &'static str,
    encoding: Option<&'static str>,
    cache: &'static str,
}

impl File {
    /// The file of that name, in the best encoding that the client takes.
    pub(super) fn find(name: &str, headers: &HeaderMap) -> Option<Self> {
        let encoded = [("br", "br"), ("gzip", "gz")]
            .into_iter()
            .filter(|(encoding, _)| edge::accept::takes(headers, &ACCEPT_ENCODING, encoding))
            .find_map(|(encoding, ending)| {
                let file = WebClient::get(&format!("{name}.{ending}"))?;
                Some((file, Some(encoding)))
            });
        let plain = || WebClient::get(name).map(|file| (file, None));
        let (file, encoding) = encoded.or_else(plain)?;
        Some(Self {
            hash: file.metadata.sha256_hash(),
            bytes: file.data,
            kind: kind(name)?,
            encoding,
            cache: cache(name),
        })
    }

    /// The file of that name as it is, to be written to.
    pub(super) fn plain(name: &str) -> Option<Self> {
        Self::find(name, &HeaderMap::new())
    }

    /// The same file with another text in it; none if it is no text, or if nothing came of it.
    pub(super) fn rewrite(mut self, write: impl FnOnce(&str) -> Option<String>) -> Option<Self> {
        let bytes = write(str::from_utf8(&self.bytes).ok()?)?.into_bytes();
        self.hash = Sha256::digest(&bytes).into();
        self.bytes = bytes.into();
        Some(self)
    }

    /// The answer, without a body for whoever has this very file.
    pub(super) fn respond(self, headers: &HeaderMap) -> Response {
        let tag: Option<ETag> = format!("\"{}\"", hex::encode(&self.hash[..16]))
            .parse()
            .ok();
        let known = headers.typed_get::<IfNoneMatch>();
        let same = known
            .zip(tag.as_ref())
            .is_some_and(|(known, tag)| !known.precondition_passes(tag));
        let mut response = match same {
            true => self.headed(StatusCode::NOT_MODIFIED.into_response()),
            false => self.whole(),
        };
        if let Some(tag) = tag {
            response.headers_mut().typed_insert(tag);
        }
        response
    }

    /// The answer to whoever asked for what is not there, with this for a body. It has no tag:
    /// whoever holds the page of something that is gone is told so.
    pub(super) fn respond_missing(self) -> Response {
        let mut response = self.whole();
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }

    fn whole(mut self) -> Response {
        let bytes = std::mem::take(&mut self.bytes);
        let mut response = self.headed(Response::new(Body::from(bytes)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if let Some(encoding) = self.encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }

    fn headed(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// The content type by the name's ending. A file of no known kind is not served: what lies
/// in the folder by accident stays there.
fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

fn cache(name: &str) -> &'static str {
    match name.strip_prefix("assets/") {
        Some(asset) if is_hashed(asset) => FOREVER,
        Some(_) => AN_HOUR,
        None => REVALIDATE,
    }
}

/// Whether the build wrote a hash of the content into the name, as in `first-BoXiwXVc.js`.
fn is_hashed(asset: &str) -> bool {
    let stem = asset.split_once('.').map_or(asset, |(stem, _)| stem);
    let is_hash = |end: &str| {
        let is_url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        end.bytes().all(is_url_safe) && end.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let end = stem.len().checked_sub(HASH_LETTERS);
    let parts = end.and_then(|end| stem.split_at_checked(end));
    !asset.contains('/') && parts.is_some_and(|(name, end)| name.ends_with('-') && is_hash(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_hash_in_its_name_is_kept_and_the_page_is_asked_for() {
        for hashed in [
            "first-BoXiwXVc.js",
            "Account-o_HZOVF_.js",
            "latin-wght-normal-BgDaEnEv.woff2",
        ] {
            assert_eq!(cache(&format!("assets/{hashed}")), FOREVER, "{hashed}");
        }
        for other in [
            "products/LMP-1.svg",
            "theme-2.js",
            "icon-1.svg",
            "manifest.json",
            "theme-palettes.js",
            "é-ABCDEFG.js",
            "éABCDEFG.js",
            "products/LMP-ABCDEFGH.svg",
        ] {
            assert_eq!(cache(&format!("assets/{other}")), AN_HOUR, "{other}");
        }
        assert_eq!(cache("index.html"), REVALIDATE);
        assert_eq!(
            kind("index.html.br"),
            None,
            "an encoded file is no file of its own"
        );
    }
}
