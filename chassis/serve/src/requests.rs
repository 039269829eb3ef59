//! What a connection has under way, and since when it rests or waits for the rest of a head. hyper has one clock for
//! the last two, wound up for each request; here they are looked at now and then, which costs a request nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The requests of one connection; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Those whose head was whole.
    arrived: AtomicU64,
    /// Those whose answers are not over.
    under_way: AtomicUsize,
    /// Whether something came of a head that is not whole.
    amid_head: AtomicBool,
}

/// A request whose head was whole, until its answer is over.
pub(crate) struct UnderWay(Requests);

/// An HTTP/1 connection whose bytes begin heads.
pub(crate) struct Heard<I> {
    io: I,
    requests: Requests,
}

/// What was seen of a connection's requests, look by look.
pub(crate) struct Looks {
    requests: Requests,
    /// The number of a head that was not whole, and when it was first seen so.
    head: Option<(u64, Instant)>,
    /// How much had come and gone when it was last seen to do something, and when that was.
    done: (u64, u64),
    rests: Instant,
}

impl Requests {
    /// Listens to what comes over a connection.
    pub(crate) fn hear<I>(&self, io: I) -> Heard<I> {
        let requests = self.clone();
        Heard { io, requests }
    }

    /// Notes that a head is whole.
    pub(crate) fn arrived(&self) -> UnderWay {
        self.0.arrived.fetch_add(1, Ordering::Relaxed);
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        self.0.amid_head.store(false, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Begins to look.
    pub(crate) fn looks(&self) -> Looks {
        Looks {
            requests: self.clone(),
            head: None,
            done: (0, 0),
            rests: Instant::now(),
        }
    }

    /// Begins to look at a connection whose first head has come since then.
    pub(crate) fn looks_since(&self, since: Instant) -> Looks {
        Looks {
            head: Some((0, since)),
            rests: since,
            ..self.looks()
        }
    }

    /// Whether the answer of one is not over.
    pub(crate) fn are_under_way(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) > 0
    }

    fn came(&self) {
        if !self.are_under_way() {
            self.0.amid_head.store(true, Ordering::Relaxed); // else it waits in hyper
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Looks {
    /// Returns when a head was not whole for so long, or a little longer.
    pub(crate) async fn head_late(mut self, max: Duration) {
        while self.head(None) < max {
            tokio::time::sleep(max / 8).await;
        }
    }

    /// Returns when nothing was under way or came, and nothing was written, for so long, or a little longer.
    pub(crate) async fn at_rest(mut self, long: Duration, written: impl Fn() -> u64) {
        while self.rest(written()) < long {
            tokio::time::sleep(long / 8).await;
        }
    }

    /// How long the head that is coming is known to: of HTTP/1 as it was heard, of HTTP/2 by the number that its frames
    /// give it.
    pub(crate) fn head(&mut self, of_frames: Option<u64>) -> Duration {
        let inner = &self.requests.0;
        let amid = inner.amid_head.load(Ordering::Relaxed);
        let heard = amid.then(|| inner.arrived.load(Ordering::Relaxed));
        self.head = match (heard.or(of_frames), self.head) {
            (None, _) => None,
            (Some(number), Some((same, since))) if same == number => Some((same, since)),
            (Some(number), _) => Some((number, Instant::now())),
        };
        self.head
            .map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// How long the connection is known to rest.
    pub(crate) fn rest(&mut self, written: u64) -> Duration {
        let done = (self.requests.0.arrived.load(Ordering::Relaxed), written);
        if self.requests.are_under_way() || done != self.done {
            (self.done, self.rests) = (done, Instant::now());
        }
        self.rests.elapsed()
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Heard<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.requests.came();
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Heard<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
