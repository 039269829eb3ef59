//! Tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes, under a timeout of
//! the caller's: hyper-util's own sniff has none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What an HTTP/2 client sends first (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes of a connection say.
pub(super) struct Sniffed<I> {
    /// Whether the peer speaks HTTP/2.
    pub(super) http2: bool,
    /// When it said something first.
    pub(super) since: Instant,
    /// The connection, with nothing taken out of it.
    pub(super) io: Prefixed<I>,
}

/// Which version the peer speaks. None when it left before it said anything.
pub(super) async fn sniff<I: AsyncRead + Unpin>(mut io: I) -> io::Result<Option<Sniffed<I>>> {
    let mut first = [0; PREFACE.len()];
    let (mut filled, mut since) = (0, None);
    while filled < first.len() && first[..filled] == PREFACE[..filled] {
        match io.read(&mut first[filled..]).await? {
            0 if filled == 0 => return Ok(None),
            0 => break,
            count => filled += count,
        }
        since.get_or_insert_with(Instant::now);
    }
    Ok(since.map(|since| Sniffed {
        http2: first == *PREFACE,
        since,
        io: Prefixed {
            first,
            from: 0,
            to: filled,
            io,
        },
    }))
}

/// A connection whose first bytes were read already.
pub(super) struct Prefixed<I> {
    first: [u8; PREFACE.len()],
    from: usize,
    to: usize,
    io: I,
}

impl<I: AsyncRead + Unpin> AsyncRead for Prefixed<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.from < self.to {
            let count = buffer.remaining().min(self.to - self.from);
            buffer.put_slice(&self.first[self.from..self.from + count]);
            self.from += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Prefixed<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sniffed(bytes: &[u8]) -> Option<(bool, Vec<u8>)> {
        let mut sniffed = sniff(bytes).await.unwrap()?;
        let mut out = Vec::new();
        sniffed.io.read_to_end(&mut out).await.unwrap();
        Some((sniffed.http2 && out == bytes, out))
    }

    #[tokio::test]
    async fn the_preface_is_told_apart_and_nothing_is_lost() {
        let more = [&PREFACE[..], b"\0\0\0"].concat();
        assert_eq!(sniffed(&more).await, Some((true, more)));
        for http1 in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"POST /",
            b"PRI * HTTP/1.1\r\n",
            b"P",
        ] {
            assert_eq!(sniffed(http1).await, Some((false, http1.to_vec())));
        }
        assert_eq!(sniffed(b"").await, None);
    }
}
