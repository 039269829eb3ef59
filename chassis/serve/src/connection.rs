//! One connection, from its first byte to its end: TLS, HTTP version, the limits of each,
//! age, and a graceful end when it or the server is done.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::body::Body;
use edge::{App, ConnectionEnding, PeerAddress};
use http::HeaderValue;
use http::header::{CONNECTION, UPGRADE};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Serve;
use super::cork::Corked;
use super::flood::{self, Flood};
use super::requests::Requests;
use super::sniff::{self, Sniffed};
use super::unread::Unread;
use super::upgraded::Hold;

const HTTP1_BUFFER_BYTES: usize = 64 << 10;
const HTTP2_STREAMS_MAX: u32 = 100;
const HTTP2_STREAM_WINDOW_BYTES: u32 = 64 << 10;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
const HTTP2_FRAME_BYTES: u32 = 16 << 10;
const HTTP2_HEADER_LIST_BYTES: u32 = 16 << 10;
const HTTP2_SEND_BUFFER_BYTES: usize = 256 << 10;
const HTTP2_PENDING_RESETS_MAX: usize = 20;
const HTTP2_LOCAL_RESETS_MAX: usize = 128;
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a head may take on a connection that was asked to end, and an HTTP/2 peer to say that it saw that.
const LAST_WORD_MAX: Duration = Duration::from_secs(2);

/// How long whoever floods a connection has to hear that it is over.
const GOODBYE_MAX: Duration = Duration::from_millis(100);

/// How long a peer that was let in just before a stop may take to say something.
const FIRST_WORD_AFTER_STOP_MAX: Duration = Duration::from_millis(500);

/// Serves one connection to its end.
pub(super) async fn serve<I>(
    io: I,
    peer: SocketAddr,
    app: App,
    config: &Serve,
    stop: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match &config.tls {
        None => speak(io, peer, app, config, stop).await,
        Some(tls) => {
            let accepting = tokio::time::timeout(config.header_timeout, tls.accept(io));
            let accepted = tokio::select! {
                accepted = accepting => accepted,
                () = silent_after(&stop) => return,
            };
            match accepted {
                Ok(Ok(io)) => speak(io, peer, app, config, stop).await,
                Ok(Err(error)) => debug!(%peer, %error, "A TLS handshake failed"),
                Err(_) => debug!(%peer, "A TLS handshake took too long"),
            }
        }
    }
}

async fn speak<I>(io: I, peer: SocketAddr, app: App, config: &Serve, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let sniffing = tokio::time::timeout(config.header_timeout, sniff::sniff(io));
    let sniffed = tokio::select! {
        sniffed = sniffing => sniffed,
        () = silent_after(&stop) => return,
    };
    let Ok(Ok(Some(Sniffed { http2, since, io }))) = sniffed else {
        return;
    };
    let address = PeerAddress(peer.ip());
    let (unread, requests) = (Unread::default(), Requests::default());
    let (watching, counting) = (unread.clone(), requests.clone());
    let flood = Flood::default();
    let room = flood.clone();
    let ending = ConnectionEnding::default();
    let asking = ending.clone();
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(address);
        if request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(asking.clone());
        }
        let (app, unread, room) = (app.clone(), watching.clone(), room.clone());
        let under_way = counting.arrived();
        // Boxed: hyper makes a task of an HTTP/2 stream and moves it several times, and this
        // future is kilobytes in size.
        Box::pin(async move {
            let mut response = app.handle(request.map(Body::new)).await;
            // Told now, a peer has left when the listener closes, and races no request with it.
            if !http2 && app.is_draining() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            let narrow = room.is_narrow();
            Ok::<_, Infallible>(response.map(|body| unread.watch(body, narrow, under_way)))
        })
    });
    let life = Life {
        http2,
        config,
        stop,
        since,
        dies: Instant::now() + age(config.age_max),
        flood,
        unread,
        requests,
    };
    match http2 {
        true => {
            let io = TokioIo::new(Corked::new(life.flood.watch(io)));
            let connection = http2_builder().serve_connection(io, service);
            life.run(connection, |connection| connection.graceful_shutdown())
                .await;
        }
        false => {
            // An answer within hyper's buffer is out of our hands, but its bytes are not.
            let hold = Hold::default();
            let mut io = TimeoutWriter::new(hold.on(life.requests.hear(io)));
            io.set_timeout(Some(config.unread_max));
            let connection = http1_builder()
                .serve_connection(TokioIo::new(Box::pin(io)), service)
                .with_upgrades();
            life.run(connection, |connection| connection.graceful_shutdown())
                .await;
            life.go_on(&hold, &ending).await;
        }
    }
}

/// Over when a peer has said nothing for a moment after the stop. Before that his first call may be on its way,
/// or wait in the kernel, and would be reset.
async fn silent_after(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(FIRST_WORD_AFTER_STOP_MAX).await;
}

/// How a connection comes to its end.
struct Life<'a> {
    http2: bool,
    config: &'a Serve,
    stop: CancellationToken,
    /// When it said something first.
    since: Instant,
    /// When it is too old.
    dies: Instant,
    flood: Flood,
    unread: Unread,
    requests: Requests,
}

