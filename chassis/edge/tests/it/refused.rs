//! Who is refused before all of his request was read still reads why, and cannot make us read on for ever.

use std::process::Command;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures::channel::mpsc;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Ask, envelope};
use crate::server::{self, AUTH_LIMIT, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;
const CHAT: &str = proto::support::v1::support_service::CHAT_SESSION;

/// What is read of a refused request, in bytes, and what a stream and its connection may have on their way beside that.
const READ_ON_MAX: usize = 1 << 20;
const WINDOWS_MAX: usize = 2 << 20;
const READ_ON_FOR: Duration = Duration::from_secs(1);

/// What curl shows, its status last, and how it ends.
async fn curl(server: &Server, version: &'static str, bytes: usize) -> (String, Option<i32>) {
    let folder = std::env::temp_dir().join(format!("long-{}-{bytes}", uuid::Uuid::new_v4()));
    std::fs::write(&folder, vec![b' '; bytes]).unwrap();
    let mut command = Command::new("curl");
    command
        .args([version, "--silent", "--show-error", "--max-time", "20"])
        .args(["--header", "content-type: application/json"])
        .args(["--header", "expect:", "--write-out", "\n%{http_code}"])
        .arg("--data-binary")
        .arg(format!("@{}", folder.display()))
        .arg(format!("http://{}{SIGN_UP}", server.address));
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.unwrap().expect("curl is everywhere");
    std::fs::remove_file(folder).unwrap();
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    (shown, output.status.code())
}

/// row: P23
#[tokio::test]
async fn curl_reads_that_its_body_is_too_long_over_either_version() {
    let server = server::start().await;
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for bytes in [AUTH_LIMIT + 1, 200 << 10, 900 << 10] {
            let (shown, exit) = curl(&server, version, bytes).await;
            assert_eq!(exit, Some(0), "{version}, {bytes} bytes: {shown}");
            assert!(shown.contains("resource_exhausted"), "{version}: {shown}");
            assert!(shown.ends_with("\n429"), "{version}: {shown}");
        }
    }
}

/// A body that goes on after its refusal.
struct Sending {
    pieces: mpsc::Sender<Bytes>,
    connection: hyper::client::conn::http2::SendRequest<Body>,
}

impl Sending {
    /// Asks, and waits for the whole refusal.
    async fn refused(server: &Server, path: &str, kind: &str, first: Vec<u8>) -> Self {
        let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        let (mut pieces, body) = mpsc::channel::<Bytes>(0);
        let body = Body::from_stream(futures::StreamExt::map(body, Ok::<_, std::io::Error>));
        let request =
            Request::post(format!("http://{}{path}", server.address)).header("content-type", kind);
        let asked = sender.send_request(request.body(body).unwrap());
        pieces.try_send(first.into()).unwrap();
        let began = Instant::now();
        let answer = asked.await.unwrap();
        answer.into_body().collect().await.unwrap();
        assert!(began.elapsed() < READ_ON_FOR / 2, "it waited for the rest");
        Self {
            pieces,
            connection: sender,
        }
    }

