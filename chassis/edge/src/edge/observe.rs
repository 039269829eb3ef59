//! What is seen of a request: its ids, its span, one access line and its metrics when the
//! answer is over, whether it was sent whole or the client left, before its head or amid it.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bounds::Share;
use bytes::Bytes;
use call::error::code_name;
use call::metadata::ResponseMetadata;
use call::{CORRELATION_ID, Caller, CorrelationId, Role};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use telemetry::{AccessLine, CallIds, TRACEPARENT, TraceContext};
use tokio::time::Instant;
use tracing::Span;

use super::named::Named;
use super::outcome::Outcome;
use super::resolve::Resolved;
use super::stats;
use crate::shared::Shared;

/// A longer answer is watched until it is written, and holds its client's share so long: who reads none of his answers
/// must not have many of them.
const UNWATCHED_BYTES_MAX: u64 = 4 << 10;

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// What a request has for a status whose client left before there was one.
const CLIENT_LEFT: u16 = 499;

/// One request, from its first header to its answer's last byte. It is logged and counted when
/// this is dropped, so also when nobody waits for it any more.
pub(crate) struct Observation {
    pub(crate) resolved: Resolved,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) trace: TraceContext,
    trace_id: TraceId,
    pub(crate) metadata: ResponseMetadata,
    noted: Mutex<Noted>,
    method: Method,
    pub(crate) began: Instant,
    quiet: bool,
    answer: Option<Answer>,
}

/// What is found out on the way, before there is an answer.
#[derive(Default)]
struct Noted {
    caller: Option<Caller>,
    /// What the call has of its client's share, until its answer is over.
    share: Option<Share>,
}

/// What has gone out.
struct Answer {
    status: StatusCode,
    bytes: u64,
    whole: bool,
    /// Where nobody noted it.
    outcome: Option<Outcome>,
}

impl Observation {
    pub(crate) fn begin(app: &Shared, request: &Request<Body>, resolved: Resolved) -> Self {
        let headers = request.headers();
        let named = resolved.named;
        let parent = match named.maybe(&TRACEPARENT) {
            true => TraceContext::from_headers(headers),
            false => None,
        };
        let trace = match parent {
            Some(parent) => parent.child(app.clock.random()),
            None => TraceContext::root(app.clock.random(), app.clock.random()),
        };
        let quiet = matches!(resolved.template(), "/healthz" | "/readyz" | "/health");
        Self {
            resolved,
            correlation_id: correlation_id(app, headers, named),
            trace,
            trace_id: TraceId::new(&trace),
            metadata: ResponseMetadata::default(),
            noted: Mutex::default(),
            method: request.method().clone(),
            began: Instant::now(),
            quiet,
            answer: None,
        }
    }

    /// What every line of this call names.
    pub(crate) fn ids(&self) -> CallIds {
        CallIds::new(
            self.service(),
            self.correlation_id.as_str(),
            self.trace_id.as_str(),
        )
    }

    /// The span of this call, for who listens beside the log, which has the ids without it.
    pub(crate) fn span(&self) -> Span {
        tracing::info_span!(
            target: "call",
            "call",
            service = self.service(),
            correlation_id = self.correlation_id.as_str(),
            trace_id = self.trace_id.as_str(),
        )
    }

    /// Notes who calls, once it is known.
    pub(crate) fn note_caller(&self, caller: &Caller) {
        self.noted().caller = Some(caller.clone());
    }

    /// Keeps the call's share until its answer is over.
    pub(crate) fn hold(&self, share: Share) {
        self.noted().share = Some(share);
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn service(&self) -> &str {
        self.resolved
            .route()
            .map_or("gateway", |route| route.stats.service())
    }

    /// Watches `response` to its end.
    pub(crate) fn finish(mut self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let known = self.metadata.outcome();
        let read = self.resolved.route().filter(|_| known.is_none());
        let exact = body.size_hint().exact().or(self.metadata.bytes());
        let exact = exact.filter(|bytes| *bytes <= UNWATCHED_BYTES_MAX);
        let answer = self.answer.insert(Answer {
            status: parts.status,
            bytes: 0,
            whole: body.is_end_stream() || self.method == Method::HEAD,
            outcome: read.map(|_| Outcome::of(&parts)),
        });
        if let (Some(_), Some(bytes)) = (known, exact) {
            (answer.bytes, answer.whole) = (bytes, true);
            drop(self);
            return Response::from_parts(parts, body);
        }
        let body = ObservedBody {
            body,
            observation: self,
        };
        Response::from_parts(parts, Body::new(body))
    }

    /// The call's outcome: as it was noted, else as its answer says. One whose client left is
    /// canceled, and one that says nothing is what the protocols take it for.
    fn code(&self, answer: &Answer) -> Option<tonic::Code> {
        let read = || answer.outcome.as_ref().and_then(Outcome::code);
        let otherwise = match (answer.whole, self.resolved.route()) {
            (false, _) => Some(tonic::Code::Cancelled),
            (true, Some(_)) => Some(tonic::Code::Unknown),
            (true, None) => None,
        };
        self.metadata.outcome().or_else(read).or(otherwise)
    }

    fn record(&self, answer: &Answer) {
        let took = self.began.elapsed();
        let (status, bytes, code) = (answer.status, answer.bytes, self.code(answer));
        let verb = verb(&self.method);
        match (self.resolved.route(), code) {
            (Some(route), Some(code)) => {
                let outcome = stats::Outcome {
                    protocol: self.resolved.protocol,
                    code,
                    verb,
                    status,
                };
                route.stats.record(outcome, took);
            }
            _ => stats::http_histogram(verb, self.resolved.template(), status).record(took),
        }
        if self.quiet {
            return;
        }
        let noted = self.noted();
        let access = AccessLine {
            service: self.service(),
            correlation_id: self.correlation_id.as_str(),
            trace_id: self.trace_id.as_str(),
            method: verb,
            route: self.resolved.template(),
            protocol: self.resolved.protocol.label(),
            status: status.as_u16(),
            code: code.map(code_name),
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            bytes,
            caller: noted.caller.as_ref().map(|caller| caller as &dyn Display),
        };
        access.write();
    }
}

/// A trace id as text that needs no allocation.
struct TraceId([u8; 32]);

impl TraceId {
    fn new(trace: &TraceContext) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(trace.trace_id) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // hexadecimal digits always are
    }
}

