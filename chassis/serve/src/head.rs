//! When a connection is between two requests, and how long the head of an HTTP/1 request may take, from its first
//! byte: hyper has one clock for this and for a connection that rests, which may rest longer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The requests of one connection; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Heads(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests whose answers are not over: what comes meanwhile waits in hyper.
    under_way: usize,
    /// When the first byte of a head came that is not whole.
    since: Option<Instant>,
}

/// A request whose head was whole, until its answer is over.
pub(crate) struct UnderWay(Heads);

/// A connection whose bytes begin heads.
pub(crate) struct Heard<I> {
    io: I,
    heads: Heads,
}

impl Heads {
    /// Listens to what comes over a connection.
    pub(crate) fn hear<I>(&self, io: I) -> Heard<I> {
        let heads = self.clone();
        Heard { io, heads }
    }

    /// Notes that a head is whole.
    pub(crate) fn arrived(&self) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.since = None;
        UnderWay(self.clone())
    }

    /// Returns when a head is not whole so long after its first byte.
    pub(crate) async fn too_slow(&self, max: Duration) {
        loop {
            // Looked at now and then: to be woken for each head would cost more than the head.
            tokio::time::sleep(max / 8).await;
            let since = self.state().since;
            if since.is_some_and(|since| since.elapsed() >= max) {
                return;
            }
        }
    }

    /// Returns when no request was under way, and nothing was written, for so long.
    pub(crate) async fn at_rest(&self, long: Duration, written: impl Fn() -> u64) {
        let (mut rests, mut before) = (Instant::now(), written());
        while rests.elapsed() < long {
            tokio::time::sleep(long / 8).await;
            let now = written();
            if self.state().under_way > 0 || now != before {
                (rests, before) = (Instant::now(), now);
            }
        }
    }

    fn came(&self) {
        let mut state = self.state();
        if state.under_way == 0 && state.since.is_none() {
            state.since = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
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
            self.heads.came();
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
