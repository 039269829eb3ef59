//! The generator: a closed loop over connections of its own, cheap enough that one core of it
//! keeps one core of any server busy. It knows its one call by heart: requests are rendered
//! once, and an answer that differs by one byte from the right one is a failure.

mod http1;
mod http2;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::call::{Call, Protocol};

/// Connections of a client that sends one request at a time on each.
const HTTP1_CONNECTIONS: usize = 64;
/// Connections of a client that sends many at a time on each.
const HTTP2_CONNECTIONS: usize = 8;
/// Requests in flight on one of the latter.
const HTTP2_STREAMS: usize = 8;

/// What came of a turn.
#[derive(Clone, Debug)]
pub struct Count {
    /// Right answers.
    pub right: u64,
    /// Other answers.
    pub wrong: u64,
    /// From sending a request to its whole answer, in microseconds.
    pub latency: Histogram<u64>,
}

impl Count {
    fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3);
        Self {
            right: 0,
            wrong: 0,
            latency: latency.expect("the bounds are legal"),
        }
    }

    fn add(&mut self, right: bool, took: Duration) {
        match right {
            true => self.right += 1,
            false => self.wrong += 1,
        }
        self.latency
            .saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    fn join(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.latency
            .add(&other.latency)
            .expect("all have the same bounds");
    }
}

/// A client that is connected and has had one answer on each connection.
pub enum Client {
    /// For Connect.
    Http1(Vec<http1::Connection>),
    /// For gRPC.
    Http2(Vec<http2::Connection>),
}

impl Client {
    /// Connects to `server`.
    ///
    /// # Errors
    /// It does not answer, or not as it should.
    pub async fn connect(
        protocol: Protocol,
        call: Arc<Call>,
        server: SocketAddr,
    ) -> anyhow::Result<Self> {
        Ok(match protocol {
            Protocol::Grpc => {
                let mut all = Vec::new();
                for _ in 0..HTTP2_CONNECTIONS {
                    let streams = HTTP2_STREAMS;
                    all.push(http2::Connection::open(server, call.clone(), streams).await?);
                }
                Self::Http2(all)
            }
            Protocol::ConnectJson | Protocol::ConnectProto => {
                let mut all = Vec::new();
                for _ in 0..HTTP1_CONNECTIONS {
                    all.push(http1::Connection::open(server, call.clone()).await?);
                }
                Self::Http1(all)
            }
        })
    }

    /// Sends as fast as answers come, until `end`, and waits for the last answers.
    ///
    /// # Errors
    /// A connection broke.
    pub async fn run(self, end: Instant) -> anyhow::Result<Count> {
        let mut running = JoinSet::new();
        match self {
            Self::Http1(all) => all.into_iter().for_each(|connection| {
                running.spawn(connection.run(end));
            }),
            Self::Http2(all) => all.into_iter().for_each(|connection| {
                running.spawn(connection.run(end));
            }),
        }
        let mut count = Count::new();
        while let Some(ended) = running.join_next().await {
            count.join(&ended??);
        }
        Ok(count)
    }
}
