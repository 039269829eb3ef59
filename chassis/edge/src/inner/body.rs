//! The answer's body on its way out: trailers are added where the protocol has them, a
//! stream ends at its deadline or when it falls silent, a panic inside a stream becomes an
//! error, and the outcome is noted.
//!
//! | response                          | headers      | trailers                          |
//! |-----------------------------------|--------------|-----------------------------------|
//! | Connect unary, ok or error        | HTTP headers | HTTP headers with `trailer-`      |
//! | Connect stream                    | HTTP headers | `metadata` of the EndStream frame |
//! | gRPC (trailers-only unfolded)     | HTTP headers | HTTP/2 trailers                   |
//! | gRPC-Web (this is inside tonic-web) | as gRPC    | as gRPC, framed by tonic-web      |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use call::Deadline;
use call::error::INTERNAL_MESSAGE;
use call::metadata::{ResponseMetadata, code_from_name};
use connectrpc_axum::prelude::{Code, ConnectError};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Collected};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::end_stream::{self, EndStream};
use super::{Rejected, unreadable};

/// A stream that sends nothing for this long is ended; heartbeats keep one alive.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// Writes the metadata of a finished call and wraps its body. `deadline` bounds a stream.
pub(super) async fn finish<B>(
    response: http::Response<B>,
    metadata: ResponseMetadata,
    deadline: Option<Deadline>,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let unary = Framing::of(response.headers()) == Framing::None;
    if unary && !response.status().is_success() {
        return finish_failed(response, metadata).await;
    }
    if unary {
        metadata.ended(tonic::Code::Ok);
        let mut response = response.map(Body::new);
        write_unary(response.headers_mut(), &metadata);
        return response;
    }
    finish_framed(response, metadata, deadline, IDLE_MAX)
}

/// As [`finish`], for a unary error of Connect: what went wrong is read from its JSON.
async fn finish_failed<B>(response: http::Response<B>, metadata: ResponseMetadata) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(Collected::to_bytes) else {
        let error = ConnectError::new(Code::Internal, INTERNAL_MESSAGE);
        return Rejected::response(error);
    };
    if let Some(error) = UnaryError::read(&body) {
        if let Some(ours) = unreadable::in_our_words(&error.message) {
            return Rejected::response(ours);
        }
        metadata.ended(code_from_name(&error.code).unwrap_or(tonic::Code::Unknown));
    }
    write_unary(&mut parts.headers, &metadata);
    Response::from_parts(parts, Body::from(body))
}

/// The metadata of a unary call of Connect, whose trailers are headers too.
pub(super) fn write_unary(headers: &mut HeaderMap, metadata: &ResponseMetadata) {
    let maps = metadata.maps();
    for (name, value) in &maps.trailers {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.append(name, value.clone());
        }
    }
    extend(headers, &maps.headers);
}

/// As [`finish`], for what says in frames whether it failed, of a stream that may be silent for
/// `idle_max`.
fn finish_framed<B>(
    response: http::Response<B>,
    metadata: ResponseMetadata,
    deadline: Option<Deadline>,
    idle_max: Duration,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let (mut parts, body) = response.into_parts();
    let kind = match Framing::of(&parts.headers) {
        Framing::Grpc => Kind::Grpc {
            owed: unfold(&mut parts.headers, &metadata),
        },
        Framing::ConnectStream | Framing::None => {
            parts.headers.remove(CONTENT_LENGTH);
            Kind::ConnectStream(EndStream::of_connect())
        }
    };
    extend(&mut parts.headers, &metadata.maps().headers);
    let whole = match kind {
        Kind::ConnectStream(_) => false,
        // Trailers-only: the frame of the headers ends the stream, or it is none.
        Kind::Grpc { ref owed } => {
            owed.is_none() && parts.headers.contains_key(Status::GRPC_STATUS)
        }
    };
    if whole {
        return Response::from_parts(parts, Body::new(body)); // nothing left to do on the way
    }
    let limit = deadline.map(|deadline| StreamLimit::new(deadline, idle_max));
    let body = AnswerBody {
        inner: Some(body),
        metadata,
        kind,
        limit,
    };
    Response::from_parts(parts, Body::new(body))
}

