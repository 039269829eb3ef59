//! HTTP/1.1 with keep-alive, one request at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Count;
use crate::call::Call;

/// Larger than any answer.
const BUFFER_BYTES: usize = 16 << 10;

/// One connection.
pub struct Connection {
    socket: TcpStream,
    call: Arc<Call>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects and makes one call.
    pub async fn open(server: SocketAddr, call: Arc<Call>) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let mut head = format!("POST {} HTTP/1.1\r\nhost: {server}\r\n", call.path);
        for (name, value) in &call.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", call.body.len());
        let mut connection = Self {
            socket,
            request: [head.as_bytes(), &call.body].concat(),
            call,
            buffer: vec![0; BUFFER_BYTES],
        };
        if !connection.exchange().await? {
            let text = String::from_utf8_lossy(&connection.buffer).into_owned();
            bail!("the first answer is wrong: {}", text.trim_end_matches('\0'));
        }
        Ok(connection)
    }

    /// Calls until `end`.
    pub async fn run(mut self, end: Instant) -> anyhow::Result<Count> {
        let mut count = Count::new();
        let mut now = Instant::now();
        while now < end {
            let right = self.exchange().await?;
            let after = Instant::now();
            count.add(right, after - now);
            now = after;
        }
        Ok(count)
    }

    /// Sends the request; whether the answer is right.
    async fn exchange(&mut self) -> anyhow::Result<bool> {
        self.socket.write_all(&self.request).await?;
        let mut filled = 0;
        loop {
            ensure!(filled < self.buffer.len(), "an answer is too long");
            let count = self.socket.read(&mut self.buffer[filled..]).await?;
            ensure!(count > 0, "the server closed a connection");
            filled += count;
            let held = &self.buffer[..filled];
            let Some(head) = held.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let body = head + 4;
            let length = content_length(&held[..head]).context("an answer has no length")?;
            if filled < body + length {
                continue;
            }
            ensure!(filled == body + length, "an answer is followed by more");
            return Ok(held.starts_with(b"HTTP/1.1 200 ") && held[body..] == self.call.answer);
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        if !name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    })
}
