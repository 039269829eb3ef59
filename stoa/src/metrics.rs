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
        name: "sagas_unreadable",
        kind: Kind::Gauge,
        labels: &[],
        help: "Orphaned checkouts that this version cannot read: a newer one has written them.",
    },
    Metric {
        name: "build_info",
        kind: Kind::Gauge,
        labels: &["version", "target"],
        help: "Always 1; the labels say what runs.",
    },
];
