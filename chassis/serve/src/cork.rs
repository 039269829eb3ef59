//! Writes of many HTTP/2 streams in one system call. The task of a connection is woken as
//! soon as one of its streams has an answer, and would write it alone; a turn of the
//! scheduler later the other streams that were ready have theirs too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is gathered at most, in bytes.
const GATHERED_MAX: usize = 64 << 10;
/// What an idle connection keeps of its buffer, in bytes.
const KEPT_MAX: usize = 4 << 10;

/// A connection that gathers what is written until it is flushed, and whose flush lets
/// every other task that is ready run first.
#[derive(Debug)]
pub struct Corked<I> {
    io: I,
    gathered: Vec<u8>,
    written: usize,
    waited: bool,
}

impl<I> Corked<I> {
    /// Wraps a connection.
    pub fn new(io: I) -> Self {
        Self {
            io,
            gathered: Vec::new(),
            written: 0,
            waited: false,
        }
    }
}

impl<I: AsyncWrite + Unpin> Corked<I> {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.gathered.len() {
            let left = &self.gathered[self.written..];
            match ready!(Pin::new(&mut self.io).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.written = 0;
        self.gathered.clear();
        if self.gathered.capacity() > KEPT_MAX {
            self.gathered = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Corked<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Corked<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gathered.len() + bytes.len() > GATHERED_MAX {
            ready!(self.poll_drain(cx))?;
        }
        if bytes.len() > GATHERED_MAX {
            return Pin::new(&mut self.io).poll_write(cx, bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.gathered.is_empty() && !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref(); // behind all who are ready
            return Poll::Pending;
        }
        ready!(self.poll_drain(cx))?;
        self.waited = false;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn writes_leave_together_after_others_had_their_turn() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = Corked::new(near);
        for part in [&b"a"[..], b"bc", b"d"] {
            near.write_all(part).await.unwrap();
        }
        let mut turns = 0;
        poll_fn(|cx| {
            turns += 1;
            Pin::new(&mut near).poll_flush(cx)
        })
        .await
        .unwrap();
        assert_eq!(turns, 2);
        let mut read = [0; 4];
        assert_eq!(far.read(&mut read).await.unwrap(), 4);
        assert_eq!(&read, b"abcd");
    }

    #[tokio::test]
    async fn nothing_is_lost_through_a_narrow_pipe_nor_beyond_what_is_gathered() {
        let (near, mut far) = duplex(1000);
        let sent: Vec<u8> = (0..500_000_u32).map(|n| n as u8).collect();
        let copy = sent.clone();
        let writing = tokio::spawn(async move {
            let mut near = Corked::new(near);
            let (mut rest, mut size) = (&copy[..], 1);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(size.min(rest.len()));
                near.write_all(part).await.unwrap();
                (rest, size) = (after, (size * 7) % 90_001);
            }
            near.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        writing.await.unwrap();
        assert!(read == sent);
    }
}
