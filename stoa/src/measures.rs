//! Metrics that speak of the domain; the chassis declares its own.

use telemetry::metrics::{Kind, Metric};

/// What services measure beside the chassis.
pub const DOMAIN: &[Metric] = &[
    Metric {
        name: "active_orders_total",
        kind: Kind::Gauge,
        labels: &[],
        help: "Orders that are not terminal yet.",
    },
    Metric {
        name: "sagas_stuck",
        kind: Kind::Gauge,
        labels: &[],
        help: "Orphaned checkouts that could not be taken over: a newer version has written them, or their rows are held.",
    },
    Metric {
        name: "build_info",
        kind: Kind::Gauge,
        labels: &["version", "target"],
        help: "Always 1; the labels say what runs.",
    },
];
