//! Every metric stands in a table.

use std::collections::BTreeSet;

use super::{root, sources};

/// A metric that no table declares would have neither help nor buckets.
///
/// row: O5
#[test]
fn every_metric_is_declared() {
    let domain = std::fs::read_to_string(root().join("stoa/src/measures.rs")).expect("it is there");
    let declared: BTreeSet<String> = telemetry::metrics::table::CHASSIS
        .iter()
        .map(|metric| metric.name.to_owned())
        .chain(
            domain
                .split("name: \"")
                .skip(1)
                .filter_map(|rest| Some(rest.split('"').next()?.to_owned())),
        )
        .collect();
    let mut used = BTreeSet::new();
    for folder in ["chassis", "services", "gateway", "stoa"] {
        for file in sources(&root().join(folder), "src") {
            let text = std::fs::read_to_string(&file).expect("sources are text");
            for kind in ["counter!(", "gauge!(", "histogram!("] {
                for rest in text.split(kind).skip(1) {
                    if let Some(quoted) = rest.trim_start().strip_prefix('"') {
                        used.insert(quoted.split('"').next().unwrap_or_default().to_owned());
                    }
                }
            }
        }
    }
    let missing: Vec<_> = used.difference(&declared).collect();
    assert!(missing.is_empty(), "used and not declared: {missing:?}");
    let idle: Vec<_> = declared.difference(&used).collect();
    assert!(idle.is_empty(), "declared and not used: {idle:?}");
}
