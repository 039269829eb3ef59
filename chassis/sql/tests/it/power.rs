//! What SQLite's file and log hold after the power is lost.

use std::path::{Path, PathBuf};

use clock::Manual;
use sql::{Config, Database};
use tempfile::TempDir;

use crate::{read, set, tables};

const COMMITS: i64 = 200;
const CUTS: usize = 120;

/// A file with its log as it lay on the disk after some commits, and the log's length when each
/// of them was acknowledged: entry n belongs to the commit that set the counter to n.
struct Disk {
    folder: TempDir,
    log_lengths: Vec<u64>,
}

impl Disk {
    async fn after_commits() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let db = Database::connect("store", &Config::sqlite(&path))
            .await
            .unwrap();
        tables(&db).await.unwrap();
        let log = folder.path().join("live.db-wal");
        let mut log_lengths = vec![log.metadata().unwrap().len()];
        for value in 1..=COMMITS {
            let txn = db.begin_write().await.unwrap();
            set(&txn, "a", value).await.unwrap();
            txn.commit().await.unwrap();
            log_lengths.push(log.metadata().unwrap().len());
        }
        // Copied while it is open: closing would fold the log into the file.
        std::fs::copy(&path, folder.path().join("disk")).unwrap();
        std::fs::copy(&log, folder.path().join("disk-wal")).unwrap();
        assert!(
            log_lengths.is_sorted(),
            "the log started over, so its length tells nothing"
        );
        Self {
            folder,
            log_lengths,
        }
    }

    /// Opens what is left when the log ends at `length`, and returns the counter; the database
    /// must be whole.
    async fn value_when_cut_at(&self, length: u64) -> i64 {
        let survivor = tempfile::tempdir().unwrap();
        let path = survivor.path().join("cut.db");
        std::fs::copy(self.path("disk"), &path).unwrap();
        let log = survivor.path().join("cut.db-wal");
        std::fs::copy(self.path("disk-wal"), &log).unwrap();
        std::fs::File::options()
            .write(true)
            .open(&log)
            .unwrap()
            .set_len(length)
            .unwrap();
        let db = Database::connect("store", &Config::sqlite(&path))
            .await
            .unwrap();
        assert_eq!(
            crate::connect::ask(db.read(), "pragma integrity_check").await,
            "ok"
        );
        // Before the tables were committed there is no counter.
        let value = read(db.read(), "a").await.unwrap_or(-1);
        db.close().await.unwrap();
        value
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// Returns a repeatable number below `bound`.
fn below(clock: &clock::Clock, bound: u64) -> u64 {
    u64::from_be_bytes(clock.random()) % bound.max(1)
}

/// row: R-15
#[tokio::test]
async fn a_log_cut_behind_an_acknowledged_commit_holds_that_commit() {
    let disk = Disk::after_commits().await;
    let (clock, _manual) = Manual::new(clock::Clock::system().now());
    let end = *disk.log_lengths.last().unwrap();
    for _ in 0..CUTS {
        let acknowledged = usize::try_from(below(&clock, COMMITS as u64 + 1)).unwrap();
        let from = disk.log_lengths[acknowledged];
        let cut = from + below(&clock, end - from + 1);
        let value = disk.value_when_cut_at(cut).await;
        assert!(
            value >= acknowledged as i64,
            "{value} at {cut}, {acknowledged} was acknowledged"
        );
    }
    assert_eq!(disk.value_when_cut_at(end).await, COMMITS);
}

/// Without the sync before each acknowledgement the disk may hold any part of the log: the file
/// stays whole, but what was acknowledged goes. It is the harness of the test above, seen red.
///
/// row: R-15
#[tokio::test]
async fn a_log_cut_anywhere_is_whole_and_may_lack_what_was_acknowledged() {
    let disk = Disk::after_commits().await;
    let (clock, _manual) = Manual::new(clock::Clock::system().now());
    let end = *disk.log_lengths.last().unwrap();
    let mut lost = 0;
    for _ in 0..CUTS {
        let value = disk.value_when_cut_at(below(&clock, end)).await;
        lost += COMMITS - value.max(0);
    }
    println!("{lost} acknowledged commits lost in {CUTS} cuts anywhere, as under NORMAL");
    assert!(lost > 0);
    let just_before = disk.log_lengths[100] - 1;
    assert_eq!(disk.value_when_cut_at(just_before).await, 99);
}
