//! The metrics of one rpc, their handles made once: a lookup by labels for each call would
//! cost more than the call.

use std::sync::OnceLock;
use std::time::Duration;

use call::error::code_name;
use http::StatusCode;
use metrics::Histogram;

use super::protocol::Protocol;

const CODES: usize = 17;
const PROTOCOLS: usize = 5;

/// Durations by protocol and outcome.
pub(crate) struct Stats {
    route: String,
    service: String,
    calls: [[OnceLock<Handles>; CODES]; PROTOCOLS],
}

/// The same call as an rpc and as an HTTP request of the commonest kind: the first that came.
struct Handles {
    rpc: Histogram,
    http: Histogram,
    verb: &'static str,
    status: StatusCode,
}

impl Stats {
    /// The metrics of the rpc at `path`, of the context named `service`.
    pub(crate) fn new(path: &str, service: &str) -> Self {
        let calls = std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new()));
        Self {
            route: path.to_owned(),
            service: service.to_owned(),
            calls,
        }
    }

    /// The context that owns the rpc: `order`, `gateway` …
    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// Counts a call. Verb and HTTP status mostly follow from protocol and outcome.
    pub(crate) fn record(&self, call: Outcome, took: Duration) {
        let Outcome {
            protocol,
            code,
            verb,
            status,
        } = call;
        let handles = self.calls[index(protocol)][code as usize].get_or_init(|| Handles {
            rpc: metrics::histogram!(
                "rpc_server_call_duration_seconds",
                "service" => self.service.clone(),
                "rpc" => self.route.clone(),
                "protocol" => protocol.label(),
                "code" => code_name(code),
            ),
            http: http_histogram(verb, &self.route, status),
            verb,
            status,
        });
        handles.rpc.record(took);
        match (handles.verb, handles.status) == (verb, status) {
            true => handles.http.record(took),
            false => http_histogram(verb, &self.route, status).record(took),
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) protocol: Protocol,
    pub(crate) code: tonic::Code,
    pub(crate) verb: &'static str,
    pub(crate) status: StatusCode,
}

/// The metric of an HTTP request that is no rpc, or was refused before it became one.
pub(crate) fn http_histogram(verb: &'static str, route: &str, status: StatusCode) -> Histogram {
    metrics::histogram!(
        "http_request_duration_seconds",
        "method" => verb,
        "route" => route.to_owned(),
        "status_code" => status.as_u16().to_string(),
    )
}

fn index(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Connect | Protocol::ConnectStream { .. } => 0,
        Protocol::ConnectGet => 1,
        Protocol::Grpc => 2,
        Protocol::GrpcWeb { .. } => 3,
        Protocol::Http => 4,
    }
}
