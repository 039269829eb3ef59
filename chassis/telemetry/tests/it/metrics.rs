//! The text that Prometheus scrapes.

use std::collections::HashSet;

use telemetry::metrics::{Metric, MetricKind, table};

const EXTRA: &[Metric] = &[Metric {
    name: "active_orders_total",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Orders that are not terminal yet.",
}];

/// row: O5
#[test]
fn histograms_have_their_buckets_and_help() {
    let handle = telemetry::metrics::install(EXTRA).expect("first recorder of this process");
    metrics::histogram!("http_request_duration_seconds", "method" => "POST", "route" => "/x", "status_code" => "200").record(0.07);
    metrics::histogram!("undeclared_seconds").record(0.07);
    metrics::gauge!("active_orders_total").set(3.0);
    let text = handle.render();
    for wanted in [
        "# HELP http_request_duration_seconds ",
        "# TYPE http_request_duration_seconds histogram",
        "le=\"0.01\"} 0",
        "le=\"0.1\"} 1",
        "le=\"2.5\"} 1",
        "# TYPE undeclared_seconds histogram",
        "# HELP active_orders_total Orders that are not terminal yet.",
        "active_orders_total 3",
        "rpc_panics_total 0",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    let again = telemetry::metrics::install(&[]).expect("the first handle again");
    assert!(again.render().contains("active_orders_total"));
}

/// row: O5
#[test]
fn the_table_keeps_the_naming_rules() {
    let mut seen = HashSet::new();
    for metric in table::CHASSIS {
        assert!(
            seen.insert(metric.name),
            "{} is declared twice",
            metric.name
        );
        assert!(
            metric.help.ends_with('.'),
            "{} has no sentence",
            metric.name
        );
        match metric.kind {
            MetricKind::Counter => assert!(metric.name.ends_with("_total"), "{}", metric.name),
            MetricKind::Gauge => assert!(!metric.name.ends_with("_total"), "{}", metric.name),
            MetricKind::Histogram(bounds) => {
                assert!(
                    metric.name.ends_with("_seconds") || metric.name.ends_with("_bytes"),
                    "{}",
                    metric.name
                );
                assert!(bounds.is_sorted(), "{}", metric.name);
            }
        }
    }
}
