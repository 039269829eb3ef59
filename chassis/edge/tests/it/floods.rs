//! Frames that cost a server more than whoever sends them: each such connection is told to leave within a second, and
//! others are served meanwhile, within bounded memory.

use std::time::Duration;

use http::{Method, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::client::Ask;
use crate::server::{self, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// How long a flood may last, and by how much the process may grow.
const ENDED_MAX: Duration = Duration::from_secs(1);
const GROWTH_MAX: usize = 32 << 20;
/// A flood is no longer than this.
const FLOOD_MAX: Duration = Duration::from_secs(10);

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call in HPACK, no name or value of it compressed (RFC 7541, 6.2.2), but those of the static table.
fn headers(path: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        [&[length][..], text.as_bytes()].concat()
    };
    [
        &[0x83, 0x86, 0x04][..], // POST, http, :path
        &text(path),
        &[0x01],
        &text("shop"),
        &[0x0f, 0x10], // content-type
        &text("application/json"),
    ]
    .concat()
}

/// The frames of one turn of a flood; `turn` counts from 0.
type Turn = fn(turn: u32) -> Vec<u8>;

/// No flood: fifty pings a second tell nobody to leave.
fn no_flood(turn: u32) -> Vec<u8> {
    std::thread::sleep(Duration::from_millis(1));
    match turn % 20 {
        0 => frame(PING, 0, 0, &[0; 8]),
        _ => Vec::new(),
    }
}

/// Sends turns until the server ends the connection. Returns how long that took, and whether it said goodbye.
async fn flood(server: &Server, turn: Turn) -> (Duration, bool) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    write.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    write.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap();
    let begun = Instant::now();
    let listening = tokio::spawn(async move {
        let mut said = Vec::new();
        let _ = read.read_to_end(&mut said).await; // reset or closed
        (begun.elapsed(), said)
    });
    let sending = async {
        for number in 0.. {
            let turns: Vec<u8> = (number * 20..(number + 1) * 20).flat_map(turn).collect();
            if write.write_all(&turns).await.is_err() {
                return;
            }
        }
    };
    let _ = timeout(FLOOD_MAX, sending).await;
    drop(write);
    let (took, said) = listening.await.unwrap();
    let streams_max = [0, 3, 0, 0, 0, 100];
    assert!(
        said.windows(6).any(|setting| setting == streams_max),
        "it says 100 streams"
    );
    (took, kinds(&said).contains(&GOAWAY))
}

/// The kinds of the frames in what the server said.
fn kinds(mut said: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some(&[high, middle, low, kind, ..]) = said.get(..9) {
        kinds.push(kind);
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        said = said.get(9 + length..).unwrap_or_default();
    }
    kinds
}

fn stream(turn: u32) -> u32 {
    turn * 2 + 1
}

const FLOODS: [(&str, Turn); 10] = [
    ("SETTINGS", |_| frame(SETTINGS, 0, 0, &[])),
    ("PING", |_| frame(PING, 0, 0, &[7; 8])),
    ("PRIORITY", |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9])),
    ("WINDOW_UPDATE", |_| {
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])
    }),
    ("empty DATA", |turn| match turn {
        0 => frame(HEADERS, END_HEADERS, 1, &headers(SIGN_UP)),
        _ => frame(DATA, 0, 1, &[]),
    }),
    ("rapid reset", |turn| {
        let begin = frame(HEADERS, END_HEADERS, stream(turn), &headers(SIGN_UP));
        [begin, frame(RST_STREAM, 0, stream(turn), &[0, 0, 0, 8])].concat()
    }),
    ("reset after accept", |turn| {
        let begin = frame(HEADERS, END_HEADERS, stream(turn), &headers(SIGN_UP));
        match turn.checked_sub(60) {
            Some(earlier) => [begin, frame(RST_STREAM, 0, stream(earlier), &[0, 0, 0, 8])].concat(),
            None => begin,
        }
    }),
    ("CONTINUATION", |turn| match turn {
        0 => frame(HEADERS, 0, 1, &headers(SIGN_UP)),
        _ => frame(CONTINUATION, 0, 1, &[0x00, 1, b'x', 1, b'y']),
    }),
    // Each has one byte that the table makes a long header of.
    ("HPACK bomb", |turn| {
        let entry = [&[0x40, 1, b'x', 0x7f, 0x81, 0x1f][..], &[b'y'; 4096]].concat();
        let entry = [headers(SIGN_UP), entry].concat();
        let many = [headers(SIGN_UP), vec![0xbe; 4000]].concat();
        let payload = if turn == 0 { entry } else { many };
        frame(HEADERS, END_HEADERS | 1, stream(turn), &payload)
    }),
    ("more streams than there may be", |turn| {
        frame(HEADERS, END_HEADERS, stream(turn), &headers(SIGN_UP))
    }),
];

/// row: S-11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_any_kind_is_ended_within_a_second_and_nobody_else_notices() {
    let server = server::start().await;
    let alone = serve_others(&server, 100).await;
    let before = resident_bytes();
    for (name, turn) in FLOODS {
        let flooding = match proof::sabotaged("S-11") {
            true => flood(&server, no_flood),
            false => flood(&server, turn),
        };
        let others = serve_others(&server, 20);
        let ((took, goodbye), others) = tokio::join!(flooding, others);
        println!("{name}: ended after {took:?}, others' p99 {others:?}, alone {alone:?}");
        proof::must("S-11", took < ENDED_MAX, format_args!("{name}: {took:?}"));
        assert!(goodbye, "{name}: it was not told");
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("grown by {} KiB", grown >> 10);
    assert!(grown < GROWTH_MAX, "{grown} bytes more");
    proof::held("S-11", FLOODS.len(), format!("{ENDED_MAX:?}"));
}

/// Calls as one should, and returns the longest time that one took.
async fn serve_others(server: &Server, calls: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..calls {
        let begun = Instant::now();
        let answer = Ask::new(server.address, Version::HTTP_11, "/healthz")
            .method(Method::GET)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        longest = longest.max(begun.elapsed());
    }
    longest
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
