//! What a gRPC call costs to pass through: the gateway against Envoy, in front of the same
//! plain tonic server. The gateway logs every call, counts it, verifies its token and bounds how
//! often it is asked; one Envoy is asked for none of that, one for a log, one for all of it.

mod envoy;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::call::{self, Call, Protocol};
use crate::contest::{self, Contender};
use crate::edges::{Server, add_ratio, add_speed};
use crate::report::{Goal, Report};
use crate::serve::Kind;
use crate::{Effort, bar};
use envoy::{Duty, Envoy};

/// Of the speed of an Envoy that only passes calls on, what the gateway should have.
const GOAL_BARE: f64 = 1.3;
/// Of the speed of an Envoy that does the same work.
const GOAL_SAME: f64 = 1.5;

/// Measures.
///
/// # Errors
/// A server does not start, answers wrongly, or lets a call pass that it should refuse.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let upstream = Server::start(Kind::Tonic, None, false)?;
    let gateway = Server::start(Kind::Gateway, Some(upstream.address), true)?;
    let envoys = match envoy::program() {
        None => {
            report.not_run("gateway over envoy, grpc", "Envoy's wheel is not installed")?;
            Vec::new()
        }
        Some(program) => start_envoys(&program, &upstream, &gateway)?,
    };
    let stranger = &upstream.token; // well formed, and signed by nobody they know
    refuses(gateway.address, stranger).await?;
    if let Some((.., same)) = envoys.last() {
        refuses(same.address, stranger).await?;
    }
    let mut contenders = vec![gateway.contender("gateway", Protocol::Grpc)];
    contenders.extend(envoys.iter().map(|(name, _, envoy)| Contender {
        name: (*name).to_owned(),
        process: envoy.child.id(),
        address: envoy.address,
        call: Arc::new(Call::new(Protocol::Grpc, &gateway.token)),
    }));
    let bar = bar(contenders.len() * (effort.rounds + 1), "Gateway and Envoy");
    let scores = contest::run(Protocol::Grpc, &contenders, effort, &bar).await?;
    bar.finish_and_clear();
    if let (Some((.., same)), Some(score)) = (envoys.last(), scores.last()) {
        same.did_all(score.latency.len()).await?;
    }
    for score in &scores {
        add_speed(report, &format!("{}, passing grpc", score.name), score)?;
    }
    for (other, (_, goal, _)) in scores[1..].iter().zip(&envoys) {
        let measure = format!("gateway over {}, grpc", other.name);
        add_ratio(report, &measure, scores[0].over(other), *goal)?;
    }
    Ok(())
}

type Named = (&'static str, Goal, Envoy);

/// The one that does the same work is the last.
fn start_envoys(program: &Path, upstream: &Server, gateway: &Server) -> anyhow::Result<Vec<Named>> {
    let jwks = &gateway.jwks;
    let kinds = [
        ("envoy", Goal::AtLeast(GOAL_BARE), Duty::None),
        ("envoy with access log", Goal::None, Duty::Log),
        (
            "envoy that does the same",
            Goal::AtLeast(GOAL_SAME),
            Duty::All { jwks },
        ),
    ];
    let start = |(name, goal, duty)| {
        let envoy = Envoy::start(program, upstream.address, duty);
        Ok((name, goal, envoy.context(name)?))
    };
    kinds.into_iter().map(start).collect()
}

/// Asks once with a token that is not good, and wants to be refused for that.
#[expect(
    clippy::disallowed_methods,
    reason = "a proxy is asked as a stranger would, who has no `peers`"
)]
async fn refuses(proxy: SocketAddr, token: &str) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(format!("http://{proxy}"))?;
    let mut client = CatalogServiceClient::new(channel.connect().await?);
    let mut request = Request::new(call::question());
    let credential = format!("Bearer {token}").parse()?;
    request.metadata_mut().insert("authorization", credential);
    let answer = client.get_product(request).await;
    let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
    ensure!(
        code == Code::Unauthenticated,
        "{proxy} answers a bad token with {code:?}"
    );
    Ok(())
}
