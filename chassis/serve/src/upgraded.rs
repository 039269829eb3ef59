//! A connection after an upgrade. Its bytes are somebody else's then, most likely a WebSocket's, but it has its place,
//! its age and its end as before.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// The bytes of a connection, whoever has them.
pub(crate) struct Held<I> {
    io: I,
    hold: Hold,
}

/// A hold on them, to see them go and to cut them.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<Inner>);

#[derive(Default)]
struct Inner {
    gone: CancellationToken,
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Hold {
    pub(crate) fn on<I>(&self, io: I) -> Held<I> {
        let hold = self.clone();
        Held { io, hold }
    }

    /// Returns when nobody has them any more.
    pub(crate) async fn gone(&self) {
        self.0.gone.cancelled().await;
    }

    /// Lets every read and write fail from now on.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.reader.wake();
        self.0.writer.wake();
    }

    /// `polled`, unless it is cut; whoever waits hears of that.
    fn unless_cut<T>(
        &self,
        waker: &AtomicWaker,
        cx: &Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_pending() {
            waker.register(cx.waker());
        }
        match self.0.cut.load(Ordering::SeqCst) {
            true => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            false => polled,
        }
    }
}

impl<I> Drop for Held<I> {
    fn drop(&mut self) {
        self.hold.0.gone.cancel();
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Held<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.hold.unless_cut(&self.hold.0.reader, cx, polled)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Held<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.hold.unless_cut(&self.hold.0.writer, cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        self.hold.unless_cut(&self.hold.0.writer, cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
