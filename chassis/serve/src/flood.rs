//! HTTP/2 frames that ask for nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, RST_STREAM, empty DATA. h2 answers or
//! swallows them as fast as they come, so whoever sends little else is told to leave. Frames are counted by their
//! headers as they pass (RFC 9113, 4.1 and 10.5); of their payload nothing is looked at but how much of an answer the
//! peer takes unread. Whose head does not come to its end is seen here too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

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
const PADDED: u8 = 8;

/// Who takes fewer bytes of an answer unread is narrow.
const WINDOW_BYTES_MIN: u32 = 4 << 10;

const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
/// Where a header says what its frame is.
const KIND_AT: usize = 3;
const SETTING_BYTES: usize = 6;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const INITIAL_WINDOW_SIZE: u16 = 4;

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
            frames: Frames::new(),
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
    frames: Frames,
}

/// The frames of one connection, as far as they have come.
#[derive(Debug)]
struct Frames {
    since: Instant,
    preface: usize,
    header: [u8; HEADER_BYTES],
    header_filled: usize,
    payload_left: usize,
    setting: [u8; SETTING_BYTES],
    setting_filled: usize,
    narrow: bool,
    /// Whether a head has more frames to come, and how many there were; what is no head is one too.
    head_open: bool,
    heads: u64,
    idle: u64,
    asking: u64,
    begun: u64,
    resets: u64,
    answer_bytes: u64,
}

