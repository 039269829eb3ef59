//! A SQLite file is served by one process: two would each keep in memory what the other does not know.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use testkit::process::{Process, free_port};

use crate::fleet::ready;
use crate::shop::{Shop, binary, stoa};

/// A target that needs no other, on files of its own.
struct Alone {
    folder: TempDir,
    port: u16,
}

impl Alone {
    async fn migrated() -> Self {
        let alone = Self {
            folder: tempfile::tempdir().expect("temporary folder"),
            port: free_port(),
        };
        let (code, printed) = alone.stoa(&["migrate", "user"], &[]).await;
        assert_eq!(code, 0, "{printed}");
        alone
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    async fn stoa(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
        let data = self.data();
        let all: Vec<&str> = ["--data", &data].iter().chain(arguments).copied().collect();
        stoa(&all, variables).await
    }

    async fn serve(&self) -> Process {
        let (data, port) = (self.data(), self.port.to_string());
        let arguments = [
            "serve",
            "user",
            "--data",
            &data,
            "--port",
            &port,
            "--admin-port",
            "0",
        ];
        let output = self.folder.path().join("output");
        let mut process =
            Process::start(binary(), arguments, &[], &output).expect("stoa is a program");
        ready(
            "user",
            &mut process,
            &format!("http://127.0.0.1:{port}", port = self.port),
        )
        .await;
        process
    }
}

const SERVE: [&str; 6] = ["serve", "user", "--port", "0", "--admin-port", "0"];

#[track_caller]
fn refused((code, printed): &(i32, String), file: &Path, holder: &Process) {
    assert_eq!(*code, 78, "{printed}");
    let file = file.display().to_string();
    assert!(printed.contains(&file), "{printed} names no {file}");
    let holder = format!("(process {})", holder.id());
    assert!(printed.contains(&holder), "{printed} does not say {holder}");
    assert!(!printed.contains("Serving"), "{printed}");
}

/// row: X20
#[tokio::test]
async fn two_processes_never_serve_one_file() {
    let alone = Alone::migrated().await;
    let mut first = alone.serve().await;
    let file = Path::new(&alone.data()).join("user.db");
    refused(&alone.stoa(&SERVE, &[]).await, &file, &first);
    let up = ["up", "--no-demo", "--port", "0", "--admin-port", "0"];
    refused(&alone.stoa(&up, &[]).await, &file, &first);
    // By another name it is the same file.
    let link = alone.folder.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let url = format!("sqlite:{}", link.display());
    let other = [("STOA_USER__DATABASE_URL", url.as_str())];
    refused(&alone.stoa(&SERVE, &other).await, &link, &first);
    // And by a second one that is no link, also if whoever has it is not named any more.
    let second = alone.folder.path().join("second.db");
    std::fs::hard_link(&file, &second).expect("another name");
    let url = format!("sqlite:{}", second.display());
    let other = [("STOA_USER__DATABASE_URL", url.as_str())];
    let (code, printed) = alone.stoa(&SERVE, &other).await;
    assert_eq!(code, 78, "{printed}");
    assert!(printed.contains("in use by another stoa"), "{printed}");
    std::fs::remove_file(file.with_extension("db.lock")).expect("it is there");
    let (code, printed) = alone.stoa(&SERVE, &[]).await;
    assert_eq!(code, 78, "{printed}");
    assert!(printed.contains("in use by another stoa"), "{printed}");
    // What works beside whoever serves still does.
    let (code, printed) = alone.stoa(&["migrate", "user"], &[]).await;
    assert_eq!(code, 0, "{printed}");

    first.kill();
    let mut next = alone.serve().await;
    assert!(next.is_running());
    refused(&alone.stoa(&SERVE, &[]).await, &file, &next);
    next.terminate();
    next.wait(Duration::from_secs(25)).await.expect("it stops");
    alone.serve().await;
}

/// What cannot be a file is said so, with the key.
///
/// row: X20
#[tokio::test]
async fn what_cannot_be_locked_is_a_wrong_configuration() {
    let alone = Alone::migrated().await;
    let folder = alone.folder.path().join("folder");
    std::fs::create_dir(&folder).expect("a folder");
    let nowhere = folder.join("no/user.db");
    for path in [&folder, &nowhere] {
        let url = format!("sqlite:{}", path.display());
        let other = [("STOA_USER__DATABASE_URL", url.as_str())];
        let (code, printed) = alone.stoa(&SERVE, &other).await;
        assert_eq!(code, 78, "{printed}");
        let said = format!(
            "user.database_url needs to write the file {}",
            path.display()
        );
        assert!(printed.contains(&said), "{printed}");
    }
    let lock = Path::new(&alone.data()).join("user.db.lock");
    std::fs::create_dir(&lock).expect("a folder");
    let (code, printed) = alone.stoa(&SERVE, &[]).await;
    assert_eq!(code, 78, "{printed}");
    assert!(printed.contains(&lock.display().to_string()), "{printed}");
}

/// row: X2, X20
#[tokio::test]
async fn nobody_serves_a_file_of_a_whole_shop_beside_it() {
    let mut shop = Shop::up_without_demo().await;
    let file = shop.data.join("user.db");
    refused(&shop.stoa(&SERVE).await, &file, &shop.process);
    let (code, printed) = shop.stoa(&["audit"]).await;
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = shop.stoa(&["migrate"]).await;
    assert_eq!(code, 0, "{printed}");
    shop.process.kill();
    shop.restart().await;
    refused(&shop.stoa(&SERVE).await, &file, &shop.process);
}
