//! One call and all its tries: behind the wall, past the breaker, again while that may help, each within its time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use call::Deadline;
use clock::Clock;
use contract::Again;
use endpoints::{Address, Impression};
use http::header::RETRY_AFTER;
use http::{HeaderName, Request, Response};
use http_body_util::BodyExt;
use pool::Failure;
use telemetry::TraceContext;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::framing::Framing;
use crate::guard::Permit;
use crate::record::late;
use crate::remote::{Kind, Remote};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The wait before the second try; each further one is twice as long, up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// What is known of a call when it leaves.
#[derive(Clone, Copy)]
pub(crate) struct Crossing<'a> {
    pub(crate) peer: &'static str,
    pub(crate) clock: &'a Clock,
    pub(crate) trace: TraceContext,
    pub(crate) kind: Kind,
    pub(crate) framing: Framing,
    pub(crate) deadline: Deadline,
    /// Whether that is the peer's total, or less because somebody has less time.
    pub(crate) own_time: bool,
    /// Whether the contract says that a second time does no harm.
    pub(crate) again: Again,
    pub(crate) manners: Manners,
}

/// How a caller means to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// He leaves it to us.
    Guarded,
    /// He asks again himself.
    Once,
    /// Likewise, and at a pace that harms nobody.
    Paced,
}

/// How a try came out.
struct Tried {
    answer: Result<Response<Body>, Status>,
    outcome: Impression,
    /// Whether another may come out better.
    again: bool,
    /// The replica that was asked, of several.
    at: Option<Address>,
    /// Whether it was lost with the call.
    lost: bool,
}

impl Tried {
    fn ended(answer: Result<Response<Body>, Status>, outcome: Impression) -> Self {
        Self {
            answer,
            outcome,
            again: false,
            at: None,
            lost: false,
        }
    }
}

