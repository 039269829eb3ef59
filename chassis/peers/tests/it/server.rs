//! A peer that shows what reaches it, and answers when it is told to.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use clock::Clock;
use endpoints::Source;
use futures::{StreamExt, stream};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use peers::{Channel, Local, Outgoing, Peers, PeersBuilder, Policy};
use telemetry::TraceContext;
use token::SigningKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tower::Service;

pub const UNARY: &str = "/stoa.user.v1.UserService/GetUser";
pub const STREAM: &str = "/stoa.user.v1.UserService/WatchUserUpdates";

const CHUNK: usize = 16 << 10;

/// What a server says of itself.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Connections that are open, and those there ever were.
    pub open: usize,
    pub ever: usize,
    /// Answers that are not over, by connection.
    pub running: HashMap<usize, usize>,
    /// The most that there were at once on one connection.
    pub most: usize,
    /// And on all together.
    pub most_in_all: usize,
    /// The credentials that were shown.
    pub credentials: Vec<String>,
    /// The requests, by their keys.
    pub keys: Vec<Option<String>>,
    /// The spans that they are part of, and the time that they were given.
    pub spans: Vec<Option<String>>,
    pub timeouts: Vec<Option<String>>,
}

impl Seen {
    pub fn running(&self) -> usize {
        self.running.values().sum()
    }
}

pub struct Server {
    pub address: SocketAddr,
    seen: watch::Sender<Seen>,
    /// Whoever asks to wait needs one of these.
    pub gate: Arc<Semaphore>,
    /// How the next answers end, and all after them.
    told: Mutex<(VecDeque<Code>, Code)>,
    ends: Arc<Mutex<Ends>>,
    stop: CancellationToken,
}

/// How the connections there are now are ended.
#[derive(Clone, Default)]
struct Ends {
    told: CancellationToken,
    cut: CancellationToken,
}

impl Server {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            seen: watch::Sender::default(),
            gate: Arc::new(Semaphore::new(0)),
            told: Mutex::new((VecDeque::new(), Code::Ok)),
            ends: Arc::default(),
            stop: CancellationToken::new(),
        });
        let accepting = server.clone();
        tokio::spawn(async move {
            let stop = accepting.stop.clone();
            while let Some(Ok((io, _))) = stop.run_until_cancelled(listener.accept()).await {
                tokio::spawn(accepting.clone().serve(io));
            }
        });
        server
    }

    /// Asks all connections to end, as a server does with old ones.
    pub fn tell(&self) {
        self.ends.lock().unwrap().told.cancel();
        self.ends.lock().unwrap().told = CancellationToken::new();
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        self.ends.lock().unwrap().cut.cancel();
        self.ends.lock().unwrap().cut = CancellationToken::new();
    }

    /// Is gone, with all its connections.
    pub fn die(&self) {
        self.stop.cancel();
        self.cut();
    }

    /// Answers so from now on, and first in these ways, one after another.
    pub fn answers(&self, first: impl IntoIterator<Item = Code>, then: Code) {
        *self.told.lock().unwrap() = (first.into_iter().collect(), then);
    }

    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Connections that there ever were; all else it has seen is long by and by.
    pub fn ever(&self) -> usize {
        self.seen.borrow().ever
    }

    /// Waits until it has seen this.
    pub async fn until(&self, wanted: impl FnMut(&Seen) -> bool) -> Seen {
        self.seen
            .subscribe()
            .wait_for(wanted)
            .await
            .unwrap()
            .clone()
    }

    async fn serve(self: Arc<Self>, io: TcpStream) {
        let mut id = 0;
        self.seen.send_modify(|seen| {
            id = seen.ever;
            seen.ever += 1;
            seen.open += 1;
        });
        let ends = self.ends.lock().unwrap().clone();
        let answering = self.clone();
        let service = service_fn(move |request| {
            let server = answering.clone();
            async move { Ok::<_, Infallible>(server.answer(id, request).await) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let connection = builder
            .max_concurrent_streams(100)
            .serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            () = ends.cut.cancelled() => {}
            () = ends.told.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    _ = connection.as_mut() => {}
                    () = ends.cut.cancelled() => {}
                }
            }
        }
        self.seen.send_modify(|seen| seen.open -= 1);
    }

    /// By the request's headers: takes its time, waits at the gate, sends so many bytes, in its head too, says when to
    /// come back, and stays open.
    async fn answer(
        self: Arc<Self>,
        connection: usize,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let header = |name: &str| {
            let value = request.headers().get(name)?;
            value.to_str().unwrap().parse::<usize>().ok()
        };
        let text = |name: &str| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let credential = text("authorization");
        let key = text("idempotency-key");
        let (span, given) = (text("traceparent"), text("connect-timeout-ms"));
        self.seen.send_modify(|seen| {
            let running = seen.running.entry(connection).or_default();
            *running += 1;
            seen.most = seen.most.max(*running);
            seen.most_in_all = seen.most_in_all.max(seen.running());
            seen.credentials.extend(credential);
            seen.keys.push(key);
            seen.spans.push(span);
            seen.timeouts.push(given);
        });
        let running = Running {
            server: self.clone(),
            connection,
        };
        if let Some(millis) = header("millis") {
            tokio::time::sleep(Duration::from_millis(millis as u64)).await;
        }
        if header("wait").is_some() {
            self.gate.acquire().await.unwrap().forget();
        }
        let (bytes, head) = (header("bytes").unwrap_or(0), header("head"));
        let after = header("after");
        let chunks = stream::iter(std::iter::repeat_n(
            Bytes::from_static(&[7; CHUNK]),
            bytes / CHUNK,
        ));
        let rest = stream::pending().take(header("stay").unwrap_or(0));
        let data = chunks.chain(rest).map(move |data| {
            let _until_the_end = &running;
            Ok::<_, Infallible>(data)
        });
        let code = {
            let mut told = self.told.lock().unwrap();
            let (first, then) = &mut *told;
            first.pop_front().unwrap_or(*then)
        };
        let mut response = Response::new(Body::from_stream(data));
        response
            .headers_mut()
            .insert("grpc-status", (code as i32).into());
        if let Some(after) = after {
            response.headers_mut().insert("retry-after", after.into());
        }
        if let Some(head) = head {
            let long = http::HeaderValue::from_bytes(&vec![b'a'; head]).unwrap();
            response.headers_mut().insert("x-long", long);
        }
        response
    }

    /// The way of a service to it, on which every call goes out once.
    pub fn channel(&self) -> Channel {
        self.channel_at(Clock::system())
    }

    pub fn channel_at(&self, clock: Clock) -> Channel {
        let peers = self.peers("user", clock).policy("user", Policy::none());
        peers.build().channel("user")
    }

    /// The peers of a service, of which it is this one.
    pub fn peers(&self, peer: &'static str, clock: Clock) -> PeersBuilder {
        let address = format!("http://{}", self.address).parse().unwrap();
        peers_at(peer, address, clock)
    }
}

