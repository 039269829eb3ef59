//! Which headers a request may have, seen in one pass. Of those that the edge asks for most requests have none, and to
//! look for each of them would cost more than all that is done with what is found.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A bit for each name, by its length and its last letter: a name whose bit is not set is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named(u64);

/// With this none of the names that clients send in every request shares its bit with one that is asked for.
const SPREAD: u32 = 52;

impl Named {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(headers.keys().fold(0, |bits, name| bits | bit(name)))
    }

    /// The first header of that name.
    pub(crate) fn get<'a>(
        self,
        headers: &'a HeaderMap,
        name: &HeaderName,
    ) -> Option<&'a HeaderValue> {
        match self.maybe(name) {
            true => headers.get(name),
            false => None,
        }
    }

    /// Whether a header of that name is there, or one that cannot be told from it here.
    pub(crate) fn maybe(self, name: &HeaderName) -> bool {
        self.0 & bit(name) != 0
    }
}

fn bit(name: &HeaderName) -> u64 {
    let name = name.as_str().as_bytes();
    let last = name.last().copied().unwrap_or_default();
    // A header's name is never as long as 4 GiB.
    1_u64.rotate_left((name.len() as u32).wrapping_mul(SPREAD) + u32::from(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::protocol::CODINGS;

    #[test]
    fn whatever_is_there_may_be_there_and_what_everybody_sends_hides_no_coding() {
        let everybody = [
            "host",
            "accept",
            "authorization",
            "connect-protocol-version",
            "content-length",
            "content-type",
            "te",
            "user-agent",
        ];
        let value = || HeaderValue::from_static("x");
        let names = everybody.map(|name| (HeaderName::from_static(name), value()));
        let mut headers = HeaderMap::from_iter(names);
        for coding in &CODINGS {
            assert!(!Named::of(&headers).maybe(coding), "{coding}");
        }
        headers.extend(CODINGS.clone().map(|name| (name, value())));
        let named = Named::of(&headers);
        assert!(headers.keys().all(|name| named.maybe(name)));
    }
}
