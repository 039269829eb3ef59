//! Keyset pages: their size, and signed tokens that say where the next one starts.
//!
//! A token is bound to the filter it was made for: with another filter, another key or a changed
//! byte it is refused. It is signed, not encrypted: a position must hold nothing secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// The size of a page when none was asked for.
pub const SIZE_DEFAULT: u64 = 20;
/// The largest page; who asks for more gets this.
pub const SIZE_MAX: u64 = 100;
/// No token of ours is longer, so a longer one is not worth verifying.
const TOKEN_LENGTH_MAX: usize = 2048;
const TAG_LENGTH: usize = 32;

/// What is wrong with what a caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The size is negative.
    #[error("page_size must not be negative")]
    Size,
    /// The token was not made by us, or not for this list.
    #[error("page_token is not one of this list")]
    Token,
}

/// Returns the number of rows to show for the size asked for: 0 means the default, and more than
/// the maximum means the maximum.
///
/// # Errors
/// [`Error::Size`] when it is negative.
pub fn size(requested: i32) -> Result<u64, Error> {
    match u64::try_from(requested).map_err(|_| Error::Size)? {
        0 => Ok(SIZE_DEFAULT),
        size => Ok(size.min(SIZE_MAX)),
    }
}

/// Cuts rows that were read with `limit(size + 1)` to `size`, and tells whether more follow.
pub fn cut<T>(rows: &mut Vec<T>, size: u64) -> bool {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    more
}

/// Makes and opens tokens; replicas share its key.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// Makes a signer of a secret key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }

    /// Returns the position that a token holds; `None` for the empty token, the first page.
    ///
    /// # Errors
    /// [`Error::Token`] when the token was not signed with this key for this filter.
    pub fn open<P: DeserializeOwned>(
        &self,
        token: &str,
        filter: &impl Serialize,
    ) -> Result<Option<P>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(Error::Token);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Token)?;
        let (tag, position) = bytes.split_at_checked(TAG_LENGTH).ok_or(Error::Token)?;
        self.mac(position, filter)
            .verify_slice(tag)
            .map_err(|_| Error::Token)?;
        serde_json::from_slice(position)
            .map(Some)
            .map_err(|_| Error::Token)
    }

    /// Returns the token of the page that starts after `position`.
    pub fn sign<P: Serialize>(&self, position: &P, filter: &impl Serialize) -> String {
        let position = json(position);
        let mut bytes = self.mac(&position, filter).finalize().into_bytes().to_vec();
        bytes.extend_from_slice(&position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn mac(&self, position: &[u8], filter: &impl Serialize) -> Hmac<Sha256> {
        let filter = json(filter);
        let mut mac = self.0.clone();
        mac.update(b"page token 1\0");
        mac.update(&(filter.len() as u64).to_be_bytes()); // so that no byte moves between the two
        mac.update(&filter);
        mac.update(position);
        mac
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a position or filter is a plain struct")
}
