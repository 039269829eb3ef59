//! HTTP/2 with prior knowledge, several requests at a time: as much of RFC 9113 as one known
//! call needs. Headers are indexed from the second request on, as every gRPC client does.
//! Bodies must be short, so that the server's windows never close.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Count;
use crate::call::Call;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES: usize = 9;
const BUFFER_BYTES: usize = 256 << 10;
/// What the server may send before it hears of its window again.
const WINDOW_BYTES: u32 = 1 << 30;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// One connection.
pub struct Connection {
    socket: TcpStream,
    call: Arc<Call>,
    /// The header block of the next request.
    block: Vec<u8>,
    buffer: Vec<u8>,
    filled: usize,
    out: Vec<u8>,
    open: Vec<Stream>,
    next: u32,
    streams: usize,
    received: u32,
}

/// A request whose answer is not complete.
struct Stream {
    id: u32,
    began: Instant,
    /// How much of the right answer has come.
    matched: usize,
    right: bool,
}

impl Connection {
    /// Connects and makes one call.
    pub async fn open(server: SocketAddr, call: Arc<Call>, streams: usize) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let mut connection = Self {
            socket,
            block: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
            out: PREFACE.to_vec(),
            open: Vec::new(),
            next: 1,
            streams,
            received: 0,
            call,
        };
        frame(&mut connection.out, SETTINGS, 0, 0, &[]);
        let grow = (WINDOW_BYTES - 65_535).to_be_bytes();
        frame(&mut connection.out, WINDOW_UPDATE, 0, 0, &grow);
        let (first, later) = header_blocks(&connection.call, &server.to_string());
        connection.block = first;
        connection.request();
        connection.block = later;
        let mut count = Count::new();
        while !connection.open.is_empty() {
            connection.turn(&mut count).await?;
        }
        ensure!(count.right == 1, "the first answer is wrong");
        Ok(connection)
    }

    /// Calls until `end`.
    pub async fn run(mut self, end: Instant) -> anyhow::Result<Count> {
        let mut count = Count::new();
        loop {
            while self.open.len() < self.streams && Instant::now() < end {
                self.request();
            }
            if self.open.is_empty() {
                return Ok(count);
            }
            self.turn(&mut count).await?;
        }
    }

    fn request(&mut self) {
        let id = self.next;
        self.next += 2;
        frame(&mut self.out, HEADERS, END_HEADERS, id, &self.block);
        frame(&mut self.out, DATA, END_STREAM, id, &self.call.body);
        self.open.push(Stream {
            id,
            began: Instant::now(),
            matched: 0,
            right: true,
        });
    }

    /// Writes what is due, then reads and handles what comes.
    async fn turn(&mut self, count: &mut Count) -> anyhow::Result<()> {
        self.socket.write_all(&self.out).await?;
        self.out.clear();
        let read = self.socket.read(&mut self.buffer[self.filled..]).await?;
        ensure!(read > 0, "the server closed a connection");
        self.filled += read;
        let mut at = 0;
        while self.filled - at >= HEAD_BYTES {
            let head: [u8; HEAD_BYTES] = self.buffer[at..at + HEAD_BYTES].try_into()?;
            let [a, b, c, kind, flags, i, j, k, l] = head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let (from, to) = (at + HEAD_BYTES, at + HEAD_BYTES + length);
            ensure!(to - at <= BUFFER_BYTES, "a frame is too long");
            if to > self.filled {
                break;
            }
            let id = u32::from_be_bytes([i & 0x7f, j, k, l]);
            self.handle(kind, flags, id, from..to, count)?;
            at = to;
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        if self.received > WINDOW_BYTES / 2 {
            let grow = self.received.to_be_bytes();
            frame(&mut self.out, WINDOW_UPDATE, 0, 0, &grow);
            self.received = 0;
        }
        Ok(())
    }

    fn handle(
        &mut self,
        kind: u8,
        flags: u8,
        id: u32,
        payload: Range<usize>,
        count: &mut Count,
    ) -> anyhow::Result<()> {
        let payload = &self.buffer[payload];
        match kind {
            SETTINGS if flags & ACK == 0 => frame(&mut self.out, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(&mut self.out, PING, ACK, 0, payload),
            GOAWAY => bail!("the server ends the connection"),
            DATA | HEADERS | RST_STREAM => {
                let Some(position) = self.open.iter().position(|stream| stream.id == id) else {
                    return Ok(());
                };
                let stream = &mut self.open[position];
                if kind == DATA {
                    self.received += u32::try_from(payload.len())?;
                    let rest = &self.call.answer[stream.matched..];
                    stream.right &= rest.starts_with(payload);
                    stream.matched += payload.len().min(rest.len());
                }
                if kind == RST_STREAM || flags & END_STREAM != 0 {
                    let whole = stream.matched == self.call.answer.len();
                    let right = stream.right && whole && kind != RST_STREAM;
                    count.add(right, stream.began.elapsed());
                    self.open.swap_remove(position);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a frame is short");
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The header blocks of the first request and of all later ones: the first puts every line
/// into the dynamic table (RFC 7541, 6.2.1), the later ones only name their places there.
fn header_blocks(call: &Call, authority: &str) -> (Vec<u8>, Vec<u8>) {
    const POST: u8 = 0x83;
    const HTTP: u8 = 0x86;
    const DYNAMIC: usize = 62; // the place of the newest line
    let (mut first, mut later) = (vec![POST, HTTP], vec![POST, HTTP]);
    let fixed = [(":path", call.path), (":authority", authority)];
    let headers = call.headers.iter();
    let headers = headers.map(|(name, value)| (*name, value.as_str()));
    let lines: Vec<(&str, &str)> = fixed.into_iter().chain(headers).collect();
    for (position, (name, value)) in lines.iter().enumerate() {
        first.push(0x40);
        text(&mut first, name);
        text(&mut first, value);
        let place = DYNAMIC + lines.len() - 1 - position;
        later.push(0x80 | u8::try_from(place).expect("there are few lines"));
    }
    (first, later)
}

/// A string literal without Huffman coding (RFC 7541, 5.2).
fn text(out: &mut Vec<u8>, text: &str) {
    let byte = |value: usize| u8::try_from(value).expect("it was cut to a byte");
    let mut length = text.len();
    if length < 127 {
        out.push(byte(length));
    } else {
        out.push(127);
        length -= 127;
        while length >= 128 {
            out.push(byte(length % 128 + 128));
            length /= 128;
        }
        out.push(byte(length));
    }
    out.extend_from_slice(text.as_bytes());
}
