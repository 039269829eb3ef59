//! The one channel on which every generated client is built.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use call::{Call, Caller, CorrelationId, Deadline, User};
use clock::Clock;
use contract::{Again, Method};
use edge::{ClientAddress, Contract, FORWARDED_FOR, FORWARDER};
use endpoints::Source;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request, Response};
use telemetry::TraceContext;
use tonic::Status;

use crate::attempts::{Crossing, IDEMPOTENCY_KEY, Manners};
use crate::credentials::{Credentials, TokenSigner};
use crate::framing::Framing;
use crate::local::Local;
use crate::outgoing::Outgoing;
use crate::policy::Policy;
use crate::record::{Record, Stats, late};
use crate::remote::{Kind, Remote};
use crate::report;

/// What a hop keeps for itself of the time that is left.
const MARGIN: Duration = Duration::from_millis(50);
/// The total for a unary call to a peer, unless it is set for that peer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The age of a stream that the process asks for on its own behalf.
const STREAM_TIMEOUT: Duration = Duration::from_secs(30 * 60);

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Every peer of one service.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    name: &'static str,
    clock: Clock,
    contract: Option<Contract>,
    credentials: Option<Credentials>,
    local: Local,
    remote: HashMap<&'static str, Remote>,
    timeouts: HashMap<&'static str, Duration>,
}

impl Inner {
    /// What the contract says of an rpc: how many messages it has, and whether it may be repeated.
    fn rpc(&self, path: &str) -> (Kind, Again) {
        let method = self.contract.as_ref().and_then(|all| all.method(path));
        let said = method.map(|method| (Kind::of(method), method.again()));
        said.unwrap_or((Kind::Unary, Again::Never))
    }

    fn timeout(&self, peer: &str) -> Duration {
        self.timeouts.get(peer).copied().unwrap_or(TIMEOUT)
    }
}

/// Says where a service's peers are.
pub struct PeersBuilder {
    peers: Inner,
    sources: HashMap<&'static str, Source>,
    policies: HashMap<&'static str, Policy>,
}

impl Peers {
    /// The peers of the service `name`. Whatever is given no address is in this process.
    pub fn builder(name: &'static str, clock: Clock, local: Local) -> PeersBuilder {
        let peers = Inner {
            name,
            clock,
            contract: None,
            credentials: None,
            local,
            remote: HashMap::new(),
            timeouts: HashMap::new(),
        };
        PeersBuilder {
            peers,
            sources: HashMap::new(),
            policies: HashMap::new(),
        }
    }

    /// The way to a peer.
    pub fn channel(&self, peer: &'static str) -> Channel {
        Channel {
            peers: self.0.clone(),
            peer,
            timeout: self.0.timeout(peer),
            manners: Manners::Guarded,
            stats: Arc::new(Stats::new(peer)),
        }
    }

    /// The peers that are in other processes: what is set for each, and how it is with it.
    pub fn report(&self) -> serde_json::Value {
        report::of_all(&self.0.remote, |peer| self.0.timeout(peer))
    }
}

impl PeersBuilder {
    /// Puts a peer into another process, or into several.
    pub fn at(mut self, peer: &'static str, source: Source) -> Self {
        self.sources.insert(peer, source);
        self
    }

    /// Sets how often a peer in another process is asked, and when it is left alone. Without it as [`Policy`] has it.
    pub fn policy(mut self, peer: &'static str, policy: Policy) -> Self {
        self.policies.insert(peer, policy);
        self
    }

    /// Says which rpcs are streams, for those to other processes have connections of their own and
    /// live as long as whoever asks, and which may be repeated. Without it none is either.
    pub fn contract(mut self, contract: Contract) -> Self {
        self.peers.contract = Some(contract);
        self
    }

    /// Sets the total time of a unary call to a peer.
    pub fn timeout(mut self, peer: &'static str, timeout: Duration) -> Self {
        self.peers.timeouts.insert(peer, timeout);
        self
    }