/// Whether an answer is gRPC's and keeps its trailers where they belong.
pub(super) fn has_trailers(headers: &HeaderMap) -> bool {
    Framing::of(headers) == Framing::Grpc && !headers.contains_key(Status::GRPC_STATUS)
}

/// Takes the trailers out of a trailers-only gRPC answer, when the handler set headers
/// that must stay apart from them. Otherwise the answer stays as it is: one frame.
fn unfold(headers: &mut HeaderMap, metadata: &ResponseMetadata) -> Option<HeaderMap> {
    if !headers.contains_key(Status::GRPC_STATUS) {
        return None;
    }
    settle(headers, metadata);
    let maps = metadata.maps();
    if maps.headers.is_empty() {
        extend(headers, &maps.trailers);
        return None;
    }
    let mut trailers = std::mem::take(headers);
    if let Some(value) = trailers.remove(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, value);
    }
    trailers.remove(CONTENT_LENGTH);
    Some(trailers)
}

/// Corrects and notes the status in a gRPC answer's trailers: what tonic says of a request that
/// it cannot read has other codes than the same on Connect.
pub(super) fn settle(trailers: &mut HeaderMap, metadata: &ResponseMetadata) {
    let status = trailers.get(Status::GRPC_STATUS).map(HeaderValue::as_bytes);
    let mut code = tonic::Code::from_bytes(status.unwrap_or_default());
    if code != tonic::Code::Ok {
        let theirs = Status::from_header_map(trailers);
        let ours = theirs.and_then(|theirs| unreadable::in_our_words(theirs.message()));
        if let Some(ours) = ours.map(Status::from) {
            code = ours.code();
            // Our words have no character that a header cannot.
            let _ = ours.add_header(trailers);
        }
    }
    metadata.ended(code);
}

/// How an answer's messages are framed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Grpc,
    ConnectStream,
    None,
}

impl Framing {
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE);
        match kind.map_or(&b""[..], |value| value.as_bytes()) {
            kind if kind.starts_with(b"application/grpc") => Self::Grpc,
            kind if kind.starts_with(b"application/connect+") => Self::ConnectStream,
            _ => Self::None,
        }
    }
}

/// `HeaderMap::extend` would replace entries of the same name.
pub(super) fn extend(into: &mut HeaderMap, from: &HeaderMap) {
    for (name, value) in from {
        into.append(name, value.clone());
    }
}

enum Kind {
    ConnectStream(EndStream),
    /// Trailers still owed by an unfolded trailers-only answer.
    Grpc {
        owed: Option<HeaderMap>,
    },
}

