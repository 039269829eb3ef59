//! Metrics that speak of the domain; the chassis declares its own.

use telemetry::metrics::{Metric, MetricKind};

/// What services measure beside the chassis.
pub const DOMAIN: &[Metric] = &[
    Metric {
        name: "active_orders_total",
        kind: MetricKind::Gauge,
        labels: &[],
        help: "Orders that are not terminal yet.",
    },
    Metric {
        name: "sagas_stuck",
        kind: MetricKind::Gauge,
        labels: &[],
        help: "Orphaned checkouts that could not be taken over: a newer version has written them, or their rows are held.",
    },
    Metric {
        name: "csp_reports_total",
        kind: MetricKind::Counter,
        labels: &["directive"],
        help: "Reports of browsers that a page did what its Content-Security-Policy forbids; those of pages at another host than was asked are `of-another-site`.",
    },
    Metric {
        name: "build_info",
        kind: MetricKind::Gauge,
        labels: &["version", "target"],
        help: "Always 1; the labels say what runs.",
    },
];
