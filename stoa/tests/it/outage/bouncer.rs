//! pgbouncer between the shop and its server, where this machine has one.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testkit::postgres::Server;
use testkit::process::Process;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const NOBODY: &str = "65534";
const START_MAX: Duration = Duration::from_secs(10);

/// A pooler that can be stopped and started.
pub struct Bouncer {
    program: PathBuf,
    port: u16,
    folder: TempDir,
    process: Process,
}

/// Where the program is, if anywhere.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let files = std::env::split_paths(&path).map(|folder| folder.join("pgbouncer"));
    let more = ["/usr/sbin/pgbouncer".into()];
    files.chain(more).find(|file| file.is_file())
}

impl Bouncer {
    /// Starts one before a server.
    pub async fn start(program: PathBuf, server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = session\nmax_client_conn = 400\ndefault_pool_size = 50\n\
             ignore_startup_parameters = extra_float_digits,options\n",
            port_of(&server.url("postgres"))
        );
        fs::write(folder.path().join("pgbouncer.ini"), settings).expect("the folder is ours");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("the folder is ours");
        let process = launch(&program, &folder);
        let mut bouncer = Self {
            program,
            port,
            folder,
            process,
        };
        bouncer.wait().await;
        bouncer
    }

    /// The same database, asked for here.
    pub fn url(&self, url: &str) -> String {
        let there = format!("127.0.0.1:{}/", port_of(url));
        url.replace(&there, &format!("127.0.0.1:{}/", self.port))
    }

    /// Cuts every connection, and takes none for a while.
    pub async fn restart(&mut self, away: Duration) {
        self.process.kill();
        sleep(away).await;
        self.process = launch(&self.program, &self.folder);
        self.wait().await;
    }

    async fn wait(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let printed = self.process.output();
            assert!(self.process.is_running(), "pgbouncer ended: {printed}");
            assert!(begun.elapsed() < START_MAX, "pgbouncer: {printed}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// It refuses to run as root, as PostgreSQL does.
fn launch(program: &std::path::Path, folder: &TempDir) -> Process {
    let settings = folder.path().join("pgbouncer.ini").display().to_string();
    let output = folder.path().join("output");
    let process = if rustix::process::getuid().is_root() {
        let program = program.display().to_string();
        let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
        let arguments = [&user, &group, "--clear-groups", "--", &program, &settings];
        Process::start("setpriv".as_ref(), arguments, &[], &output)
    } else {
        Process::start(program, [&settings], &[], &output)
    };
    process.expect("pgbouncer is a program")
}

fn port_of(url: &str) -> u16 {
    let after = url.rsplit_once("127.0.0.1:").expect("a local address").1;
    let port = after.split('/').next().expect("a port");
    port.parse().expect("a port is a number")
}
