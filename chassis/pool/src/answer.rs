//! The body of an answer, which holds its place on a connection until it is over.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use crate::StreamPlace;

/// The body of an answer, which holds its place until it is over.
pub(crate) struct Answer {
    body: Incoming,
    place: Option<StreamPlace>,
}

impl Answer {
    pub(crate) fn new(body: Incoming, place: StreamPlace) -> Self {
        let mut answer = Self {
            body,
            place: Some(place),
        };
        answer.look();
        answer
    }

    /// Gives the place back as soon as all is there, whoever still holds this.
    fn look(&mut self) {
        if self.body.is_end_stream()
            && let Some(mut place) = self.place.take()
        {
            place.over = true;
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.look();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
