//! A request that cannot be read is its caller's fault, on every protocol alike, and is told so
//! in our words. The libraries each say it with a code of their own and in the words of what
//! they are built on. They are known by how their texts begin, which tests pin.

use std::error::Error;
use std::io;

use call::error::INTERNAL_MESSAGE;
use connectrpc_axum::prelude::{Code, ConnectError};

const NO_PROTOBUF: &str = "The request is not the Protobuf form of its message";
const NO_JSON: &str = "The request is not the JSON form of its message";
const NOT_COMPRESSED: &str = "The request does not decompress by the encoding that it names";
const CUT_SHORT: &str = "A message of the request is cut short";
const WRONG_FLAGS: &str = "A message of the request has flags that there are not";
const UNNAMED: &str = "A message of the request is compressed and no header names the encoding";
const TOO_LONG: &str = "The request is longer than what is taken";
const GOES_ON: &str = "The request goes on after its end";
const NOT_BASE64: &str = "The body of the request is not base64";
const NO_CHUNKS: &str = "The body of the request is not in chunks, as its head says";
const BROKE_OFF: &str = "The request broke off";

/// A code, what we say, and how the texts begin that mean it: prost's, connectrpc-axum's, tonic's
/// and tonic-web's. The first that fits is meant.
const THEIRS: [(Code, &str, &[&str]); 10] = [
    (
        Code::InvalidArgument,
        NO_PROTOBUF,
        &[
            "failed to decode protobuf message: ",
            "failed to decode Protobuf message: ",
        ],
    ),
    (
        Code::InvalidArgument,
        NO_JSON,
        &[
            "failed to decode JSON message: ",
            "unmarshal end stream message: ",
        ],
    ),
    (
        Code::ResourceExhausted,
        TOO_LONG,
        &[
            "request body exceeds ",
            "message size ",
            "decompressed message size ",
            "Error, decoded message length too large",
            "Error decompressing: size limit",
        ],
    ),
    (
        Code::InvalidArgument,
        NOT_COMPRESSED,
        &[
            "decompression failed: ",
            "failed to read request body: ", // it has come, so it is what it was compressed to
            "Error decompressing: ",
        ],
    ),
    (
        Code::InvalidArgument,
        CUT_SHORT,
        &[
            "incomplete envelope header: ",
            "incomplete frame: ",
            "protocol error: incomplete envelope",
            "Unexpected EOF decoding stream.",
            "Missing request message.", // none at all does not come so far: its head alone came
        ],
    ),
    (
        Code::InvalidArgument,
        WRONG_FLAGS,
        &[
            "protocol error: invalid envelope flags",
            "protocol error: received message with invalid compression flag",
        ],
    ),
    (
        Code::Internal, // as gRPC's specification has it, and the suite wants it on Connect too
        UNNAMED,
        &[
            "protocol error: sent compressed message",
            "protocol error: received message with compressed-flag",
        ],
    ),
    (Code::InvalidArgument, GOES_ON, &["corrupt response: "]),
    (
        Code::Canceled,
        BROKE_OFF,
        &[
            "read enveloped message: ",
            "tonic-web: error reading a body from connection",
        ],
    ),
    (Code::InvalidArgument, NOT_BASE64, &["tonic-web: "]),
];

/// What tonic says of an answer, and connectrpc-axum around the length.
const ANSWER_TOO_LONG: &str = "Error, encoded message length too large";
const ANSWER_OF: &str = "message size ";
const EXCEEDS: &str = " exceeds sendMaxBytes ";

/// What a library said of a request that it could not read, or of an answer that is too long, as we say it.
pub(super) fn in_our_words(theirs: &str) -> Option<ConnectError> {
    if is_of_answer(theirs) {
        // Nobody who asked is to blame.
        return Some(ConnectError::new(Code::Internal, INTERNAL_MESSAGE));
    }
    let fits = |begin: &&str| theirs.starts_with(*begin);
    let mut known = THEIRS.iter();
    let (code, ours, _) = known.find(|(.., texts)| texts.iter().any(fits))?;
    let place = theirs.rsplit_once(" at line ").map(|(_, place)| place);
    let place = place.and_then(|place| place.split_once(" column "));
    let message = match place {
        Some((line, column)) if *ours == NO_JSON && is_number(line) && is_number(column) => {
            format!("{ours}: line {line}, column {column}")
        }
        _ => (*ours).to_owned(),
    };
    Some(ConnectError::new(*code, message))
}

/// By how it begins: what a caller sent may stand in the rest of what is said of a request.
fn is_of_answer(theirs: &str) -> bool {
    let length = theirs.strip_prefix(ANSWER_OF);
    let length = length.and_then(|rest| rest.split_once(EXCEEDS));
    theirs.starts_with(ANSWER_TOO_LONG) || length.is_some_and(|(length, _)| is_number(length))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why a body did not come to its end: it is not in the chunks that HTTP/1.1 has, or whoever sent
/// it left.
pub(crate) fn broken(error: &(dyn Error + 'static)) -> ConnectError {
    let malformed = [io::ErrorKind::InvalidInput, io::ErrorKind::InvalidData];
    let mut cause = Some(error);
    while let Some(error) = cause {
        let read = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if read.is_some_and(|kind| malformed.contains(&kind)) {
            return ConnectError::new(Code::InvalidArgument, NO_CHUNKS);
        }
        cause = error.source();
    }
    ConnectError::new(Code::Canceled, BROKE_OFF)
}

/// What is wrong with the text form of gRPC-Web when it cannot be read.
pub(super) fn not_base64() -> ConnectError {
    ConnectError::new(Code::InvalidArgument, NOT_BASE64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: P-06
    #[test]
    fn what_is_not_about_reading_stays_as_it_is() {
        for kept in ["", "Out of stock", "No, thank you", "Internal server error"] {
            assert!(in_our_words(kept).is_none(), "{kept:?}");
        }
        let json = |text: &str| in_our_words(text).unwrap().message().unwrap().to_owned();
        let placed = json("failed to decode JSON message: EOF at line 1 at line 2 column 30");
        assert_eq!(placed, format!("{NO_JSON}: line 2, column 30"));
        let nowhere = json("failed to decode JSON message: \"x at line y column z\"");
        assert_eq!(nowhere, NO_JSON, "a caller's own text is none of ours");
        for theirs in [
            "failed to decode JSON message: \"encoded message length too large\"",
            "failed to decode JSON message: \"9 exceeds sendMaxBytes 8\"",
        ] {
            assert_eq!(json(theirs), NO_JSON, "nor is what it says of an answer");
        }
        for theirs in [
            "message size 9 exceeds sendMaxBytes 8",
            "Error, encoded message length too large: found 9 bytes, the limit is: 8 bytes",
        ] {
            assert_eq!(json(theirs), INTERNAL_MESSAGE);
        }
    }
}
