//! Work that goes on for as long as its process does, whatever becomes of one run of it.
//!
//! A panic ends a task and nobody is told: what it did is just not done any more. So whatever runs in the background
//! without an end is handed to [`supervise`], which logs a panic, begins the work anew, and remembers it for
//! [`report`]. It does not know what the work is, and stops nothing that goes well.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The wait before the first new beginning; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Work that went on for so long begins again as if it had never panicked.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// What is known of one task of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose work it is.
    pub service: &'static str,
    /// What it is called in logs and metrics.
    pub name: &'static str,
    /// False while it waits to begin anew.
    pub running: bool,
    /// How often it panicked.
    pub panics: u32,
    /// What it said when it did last.
    pub cause: Option<String>,
}

/// All tasks of this process that have not ended, in the order in which they began.
pub fn report() -> Vec<Report> {
    all().iter().map(|task| lock(task).clone()).collect()
}

/// Runs what `start` makes until it ends by itself; after a panic it is made and run anew, until `shutdown`.
pub async fn supervise<F, Fut>(
    service: &'static str,
    name: &'static str,
    shutdown: CancellationToken,
    start: F,
) where
    F: Fn() -> Fut,
    Fut: Future<Output = ()>,
{
    let entry = Entry::new(service, name);
    let mut in_a_row = 0;
    loop {
        entry.runs();
        let began = Instant::now();
        let run = AssertUnwindSafe(async { start().await });
        let Err(panic) = run.catch_unwind().await else {
            return;
        };
        if began.elapsed() >= WELL_AFTER {
            in_a_row = 0;
        }
        let pause = pause(in_a_row);
        in_a_row += 1;
        entry.panicked(said(&*panic), pause);
        let waited = shutdown.run_until_cancelled(tokio::time::sleep(pause));
        if waited.await.is_none() {
            return;
        }
    }
}

/// The wait after a panic that so many came right before.
fn pause(before: u32) -> Duration {
    PAUSE_FIRST
        .saturating_mul(2_u32.saturating_pow(before))
        .min(PAUSE_MAX)
}

type Shared = Arc<Mutex<Report>>;

/// Like metrics, tasks belong to the process: whoever asks for them did not start them.
fn all() -> MutexGuard<'static, Vec<Shared>> {
    static ALL: Mutex<Vec<Shared>> = Mutex::new(Vec::new());
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(task: &Shared) -> MutexGuard<'_, Report> {
    task.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A task among those of the process; dropping it takes it off.
struct Entry(Shared);

impl Entry {
    fn new(service: &'static str, name: &'static str) -> Self {
        let report = Report {
            service,
            name,
            running: false,
            panics: 0,
            cause: None,
        };
        let task = Arc::new(Mutex::new(report));
        all().push(Arc::clone(&task));
        Self(task)
    }

    fn runs(&self) {
        let mut report = lock(&self.0);
        report.running = true;
        measure(&report);
    }

    fn panicked(&self, cause: String, pause: Duration) {
        let mut report = lock(&self.0);
        let Report { service, name, .. } = *report;
        tracing::error!(
            service,
            task = name,
            cause,
            "The task {name} panicked and begins anew in {pause:?}"
        );
        metrics::counter!("task_panics_total", "service" => service, "task" => name).increment(1);
        report.running = false;
        report.panics += 1;
        report.cause = Some(cause);
        measure(&report);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        all().retain(|task| !Arc::ptr_eq(task, &self.0));
    }
}

fn measure(report: &Report) {
    let running =
        metrics::gauge!("task_running", "service" => report.service, "task" => report.name);
    running.set(if report.running { 1.0 } else { 0.0 });
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it said nothing".to_owned())
}
