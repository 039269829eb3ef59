//! One call in every form that clients speak it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::Value;

use crate::shop::Door;

/// A protocol and its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    ConnectJson,
    ConnectProto,
    Grpc,
    GrpcWeb,
    GrpcWebText,
}

pub const WIRES: [Wire; 5] = [
    Wire::ConnectJson,
    Wire::ConnectProto,
    Wire::Grpc,
    Wire::GrpcWeb,
    Wire::GrpcWebText,
];

/// The codes by their numbers in gRPC.
const CODES: [&str; 17] = [
    "ok",
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// Connections that calls share.
pub type Connections = Client<HttpConnector, Full<Bytes>>;

/// An answer, whatever it came in.
#[derive(Debug)]
pub struct Reply {
    pub code: String,
    /// The error's message.
    pub said: String,
    /// The error's details, as they are packed, each behind its type.
    pub details: Vec<u8>,
    pub headers: HeaderMap,
    /// The first message, if there is one.
    pub message: Option<DynamicMessage>,
}

/// The rpcs of the contract.
pub fn rpcs() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("it is a descriptor set");
    let ours = pool
        .services()
        .filter(|service| service.full_name().starts_with("stoa."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// The rpc of a path such as `order.v1.OrderService/CreateOrder`.
pub fn rpc(path: &str) -> MethodDescriptor {
    let name = format!("stoa.{}", path.replace('/', "."));
    let found = rpcs().into_iter().find(|rpc| rpc.full_name() == name);
    found.unwrap_or_else(|| panic!("{path} is not in the contract"))
}

/// `/stoa.order.v1.OrderService/CreateOrder`.
pub fn path(rpc: &MethodDescriptor) -> String {
    format!("/{}/{}", rpc.parent_service().full_name(), rpc.name())
}

impl Wire {
    const fn content_type(self, streams: bool) -> &'static str {
        match (self, streams) {
            (Self::ConnectJson, false) => "application/json",
            (Self::ConnectJson, true) => "application/connect+json",
            (Self::ConnectProto, false) => "application/proto",
            (Self::ConnectProto, true) => "application/connect+proto",
            (Self::Grpc, _) => "application/grpc",
            (Self::GrpcWeb, _) => "application/grpc-web+proto",
            (Self::GrpcWebText, _) => "application/grpc-web-text",
        }
    }

    /// Calls through a door, with its token.
    pub async fn call(
        self,
        door: &Door,
        rpc: &MethodDescriptor,
        message: &Value,
        headers: &[(&str, &str)],
    ) -> Reply {
        let body = self.wrap(rpc, self.encode(rpc, message));
        let client = self.client(rpc);
        self.send(&client, door, rpc, body, headers).await
    }

    /// What connects to a door as clients of this protocol do.
    pub fn client(self, rpc: &MethodDescriptor) -> Connections {
        Client::builder(TokioExecutor::new())
            .http2_only(self == Self::Grpc || rpc.is_client_streaming())
            .build_http()
    }

    /// A message in this encoding.
    pub fn encode(self, rpc: &MethodDescriptor, message: &Value) -> Vec<u8> {
        let bytes =
            DynamicMessage::deserialize(rpc.input(), message).expect("it is such a message");
        match self {
            Self::ConnectJson => message.to_string().into_bytes(),
            _ => bytes.encode_to_vec(),
        }
    }

    /// An encoded message as it stands in a body.
    pub fn wrap(self, rpc: &MethodDescriptor, bytes: Vec<u8>) -> Vec<u8> {
        match (self, self.is_bare(rpc)) {
            (_, true) => bytes,
            (Self::GrpcWebText, _) => STANDARD.encode(envelope(&bytes)).into_bytes(),
            _ => envelope(&bytes),
        }
    }

    /// Whether a body is a message and nothing else.
    fn is_bare(self, rpc: &MethodDescriptor) -> bool {
        let streams = rpc.is_server_streaming() || rpc.is_client_streaming();
        matches!(self, Self::ConnectJson | Self::ConnectProto) && !streams
    }

    /// Sends a body through a door, with its token.
    pub async fn send(
        self,
        client: &Connections,
        door: &Door,
        rpc: &MethodDescriptor,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let streams = rpc.is_server_streaming() || rpc.is_client_streaming();
        let unary = self.is_bare(rpc);
        let mut request = Request::post(format!("{}{}", door.origin, path(rpc)))
            .header("content-type", self.content_type(streams))
            .header("accept", self.content_type(streams));
        if let Some(token) = &door.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).expect("it is a request");
        let response = client.request(request).await.expect("an answer comes");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the answer is whole");
        let trailers = body.trailers().cloned().unwrap_or_default();
        let bytes = body.to_bytes();
        let (end, bytes) = match (self, unary) {
            (_, true) if parts.status == 200 => (End::ok(), Some(bytes.to_vec())),
            (Self::ConnectJson | Self::ConnectProto, _) if parts.status != 200 => {
                let error = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                (End::of_json(&error), None)
            }
            (Self::ConnectJson | Self::ConnectProto, _) => {
                let frames = envelopes(&bytes);
                let end = frames.iter().find(|(flags, _)| flags & 2 != 0);
                let end: Value = end
                    .and_then(|(_, bytes)| serde_json::from_slice(bytes).ok())
                    .expect("a stream says how it ended");
                let end = match &end["error"] {
                    Value::Null => End::ok(),
                    error => End::of_json(error),
                };
                (end, message_in(&frames))
            }
            (Self::Grpc, _) => {
                let early = parts.headers.contains_key("grpc-status");
                let trailers = if early { &parts.headers } else { &trailers };
                (End::of_trailers(trailers), message_in(&envelopes(&bytes)))
            }
            (Self::GrpcWeb, _) => of_web(&parts.headers, &envelopes(&bytes)),
            (Self::GrpcWebText, _) => of_web(&parts.headers, &envelopes(&from_text(&bytes))),
        };
        let message = bytes.map(|bytes| self.read(rpc, &bytes));
        let End {
            code,
            said,
            details,
        } = end;
        Reply {
            code,
            said,
            details,
            headers: parts.headers,
            message,
        }
    }

    fn read(self, rpc: &MethodDescriptor, bytes: &[u8]) -> DynamicMessage {
        match self {
            Self::ConnectJson => {
                let mut json = serde_json::Deserializer::from_slice(bytes);
                DynamicMessage::deserialize(rpc.output(), &mut json).expect("the answer's message")
            }
            _ => DynamicMessage::decode(rpc.output(), bytes).expect("the answer's message"),
        }
    }
}

fn envelope(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("it is short");
    let mut all = vec![0];
    all.extend(length.to_be_bytes());
    all.extend(bytes);
    all
}

/// Flags and bytes of each frame.
fn envelopes(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(([flags, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).expect("a length");
        let (frame, rest) = rest.split_at(length);
        all.push((*flags, frame.to_vec()));
        bytes = rest;
    }
    all
}

/// Base64 in pieces, each padded for itself.
fn from_text(text: &[u8]) -> Vec<u8> {
    let pieces = text.chunks(4).map(|piece| STANDARD.decode(piece));
    pieces
        .flat_map(|piece| piece.expect("it is base64"))
        .collect()
}

fn message_in(frames: &[(u8, Vec<u8>)]) -> Option<Vec<u8>> {
    let message = frames.iter().find(|(flags, _)| *flags == 0);
    message.map(|(_, bytes)| bytes.clone())
}

fn of_web(headers: &HeaderMap, frames: &[(u8, Vec<u8>)]) -> (End, Option<Vec<u8>>) {
    let Some((_, trailers)) = frames.iter().find(|(flags, _)| *flags == 0x80) else {
        return (End::of_trailers(headers), message_in(frames));
    };
    let text = String::from_utf8_lossy(trailers).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let trailers = lines.map(|(name, value)| {
        let name: HeaderName = name.parse().expect("a trailer's name");
        (name, value.trim().parse().expect("a trailer's value"))
    });
    (End::of_trailers(&trailers.collect()), message_in(frames))
}

/// How a call ended.
struct End {
    code: String,
    said: String,
    details: Vec<u8>,
}

impl End {
    fn ok() -> Self {
        Self {
            code: "ok".to_owned(),
            said: String::new(),
            details: Vec::new(),
        }
    }

    fn of_json(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut details = Vec::new();
        for detail in error["details"].as_array().into_iter().flatten() {
            details.extend(text(&detail["type"]).into_bytes());
            let value = text(&detail["value"]);
            let value = STANDARD_NO_PAD.decode(value.trim_end_matches('='));
            details.extend(value.expect("a detail is base64"));
        }
        Self {
            code: error["code"].as_str().unwrap_or("no code").to_owned(),
            said: text(&error["message"]),
            details,
        }
    }

    fn of_trailers(trailers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = trailers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let details = text("grpc-status-details-bin");
        let details = STANDARD_NO_PAD.decode(details.trim_end_matches('='));
        Self {
            code: code_of(Some(&text("grpc-status"))),
            said: text("grpc-message").replace("%20", " "),
            details: details.expect("details are base64"),
        }
    }
}

/// The name of a code that gRPC gave as a number.
pub fn code_of(status: Option<&str>) -> String {
    let number = status.and_then(|status| status.parse::<usize>().ok());
    let code = number.and_then(|number| CODES.get(number));
    (*code.unwrap_or(&"no code")).to_owned()
}
