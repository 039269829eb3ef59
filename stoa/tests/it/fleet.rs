//! One process per target, as on many machines: each with its own database,
//! port and key, all behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testkit::postgres::Server;
use testkit::process::{Process, free_port};

use crate::crash::system::databases;
use crate::shop::{Door, STOPS_WITHIN, binary, stoa};

const READY_MAX: Duration = Duration::from_secs(60);

/// All targets, running.
pub struct Fleet {
    pub gateway: Door,
    pub processes: BTreeMap<&'static str, Process>,
    replicas: Vec<Process>,
    ports: BTreeMap<&'static str, u16>,
    variables: Vec<(String, String)>,
    pub data: PathBuf,
    folder: TempDir,
}

impl Fleet {
    /// Fills a data folder with the demo shop, then serves it by a process per target.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with more variables for all.
    pub async fn start_with(more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let data = folder.path().join("data");
        fill(&data, &folder, more).await;
        let ports: BTreeMap<&'static str, u16> = migrations::services()
            .chain(["gateway"])
            .map(|name| (name, free_port()))
            .collect();
        let mut variables = vec![
            ("STOA_DATA".to_owned(), data.display().to_string()),
            ("STOA_ADMIN_PORT".to_owned(), "0".to_owned()),
        ];
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        variables.extend(more);
        for name in migrations::services() {
            let at = local(ports[name]);
            variables.push((format!("STOA_PEERS__{}", name.to_uppercase()), at));
        }
        let gateway = Door::new(local(ports["gateway"]));
        let mut fleet = Self {
            gateway,
            processes: BTreeMap::new(),
            replicas: Vec::new(),
            ports,
            variables,
            data,
            folder,
        };
        for name in migrations::services().chain(["gateway"]) {
            fleet.launch(name);
        }
        for name in migrations::services().chain(["gateway"]) {
            fleet.wait_ready(name).await;
        }
        fleet
    }

    /// The same, with one service on a server below, where it may have replicas: a SQLite file has one process. Beside
    /// it the server, which lives as long as the test holds it, and the URL of the service's database.
    pub async fn start_replicated(name: &str) -> (Self, Server, String) {
        let server = testkit::postgres::durable().await;
        let key = format!("STOA_{}__DATABASE_URL", name.to_uppercase());
        let mut all = databases(&server).await.into_iter();
        let (_, url) = all.find(|(of, _)| *of == key).expect("each has one");
        let fleet = Self::start_with(&[(&key, &url)]).await;
        (fleet, server, url)
    }

    /// Starts a target, the first time or again.
    pub fn launch(&mut self, name: &'static str) {
        let process = self.process(name, self.ports[name]);
        self.processes.insert(name, process);
    }

    /// Starts another process of a target, at another port, and waits until it is ready.
    pub async fn replica(&mut self, name: &'static str) -> Door {
        let (door, process) = self.replica_apart(name).await;
        self.replicas.push(process);
        door
    }

    /// The same, for who does something to it.
    pub async fn replica_apart(&self, name: &'static str) -> (Door, Process) {
        self.replica_at(name, free_port()).await
    }

    /// The same, at a port that others were told of before.
    pub async fn replica_at(&self, name: &'static str, port: u16) -> (Door, Process) {
        let mut process = self.process(name, port);
        ready(name, &mut process, &local(port)).await;
        (Door::new(local(port)), process)
    }

    /// Starts a target anew, with more variables for it and all that are started later.
    pub async fn restart_with(&mut self, name: &'static str, more: &[(&str, String)]) {
        let more = more.iter();
        let more = more.map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.variables.extend(more);
        let process = self.processes.get_mut(name).expect("it was launched");
        process.kill();
        self.launch(name);
        self.wait_ready(name).await;
    }

    fn process(&self, name: &str, port: u16) -> Process {
        let port = port.to_string();
        let variables: Vec<(&str, &str)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let output = self.folder.path().join(name);
        let arguments = ["serve", name, "--port", &port];
        let process = Process::start(binary(), arguments, &variables, &output);
        process.expect("stoa is a program")
    }

    /// Waits until a target says that it is ready.
    pub async fn wait_ready(&mut self, name: &'static str) {
        let process = self.processes.get_mut(name).expect("it was launched");
        ready(name, process, &local(self.ports[name])).await;
    }

    /// A target's own port.
    pub fn door(&self, name: &str) -> Door {
        Door::new(local(self.ports[name]))
    }

    /// The same, for who leads there by a way of his own.
    pub fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// A target's admin listener, whose port the system chose.
    pub async fn admin(&mut self, name: &'static str) -> Door {
        let process = self.processes.get_mut(name).expect("it was launched");
        admin_of(name, process).await
    }

    /// Runs `stoa` on this fleet's databases.
    pub async fn stoa(&self, arguments: &[&str]) -> (i32, String) {
        let data = self.data.display().to_string();
        let all: Vec<&str> = ["--data", &data].iter().chain(arguments).copied().collect();
        let databases: Vec<(&str, &str)> = self
            .variables
            .iter()
            .filter(|(name, _)| name.ends_with("__DATABASE_URL"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        stoa(&all, &databases).await
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The admin listener of a target that serves, wherever it is.
pub async fn admin_of(name: &str, process: &mut Process) -> Door {
    let said = format!("Serving {name}");
    let address = process.wait_for(READY_MAX, |output| {
        let line = output.lines().rfind(|line| line.contains(&said))?;
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["admin"].as_str().map(str::to_owned)
    });
    Door::new(format!("http://{}", address.await.expect("it serves")))
}

/// Waits until a process says that it is ready.
pub async fn ready(name: &str, process: &mut Process, address: &str) {
    let until = tokio::time::Instant::now() + READY_MAX;
    loop {
        let (code, _) = stoa(&["healthcheck", address], &[]).await;
        if code == 0 {
            return;
        }
        assert!(process.is_running(), "{name} ended: {}", process.output());
        assert!(
            tokio::time::Instant::now() < until,
            "{name} is not ready: {}",
            process.output()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lets `stoa up` make the demo shop, once, and stops it.
async fn fill(data: &std::path::Path, folder: &TempDir, variables: &[(&str, &str)]) {
    let data = data.display().to_string();
    let arguments = ["up", "--data", &data, "--port", "0", "--admin-port", "0"];
    let mut process = Process::start(binary(), arguments, variables, &folder.path().join("fill"))
        .expect("stoa is a program");
    let ready = process.wait_for(READY_MAX, |output| {
        output.contains("is ready").then_some(())
    });
    ready.await.expect("the shop opens");
    process.terminate();
    let status = process.wait(STOPS_WITHIN).await.expect("it stops");
    assert!(status.success(), "{}", process.output());
}