/// The id that a request brought, or a new one.
fn correlation_id(app: &Shared, headers: &HeaderMap, named: Named) -> CorrelationId {
    let brought = named
        .get(headers, &CORRELATION_ID)
        .and_then(|value| value.to_str().ok());
    match brought.and_then(CorrelationId::parse) {
        Some(id) => id,
        None => CorrelationId::from_uuid(app.clock.id()),
    }
}

/// Whether the request is test traffic: marked so by W3C baggage, by staff or by a service. What is
/// marked has no effects outside, so anybody else's mark is taken off, and handed on by nobody.
pub(super) fn is_synthetic(headers: &mut HeaderMap, named: Named, caller: &Caller) -> bool {
    if !named.maybe(&BAGGAGE) || !is_marked(headers) {
        return false;
    }
    let staff = [Role::Support, Role::Operator, Role::Admin];
    let may = match caller {
        Caller::Anonymous => false,
        Caller::User(user) => staff.into_iter().any(|role| user.roles.contains(role)),
        Caller::Service { .. } => true,
    };
    if !may {
        headers.remove(BAGGAGE);
    }
    may
}

fn is_marked(headers: &HeaderMap) -> bool {
    let baggage = headers.get_all(BAGGAGE);
    let mut members = baggage.iter().filter_map(|value| value.to_str().ok());
    members.any(|value| {
        value
            .split(',')
            .any(|member| member.trim() == "synthetic=true")
    })
}

/// A closed set, so that a stranger's verb makes no new label.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let answer = self.answer.take().unwrap_or_else(|| Answer {
            status: StatusCode::from_u16(CLIENT_LEFT).unwrap_or_default(), // a status, if no named one
            bytes: 0,
            whole: false,
            outcome: None,
        });
        self.record(&answer);
    }
}

struct ObservedBody {
    body: Body,
    observation: Observation,
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        let Some(answer) = &mut this.observation.answer else {
            return polled; // there is one from the beginning
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                answer.whole = frame.is_trailers() || this.body.is_end_stream();
                if let Some(data) = frame.data_ref() {
                    answer.bytes += data.len() as u64;
                }
                if let Some(outcome) = &mut answer.outcome {
                    outcome.see(frame);
                }
            }
            Poll::Ready(None) => answer.whole = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use call::{Roles, User};
    use http::HeaderValue;
    use uuid::Uuid;

    use super::*;

    fn person(role: Role) -> Caller {
        let roles = Roles::from_iter([Role::Customer, role]);
        let id = Uuid::nil();
        Caller::User(User {
            id,
            roles,
            session: None,
        })
    }

    /// row: X18
    #[test]
    fn a_mark_of_test_traffic_stays_with_who_may_set_it() {
        let service = Caller::Service {
            name: "order".into(),
            acting_for: None,
        };
        for (caller, may) in [
            (Caller::Anonymous, false),
            (person(Role::Customer), false),
            (person(Role::Support), true),
            (person(Role::Operator), true),
            (person(Role::Admin), true),
            (service, true),
        ] {
            for (value, marked) in [("a=b, synthetic=true", true), ("synthetic=truest", false)] {
                let value = HeaderValue::from_static(value);
                let mut headers = HeaderMap::from_iter([(BAGGAGE, value)]);
                let named = Named::of(&headers);
                let synthetic = is_synthetic(&mut headers, named, &caller);
                assert_eq!(synthetic, marked && may, "{caller}");
                let handed_on = headers.contains_key(BAGGAGE);
                assert_eq!(handed_on, !marked || may, "{caller}");
            }
            let mut none = HeaderMap::new();
            let named = Named::of(&none);
            assert!(!is_synthetic(&mut none, named, &caller), "{caller}");
        }
    }
}
