//! hyper closes an HTTP/1 connection whose request body was left unread, and a client that
//! is still writing sees a broken pipe instead of the answer. So what nobody read is read
//! here, within bounds, before the answer goes out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

const BYTES_MAX: usize = 1 << 20;
const TIME_MAX: Duration = Duration::from_secs(1);

/// Where an unread body comes back to.
#[derive(Default)]
pub(super) struct Drain(Arc<Mutex<Option<Body>>>);

impl Drain {
    /// Wraps a request's body so that it comes back here if it is dropped before its end.
    pub(super) fn hold(&self, body: Body) -> Body {
        Body::new(Returning {
            body,
            slot: self.0.clone(),
        })
    }

    /// Reads what was left, at most 1 MiB and 1 s of it.
    pub(super) async fn finish(self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(left) = left {
            let reading = axum::body::to_bytes(left, BYTES_MAX);
            // Too much or too slow: the connection closes, as it would have without this.
            let _ = tokio::time::timeout(TIME_MAX, reading).await;
        }
    }
}

struct Returning {
    body: Body,
    slot: Arc<Mutex<Option<Body>>>,
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
