//! Every metric of the chassis: name, kind, labels and what it means.

/// A metric as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name, as it is scraped.
    pub name: &'static str,
    /// What is measured with it.
    pub kind: MetricKind,
    /// The only labels it may carry; the values of each are bounded.
    pub labels: &'static [&'static str],
    /// One sentence for who reads a dashboard.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub enum MetricKind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution over these upper bounds, ascending.
    Histogram(&'static [f64]),
}

impl Metric {
    /// Says what it is. A counter that has no labels stands at zero from then on: where none is shown, nobody counts.
    pub(super) fn describe(&self) {
        match self.kind {
            MetricKind::Counter if self.labels.is_empty() => {
                metrics::describe_counter!(self.name, self.help);
                metrics::counter!(self.name).increment(0);
            }
            MetricKind::Counter => metrics::describe_counter!(self.name, self.help),
            MetricKind::Gauge => metrics::describe_gauge!(self.name, self.help),
            MetricKind::Histogram(_) => metrics::describe_histogram!(self.name, self.help),
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
        kind: MetricKind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Gauge,
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
        kind: MetricKind::Histogram(bounds),
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
        &["service", "rpc", "protocol", "code"],
        "Time a server took for an rpc, by protocol and outcome.",
    ),
    counter(
        "rpc_panics_total",
        &[],
        "Handlers that panicked and were caught.",
    ),
    counter(
        "faults_met_total",
        &[],
        "Calls that met a fault that was set on purpose.",
    ),
    counter(
        "task_panics_total",
        &["service", "task"],
        "Panics of work in the background, which then began anew.",
    ),
    gauge(
        "task_running",
        &["service", "task"],
        "1 while work in the background runs, 0 while it waits after a panic.",
    ),
    counter(
        "rpc_shed_total",
        &["of"],
        "Calls refused because too many were in flight: of strangers, who only read, of people, of our services.",
    ),
    counter(
        "rpc_rate_refusals_total",
        &["of"],
        "Calls and pages refused because an address, a session or a person asked too often.",
    ),
    counter(
        "rpc_share_refusals_total",
        &["of", "what"],
        "Calls refused because an address, a person or all together had too many calls, streams or unfinished bytes.",
    ),
    counter(
        "rpc_answers_unread_total",
        &[],
        "Connections asked to end because nobody read their answers.",
    ),
    counter(
        "rpc_floods_total",
        &[],
        "HTTP/2 connections ended for frames that ask for nothing, or streams taken back.",
    ),
    counter(
        "rpc_connections_refused_total",
        &[],
        "Connections refused at a cap.",
    ),
    // calls to peers
    histogram(
        "rpc_client_call_duration_seconds",
        SECONDS,
        &["peer", "rpc", "code"],
        "Time a call to a peer took with all its attempts.",
    ),
    gauge(
        "rpc_client_connections",
        &["peer", "kind"],
        "Connections to a peer that take calls, apart for unary ones and streams.",
    ),
    gauge(
        "rpc_client_endpoints",
        &["target", "state"],
        "Replicas of a peer that are known: ready, or ejected since they could not be reached.",
    ),
    counter(
        "rpc_client_attempts_total",
        &["target"],
        "Requests sent to a peer, each try of a call for itself.",
    ),
    counter(
        "rpc_client_fallbacks_total",
        &["target"],
        "Answers that went without what a peer would have said.",
    ),
    gauge(
        "circuit_state",
        &["target"],
        "The breaker before a peer: 0 calls pass, 1 none does, 2 one at a time does.",
    ),
    // the store
    counter(
        "store_commits_total",
        &["service"],
        "Durable commits; on SQLite transactions share them.",
    ),
    counter(
        "store_transactions_total",
        &["service"],
        "Transactions stored.",
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
    gauge(
        "idempotency_rows",
        &["service"],
        "Idempotency records kept: estimated on PostgreSQL, counted up to a million on SQLite.",
    ),
    // events
    gauge(
        "outbox_lag_seconds",
        &["service"],
        "Age of the oldest committed fact that the tail has not handed out, while anybody watches.",
    ),
    gauge(
        "outbox_rows",
        &["service"],
        "Facts kept, by the positions of the first and the last.",
    ),
    gauge(
        "outbox_oldest_seconds",
        &["service"],
        "Age of the oldest fact kept; older than eight days, and pruning stands still.",
    ),
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
    gauge(
        "consumer_lag_seconds",
        &["service", "group", "source"],
        "Age of the oldest fact of a source that a group has not acted on.",
    ),
    counter(
        "facts_published_total",
        &["service"],
        "Facts that this process brought to the broker.",
    ),
    counter(
        "facts_heard_total",
        &["service", "group", "topic", "result"],
        "Facts by what became of them: heard, repeated (no effect again), parked (failed, or behind one that did), dead.",
    ),
    gauge(
        "dead_letters",
        &["service", "group"],
        "Facts that a group failed at for good.",
    ),
    counter(
        "event_watchers_visited_total",
        &["service"],
        "Watchers that the tail looked at for a fact, by its key or its subject.",
    ),
];
