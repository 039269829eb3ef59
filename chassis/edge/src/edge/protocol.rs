//! In which protocol a caller speaks: read once from verb and content type, and asked by
//! every layer that treats protocols apart.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::named::Named;

pub(super) const CONNECT_ACCEPT_ENCODING: HeaderName =
    HeaderName::from_static("connect-accept-encoding");
pub(super) const CONNECT_CONTENT_ENCODING: HeaderName =
    HeaderName::from_static("connect-content-encoding");
pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The headers that say in what a message or its answer may be compressed.
pub(super) static CODINGS: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONNECT_CONTENT_ENCODING,
    GRPC_ENCODING,
    ACCEPT_ENCODING,
    CONNECT_ACCEPT_ENCODING,
];

/// The protocol of a request, as far as framing and errors go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Connect, one message each way, the bare message as the body.
    Connect,
    /// Connect's GET for what only reads.
    ConnectGet,
    /// Connect with enveloped messages.
    ConnectStream {
        /// Protobuf rather than JSON.
        proto: bool,
    },
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    GrpcWeb {
        /// Base64 rather than bytes.
        text: bool,
    },
    /// Anything else that HTTP carries.
    Http,
}

impl Protocol {
    /// Reads the protocol of a request.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], media_type);
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        let begins = |name: &str| {
            let begin = kind.get(..name.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
        };
        if begins("application/grpc") {
            return match begins("application/grpc-web") {
                false => Self::Grpc,
                true => Self::GrpcWeb {
                    text: begins("application/grpc-web-text"),
                },
            };
        }
        if method == Method::GET {
            return Self::ConnectGet; // it has no body that a type could be of
        }
        if is("application/json") || is("application/proto") {
            return Self::Connect;
        }
        let proto = is("application/connect+proto");
        match proto || is("application/connect+json") {
            true => Self::ConnectStream { proto },
            false => Self::Http,
        }
    }

    /// Whether tonic's half answers.
    pub(crate) fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcWeb { .. })
    }

    /// The protocol's name in logs and metric labels.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Connect | Self::ConnectStream { .. } => "connect",
            Self::ConnectGet => "connect_get",
            Self::Grpc => "grpc",
            Self::GrpcWeb { .. } => "grpc_web",
            Self::Http => "http",
        }
    }
}

/// Whether a request says anything of compressions, as far as can be seen at once. Most between services do not.
pub(super) fn may_name_codings(named: Named) -> bool {
    CODINGS.iter().any(|coding| named.maybe(coding))
}

/// A content type without its parameters, in whatever case it came.
pub(crate) fn media_type(written: &HeaderValue) -> &[u8] {
    let value = written.as_bytes();
    let end = value
        .iter()
        .position(|byte| *byte == b';')
        .unwrap_or(value.len());
    value[..end].trim_ascii()
}
