//! What was metered while a test ran.

use metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Hears what this thread meters, until it is dropped. Each question takes what it is told with it, so that the next
/// hears of what came later.
pub struct Metered {
    all: Snapshotter,
    _hears: LocalRecorderGuard<'static>,
}

impl Metered {
    /// Begins to listen.
    pub fn begin() -> Self {
        // A test has a process of its own, which ends soon.
        let recorder = Box::leak(Box::new(DebuggingRecorder::new()));
        Self {
            all: recorder.snapshotter(),
            _hears: metrics::set_default_local_recorder(recorder),
        }
    }

    /// By how much the counters of this name went up, whatever their labels.
    pub fn counted(&self, name: &str) -> u64 {
        let counts = self.named(name).map(|value| match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(_) | DebugValue::Histogram(_) => 0,
        });
        counts.sum()
    }

    /// Where a gauge of this name was put.
    pub fn gauge(&self, name: &str) -> Option<f64> {
        self.named(name).find_map(|value| match value {
            DebugValue::Gauge(value) => Some(value.0),
            DebugValue::Counter(_) | DebugValue::Histogram(_) => None,
        })
    }

    fn named(&self, name: &str) -> impl Iterator<Item = DebugValue> {
        let all = self.all.snapshot().into_vec().into_iter();
        all.filter(move |(key, ..)| key.key().name() == name)
            .map(|(.., value)| value)
    }
}
