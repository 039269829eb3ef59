//! The Prometheus recorder: buckets and help for every metric, upkeep, and the
//! text that the admin listener serves.
//!
//! A metric is declared in a table before it is used: the chassis' own in
//! [`table::CHASSIS`], a domain's by whoever composes the process. Labels are
//! bounded: route templates, rpc names, codes, peers; never an id or a path.

pub mod table;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use table::{Metric, MetricKind};

/// How often histograms are drained. Without upkeep they keep every sample
/// until somebody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Reads the metrics of this process.
#[derive(Clone)]
pub struct Handle {
    prometheus: PrometheusHandle,
    process: metrics_process::Collector,
}

impl Handle {
    /// All metrics in Prometheus' text format, the process' own brought up to
    /// date first.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        self.prometheus.render()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// Why the recorder could not be installed.
#[derive(Debug)]
pub struct InstallError(String);

impl std::fmt::Display for InstallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "metrics recorder was not installed: {}", self.0)
    }
}

impl std::error::Error for InstallError {}

/// Installs the recorder of this process with the chassis' metrics and `extra`
/// ones, and starts its upkeep. A second call hands out the first handle.
///
/// # Errors
///
/// A recorder from elsewhere is installed, a histogram has no buckets, or the
/// upkeep thread does not start.
pub fn install(extra: &[Metric]) -> Result<Handle, InstallError> {
    static INSTALLED: OnceLock<Result<Handle, String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| install_once(extra))
        .clone()
        .map_err(InstallError)
}

fn install_once(extra: &[Metric]) -> Result<Handle, String> {
    let mut builder = PrometheusBuilder::new();
    for metric in table::CHASSIS.iter().chain(extra) {
        if let MetricKind::Histogram(buckets) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                .map_err(|error| format!("{}: {error}", metric.name))?;
        }
    }
    // A histogram nobody declared still becomes one, never a summary.
    builder = builder
        .set_buckets(table::SECONDS)
        .map_err(|error| error.to_string())?;
    let prometheus = builder
        .install_recorder()
        .map_err(|error| error.to_string())?;
    for metric in table::CHASSIS.iter().chain(extra) {
        metric.describe();
    }
    let process = metrics_process::Collector::default();
    process.describe();
    let upkeep = prometheus.clone();
    std::thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_EVERY);
                upkeep.run_upkeep();
            }
        })
        .map_err(|error| error.to_string())?;
    Ok(Handle {
        prometheus,
        process,
    })
}
