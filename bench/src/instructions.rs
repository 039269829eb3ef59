//! What the edge and the gateway cost in instructions: the figure that does not move from machine to
//! machine, beside the times of [`crate::edges`] and [`crate::proxies`], which do.
//!
//! A server runs twice under callgrind: once it only answers the first call of each
//! connection, once many more. What the second executed over the first, divided by its calls,
//! is what a call costs in user space. The profiles stay in `target/instructions`, for
//! `callgrind_annotate`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::call::{Call, Protocol};
use crate::child::Child;
use crate::edges::Server;
use crate::load::Client;
use crate::report::{Goal, Report};
use crate::serve::Kind;
use crate::{Effort, bar};

/// How long a server may take to write what it counted.
const WRITES: Duration = Duration::from_secs(30);

/// Measures.
///
/// # Errors
/// There is no valgrind, or a server does not start or answers wrongly.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let turn = effort.counted_turn;
    let folder = PathBuf::from("target/instructions");
    fs::create_dir_all(&folder)?;
    let bar = bar(Protocol::ALL.len() * 2 + 1, "Instructions of a call");
    for protocol in Protocol::ALL {
        let mut costs = Vec::new();
        for kind in [Kind::Edge, Kind::Bare] {
            let cost = cost(kind, None, protocol, turn, &folder).await?;
            let measure = format!("{}, {}", kind.name(), protocol.name());
            report.add(&measure, cost, "instructions", Goal::None, json!({}))?;
            costs.push(cost);
            bar.inc(1);
        }
        let most = match protocol {
            Protocol::Grpc => 1.20,
            Protocol::ConnectJson | Protocol::ConnectProto => 1.15,
        };
        let measure = format!("edge over bare in instructions, {}", protocol.name());
        let (ratio, goal) = (costs[0] / costs[1], Goal::AtMost(most));
        report.add(&measure, ratio, "×", goal, json!({}))?;
    }
    let upstream = Server::start(Kind::Tonic, None, false)?;
    let address = Some(upstream.address);
    let cost = cost(Kind::Gateway, address, Protocol::Grpc, turn, &folder).await?;
    let measure = "gateway, passing grpc";
    report.add(measure, cost, "instructions", Goal::None, json!({}))?;
    bar.inc(1);
    bar.finish_and_clear();
    Ok(())
}

/// Instructions in user space that `kind` executes for one call.
async fn cost(
    kind: Kind,
    upstream: Option<SocketAddr>,
    protocol: Protocol,
    turn: Duration,
    folder: &Path,
) -> anyhow::Result<f64> {
    let file = folder.join(format!("{}-{}.callgrind", kind.name(), protocol.name()));
    let (none, before) = counted(kind, upstream, protocol, Duration::ZERO, &file).await?;
    let (calls, after) = counted(kind, upstream, protocol, turn, &file).await?;
    ensure!(calls > none, "{} answered nothing", kind.name());
    Ok((after - before) / (calls - none) as f64)
}

/// Calls answered beyond the first of each connection, and all instructions of the process.
async fn counted(
    kind: Kind,
    upstream: Option<SocketAddr>,
    protocol: Protocol,
    turn: Duration,
    file: &Path,
) -> anyhow::Result<(u64, f64)> {
    _ = fs::remove_file(file);
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["serve", kind.name()]);
    if let Some(upstream) = upstream {
        command.args(["--upstream", &upstream.to_string()]);
    }
    let server = Server::spawn(command).context("it needs valgrind: apt-get install valgrind")?;
    let call = Arc::new(Call::new(protocol, &server.token));
    let client = Client::connect(protocol, call, server.address).await?;
    let count = client.run(Instant::now() + turn).await?;
    ensure!(count.wrong == 0, "{} answered wrongly", kind.name());
    Ok((count.right, ended(&server.child, file).await?))
}

/// Ends the process, as callgrind writes only then, and reads what it counted.
async fn ended(server: &Child, file: &Path) -> anyhow::Result<f64> {
    let status = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "the server ended early");
    let end = Instant::now() + WRITES;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let text = fs::read_to_string(file).unwrap_or_default();
        let total = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("totals: "));
        if let Some(total) = total {
            return total.trim().parse().context("callgrind's totals");
        }
    }
    anyhow::bail!("callgrind wrote nothing to {}", file.display())
}
