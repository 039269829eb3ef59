//! HTTP/2 frames that ask for nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, RST_STREAM, empty DATA. h2 answers or
//! swallows them as fast as they come, so whoever sends little else is told to leave. What passes is cut into frames
//! and counted (RFC 9113, 10.5); nothing of it is changed.

mod frames;
mod heads;
mod settings;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use frames::{DATA, Frame, Frames, HEADERS, PADDED, Part, RST_STREAM, SETTINGS};
use heads::Heads;
use settings::Settings;

/// Idle frames that any connection may send, and streams that it may take back.
const FREE: u64 = 1000;
/// And more for each second of its life: those who share a proxy's come and go.
const FREE_PER_SECOND: u64 = 20;
/// And idle frames beside each frame that asks for something.
const IDLE_PER_ASKING: u64 = 10;
/// And one for so many bytes of answers: room for them is given by frames too, but what answers an idle frame is
/// shorter than this.
const ANSWER_BYTES_PER_IDLE: u64 = 64;
/// DATA of which this much may be padding: what is left of it need not be a byte.
const PADDING_MAX: usize = 256;

/// How many streams a client may take back of those that it began on a connection in so many seconds: one more, and the
/// connection ends, with all that it carries.
pub fn taken_back_max(begun: u64, seconds: u64) -> u64 {
    begun / 2 + FREE + FREE_PER_SECOND * seconds
}

/// What a connection is flooded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Frames that ask for nothing.
    Idle = 1,
    /// Streams that are taken back: each costs us little, and those who share the connection may stay a while.
    Resets = 2,
}

/// Whether a connection is flooded; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flood(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    kind: AtomicU8,
    noticed: Notify,
    written: AtomicU64,
    narrow: AtomicBool,
    /// The number of the head that is not whole, from 1; 0 where there is none.
    amid_head: AtomicU64,
}

impl Flood {
    /// Counts the frames of a connection from here on. A flood of idle ones ends here: after it nothing is read.
    pub(crate) fn watch<I>(&self, io: I) -> Watched<I> {
        Watched {
            io,
            flood: self.clone(),
            count: Count::new(),
        }
    }

    /// Returns when it is one, and of what kind.
    pub(crate) async fn comes(&self) -> Kind {
        loop {
            for kind in [Kind::Idle, Kind::Resets] {
                if self.is(kind) {
                    return kind;
                }
            }
            self.0.noticed.notified().await;
        }
    }

    fn is(&self, kind: Kind) -> bool {
        self.0.kind.load(Ordering::Relaxed) == kind as u8
    }

    /// How many bytes of answers have left.
    pub(crate) fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Whether the peer ever said that it takes less of an answer than a short one has.
    pub(crate) fn is_narrow(&self) -> bool {
        self.0.narrow.load(Ordering::Relaxed)
    }

    /// The number of the head that is coming and not whole, from 0. One is coming from the first byte on, until the peer
    /// said its settings.
    pub(crate) fn amid_head(&self) -> Option<u64> {
        self.0.amid_head.load(Ordering::Relaxed).checked_sub(1)
    }

    fn note(&self, kind: Kind) {
        if !self.is(kind) {
            self.0.kind.store(kind as u8, Ordering::Relaxed);
            self.0.noticed.notify_one();
        }
    }
}

/// A connection whose frames are counted.
#[derive(Debug)]
pub(crate) struct Watched<I> {
    io: I,
    flood: Flood,
    count: Count,
}

/// What was counted of one connection.
#[derive(Debug)]
struct Count {
    since: Instant,
    frames: Frames,
    heads: Heads,
    settings: Settings,
    idle: u64,
    asking: u64,
    begun: u64,
    resets: u64,
    answer_bytes: u64,
}

impl Count {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            frames: Frames::default(),
            heads: Heads::default(),
            settings: Settings::default(),
            idle: 0,
            asking: 0,
            begun: 0,
            resets: 0,
            answer_bytes: 0,
        }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while let Some((part, rest)) = self.frames.next(bytes) {
            bytes = rest;
            match part {
                Part::Begin => self.heads.begin(),
                Part::Header(frame) => {
                    self.heads.see(frame);
                    self.settings.begin();
                    self.count(frame);
                }
                Part::Payload(SETTINGS, payload) => self.settings.read(payload),
                Part::Payload(..) => {}
            }
        }
    }

    fn count(&mut self, frame: Frame) {
        match frame.kind {
            HEADERS => {
                self.begun += 1;
                self.asking += 1;
            }
            DATA if frame.flags & PADDED != 0 && frame.length <= PADDING_MAX => self.idle += 1,
            DATA if frame.length > 0 => self.asking += 1,
            RST_STREAM => self.resets += 1,
            _ => self.idle += 1,
        }
    }

    /// The number of the head that what was read ends in.
    fn amid_head(&self) -> Option<u64> {
        self.heads.amid(&self.frames)
    }

    fn are_a_flood(&self) -> Option<Kind> {
        let answered = self.answer_bytes / ANSWER_BYTES_PER_IDLE;
        let idle = self
            .idle
            .saturating_sub(self.asking * IDLE_PER_ASKING + answered);
        if idle <= FREE && self.resets <= FREE {
            return None; // nobody looks at the clock for these
        }
        let seconds = self.since.elapsed().as_secs();
        let too_idle = idle > FREE + FREE_PER_SECOND * seconds;
        match (too_idle, self.resets > taken_back_max(self.begun, seconds)) {
            (true, _) => Some(Kind::Idle),
            (false, true) => Some(Kind::Resets),
            (false, false) => None,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.flood.is(Kind::Idle) {
            return Poll::Pending; // its end comes by the connection's own
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buffer);
        this.count.read(&buffer.filled()[before..]);
        if let Some(kind) = this.count.are_a_flood() {
            this.flood.note(kind);
        }
        if this.count.settings.are_narrow() {
            this.flood.0.narrow.store(true, Ordering::Relaxed);
        }
        let amid_head = this.count.amid_head().map_or(0, |number| number + 1);
        this.flood.0.amid_head.store(amid_head, Ordering::Relaxed);
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = polled {
            self.count.answer_bytes += count as u64;
            let written = self.count.answer_bytes;
            self.flood.0.written.store(written, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
