//! The one channel on which every generated client is built.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use call::{Caller, CorrelationId, Deadline, User};
use clock::Clock;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Frame, SizeHint};
use metrics::Histogram;
use telemetry::TraceContext;
use token::{ServiceClaims, SigningKey};
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

use crate::connect::{Address, Remote};
use crate::local::Local;
use crate::outgoing::Outgoing;

/// What a hop keeps for itself of the time that is left.
const MARGIN: Duration = Duration::from_millis(50);
/// The total for a call to a peer, unless it is set for that peer.
const TIMEOUT: Duration = Duration::from_secs(5);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Every peer of one service.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    name: &'static str,
    clock: Clock,
    signer: Option<TokenSigner>,
    local: Local,
    remote: HashMap<&'static str, Remote>,
    timeouts: HashMap<&'static str, Duration>,
}

/// Signs the tokens with which a service calls others.
pub type TokenSigner = Arc<SigningKey>;

/// Says where a service's peers are.
pub struct PeersBuilder(Inner);

impl Peers {
    /// The peers of the service `name`. Whatever is given no address is in this process.
    pub fn builder(name: &'static str, clock: Clock, local: Local) -> PeersBuilder {
        let (remote, timeouts) = (HashMap::new(), HashMap::new());
        PeersBuilder(Inner {
            name,
            clock,
            signer: None,
            local,
            remote,
            timeouts,
        })
    }

    /// The way to a peer.
    pub fn channel(&self, peer: &'static str) -> Channel {
        Channel {
            peers: self.0.clone(),
            peer,
            timeout: self.0.timeouts.get(peer).copied().unwrap_or(TIMEOUT),
            stats: Arc::default(),
        }
    }
}

impl PeersBuilder {
    /// Puts a peer into another process.
    pub fn at(mut self, peer: &'static str, address: Address) -> Self {
        self.0.remote.insert(peer, Remote::new(address));
        self
    }

    /// Sets the total time of a call to a peer.
    pub fn timeout(mut self, peer: &'static str, timeout: Duration) -> Self {
        self.0.timeouts.insert(peer, timeout);
        self
    }

    /// Signs calls to other processes.
    pub fn signer(mut self, signer: TokenSigner) -> Self {
        self.0.signer = Some(signer);
        self
    }

    /// The finished set.
    pub fn build(self) -> Peers {
        Peers(Arc::new(self.0))
    }
}

/// The way to one peer: a tower service on which a generated client is built. Clones share
/// their connections. Requests are made by [`crate::request`].
#[derive(Clone)]
pub struct Channel {
    peers: Arc<Inner>,
    peer: &'static str,
    timeout: Duration,
    stats: Arc<Stats>,
}

type Stats = std::sync::Mutex<HashMap<(String, i32), Histogram>>;

impl tower::Service<Request<tonic::body::Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let channel = self.clone();
        Box::pin(async move { channel.send(request.map(Body::new)).await })
    }
}

