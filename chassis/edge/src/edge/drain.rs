//! hyper closes an HTTP/1 connection whose request body was left unread, and a client that
//! is still writing sees a broken pipe instead of the answer. So what nobody read is read
//! here, within bounds, before the answer goes out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Version;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;

const BYTES_MAX: usize = 1 << 20;
const TIME_MAX: Duration = Duration::from_secs(1);

/// A request's body until somebody takes it, and what comes back of it unread.
pub(super) struct Drain {
    body: Body,
    /// All that was in it.
    message: Option<Bytes>,
    /// Where a body that was taken comes back to. HTTP/2 needs none of this.
    taken: Option<Slot>,
    http1: bool,
}

type Slot = Arc<Mutex<Option<Body>>>;

impl Drain {
    pub(super) fn new(body: Body, version: Version) -> Self {
        Self {
            body,
            message: None,
            taken: None,
            http1: version < Version::HTTP_2,
        }
    }

    /// Hands the body out. If it is dropped before its end, it comes back here.
    pub(super) fn take(&mut self) -> Body {
        if let Some(message) = self.message() {
            return Body::from(message);
        }
        let body = std::mem::take(&mut self.body);
        if !self.http1 || body.is_end_stream() {
            return body;
        }
        let slot = self.taken.insert(Slot::default()).clone();
        Body::new(Returning { body, slot })
    }

    /// The body, for whoever reads it on the spot.
    pub(super) fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Keeps what was read of the body to its end, for whoever takes it.
    pub(super) fn fill(&mut self, message: Bytes) {
        self.message = Some(message);
        self.http1 = false; // nothing is left to read
    }

    /// Hands out the message that the body was, if it was read to its end.
    pub(super) fn message(&mut self) -> Option<Bytes> {
        self.message.take()
    }

    /// Reads what was left, at most 1 MiB and 1 s of it, and keeps nothing.
    pub(super) async fn finish(self) {
        let left = match self.taken {
            Some(slot) => slot.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => Some(self.body),
        };
        let left = left.filter(|left| self.http1 && !left.is_end_stream());
        if let Some(left) = left {
            // Too much or too slow: the connection closes, as it would have without this.
            let _ = tokio::time::timeout(TIME_MAX, discard(left)).await;
        }
    }
}

async fn discard(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BYTES_MAX {
            return;
        }
    }
}

struct Returning {
    body: Body,
    slot: Slot,
}

impl http_body::Body for Returning {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
