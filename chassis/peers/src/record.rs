//! How long a call took and how it ended, noted once, when its answer is over: whole, late, or
//! left by who asked.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use call::{Deadline, ResponseMetadata};
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use metrics::Histogram;
use tokio::time::{Sleep, sleep_until};
use tonic::{Code, Status};

use crate::ahead::Held;
use crate::framing::{Ending, Framing};

/// The calls to one peer, by rpc and outcome.
pub(crate) struct Stats {
    peer: &'static str,
    calls: Mutex<HashMap<(Arc<str>, i32), Histogram>>,
}

impl Stats {
    pub(crate) fn new(peer: &'static str) -> Self {
        Self {
            peer,
            calls: Mutex::default(),
        }
    }

    fn record(&self, path: &Arc<str>, code: Code, took: Duration) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = calls.entry((path.clone(), code as i32)).or_insert_with(|| {
            metrics::histogram!(
                "rpc_client_call_duration_seconds",
                "peer" => self.peer,
                "rpc" => path.to_string(),
                "code" => call::error::code_name(code),
            )
        });
        histogram.record(took);
    }
}

/// What is said of a peer that lets its time pass.
pub(crate) fn late(peer: &str) -> Status {
    Status::deadline_exceeded(format!("{peer} did not answer in time"))
}

/// Records a call once, when it is over.
pub(crate) struct Record {
    stats: Arc<Stats>,
    path: Arc<str>,
    began: Instant,
    code: Option<Code>,
    /// Of the call that this one answers, whole.
    answers: Option<ResponseMetadata>,
}

impl Record {
    /// The call of the rpc at `path` begins.
    pub(crate) fn begin(stats: &Arc<Stats>, path: Arc<str>) -> Self {
        Self {
            stats: stats.clone(),
            path,
            began: Instant::now(),
            code: None,
            answers: None,
        }
    }

    /// As this call ends, so does another, whose answer it is.
    pub(crate) fn answering(mut self, call: &ResponseMetadata) -> Self {
        self.answers = Some(call.clone());
        self
    }

    /// It is over without an answer.
    pub(crate) fn end(mut self, code: Code) {
        self.code = Some(code);
    }

    /// Its answer has begun, and must be over by `deadline`. What is [`Held`] is given however late it is: where a body
    /// is all there is, whoever cut it off could say nothing more than hang up.
    pub(crate) fn follow(
        self,
        framing: Framing,
        mut response: Response<Body>,
        deadline: Deadline,
    ) -> Response<Body> {
        let held = response.extensions_mut().remove::<Held>().is_some();
        let ending = Ending::of(framing, &response);
        response.map(|body| {
            let mut following = Following {
                body,
                sleep: (!held).then(|| Box::pin(sleep_until(deadline.instant()))),
                late: false,
                framing,
                ending,
                record: self,
            };
            following.note();
            Body::new(following)
        })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        if let Some(call) = &self.answers {
            call.ended(code);
        }
        self.stats.record(&self.path, code, self.began.elapsed());
    }
}

/// An answer that must be over by its deadline, or is here.
struct Following {
    body: Body,
    sleep: Option<Pin<Box<Sleep>>>,
    late: bool,
    framing: Framing,
    ending: Ending,
    record: Record,
}

impl Following {
    /// gRPC has room for a word behind a body; where a body is all there is, it breaks off.
    fn end_late(&mut self) -> Result<Frame<Bytes>, axum::Error> {
        self.late = true;
        self.record.code = Some(Code::DeadlineExceeded);
        let late = late(self.record.stats.peer);
        match self.framing {
            Framing::Trailers => Ok(Frame::trailers(late.into_http::<()>().headers().clone())),
            Framing::Bare | Framing::Envelopes | Framing::Base64 => Err(axum::Error::new(late)),
        }
    }

    fn read(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.ending.data(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.ending.trailers(trailers);
        }
        self.note();
    }

    /// Notes how it ended, as soon as that is known: who has a whole body does not ask on.
    fn note(&mut self) {
        let whole = self.body.is_end_stream() || self.body.size_hint().exact() == Some(0);
        self.record.code = match whole {
            true => Some(self.ending.whole()),
            false => self.ending.told(),
        };
    }
}

impl http_body::Body for Following {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.late {
            return Poll::Ready(None);
        }
        let sleep = self.sleep.as_mut();
        if sleep.is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(self.end_late())); // asked first: the body may go on for ever
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => self.read(frame),
            Poll::Ready(Some(Err(_))) => self.record.code = Some(Code::Unavailable),
            Poll::Ready(None) => self.record.code = Some(self.ending.whole()),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.late || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// A busy machine finds out late what its peer said in time: the caller of the gateway got a connection that was
    /// closed, and no word.
    ///
    /// row: R5
    #[tokio::test]
    async fn what_is_here_is_given_however_late_and_what_is_not_is_cut() {
        for held in [true, false] {
            let record = Record::begin(&Arc::new(Stats::new("order")), "/a".into());
            let mut response = Response::new(Body::from("whole"));
            if held {
                response.extensions_mut().insert(Held);
            }
            let over = Deadline::at(tokio::time::Instant::now() - Duration::from_secs(1));
            let answer = record.follow(Framing::Bare, response, over).into_body();
            let answer = answer.collect().await.map(|whole| whole.to_bytes());
            assert_eq!(answer.is_ok(), held, "{answer:?}");
        }
    }
}
