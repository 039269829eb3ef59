//! Every metric of the chassis: name, kind, labels and what it means.

/// A metric as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name, as it is scraped.
    pub name: &'static str,
    /// What is measured with it.
    pub kind: Kind,
    /// The only labels it may carry; the values of each are bounded.
    pub labels: &'static [&'static str],
    /// One sentence for who reads a dashboard.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution over these upper bounds, ascending.
    Histogram(&'static [f64]),
}

impl Metric {
    pub(super) fn describe(&self) {
        match self.kind {
            Kind::Counter => ::metrics::describe_counter!(self.name, self.help),
            Kind::Gauge => ::metrics::describe_gauge!(self.name, self.help),
            Kind::Histogram(_) => ::metrics::describe_histogram!(self.name, self.help),
        }
    }
}

/// Bounds for the duration of an HTTP request, in seconds.
pub const HTTP_SECONDS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Bounds for the duration of anything else, in seconds: fine enough for a
/// call inside one process, wide enough for the longest deadline.
pub const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        labels,
        help,
    }
}

const fn histogram(
    name: &'static str,
    bounds: &'static [f64],
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Histogram(bounds),
        labels,
        help,
    }
}

/// What the chassis measures in every process.
pub const CHASSIS: &[Metric] = &[
    // the edge
    histogram(
        "http_request_duration_seconds",
        HTTP_SECONDS,
        &["method", "route", "status_code"],
        "Time from the request's head to the end of its answer, by route template.",
    ),
    histogram(
        "rpc_server_call_duration_seconds",
        SECONDS,
        &["service", "method", "protocol", "code"],
        "Time a server took for an rpc, by protocol and outcome.",
    ),
    gauge(
        "rpc_server_in_flight",
        &["service"],
        "Requests being served now.",
    ),
    counter(
        "rpc_server_panics_total",
        &["service"],
        "Handlers that panicked and were caught.",
    ),
    counter(
        "rpc_server_shed_total",
        &["service"],
        "Requests refused because too many were in flight.",
    ),
    gauge("rpc_server_connections", &["service"], "Open connections."),
    counter(
        "rpc_server_connections_refused_total",
        &["service", "reason"],
        "Connections refused at a cap.",
    ),
    // calls to peers
    histogram(
        "rpc_client_call_duration_seconds",
        SECONDS,
        &["service", "method", "code", "target"],
        "Time a call to a peer took with all its attempts.",
    ),
    counter(
        "rpc_client_calls_total",
        &["service", "method", "target", "code"],
        "Calls made to peers.",
    ),
    counter(
        "rpc_client_attempts_total",
        &["service", "method", "target"],
        "Attempts that these calls took.",
    ),
    gauge(
        "circuit_state",
        &["target"],
        "Breaker of a peer: 0 closed, 1 open, 2 half-open.",
    ),
    // the store
    counter(
        "store_commits_total",
        &["service"],
        "Transactions committed.",
    ),
    counter(
        "store_rollbacks_total",
        &["service"],
        "Transactions rolled back.",
    ),
    counter(
        "store_retries_total",
        &["service"],
        "Attempts repeated after a lost race.",
    ),
    histogram(
        "store_write_duration_seconds",
        SECONDS,
        &["service"],
        "Time a write transaction was open.",
    ),
    gauge(
        "store_pool_connections",
        &["service", "pool", "state"],
        "Connections of a pool, idle or in use.",
    ),
    counter(
        "idempotency_replays_total",
        &["service"],
        "Answers given again for a key already used.",
    ),
    // events
    gauge(
        "outbox_lag_seconds",
        &["service"],
        "Age of the oldest fact no tail has read yet.",
    ),
    gauge("outbox_rows", &["service"], "Facts kept in the outbox."),
    gauge(
        "event_watchers",
        &["service"],
        "Streams that follow the outbox now.",
    ),
    counter(
        "event_watch_gaps_total",
        &["service"],
        "Times a watcher fell behind and was told so.",
    ),
];
