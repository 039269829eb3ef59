//! A name with several records, as a headless Service has it. The program under test has a file system of its own, in
//! which it looks the name up as on any machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use testkit::process::{Process, free_port};
use tokio::time::{Instant, sleep};

use crate::fleet::admin_of;
use crate::replicas::searches;
use crate::shop::{Door, binary, stoa};

const NAME: &str = "catalog.production.test";
const SEARCH: &str = "catalog.v1.CatalogService/ListProducts";
/// From the moment at which the records change.
const USED_WITHIN: Duration = Duration::from_secs(5);
/// How long a debug build on a busy machine may take to serve.
const SERVES_WITHIN: Duration = Duration::from_secs(60);

/// Puts another `hosts` in the place of this machine's, for a program and nobody else. Of a name that is there several
/// times the machine's own `host.conf` may want the first alone.
const WITHIN: &str = "mount --bind \"$0/hosts\" /etc/hosts && \
    { [ ! -e /etc/host.conf ] || mount --bind \"$0/host.conf\" /etc/host.conf; } && exec \"$@\"";

/// row: L1
#[tokio::test]
async fn every_record_of_a_name_is_used_and_another_within_five_seconds() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let port = free_port();
    let mut catalogs = Vec::new();
    for host in 2..=5 {
        catalogs.push(Catalog::start(folder, host, port).await);
    }
    std::fs::write(folder.join("host.conf"), "multi on\n").expect("a file");
    lead_to(folder, &[2, 3, 4]);
    let (_process, gateway) = gateway(folder, port).await;

    let began = Instant::now();
    while ask(&gateway).await != "ok" {
        assert!(began.elapsed() < SERVES_WITHIN, "it finds nobody");
        sleep(Duration::from_millis(50)).await;
    }
    let before = asked(&catalogs).await;
    for _ in 0..90 {
        assert_eq!(ask(&gateway).await, "ok");
    }
    let shares = since(&catalogs, &before).await;
    assert!(shares[..3].iter().all(|share| *share > 10), "{shares:?}");
    assert_eq!(shares[3], 0, "the name does not lead there");

    lead_to(folder, &[5]);
    let changed = Instant::now();
    while since(&catalogs, &before).await[3] == 0 {
        assert_eq!(ask(&gateway).await, "ok");
        assert!(changed.elapsed() < USED_WITHIN, "it is not used");
    }
    let before = asked(&catalogs).await;
    for _ in 0..30 {
        assert_eq!(ask(&gateway).await, "ok");
    }
    assert_eq!(since(&catalogs, &before).await, [0, 0, 0, 30]);
}

/// Has the name lead to these hosts of this machine.
fn lead_to(folder: &Path, hosts: &[u8]) {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for host in hosts {
        writeln!(text, "127.0.0.{host} {NAME}").expect("text takes text");
    }
    std::fs::write(folder.join("hosts"), text).expect("a file");
}

/// A replica with a database of its own, at a host of this machine.
struct Catalog {
    admin: Door,
    _process: Process,
}

impl Catalog {
    async fn start(folder: &Path, host: u8, port: u16) -> Self {
        let (port, host) = (port.to_string(), format!("127.0.0.{host}"));
        let data = folder.join("data").display().to_string();
        let url = format!("sqlite:{}", folder.join(format!("{host}.db")).display());
        let nobody = nobody();
        let mut variables = vec![
            ("STOA_DATA", data.as_str()),
            ("STOA_CATALOG__DATABASE_URL", &url),
            ("STOA_BIND", &host),
            ("STOA_ADMIN_PORT", "0"),
        ];
        variables.extend(nobody.iter().map(|(key, at)| (key.as_str(), *at)));
        let (code, printed) = stoa(&["migrate", "catalog"], &variables).await;
        assert_eq!(code, 0, "{printed}");
        let arguments = ["serve", "catalog", "--port", &port];
        let output = folder.join(&host);
        let started = Process::start(binary(), arguments, &variables, &output);
        let mut process = started.expect("stoa is a program");
        Self {
            admin: admin_of("catalog", &mut process).await,
            _process: process,
        }
    }
}

/// A gateway whose only peer that is there is the catalog, by its name.
async fn gateway(folder: &Path, catalog: u16) -> (Process, Door) {
    let port = free_port().to_string();
    let catalog = format!("dns://{NAME}:{catalog}");
    let data = folder.join("data").display().to_string();
    let nobody = nobody();
    let mut variables: Vec<_> = nobody.iter().map(|(key, at)| (key.as_str(), *at)).collect();
    variables.extend([
        ("STOA_DATA", data.as_str()),
        ("STOA_ADMIN_PORT", "0"),
        ("STOA_PEERS__CATALOG", &catalog), // of two the latter counts
    ]);
    let apart = ["--user", "--map-root-user", "--mount", "sh", "-c", WITHIN];
    let arguments = apart.map(PathBuf::from).into_iter();
    let arguments = arguments.chain([folder.to_owned(), binary().to_owned()]);
    let serve = ["serve", "gateway", "--port", &port].map(PathBuf::from);
    let output = folder.join("gateway");
    let started = Process::start(
        Path::new("unshare"),
        arguments.chain(serve),
        &variables,
        &output,
    );
    let mut process = started.expect("unshare is a program of Linux");
    let serves = process.wait_for(SERVES_WITHIN, |output| {
        output.contains("Serving gateway").then_some(())
    });
    if let Err(error) = serves.await {
        panic!("the gateway has no file system of its own here, or does not serve: {error:#}");
    }
    (process, Door::new(format!("http://127.0.0.1:{port}")))
}

/// Where each peer is that nobody asks for here.
fn nobody() -> Vec<(String, &'static str)> {
    let names = migrations::services().map(str::to_uppercase);
    let keys = names.map(|name| format!("STOA_PEERS__{name}"));
    keys.map(|key| (key, "http://127.0.0.1:1")).collect()
}

async fn ask(gateway: &Door) -> String {
    gateway.call(SEARCH, json!({"pageSize": 3})).await.code()
}

/// How often each was asked, as it counts.
async fn asked(catalogs: &[Catalog]) -> Vec<usize> {
    let mut counts = Vec::new();
    for catalog in catalogs {
        counts.push(searches(&catalog.admin).await);
    }
    counts
}

async fn since(catalogs: &[Catalog], before: &[usize]) -> Vec<usize> {
    let now = asked(catalogs).await;
    now.iter()
        .zip(before)
        .map(|(now, then)| now - then)
        .collect()
}