/// Ends a stream at its deadline, or after `idle_max` without a message.
struct StreamLimit {
    deadline: Instant,
    idle_max: Duration,
    idle_from: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl StreamLimit {
    fn new(deadline: Deadline, idle_max: Duration) -> Self {
        let (deadline, idle_from) = (deadline.instant(), Instant::now());
        let sleep = Box::pin(sleep_until(deadline.min(idle_from + idle_max)));
        Self {
            deadline,
            idle_max,
            idle_from,
            sleep,
        }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        while self.sleep.as_mut().poll(cx).is_ready() {
            let end = self.deadline.min(self.idle_from + self.idle_max);
            if end <= Instant::now() {
                return true;
            }
            self.sleep.as_mut().reset(end);
        }
        false
    }
}

pin_project_lite::pin_project! {
    struct AnswerBody<B> {
        #[pin]
        inner: Option<B>,
        metadata: ResponseMetadata,
        kind: Kind,
        limit: Option<StreamLimit>,
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, axum::BoxError>>>;

impl<B> http_body::Body for AnswerBody<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let mut this = self.project();
        loop {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            if this.limit.as_mut().is_some_and(|limit| limit.poll_over(cx)) {
                this.inner.set(None);
                let error = ConnectError::new(Code::DeadlineExceeded, "The stream's time is over");
                return Poll::Ready(cut(this.kind, this.metadata, error));
            }
            let Ok(polled) = catch_unwind(AssertUnwindSafe(|| inner.poll_frame(cx))) else {
                this.inner.set(None);
                metrics::counter!("rpc_panics_total").increment(1);
                let error = ConnectError::new(Code::Internal, INTERNAL_MESSAGE);
                return Poll::Ready(cut(this.kind, this.metadata, error));
            };
            let frame = match ready!(polled).transpose().map_err(Into::into)? {
                Some(frame) => frame,
                None => {
                    this.inner.set(None);
                    return Poll::Ready(last(this.kind, this.metadata));
                }
            };
            if let Some(limit) = this.limit {
                limit.idle_from = Instant::now();
            }
            if frame.is_trailers() {
                // tonic-web asks for more, and what a stream that failed says then may be nothing,
                // for ever.
                this.inner.set(None);
            }
            match pass(this.kind, this.metadata, frame) {
                Some(frame) => return Poll::Ready(Some(Ok(frame))),
                None => continue,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A frame of the inner body, as it goes out; none if it is held back.
fn pass(kind: &mut Kind, metadata: &ResponseMetadata, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
    match (kind, frame.into_data()) {
        (Kind::ConnectStream(stream), Ok(data)) => {
            let data = stream.push(data);
            (!data.is_empty()).then(|| Frame::data(data))
        }
        (Kind::Grpc { .. }, Err(frame)) => {
            let mut trailers = frame.into_trailers().unwrap_or_default();
            settle(&mut trailers, metadata);
            extend(&mut trailers, &metadata.maps().trailers);
            Some(Frame::trailers(trailers))
        }
        (_, Ok(data)) => Some(Frame::data(data)),
        (_, Err(frame)) => Some(frame),
    }
}

/// What is still owed when the inner body is over.
fn last(
    kind: &mut Kind,
    metadata: &ResponseMetadata,
) -> Option<Result<Frame<Bytes>, axum::BoxError>> {
    match kind {
        Kind::Grpc { owed } => owed.take().map(|mut trailers| {
            extend(&mut trailers, &metadata.maps().trailers);
            Ok(Frame::trailers(trailers))
        }),
        Kind::ConnectStream(stream) => {
            let (frame, code) = stream.finish(&metadata.maps().trailers);
            if let Some(code) = code {
                metadata.ended(code);
            }
            frame.map(|frame| Ok(Frame::data(frame)))
        }
    }
}

/// Ends the answer with an error, in its own protocol, in the middle of a stream.
fn cut(
    kind: &mut Kind,
    metadata: &ResponseMetadata,
    error: ConnectError,
) -> Option<Result<Frame<Bytes>, axum::BoxError>> {
    let trailers = &metadata.maps().trailers;
    let status = tonic::Status::from(error.clone());
    metadata.ended(status.code());
    match kind {
        Kind::ConnectStream(stream) if stream.at_boundary() => {
            Some(Ok(Frame::data(end_stream::error_frame(&error, trailers))))
        }
        Kind::Grpc { .. } => {
            let mut all = status.into_http::<()>().headers().clone();
            all.remove(CONTENT_TYPE);
            extend(&mut all, trailers);
            Some(Ok(Frame::trailers(all)))
        }
        _ => Some(Err(error.message().unwrap_or_default().to_owned().into())),
    }
}

/// A unary error of Connect, as it stands in its answer.
#[derive(serde::Deserialize)]
pub(crate) struct UnaryError {
    pub(crate) code: String,
    #[serde(default)]
    message: String,
}

impl UnaryError {
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

#[cfg(test)]
mod tests;