/// The peers of a service, of which one is there.
pub fn peers_at(peer: &'static str, source: Source, clock: Clock) -> PeersBuilder {
    let key = SigningKey::generate("order").unwrap();
    let contract = edge::Contract::new(proto::DESCRIPTORS).unwrap();
    Peers::builder("order", clock, Local::new())
        .contract(contract)
        .signer(Arc::new(key))
        .at(peer, source)
}

/// An answer, until it is over.
struct Running {
    server: Arc<Server>,
    connection: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.seen.send_modify(|seen| {
            let running = seen.running.get_mut(&self.connection).unwrap();
            *running -= 1;
        });
    }
}

/// Calls with these headers.
pub async fn call(
    channel: &Channel,
    rpc: &str,
    headers: &[(&str, usize)],
) -> Result<Response<Body>, tonic::Status> {
    let mut request = Request::post(rpc);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(tonic::body::Body::empty()).unwrap();
    channel.clone().call(request).await
}

/// A call whose own caller waits no longer than this.
pub async fn call_within(channel: &Channel, time: Duration) -> Code {
    let trace = TraceContext::root([7; 16], [7; 8]);
    let called = call_for(channel, time, trace, 60_000).await;
    called.unwrap_err().code()
}

/// A call that one of our services makes under this key.
pub async fn call_under(channel: &Channel, rpc: &str, key: &str) -> Result<(), tonic::Status> {
    let outgoing = outgoing(Duration::from_secs(10), TraceContext::root([7; 16], [7; 8]));
    let mut request = Request::post(rpc).body(tonic::body::Body::empty()).unwrap();
    let key = call::IdempotencyKey::parse(key).unwrap();
    request.extensions_mut().insert(outgoing.idempotent(key));
    channel.clone().call(request).await.map(drop)
}

/// A call that belongs to this trace.
pub async fn call_of(channel: &Channel, trace: TraceContext) -> Result<(), tonic::Status> {
    let time = Duration::from_secs(10);
    call_for(channel, time, trace, 0).await.map(drop)
}

async fn call_for(
    channel: &Channel,
    time: Duration,
    trace: TraceContext,
    millis: u32,
) -> Result<Response<Body>, tonic::Status> {
    let outgoing = outgoing(time, trace);
    let mut request = Request::post(UNARY)
        .header("millis", millis)
        .body(tonic::body::Body::empty())
        .unwrap();
    request.extensions_mut().insert(outgoing);
    channel.clone().call(request).await
}

fn outgoing(time: Duration, trace: TraceContext) -> Outgoing {
    Outgoing {
        acting_for: None,
        deadline: call::Deadline::after(time),
        correlation_id: call::CorrelationId::from_uuid(uuid::Uuid::nil()),
        trace,
        idempotency_key: None,
        authorization: None,
        synthetic: false,
    }
}