    /// Sends on until nobody takes it, or so much was.
    async fn send(&mut self, most: usize) -> usize {
        let (piece, mut sent) = (Bytes::from(vec![b' '; 16 << 10]), 0);
        while sent < most {
            let sending = futures::SinkExt::send(&mut self.pieces, piece.clone());
            match timeout(READ_ON_FOR * 3, sending).await {
                Ok(Ok(())) => sent += piece.len(),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        sent
    }

    /// Returns when the server wants no more of it.
    async fn unwanted(&mut self) {
        let gone = futures::future::poll_fn(|cx| match self.pieces.poll_ready(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ if self.pieces.is_closed() => Poll::Ready(()),
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        });
        timeout(READ_ON_FOR * 3, gone).await.expect("it ends");
    }
}

/// row: P23, S-14
#[tokio::test]
async fn what_is_left_of_a_refused_body_is_read_within_bounds() {
    let server = server::start().await;
    let long = vec![b' '; AUTH_LIMIT + 1];
    for (path, kind, first) in [
        (SIGN_UP, "application/json", long),
        (CHAT, "application/grpc", envelope(0, b"")),
    ] {
        // The rest of what had an end is taken to its end.
        let mut ends = Sending::refused(&server, path, kind, first.clone()).await;
        assert!(ends.send(512 << 10).await >= 512 << 10, "{path}");
        // Who goes on for ever is cut off.
        let mut endless = Sending::refused(&server, path, kind, first.clone()).await;
        let sent = endless.send(64 << 20).await;
        assert!(sent <= READ_ON_MAX + WINDOWS_MAX, "{path}: {sent} bytes");
        // And who sends nothing more has a second.
        let began = Instant::now();
        let mut silent = Sending::refused(&server, path, kind, first).await;
        silent.unwanted().await;
        let took = began.elapsed();
        let due = READ_ON_FOR / 2..READ_ON_FOR * 2;
        assert!(due.contains(&took), "{path}: {took:?}");
        assert!(
            silent.connection.ready().await.is_ok(),
            "{path}: others go on"
        );
    }
}

/// The frames of an answer on a raw HTTP/2 connection: kind, flags, stream and payload.
async fn frames(stream: &mut TcpStream, during: Duration) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut bytes = Vec::new();
    let _ = timeout(during, stream.read_to_end(&mut bytes)).await;
    let (mut all, mut rest) = (Vec::new(), &bytes[..]);
    while let Some((head, more)) = rest.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let number = u32::from_be_bytes(head[5..].try_into().unwrap());
        let (payload, more) = more.split_at(length.min(more.len()));
        all.push((head[3], head[4], number, payload.to_vec()));
        rest = more;
    }
    all
}

/// On the wire: the whole answer at once, and the end of the stream only when its rest was given its time.
///
/// row: P23
#[tokio::test]
async fn a_refusal_over_http2_is_whole_before_the_stream_is_taken_back() {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const END_STREAM: u8 = 1;
    let server = server::start().await;
    let frame = |kind: u8, flags: u8, number: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let number = number.to_be_bytes();
        [&length[1..], &[kind, flags], &number, payload].concat()
    };
    // Literal fields without a name that is known (RFC 7541, 6.2.2).
    let field = |name: &str, value: &str| {
        let length = |text: &str| u8::try_from(text.len()).unwrap();
        assert!(name.len() < 127 && value.len() < 127);
        let mut field = vec![0, length(name)];
        field.extend(name.as_bytes());
        field.push(length(value));
        field.extend(value.as_bytes());
        field
    };
    let head = [
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":authority", "shop.test"),
        field(":path", SIGN_UP),
        field("content-type", "application/json"),
        field("content-length", &(900 << 10).to_string()),
    ]
    .concat();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let said = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, b""),
        frame(HEADERS, 4, 1, &head),
        frame(DATA, 0, 1, &[b' '; 1000]),
    ];
    stream.write_all(&said.concat()).await.unwrap();
    let early = frames(&mut stream, READ_ON_FOR / 2).await;
    let of_call = |all: &[(u8, u8, u32, Vec<u8>)], kind: u8| {
        let of = all.iter().filter(|frame| (frame.0, frame.2) == (kind, 1));
        of.cloned().collect::<Vec<_>>()
    };
    let told = of_call(&early, DATA);
    let (_, flags, _, text) = told.last().expect("a body");
    assert_eq!(flags & END_STREAM, END_STREAM, "the answer is whole");
    assert!(String::from_utf8_lossy(text).contains("resource_exhausted"));
    assert_eq!(of_call(&early, RST_STREAM), [], "amid the request");
    let late = frames(&mut stream, READ_ON_FOR).await;
    let no_error = 0_u32.to_be_bytes().to_vec();
    assert_eq!(
        of_call(&late, RST_STREAM),
        [(RST_STREAM, 0, 1, no_error)],
        "its time is over"
    );
    let other = Ask::new(server.address, Version::HTTP_2, "/healthz").method(http::Method::GET);
    assert_eq!(other.send().await.status, 200);
}