impl Channel {
    /// Carries a request of any protocol to the peer as it is, but for the ids of this hop:
    /// how the gateway passes calls through.
    ///
    /// # Errors
    /// `unavailable` when the peer cannot be reached.
    pub async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        match self.peers.remote.get(self.peer) {
            Some(remote) => remote
                .call(request)
                .await
                .map(|response| response.map(Body::new))
                .map_err(|error| self.unreachable(&error)),
            None => Err(self.absent()),
        }
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let began = Instant::now();
        let path = request.uri().path().to_owned();
        let outgoing = self.outgoing(request.extensions_mut().remove());
        let deadline = self.deadline(&outgoing);
        self.write_headers(&mut request, &outgoing, deadline);
        let answered = tokio::time::timeout_at(deadline.instant(), self.carry(request, outgoing));
        let answered = answered.await.unwrap_or_else(|_| Err(self.late()));
        let record = Record {
            channel: self.clone(),
            path,
            began,
            code: None,
        };
        match answered {
            Ok(response) => Ok(record.follow(response, deadline)),
            Err(status) => {
                record.end(status.code());
                Err(status)
            }
        }
    }

    /// A call without a context is one that the process makes on its own behalf.
    fn outgoing(&self, given: Option<Outgoing>) -> Outgoing {
        given.unwrap_or_else(|| Outgoing {
            acting_for: None,
            deadline: Deadline::after(self.timeout),
            correlation_id: CorrelationId::from_uuid(self.peers.clock.id()),
            trace: TraceContext::root(self.peers.clock.random(), self.peers.clock.random()),
            idempotency_key: None,
            authorization: None,
            synthetic: false,
        })
    }

    /// What is left for this hop: the caller's rest less a margin, and the peer's total.
    fn deadline(&self, outgoing: &Outgoing) -> Deadline {
        let rest = outgoing.deadline.remaining().saturating_sub(MARGIN);
        Deadline::after(rest.min(self.timeout))
    }

    fn write_headers(&self, request: &mut Request<Body>, outgoing: &Outgoing, deadline: Deadline) {
        let headers = request.headers_mut();
        let left = deadline.remaining().as_micros().clamp(1, 99_999_999);
        if let Ok(value) = HeaderValue::try_from(format!("{left}u")) {
            headers.insert(GRPC_TIMEOUT, value);
        }
        outgoing.correlation_id.write_headers(headers);
        let key = outgoing.idempotency_key.as_ref();
        if let Some(Ok(value)) = key.map(|key| HeaderValue::from_str(key.as_str())) {
            headers.insert(IDEMPOTENCY_KEY, value);
        }
        if outgoing.synthetic {
            headers.insert(BAGGAGE, HeaderValue::from_static("synthetic=true"));
        }
        outgoing
            .trace
            .child(self.peers.clock.random())
            .write_headers(headers);
    }

    async fn carry(
        &self,
        mut request: Request<Body>,
        outgoing: Outgoing,
    ) -> Result<Response<Body>, Status> {
        let Some(remote) = self.peers.remote.get(self.peer) else {
            let caller = outgoing.as_person().unwrap_or_else(|| Caller::Service {
                name: self.peers.name.into(),
                acting_for: outgoing.acting_for,
            });
            return self
                .peers
                .local
                .call(request, caller)
                .await
                .ok_or_else(|| self.absent());
        };
        let credential = match outgoing.authorization {
            Some(credential) => credential,
            None => self.service_credential(outgoing.acting_for)?,
        };
        request.headers_mut().insert(AUTHORIZATION, credential);
        request.extensions_mut().clear();
        let response = remote
            .call(request)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(response.map(Body::new))
    }

    fn service_credential(&self, acting_for: Option<User>) -> Result<HeaderValue, Status> {
        let unsigned = || Status::internal("this process has no key to call other services with");
        let signer = self.peers.signer.as_ref().ok_or_else(unsigned)?;
        let now = self.peers.clock.now();
        let claims = ServiceClaims::new(self.peers.name, self.peer, acting_for, now);
        let token = signer.sign_service(&claims).map_err(|_| unsigned())?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unsigned())?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> Status {
        tracing::warn!(peer = self.peer, cause = %call::error::chain(error), "A peer could not be reached");
        Status::unavailable(format!("{} cannot be reached", self.peer))
    }

    fn absent(&self) -> Status {
        Status::unavailable(format!("{} is not there yet", self.peer))
    }

    fn late(&self) -> Status {
        Status::deadline_exceeded(format!("{} did not answer in time", self.peer))
    }

    fn record(&self, path: &str, code: tonic::Code, took: Duration) {
        let key = (path.to_owned(), code as i32);
        let mut stats = self
            .stats
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let histogram = stats.entry(key).or_insert_with(|| {
            metrics::histogram!(
                "rpc_client_call_duration_seconds",
                "peer" => self.peer,
                "rpc" => path.to_owned(),
                "code" => call::error::code_name(code),
            )
        });
        histogram.record(took);
    }
}

/// Records a call once, when its answer is over.
struct Record {
    channel: Channel,
    path: String,
    began: Instant,
    code: Option<tonic::Code>,
}

impl Record {
    fn end(mut self, code: tonic::Code) {
        self.code = Some(code);
    }

    fn follow(mut self, response: Response<Body>, deadline: Deadline) -> Response<Body> {
        self.code = response
            .headers()
            .get(Status::GRPC_STATUS)
            .map(|value| tonic::Code::from_bytes(value.as_bytes()));
        response.map(|body| {
            let sleep = Box::pin(sleep_until(deadline.instant()));
            Body::new(Following {
                body,
                sleep,
                late: false,
                record: self,
            })
        })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(tonic::Code::Cancelled);
        self.channel.record(&self.path, code, self.began.elapsed());
    }
}

/// An answer that must be over by its deadline.
struct Following {
    body: Body,
    sleep: Pin<Box<Sleep>>,
    late: bool,
    record: Record,
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
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() && self.sleep.as_mut().poll(cx).is_ready() {
            self.late = true;
            self.record.code = Some(tonic::Code::DeadlineExceeded);
            let late = self.record.channel.late().into_http::<()>();
            return Poll::Ready(Some(Ok(Frame::trailers(late.headers().clone()))));
        }
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(status) = frame
                .trailers_ref()
                .and_then(|all| all.get(Status::GRPC_STATUS))
        {
            self.record.code = Some(tonic::Code::from_bytes(status.as_bytes()));
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