/// What ends a connection that was looked at.
enum End {
    /// Half a head and no more: no word is lost on this peer.
    Late,
    /// It rests, or is too old.
    Due,
    /// Nobody reads its answers.
    Unread,
}

impl Life<'_> {
    /// Runs a connection until it ends, asking it to when it is old, when nobody reads what it has, or when the server
    /// stops.
    async fn run<C, E>(&self, connection: C, end: impl Fn(Pin<&mut C>))
    where
        C: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        let mut grace = self.config.grace;
        let mut connection = pin!(connection);
        tokio::select! {
            biased; // what was read already is begun before it is asked to end
            ended = connection.as_mut() => return note(ended),
            kind = self.flood.comes() => {
                metrics::counter!("rpc_floods_total").increment(1);
                if kind == flood::Kind::Idle {
                    grace = GOODBYE_MAX;
                }
            }
            () = self.stop.cancelled() => {}
            seen = self.look() => match seen {
                End::Late => return debug!("A head took too long"),
                End::Due => {}
                End::Unread => metrics::counter!("rpc_answers_unread_total").increment(1),
            }
        }
        end(connection.as_mut());
        let word_max = self.config.header_timeout.min(LAST_WORD_MAX);
        tokio::select! {
            biased;
            ended = connection => note(ended),
            () = self.requests.looks().head_late(word_max) => {
                debug!("A connection ended amid a head");
            }
            () = self.requests.looks().at_rest(word_max, || self.flood.written()), if self.http2 => {
                debug!("A peer did not say that it saw the end");
            }
            () = tokio::time::sleep(grace) => debug!("A connection did not end in time"),
        }
    }

    /// Goes on after an upgrade, until nobody has its bytes: what ended the connection before ends it now.
    async fn go_on(&self, hold: &Hold, ending: &ConnectionEnding) {
        tokio::select! {
            () = hold.gone() => return, // as nearly always: there was none
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep_until(self.dies) => {}
        }
        ending.ask();
        if tokio::time::timeout(self.config.grace, hold.gone())
            .await
            .is_err()
        {
            debug!("Whoever had an upgraded connection did not end it in time");
            hold.cut();
        }
    }

    /// Looks at the connection now and then, until it should end. To be told of each answer and each head would cost
    /// more than they do. A head may have begun just after a look, so it is late a pause before its time is over.
    async fn look(&self) -> End {
        let Serve {
            header_timeout,
            idle_max,
            unread_max,
            age_max,
            ..
        } = *self.config;
        let shortest = header_timeout
            .min(idle_max)
            .min(unread_max / 2)
            .min(age_max);
        let every = shortest / 8;
        let head_max = header_timeout - every;
        let mut pause = every.min(head_max.saturating_sub(self.since.elapsed()));
        let (mut looks, mut written) = (self.requests.looks_since(self.since), 0);
        let (mut unread_looked, unread_every) = (Instant::now(), unread_max / 4);
        loop {
            tokio::time::sleep(pause).await;
            let now = self.flood.written();
            let head = looks.head(self.flood.amid_head());
            if head >= head_max {
                let others = self.requests.are_under_way() || looks.rest(now) < every;
                return if others { End::Due } else { End::Late }; // those of an HTTP/2 connection
            }
            pause = every.min(head_max - head);
            // An HTTP/2 connection may rest until it is old, as long as it answers pings.
            if Instant::now() >= self.dies || (looks.rest(now) >= idle_max && !self.http2) {
                return End::Due;
            }
            if unread_looked.elapsed() >= unread_every {
                let taken = now - written;
                (unread_looked, written) = (Instant::now(), now);
                if self.unread.stands_still(unread_max, taken) {
                    return End::Unread;
                }
            }
        }
    }
}

/// The age of this connection: `max`, give or take a tenth, so that connections that began
/// together do not end together.
fn age(max: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let spread = RandomState::new().hash_one(0) % 200; // thousandths
    max.mul_f64(0.9 + spread as f64 / 1000.0)
}

fn note<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        debug!(%error, "A connection broke"); // the peer's business
    }
}

/// Headers are 100 at most, as hyper has it: for any other number it fills two arrays with
/// each request.
fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None) // ours costs less: see `requests`
        .max_buf_size(HTTP1_BUFFER_BYTES);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_frame_size(HTTP2_FRAME_BYTES)
        .max_header_list_size(HTTP2_HEADER_LIST_BYTES)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS_MAX)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections that were made at one moment do not end at one.
    ///
    /// row: L6
    #[test]
    fn ages_differ_by_a_tenth_either_way() {
        let max = Duration::from_secs(1000);
        let ages: Vec<_> = (0..1000).map(|_| age(max).as_secs()).collect();
        assert!(ages.iter().all(|age| (900..1100).contains(age)));
        assert!(ages.iter().any(|age| *age < 930) && ages.iter().any(|age| *age > 1070));
    }
}
