//! Reading ahead: an answer that is not a stream is taken from its peer as soon as the peer has it, so that its place
//! is held by the peer's time and not by its reader's.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tonic::Code;

use crate::framing::Ending;

/// What is held of one answer at most, about: beyond it the peer waits, and the place with it.
const HELD_BYTES_MAX: u64 = 512 << 10;

/// Takes an answer as far as it may be held.
///
/// # Errors
/// It broke off before that, so nobody has seen anything of it.
pub(crate) async fn read_ahead(mut body: Body) -> Result<Ahead, axum::Error> {
    let hint = http_body::Body::size_hint(&body);
    let mut ahead = Ahead {
        frames: VecDeque::new(),
        rest: None,
        hint,
    };
    let mut held = 0;
    while held < HELD_BYTES_MAX {
        match body.frame().await {
            None => return Ok(ahead),
            Some(frame) => {
                let frame = frame?;
                held += frame.data_ref().map_or(0, |data| data.len() as u64);
                ahead.frames.push_back(frame);
            }
        }
    }
    ahead.rest = Some(body);
    Ok(ahead)
}

/// What was taken, and what comes behind it.
pub(crate) struct Ahead {
    frames: VecDeque<Frame<Bytes>>,
    rest: Option<Body>,
    hint: SizeHint,
}

/// Said of an answer that is held whole: nothing of it can come late.
#[derive(Clone, Copy)]
pub(crate) struct Held;

impl Ahead {
    /// Whether nothing comes behind it.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_none()
    }

    /// How the call ended, as far as this tells; what is longer went well so far.
    pub(crate) fn code(&self, mut ending: Ending) -> Code {
        for frame in &self.frames {
            if let Some(data) = frame.data_ref() {
                ending.data(data);
            }
            if let Some(trailers) = frame.trailers_ref() {
                ending.trailers(trailers);
            }
        }
        match self.rest {
            None => ending.whole(),
            Some(_) => ending.told().unwrap_or(Code::Ok),
        }
    }
}

impl http_body::Body for Ahead {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        let over = self
            .rest
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream);
        over && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_the_same_whether_it_fits_or_fails_or_not() {
        for (pieces, fails) in [(0, false), (3, false), (40, false), (3, true), (40, true)] {
            let mut all: Vec<Result<Bytes, axum::Error>> = (0..pieces)
                .map(|number| Ok(Bytes::from(vec![number; 16 << 10])))
                .collect();
            if fails {
                all.push(Err(axum::Error::new("broken")));
            }
            let read = read_ahead(Body::from_stream(stream::iter(all))).await;
            let held = u64::from(pieces) * (16 << 10) < HELD_BYTES_MAX;
            let mut body = match read {
                Err(_) => {
                    assert!(fails && held);
                    continue;
                }
                Ok(body) => body,
            };
            for number in 0..pieces {
                let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
                assert_eq!((data[0], data.len()), (number, 16 << 10));
            }
            assert_eq!(body.frame().await.is_some_and(|end| end.is_err()), fails);
        }
    }
}
