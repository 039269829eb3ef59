//! A client that shows everything of an answer, and can be as wrong as it likes.

use std::io::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use serde_json::Value;

/// An answer, to the last trailer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} is not JSON: {:?}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The gRPC status, wherever it stands.
    pub fn grpc(&self) -> (i32, String) {
        let all = [&self.trailers, &self.headers];
        let found = all.iter().find(|map| map.contains_key("grpc-status"));
        let map = found.unwrap_or_else(|| panic!("no grpc-status in {self:?}"));
        let text = |name: &str| {
            map.get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        (text("grpc-status").parse().unwrap(), text("grpc-message"))
    }

    /// The outcome of a Connect, gRPC or gRPC-Web call in the words of Connect.
    pub fn code(&self) -> String {
        let kind = self.header("content-type").to_owned();
        if kind.starts_with("application/grpc-web") {
            if self.headers.contains_key("grpc-status") {
                return name(self.grpc().0);
            }
            let frames = envelopes(&self.body);
            let (_, last) = frames
                .iter()
                .find(|(flags, _)| flags & 0x80 != 0)
                .expect("trailers frame");
            let text = String::from_utf8_lossy(last).to_lowercase();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("grpc-status:"))
                .unwrap();
            return name(line.trim().parse().unwrap());
        }
        if kind.starts_with("application/grpc") {
            return name(self.grpc().0);
        }
        if kind.starts_with("application/connect+") {
            let frames = envelopes(&self.body);
            let (_, last) = frames.last().expect("an EndStream");
            let end: Value = serde_json::from_slice(last).unwrap();
            return end["error"]["code"].as_str().unwrap_or("ok").to_owned();
        }
        match self.status.is_success() {
            true => "ok".to_owned(),
            false => self.json()["code"].as_str().unwrap_or("none").to_owned(),
        }
    }
}

impl Answer {
    /// What the caller of a Connect, gRPC or gRPC-Web call is told of its error.
    pub fn says(&self) -> String {
        let kind = self.header("content-type").to_owned();
        if kind.starts_with("application/grpc-web") && !self.headers.contains_key("grpc-status") {
            let frames = envelopes(&self.body);
            let (_, last) = frames.last().expect("trailers frame");
            let text = String::from_utf8_lossy(last).into_owned();
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix("grpc-message:"));
            return line.unwrap_or_default().trim().replace("%20", " ");
        }
        if kind.starts_with("application/grpc") {
            return self.grpc().1.replace("%20", " ");
        }
        let json = match kind.starts_with("application/connect+") {
            true => {
                let frames = envelopes(&self.body);
                let (_, last) = frames.last().expect("an EndStream");
                serde_json::from_slice::<Value>(last).unwrap()["error"].clone()
            }
            false => self.json(),
        };
        json["message"].as_str().unwrap_or_default().to_owned()
    }
}

fn name(code: i32) -> String {
    connectrpc_axum::message::error::code_from_tonic(tonic::Code::from_i32(code))
        .as_str()
        .to_owned()
}

/// The flags and payload of each envelope.
pub fn envelopes(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while bytes.len() >= 5 {
        let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        all.push((bytes[0], bytes[5..5 + length].to_vec()));
        bytes = &bytes[5 + length..];
    }
    assert!(bytes.is_empty(), "half an envelope");
    all
}

pub fn envelope(flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[flags][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip is everywhere");
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output.stdout
}

/// The ways to make a unary call, each with the HTTP version it goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    ConnectJson,
    ConnectProto,
    Grpc,
    GrpcWeb,
    GrpcWebText,
}

impl Door {
    pub const ALL: [Self; 5] = [
        Self::ConnectJson,
        Self::ConnectProto,
        Self::Grpc,
        Self::GrpcWeb,
        Self::GrpcWebText,
    ];

    pub fn content_type(self) -> &'static str {
        match self {
            Self::ConnectJson => "application/json",
            Self::ConnectProto => "application/proto",
            Self::Grpc => "application/grpc+proto",
            Self::GrpcWeb => "application/grpc-web+proto",
            Self::GrpcWebText => "application/grpc-web-text+proto",
        }
    }

    pub fn version(self) -> Version {
        match self {
            Self::Grpc | Self::ConnectProto => Version::HTTP_2,
            _ => Version::HTTP_11,
        }
    }

    pub fn encode<M: Message + serde::Serialize>(self, message: &M) -> Vec<u8> {
        use base64::Engine;
        match self {
            Self::ConnectJson => serde_json::to_vec(message).unwrap(),
            Self::ConnectProto => message.encode_to_vec(),
            Self::Grpc | Self::GrpcWeb => envelope(0, &message.encode_to_vec()),
            Self::GrpcWebText => base64::prelude::BASE64_STANDARD
                .encode(envelope(0, &message.encode_to_vec()))
                .into_bytes(),
        }
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    address: SocketAddr,
    version: Version,
    builder: Vec<(String, String)>,
    method: Method,
    path: String,
    body: Vec<u8>,
}

impl Ask {
    pub fn new(address: SocketAddr, version: Version, path: &str) -> Self {
        let (builder, method) = (Vec::new(), Method::POST);
        Self {
            address,
            version,
            builder,
            method,
            path: path.to_owned(),
            body: Vec::new(),
        }
    }

    pub fn door<M: Message + serde::Serialize>(
        address: SocketAddr,
        door: Door,
        path: &str,
        message: &M,
    ) -> Self {
        let mut ask = Self::new(address, door.version(), path)
            .header("content-type", door.content_type())
            .body(door.encode(message));
        if door == Door::Grpc {
            ask = ask.header("te", "trailers");
        }
        ask
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and returns the answer when its head is there.
    pub async fn begin(self) -> Response<Incoming> {
        let mut request = Request::builder().method(self.method);
        for (name, value) in &self.builder {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(self.body));
        let io = TokioIo::new(tokio::net::TcpStream::connect(self.address).await.unwrap());
        match self.version {
            Version::HTTP_2 => {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .unwrap();
                tokio::spawn(connection);
                let uri = format!("http://{}{}", self.address, self.path);
                sender
                    .send_request(request.uri(uri).body(body).unwrap())
                    .await
                    .unwrap()
            }
            _ => {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                let request = request
                    .header("host", self.address.to_string())
                    .uri(self.path);
                sender
                    .send_request(request.body(body).unwrap())
                    .await
                    .unwrap()
            }
        }
    }

    pub async fn send(self) -> Answer {
        let (parts, body) = self.begin().await.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let mut body = collected.to_bytes();
        let text = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web-text"));
        if text {
            body = decode_text(&body);
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            trailers,
        }
    }
}

/// What the server answers to these bytes, to its last one, and nothing if it only closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), reading).await;
    read.expect("it is closed").ok(); // a reset is an end too
    String::from_utf8_lossy(&answer).into_owned()
}

/// The text form may be several base64 pieces one after the other.
fn decode_text(body: &[u8]) -> Bytes {
    use base64::Engine;
    let mut out = Vec::new();
    for four in body.chunks(4) {
        out.extend(base64::prelude::BASE64_STANDARD.decode(four).unwrap());
    }
    out.into()
}
