use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::subscriber::set_default;

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// The lines so far, as a machine reads them.
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn logging(sink: &Sink) -> tracing::subscriber::DefaultGuard {
    let config = telemetry::Config {
        format: telemetry::Format::Json,
        filter: "info".to_owned(),
        service: "stoa".to_owned(),
        version: "1".to_owned(),
        env: "dev".to_owned(),
    };
    let subscriber = telemetry::log::subscriber(&config, Box::new(sink.clone()));
    set_default(subscriber.unwrap())
}

fn known(name: &str) -> Option<Report> {
    report().into_iter().find(|report| report.name == name)
}

/// row: O-06
#[tokio::test]
async fn a_task_that_panics_is_logged_shown_and_begun_anew() {
    let sink = Sink::default();
    let _logging = logging(&sink);
    let (stop, runs) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
    let (until, counted) = (stop.clone(), Arc::clone(&runs));
    let task = tokio::spawn(supervise("shelf", "tidying", stop.clone(), move || {
        let (run, until) = (counted.fetch_add(1, Ordering::SeqCst), until.clone());
        async move {
            assert!(run > 1, "run {run} fell over");
            until.cancelled().await;
        }
    }));
    let began = Instant::now();
    tokio::task::yield_now().await;
    let ill = known("tidying").unwrap();
    assert_eq!((ill.service, ill.running, ill.panics), ("shelf", false, 1));
    assert_eq!(ill.cause.as_deref(), Some("run 0 fell over"));
    let line = &sink.lines()[0];
    assert_eq!(
        (&line["level"], &line["task"]),
        (&"ERROR".into(), &"tidying".into())
    );
    assert_eq!(
        (&line["service"], &line["cause"]),
        (&"shelf".into(), &"run 0 fell over".into())
    );

    while runs.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() >= PAUSE_FIRST * 3);
    let well = known("tidying").unwrap();
    assert_eq!((well.running, well.panics), (true, 2));
    stop.cancel();
    task.await.unwrap();
    assert_eq!(known("tidying"), None);
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_stop_waits_for_no_new_beginning() {
    let stop = CancellationToken::new();
    let falls = || async { panic!("always") };
    let task = tokio::spawn(supervise("shelf", "falling", stop.clone(), falls));
    while known("falling").is_none_or(|report| report.running || report.panics < 3) {
        tokio::task::yield_now().await;
    }
    stop.cancel(); // 400 ms before it would begin anew
    task.await.unwrap();
    assert_eq!(known("falling"), None);
}

#[test]
fn each_panic_in_a_row_doubles_the_wait_up_to_a_bound() {
    let waits = [0, 1, 2, 8, 9, u32::MAX].map(|before| pause(before).as_millis());
    assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
}

#[tokio::test]
async fn work_that_ends_is_not_begun_anew() {
    let runs = AtomicU32::new(0);
    let once = || async {
        runs.fetch_add(1, Ordering::SeqCst);
    };
    supervise("shelf", "once", CancellationToken::new(), once).await;
    assert_eq!(runs.into_inner(), 1);
    assert_eq!(known("once"), None);
}