    /// Signs calls to other processes.
    pub fn signer(mut self, signer: TokenSigner) -> Self {
        self.peers.credentials = Some(Credentials::new(signer));
        self
    }

    /// The finished set. A peer that is looked up again and again wants a tokio runtime.
    pub fn build(mut self) -> Peers {
        for (peer, source) in self.sources {
            let policy = self.policies.get(peer).copied().unwrap_or_default();
            let timeout = self.peers.timeout(peer);
            let remote = Remote::new(peer, source, policy, timeout);
            self.peers.remote.insert(peer, remote);
        }
        Peers(Arc::new(self.peers))
    }
}

/// The way to one peer: a tower service on which a generated client is built. Clones share
/// their connections. Requests are made by [`crate::request`].
#[derive(Clone)]
pub struct Channel {
    peers: Arc<Inner>,
    peer: &'static str,
    timeout: Duration,
    manners: Manners,
    stats: Arc<Stats>,
}

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
    /// The same way for a caller who asks again himself, or is asked again: at one place only is a call repeated.
    pub fn once(mut self) -> Self {
        self.manners = Manners::Once;
        self
    }

    /// The same way for a caller who asks again himself, seldom and one at a time, and waits for the peer to come:
    /// no breaker keeps him from it.
    pub fn paced(mut self) -> Self {
        self.manners = Manners::Paced;
        self
    }

    /// Carries a request of any protocol to the peer as it is, but for the ids and the deadline of
    /// this hop: how the gateway passes calls through.
    ///
    /// # Errors
    /// `unavailable` when the peer cannot be reached, `resource_exhausted` when too many ask it,
    /// `deadline_exceeded` when it does not answer in time.
    pub async fn forward(
        &self,
        method: &Method,
        call: &Call,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let kind = Kind::of(method);
        let (deadline, own_time) = self.deadline(kind, call.deadline);
        let framing = Framing::of(request.headers());
        let headers = request.headers_mut();
        Framing::write_timeout(headers, deadline.remaining());
        call.correlation_id.write_headers(headers);
        call.trace.write_headers(headers);
        self.hand_on_address(&mut request);
        let record = Record::begin(&self.stats, method.path.clone()).answering(&call.response);
        let carried = async {
            let crossing = Crossing {
                framing,
                ..self.crossing(kind, method.again(), deadline, own_time, call.trace)
            };
            let remote = self.peers.remote.get(self.peer);
            self.cross(remote.ok_or_else(|| self.absent())?, crossing, request)
                .await
        };
        match self.in_time(deadline, carried).await {
            // The peer's own word of its deadline comes before ours.
            Ok(response) => Ok(record.follow(framing, response, call.deadline)),
            Err(status) => {
                record.end(status.code());
                Err(status)
            }
        }
    }

    /// Says where the client is whose call this is, and that we may say it: else all clients would share our address.
    fn hand_on_address(&self, request: &mut Request<Body>) {
        let address = request.extensions_mut().remove::<ClientAddress>();
        let address = address.and_then(|address| HeaderValue::try_from(address.to_string()).ok());
        let headers = request.headers_mut();
        headers.remove(FORWARDED_FOR);
        headers.remove(FORWARDER);
        if let (Some(mut address), Ok(credential)) = (address, self.forwarder_credential()) {
            address.set_sensitive(true); // it would push out of HTTP/2's table what all calls have
            headers.insert(FORWARDED_FOR, address);
            headers.insert(FORWARDER, credential);
        }
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let record = Record::begin(&self.stats, request.uri().path().into());
        let (kind, again) = self.peers.rpc(request.uri().path());
        let outgoing = self.outgoing(kind, request.extensions_mut().remove());
        let (deadline, own_time) = self.deadline(kind, outgoing.deadline);
        self.write_headers(&mut request, &outgoing, deadline);
        let trace = outgoing.trace;
        let crossing = self.crossing(kind, again, deadline, own_time, trace);
        let carried = self.carry(crossing, request, outgoing);
        match self.in_time(deadline, carried).await {
            Ok(response) => Ok(record.follow(Framing::Trailers, response, deadline)),
            Err(status) => {
                record.end(status.code());
                Err(status)
            }
        }
    }

    /// No `async fn`: one that is given a future has room for it twice, and this one is most of a call.
    fn in_time(
        &self,
        deadline: Deadline,
        carried: impl Future<Output = Result<Response<Body>, Status>>,
    ) -> impl Future<Output = Result<Response<Body>, Status>> {
        let peer = self.peer;
        tokio::time::timeout_at(deadline.instant(), carried)
            .map(move |carried| carried.unwrap_or_else(|_| Err(late(peer))))
    }

    /// A call without a context is one that the process makes on its own behalf.
    fn outgoing(&self, kind: Kind, given: Option<Outgoing>) -> Outgoing {
        given.unwrap_or_else(|| Outgoing {
            acting_for: None,
            deadline: Deadline::after(match kind {
                Kind::Unary => self.timeout,
                Kind::Stream => STREAM_TIMEOUT,
            }),
            correlation_id: CorrelationId::from_uuid(self.peers.clock.id()),
            trace: TraceContext::root(self.peers.clock.random(), self.peers.clock.random()),
            idempotency_key: None,
            authorization: None,
            synthetic: false,
        })
    }

    /// What is left for this hop: the caller's rest less a margin, and the peer's total, which
    /// a stream does not have. And whether that is as much as the peer ever gets, but for the margins of two hops.
    fn deadline(&self, kind: Kind, given: Deadline) -> (Deadline, bool) {
        let rest = given.remaining().saturating_sub(MARGIN);
        match kind {
            Kind::Unary => (
                Deadline::after(rest.min(self.timeout)),
                rest + 2 * MARGIN >= self.timeout,
            ),
            Kind::Stream => (Deadline::after(rest), false),
        }
    }

    fn crossing(
        &self,
        kind: Kind,
        again: Again,
        deadline: Deadline,
        own_time: bool,
        trace: TraceContext,
    ) -> Crossing<'_> {
        Crossing {
            peer: self.peer,
            clock: &self.peers.clock,
            trace,
            kind,
            framing: Framing::Trailers,
            deadline,
            own_time,
            again,
            manners: self.manners,
        }
    }

    fn write_headers(&self, request: &mut Request<Body>, outgoing: &Outgoing, deadline: Deadline) {
        let headers = request.headers_mut();
        Framing::write_timeout(headers, deadline.remaining());
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
        crossing: Crossing<'_>,
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
        let headers = request.headers_mut();
        match outgoing.authorization {
            None => {
                let own = self.service_credential(outgoing.acting_for)?;
                headers.insert(AUTHORIZATION, own);
            }
            Some(credential) => {
                headers.insert(AUTHORIZATION, credential);
                // By his address the person was counted here; there he counts by who he is.
                if let Ok(own) = self.forwarder_credential() {
                    headers.insert(FORWARDER, own);
                }
            }
        }
        self.cross(remote, crossing, request).await
    }

    /// Leaves this process.
    async fn cross(
        &self,
        remote: &Remote,
        crossing: Crossing<'_>,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        request.extensions_mut().clear();
        crossing.over(remote, request).await
    }

    /// The credential beside somebody else's, for HTTP/2 to index: all calls of half a minute have the same. That would
    /// let who sees how long a message is guess a secret in it; here he would see the secret.
    fn forwarder_credential(&self) -> Result<HeaderValue, Status> {
        let mut credential = self.service_credential(None)?;
        credential.set_sensitive(false);
        Ok(credential)
    }

    fn service_credential(&self, acting_for: Option<User>) -> Result<HeaderValue, Status> {
        let unsigned = || Status::internal("this process has no key to call other services with");
        let credentials = self.peers.credentials.as_ref().ok_or_else(unsigned)?;
        let Inner { name, clock, .. } = &*self.peers;
        let credential = credentials.of(name, self.peer, acting_for, clock);
        credential.map_err(|_| unsigned())
    }

    fn absent(&self) -> Status {
        Status::unavailable(format!("{} is not there yet", self.peer))
    }
}