impl Frames {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            preface: 0,
            header: [0; HEADER_BYTES],
            header_filled: 0,
            payload_left: 0,
            setting: [0; SETTING_BYTES],
            setting_filled: 0,
            narrow: false,
            head_open: true, // the settings come first
            heads: 0,
            idle: 0,
            asking: 0,
            begun: 0,
            resets: 0,
            answer_bytes: 0,
        }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        let preface = bytes.len().min(PREFACE_BYTES - self.preface);
        self.preface += preface;
        bytes = &bytes[preface..];
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let (payload, rest) = bytes.split_at(bytes.len().min(self.payload_left));
                self.payload_left -= payload.len();
                if self.header[KIND_AT] == SETTINGS {
                    self.read_settings(payload);
                }
                bytes = rest;
                continue;
            }
            if self.header_filled == 0 && !self.head_open {
                self.heads += 1;
            }
            let taken = bytes.len().min(HEADER_BYTES - self.header_filled);
            let (part, rest) = bytes.split_at(taken);
            self.header[self.header_filled..self.header_filled + taken].copy_from_slice(part);
            self.header_filled += taken;
            bytes = rest;
            if self.header_filled == HEADER_BYTES {
                self.header_filled = 0;
                self.count();
            }
        }
    }

    /// RFC 9113, 6.5.1.
    fn read_settings(&mut self, payload: &[u8]) {
        for byte in payload {
            self.setting[self.setting_filled] = *byte;
            self.setting_filled += 1;
            if self.setting_filled == SETTING_BYTES {
                self.setting_filled = 0;
                let [high, low, value @ ..] = self.setting;
                let is_window = u16::from_be_bytes([high, low]) == INITIAL_WINDOW_SIZE;
                self.narrow |= is_window && u32::from_be_bytes(value) < WINDOW_BYTES_MIN;
            }
        }
    }

    /// The number of the head that what was read ends in. What is not of a body counts as one.
    fn amid_head(&self) -> Option<u64> {
        let amid_frame = self.payload_left > 0 && self.header[KIND_AT] != DATA;
        let amid = self.head_open || self.header_filled > 0 || amid_frame;
        amid.then_some(self.heads)
    }

    fn count(&mut self) {
        self.setting_filled = 0;
        let [high, middle, low, kind, flags, ..] = self.header;
        self.payload_left = u32::from_be_bytes([0, high, middle, low]) as usize;
        let of_head = matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION);
        self.head_open = of_head && flags & END_HEADERS == 0;
        match kind {
            HEADERS => {
                self.begun += 1;
                self.asking += 1;
            }
            DATA if flags & PADDED != 0 && self.payload_left <= PADDING_MAX => self.idle += 1,
            DATA if self.payload_left > 0 => self.asking += 1,
            RST_STREAM => self.resets += 1,
            _ => self.idle += 1,
        }
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
        this.frames.read(&buffer.filled()[before..]);
        if let Some(kind) = this.frames.are_a_flood() {
            this.flood.note(kind);
        }
        if this.frames.narrow {
            this.flood.0.narrow.store(true, Ordering::Relaxed);
        }
        let amid_head = this.frames.amid_head().map_or(0, |number| number + 1);
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
            self.frames.answer_bytes += count as u64;
            let written = self.frames.answer_bytes;
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
mod tests {
    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        frame.resize(HEADER_BYTES + payload, 0xff);
        frame
    }

    /// The number of repeats after which it is a flood, however the bytes are cut.
    fn flood_after(repeated: &[Vec<u8>], written: u64, chunk: usize, most: u64) -> Option<u64> {
        let mut frames = Frames::new();
        frames.read(&[b'P'; PREFACE_BYTES]);
        let repeated = repeated.concat();
        (1..=most).find(|_| {
            repeated.chunks(chunk).for_each(|part| frames.read(part));
            frames.answer_bytes += written;
            frames.are_a_flood().is_some()
        })
    }

    /// row: S-11
    #[test]
    fn frames_that_ask_for_nothing_are_a_flood_however_they_are_cut() {
        const PING: u8 = 6;
        for chunk in [1, 7, 9, 10, 1000] {
            for (kind, payload, answer, least) in [
                (SETTINGS, 0, 9, 1001),
                (SETTINGS, 36, 9, 1001),
                (PING, 8, 17, 1001),
                (2, 5, 0, 1001),
                (8, 4, 0, 1001),
                (DATA, 0, 0, 1001),
            ] {
                let after = flood_after(&[frame(kind, payload)], answer, chunk, 3000);
                let after = after.unwrap_or_else(|| panic!("{kind} never is"));
                assert!((least..1500).contains(&after), "{kind}: {after}");
            }
            let mut padded = frame(DATA, 200);
            padded[4] = PADDED;
            assert!(flood_after(&[padded], 0, chunk, 1500).is_some());
            let reset = [frame(HEADERS, 20), frame(RST_STREAM, 4)];
            let after = flood_after(&reset, 100, chunk, 3000);
            assert!(after.is_some_and(|after| after > 2 * FREE), "{after:?}");
        }
    }

    /// row: S-11
    #[test]
    fn a_client_that_asks_for_something_is_none() {
        // A call, room for its answer twice and a ping; an upload; a download that gives room for each frame of it.
        let call = [
            frame(HEADERS, 50),
            frame(DATA, 30),
            frame(8, 4),
            frame(8, 4),
            frame(6, 8),
        ];
        assert_eq!(flood_after(&call, 200, 13, 100_000), None);
        assert_eq!(flood_after(&[frame(DATA, 16_384)], 26, 4096, 10_000), None);
        let room = [frame(8, 4), frame(8, 4)];
        assert_eq!(flood_after(&room, 1000, 26, 100_000), None);
        // One in three is taken back, for ever.
        let calls = [
            frame(HEADERS, 50),
            frame(HEADERS, 50),
            frame(HEADERS, 50),
            frame(RST_STREAM, 4),
        ];
        assert_eq!(flood_after(&calls, 500, 26, 100_000), None);
    }

    /// row: S-14
    #[test]
    fn a_head_is_one_until_it_is_whole_however_the_frames_are_cut() {
        let whole = |kind, payload| {
            let mut frame = frame(kind, payload);
            frame[4] = END_HEADERS;
            frame
        };
        for (kind, chunk) in [HEADERS, PUSH_PROMISE]
            .into_iter()
            .flat_map(|kind| [1, 5, 9, 10, 1000].map(|chunk| (kind, chunk)))
        {
            let head = [
                frame(kind, 20),
                frame(CONTINUATION, 0),
                whole(CONTINUATION, 9),
            ]
            .concat();
            let mut frames = Frames::new();
            frames.read(&[b'P'; PREFACE_BYTES]);
            assert_eq!(frames.amid_head(), Some(0), "its settings come first");
            frames.read(&frame(SETTINGS, 0));
            assert_eq!(frames.amid_head(), None);
            let mut parts = head.chunks(chunk).peekable();
            while let Some(part) = parts.next() {
                frames.read(part);
                let number = parts.peek().map(|_| 1);
                assert_eq!(frames.amid_head(), number, "by {chunk}");
            }
            frames.read(&frame(DATA, 30)[..20]);
            assert_eq!(frames.amid_head(), None, "a body has its own time");
            frames.read(&[0xff; 19]);
            frames.read(&whole(HEADERS, 20)[..12]);
            assert_eq!(frames.amid_head(), Some(3));
        }
    }

    /// row: S-11
    #[test]
    fn who_takes_less_than_a_short_answer_is_narrow_however_the_frames_are_cut() {
        let settings = |settings: &[(u16, u32)]| {
            let mut frame = frame(SETTINGS, settings.len() * SETTING_BYTES);
            frame.truncate(HEADER_BYTES);
            for (id, value) in settings {
                frame.extend(id.to_be_bytes());
                frame.extend(value.to_be_bytes());
            }
            frame
        };
        let small = WINDOW_BYTES_MIN - 1;
        for chunk in [1, 5, 9, 10, 1000] {
            for (said, narrow) in [
                (
                    vec![settings(&[(3, 0), (INITIAL_WINDOW_SIZE, small)])],
                    true,
                ),
                (
                    vec![settings(&[(1, 0)]), settings(&[(INITIAL_WINDOW_SIZE, 0)])],
                    true,
                ),
                (
                    vec![settings(&[(3, 0), (INITIAL_WINDOW_SIZE, small + 1)])],
                    false,
                ),
                (vec![frame(DATA, 30), frame(8, 4), settings(&[])], false),
            ] {
                let mut frames = Frames::new();
                frames.read(&[b'P'; PREFACE_BYTES]);
                said.concat()
                    .chunks(chunk)
                    .for_each(|part| frames.read(part));
                assert_eq!(frames.narrow, narrow, "{said:?} by {chunk}");
            }
        }
    }
}
