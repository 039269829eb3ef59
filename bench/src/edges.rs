//! What the edge costs: the same handler behind it and behind the bare libraries.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use serde_json::json;

use crate::call::{Call, Protocol};
use crate::child::Child;
use crate::contest::{self, Contender, Score};
use crate::report::{Goal, Report};
use crate::serve::Kind;
use crate::{Effort, bar, cores};

/// Of the bare library's speed, what the edge must leave.
const GOAL: f64 = 0.85;

/// A server under test.
pub struct Server {
    /// Its process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// A token it takes.
    pub token: String,
    /// The key of that token, as a JWK set.
    pub jwks: String,
}

impl Server {
    /// Starts it on the core of servers under test, or beside the generator.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(kind: Kind, upstream: Option<SocketAddr>, tested: bool) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = match tested {
            true => cores::on_server_core(program),
            false => Command::new(program),
        };
        command.args(["serve", kind.name()]);
        if let Some(upstream) = upstream {
            command.args(["--upstream", &upstream.to_string()]);
        }
        Self::spawn(command)
    }

    /// Starts it as `command` says.
    ///
    /// # Errors
    /// It does not start.
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let (child, (address, token, jwks)) = Child::start(&mut command, |line| {
            let mut words = line.split(' ').map(str::to_owned);
            let address = words.next()?.parse().ok()?;
            Some((address, words.next()?, words.next()?))
        })?;
        Ok(Self {
            child,
            address,
            token,
            jwks,
        })
    }

    /// The server as one that answers on `protocol`.
    pub fn contender(&self, name: &str, protocol: Protocol) -> Contender {
        Contender {
            name: name.to_owned(),
            process: self.child.id(),
            address: self.address,
            call: Arc::new(Call::new(protocol, &self.token)),
        }
    }
}

/// Measures.
///
/// # Errors
/// A server does not start or answers wrongly.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let kinds = [Kind::Edge, Kind::Bare, Kind::Tonic];
    let mut servers = Vec::new();
    for kind in kinds {
        servers.push((kind, Server::start(kind, None, true)?));
    }
    let of = |protocol| match protocol {
        Protocol::Grpc => &servers[..],
        _ => &servers[..2], // tonic speaks no Connect
    };
    let turns: usize = Protocol::ALL
        .map(|protocol| of(protocol).len())
        .iter()
        .sum();
    let bar = bar(turns * (effort.rounds + 1), "Edge and bare libraries");
    for protocol in Protocol::ALL {
        let contenders: Vec<Contender> = of(protocol)
            .iter()
            .map(|(kind, server)| server.contender(kind.name(), protocol))
            .collect();
        let scores = contest::run(protocol, &contenders, effort, &bar).await?;
        for score in &scores {
            add_speed(
                report,
                &format!("{}, {}", score.name, protocol.name()),
                score,
            )?;
        }
        let edge = &scores[0];
        for (other, goal) in scores[1..].iter().zip([Goal::AtLeast(GOAL), Goal::None]) {
            let measure = format!("edge over {}, {}", other.name, protocol.name());
            add_ratio(report, &measure, edge.over(other), goal)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Notes a contender's speed.
///
/// # Errors
/// The report cannot be written.
pub fn add_speed(report: &mut Report, measure: &str, score: &Score) -> anyhow::Result<()> {
    let detail = json!({
        "per second": contest::median(&score.per_second),
        "p50 us": score.latency.value_at_quantile(0.5),
        "p99 us": score.latency.value_at_quantile(0.99),
        "rounds": score.per_core.len(),
    });
    report.add(measure, score.speed(), "/core s", Goal::None, detail)
}

/// Notes how two contenders compare.
///
/// # Errors
/// The report cannot be written.
pub fn add_ratio(
    report: &mut Report,
    measure: &str,
    (ratio, [low, high]): (f64, [f64; 2]),
    goal: Goal,
) -> anyhow::Result<()> {
    let detail = json!({"quartile": low, "to": high});
    report.add(measure, ratio, "×", goal, detail)
}
