//! What stands in a body: messages, envelopes, compressed or not, in every protocol.

use axum::body::Body;
use http::Request;

use crate::tokens::IDENTITIES;
use crate::within::{self, RPCS};

/// The forms of a body, and the header that says how it is compressed.
const FORMS: [(&str, &str); 8] = [
    ("application/json", "content-encoding"),
    ("application/proto", "content-encoding"),
    ("application/connect+json", "connect-content-encoding"),
    ("application/connect+proto", "connect-content-encoding"),
    ("application/grpc", "grpc-encoding"),
    ("application/grpc-web+proto", "grpc-encoding"),
    ("application/grpc-web-text", "grpc-encoding"),
    ("application/grpc+json", "grpc-encoding"),
];
const COMPRESSIONS: [&str; 4] = ["", "gzip", "identity", "br"];
/// In how many pieces a body arrives at most.
const PIECES_MAX: usize = 4;

/// Three bytes say the form, the rpc, the compression and the pieces; the rest is the body.
pub(crate) fn check(bytes: &[u8]) {
    let Some(([form, rpc, more], body)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let at = |byte: u8, end: usize| usize::from(byte) % end;
    let (content_type, header) = FORMS[at(*form, FORMS.len())];
    let compression = COMPRESSIONS[at(*more, COMPRESSIONS.len())];
    let pieces = 1 + at(*more / 4, PIECES_MAX);
    let mut request = Request::post(RPCS[at(*rpc, RPCS.len())])
        .version(http::Version::HTTP_2)
        .header("content-type", content_type)
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", IDENTITIES.good));
    if !compression.is_empty() {
        request = request.header(header, compression);
    }
    let size = body.len().div_ceil(pieces).max(1);
    let pieces = body
        .chunks(size)
        .map(|piece| Ok::<_, axum::Error>(piece.to_vec()));
    let pieces: Vec<_> = pieces.collect();
    let body = Body::from_stream(futures::stream::iter(pieces));
    within::ask(request.body(body).expect("it is a request"));
}