impl Crossing<'_> {
    /// Asks the peer, as often as it takes and may.
    ///
    /// # Errors
    /// That of the last try, or that there was none.
    pub(crate) async fn over(
        self,
        remote: &Remote,
        request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let guard = &remote.guard;
        let _place = match self.kind {
            Kind::Unary => guard.enter().await?,
            Kind::Stream => None, // streams have bounds of their own
        };
        let mut permit = match self.manners {
            Manners::Paced => guard.pass(),
            Manners::Guarded | Manners::Once => {
                guard.admit(self.own_time.then(|| self.deadline.instant()))?
            }
        };
        guard.budget.deposit();
        let harmless = self.harmless(&request);
        let attempts = match self.manners {
            Manners::Guarded if harmless => guard.policy.attempts,
            Manners::Guarded | Manners::Once | Manners::Paced => 1,
        };
        let mut request = Repeated::of(request, attempts).await?;
        let (mut tries, mut moved, mut not) = (1, false, None);
        loop {
            let this = Try {
                number: tries,
                not: not.as_ref(),
                harmless,
            };
            let tried = self.attempt(remote, &mut permit, this, request.next());
            let tried = tried.await;
            permit.wait();
            let another = |at| remote.has_another(at);
            if !tried.again || tries >= attempts {
                permit.settle(tried.outcome);
                return tried.answer;
            }
            permit.again_after(tried.outcome);
            // Who was lost takes none of the peer's time: once, another does it at once.
            let elsewhere = tried.lost && tried.at.as_ref().is_some_and(another);
            if !elsewhere || std::mem::replace(&mut moved, true) {
                let wait = self.wait(tries);
                let in_time = Instant::now() + wait < self.deadline.instant();
                if in_time {
                    tokio::time::sleep(wait).await;
                }
                if !in_time || !guard.budget.withdraw() {
                    permit.settle(tried.outcome);
                    return tried.answer;
                }
            }
            not = tried.at;
            tries += 1;
        }
    }

    /// Whether a second time does no harm. A stream has begun before anybody knows how it ends.
    fn harmless(&self, request: &Request<Body>) -> bool {
        let keyed = request.headers().contains_key(IDEMPOTENCY_KEY);
        self.kind == Kind::Unary && self.again.is_harmless(keyed)
    }

    async fn attempt(
        &self,
        remote: &Remote,
        permit: &mut Permit<'_>,
        this: Try<'_>,
        mut request: Request<Body>,
    ) -> Tried {
        let seat = remote.seat(self.kind, self.clock, this.not, this.harmless);
        let seat = match seat.await {
            Ok(seat) => seat,
            Err(failure) => return self.missed(&failure),
        };
        permit.ask();
        let rest = self.deadline.remaining();
        let limit = remote.guard.policy.try_timeout;
        let limit = limit.filter(|limit| self.kind == Kind::Unary && *limit < rest);
        if this.number > 1 || limit.is_some() {
            Framing::write_timeout(request.headers_mut(), limit.unwrap_or(rest));
        }
        if this.number > 1 {
            let span = self.trace.child(self.clock.random());
            span.write_headers(request.headers_mut());
        }
        let own_time = self.own_time || limit.is_some();
        let at = seat.address();
        let called = seat.call(self.kind, self.framing, request);
        let called = match limit {
            None => called.await,
            Some(limit) => match tokio::time::timeout(limit, called).await {
                Ok(called) => called,
                Err(_) => {
                    let outcome = remote.guard.outcome_of_silence();
                    return Tried::ended(Err(late(self.peer)), outcome);
                }
            },
        };
        match called {
            Ok((response, code)) => Tried {
                outcome: remote.guard.outcome_of(code, own_time),
                // Who says when to come back is not to be asked sooner.
                again: code == Code::Unavailable && !response.headers().contains_key(RETRY_AFTER),
                answer: Ok(response),
                lost: false,
                at,
            },
            Err(failure) => Tried {
                lost: !matches!(failure, Failure::Full | Failure::Reset(_)),
                at,
                ..self.missed(&failure)
            },
        }
    }

    /// There is no answer.
    fn missed(&self, failure: &Failure) -> Tried {
        let outcome = match failure {
            Failure::Full | Failure::Reset(_) => Impression::Unknown,
            Failure::Unreachable(_) | Failure::Broken(_) => Impression::Failed,
        };
        Tried {
            again: !matches!(failure, Failure::Full),
            ..Tried::ended(Err(self.failed(failure)), outcome)
        }
    }

    /// Before the next try, so that not all come back at once.
    fn wait(&self, tries: u32) -> Duration {
        let wait = WAIT_FIRST * (1 << (tries - 1).min(8));
        let drawn = f64::from(u32::from_le_bytes(self.clock.random()));
        wait.min(WAIT_MAX)
            .mul_f64(0.8 + 0.4 * drawn / f64::from(u32::MAX))
    }

    fn failed(&self, failure: &Failure) -> Status {
        let peer = self.peer;
        match (failure, self.kind) {
            (Failure::Full, Kind::Unary) => {
                Status::resource_exhausted(format!("too many calls wait for {peer}"))
            }
            (Failure::Full, Kind::Stream) => {
                Status::resource_exhausted(format!("too many streams of {peer} are open"))
            }
            (Failure::Broken(_) | Failure::Reset(_), _) if self.deadline.remaining().is_zero() => {
                late(peer) // its time was over while the answer came
            }
            (Failure::Unreachable(_) | Failure::Broken(_) | Failure::Reset(_), _) => {
                tracing::warn!(peer, cause = %call::error::chain(failure), "A peer could not be reached");
                Status::unavailable(format!("{peer} cannot be reached"))
            }
        }
    }
}

/// One try of a call.
#[derive(Clone, Copy)]
struct Try<'a> {
    number: u32,
    /// The replica that failed before.
    not: Option<&'a Address>,
    harmless: bool,
}

/// A request, as often as it is tried.
enum Repeated {
    Once(Option<Request<Body>>),
    Often(Request<Bytes>),
}

impl Repeated {
    /// Only what may be tried again is held: one message, which was bounded where it came from.
    async fn of(request: Request<Body>, attempts: u32) -> Result<Self, Status> {
        if attempts <= 1 {
            return Ok(Self::Once(Some(request)));
        }
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| {
            let error = call::error::chain(&error);
            Status::cancelled(format!("the request broke off: {error}"))
        })?;
        Ok(Self::Often(Request::from_parts(parts, body.to_bytes())))
    }

    fn next(&mut self) -> Request<Body> {
        match self {
            Self::Once(request) => request.take().unwrap_or_default(), // it is asked for once
            Self::Often(request) => request.clone().map(Body::from),
        }
    }
}
