//! The query of a Connect GET, as its specification has it. The library looks at some of it
//! undecoded, and says what is wrong with the rest in the words of what parses it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use connectrpc_axum::prelude::{Code, ConnectError};
use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::answer::Refusal;

const KNOWN: [&str; 5] = ["connect", "encoding", "message", "base64", "compression"];

/// With padding or without, as the library takes it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const NO_TEXT: &str =
    "The query is not UTF-8: send a message of other bytes as URL-safe base64, with base64=1";

/// Refuses a query that is no call, and gives the compression of its message.
///
/// # Errors
/// `invalid_argument` for what is missing, doubled, malformed or no text; 415 for an encoding that is
/// none.
pub(super) fn check(query: &str) -> Result<Cow<'_, str>, Refusal> {
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(wrong(NO_TEXT));
    }
    let mut values: [Option<Cow<'_, str>>; KNOWN.len()] = Default::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if let Some(at) = KNOWN.iter().position(|known| *known == name)
            && values[at].replace(value).is_some()
        {
            return Err(wrong(format!("{} is there twice", KNOWN[at])));
        }
    }
    let [connect, encoding, message, base64, compression] = values;
    if connect.is_some_and(|connect| !matches!(&*connect, "" | "v1")) {
        return Err(wrong("connect must be v1"));
    }
    match encoding.as_deref() {
        None => return Err(wrong("encoding is missing")),
        Some("json" | "proto") => {}
        Some(_) => return Err(Refusal::Plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, None)),
    }
    let message = message.ok_or_else(|| wrong("message is missing"))?;
    if base64.as_deref() == Some("1") && BASE64.decode(&*message).is_err() {
        return Err(wrong("message is not base64"));
    }
    Ok(compression.unwrap_or_default())
}

fn wrong(message: impl Into<String>) -> Refusal {
    ConnectError::new(Code::InvalidArgument, message.into()).into()
}
