//! What a call to a peer costs its caller: a generated client on the whole chain of `peers`,
//! against the same client on tonic's own channel, in front of the same plain server in another
//! process. Both show the same service token and say by when they want an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use call::{CorrelationId, Deadline, Role, User};
use clock::Clock;
use edge::Contract;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use peers::{Bulkhead, Local, Outgoing, Peers, Policy};
use proto::catalog::v1::GetProductResponse;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use serde_json::json;
use telemetry::TraceContext;
use token::{ServiceClaims, SigningKey};
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status};

use crate::call::{answer, question};
use crate::contest::{median, ratio};
use crate::cores::cpu_seconds;
use crate::edges::{Server, add_ratio};
use crate::report::{Goal, Report};
use crate::serve::{self, Kind};
use crate::{Effort, bar};

/// Of the bare channel's, the p50 that the chain may have.
const GOAL: f64 = 1.1;
/// What a call gets, which is what a peer gets that nothing is set for.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What a try of it gets.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
/// Who calls whom.
const CALLER: &str = "order";
const CALLEE: &str = "catalog";
/// How many call at once, each as soon as it has its answer.
const CALLERS: [usize; 2] = [1, 16];

/// Measures.
///
/// # Errors
/// The server does not start or answers wrongly.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    serve::observe()?;
    let server = Server::start(Kind::Tonic, None, true)?;
    let origin = format!("http://{}", server.address);
    let bar = bar(
        CALLERS.len() * 2 * (effort.rounds + 1),
        "Client chain and channel",
    );
    // One thread, since it has one core.
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let measured = tokio::task::spawn_blocking(move || {
        let scores = own.block_on(contest(&origin, effort, &bar));
        bar.finish_and_clear();
        scores
    });
    for ([chain, bare], callers) in measured.await??.iter().zip(CALLERS) {
        let who = match callers {
            1 => "a lone caller".to_owned(),
            callers => format!("{callers} callers"),
        };
        chain.add_to(report, &who)?;
        bare.add_to(report, &who)?;
        let over = format!("{} over {}, {who}", chain.name, bare.name);
        let p50 = ratio(&chain.p50_us, &bare.p50_us);
        add_ratio(report, &format!("{over}, p50"), p50, Goal::AtMost(GOAL))?;
        let spent = ratio(&chain.processor_us, &bare.processor_us);
        let measure = format!("{over}, processor time per call");
        add_ratio(report, &measure, spent, Goal::None)?;
    }
    Ok(())
}

/// What the chain and the bare channel did, by number of callers.
async fn contest(
    origin: &str,
    effort: Effort,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<[Score; 2]>> {
    let clock = Clock::system();
    let key = SigningKey::generate("bench")?;
    let user = User {
        id: clock.id(),
        roles: [Role::Customer].into_iter().collect(),
        session: None,
    };
    let bare = Way::bare(origin, &key, user, &clock).await?;
    let ways = [Way::chain(origin, key, user, clock)?, bare];
    let mut scores = CALLERS.map(|_| [Score::none("client chain"), Score::none("bare channel")]);
    // Round 0 warms up and does not count.
    for round in 0..=effort.rounds {
        for (scores, callers) in scores.iter_mut().zip(CALLERS) {
            for offset in 0..ways.len() {
                let place = (round + offset) % ways.len();
                let counts = (round > 0).then(|| &mut scores[place]);
                turn(&ways[place], callers, effort.turn, counts).await?;
                bar.inc(1);
            }
        }
    }
    Ok(scores.into())
}

/// How the server is called.
#[derive(Clone)]
enum Way {
    Chain {
        client: CatalogServiceClient<peers::Channel>,
        outgoing: Outgoing,
    },
    Bare {
        client: CatalogServiceClient<tonic::transport::Channel>,
        token: MetadataValue<Ascii>,
    },
}

impl Way {
    /// Everything on that a peer can have.
    fn chain(origin: &str, key: SigningKey, user: User, clock: Clock) -> anyhow::Result<Self> {
        let policy = Policy {
            try_timeout: Some(TRY_TIMEOUT),
            bulkhead: Some(Bulkhead::default()),
            ..Policy::default()
        };
        let peers = Peers::builder(CALLER, clock.clone(), Local::new())
            .contract(Contract::new(proto::DESCRIPTORS)?)
            .signer(Arc::new(key))
            .at(CALLEE, origin.parse()?)
            .policy(CALLEE, policy)
            .timeout(CALLEE, TIMEOUT)
            .build();
        Ok(Self::Chain {
            client: CatalogServiceClient::new(peers.channel(CALLEE)),
            outgoing: Outgoing {
                acting_for: Some(user),
                deadline: Deadline::after(TIMEOUT),
                correlation_id: CorrelationId::from_uuid(clock.id()),
                trace: TraceContext::root(clock.random(), clock.random()),
                idempotency_key: None,
                authorization: None,
                synthetic: false,
            },
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what the client chain of `peers` costs is measured beside a channel without it"
    )]
    async fn bare(
        origin: &str,
        key: &SigningKey,
        user: User,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let claims = ServiceClaims::new(CALLER, CALLEE, Some(user), clock.now());
        let mut token: MetadataValue<_> =
            format!("Bearer {}", key.sign_service(&claims)?).parse()?;
        token.set_sensitive(true);
        let channel = Endpoint::from_shared(origin.to_owned())?.connect().await?;
        Ok(Self::Bare {
            client: CatalogServiceClient::new(channel),
            token,
        })
    }

    async fn ask(&mut self) -> Result<Response<GetProductResponse>, Status> {
        match self {
            Self::Chain { client, outgoing } => {
                outgoing.deadline = Deadline::after(TIMEOUT);
                let request = peers::request_as(outgoing.clone(), question());
                client.get_product(request).await
            }
            Self::Bare { client, token } => {
                let mut request = Request::new(question());
                request.set_timeout(TIMEOUT);
                let headers = request.metadata_mut();
                headers.insert("authorization", token.clone());
                client.get_product(request).await
            }
        }
    }

    /// Asks until `end`; how long each call took, in nanoseconds.
    async fn ask_until(mut self, end: Instant) -> anyhow::Result<Histogram<u64>> {
        let (mut latency, right) = (latency(), answer());
        loop {
            let asked = Instant::now();
            if asked >= end {
                return Ok(latency);
            }
            let answer = self.ask().await?;
            let took = u64::try_from(asked.elapsed().as_nanos())?;
            latency.saturating_record(took);
            ensure!(*answer.get_ref() == right, "a wrong answer");
        }
    }
}

/// Lets so many ask at once.
async fn turn(
    way: &Way,
    callers: usize,
    length: Duration,
    score: Option<&mut Score>,
) -> anyhow::Result<()> {
    let own = std::process::id();
    let (began, spent) = (Instant::now(), cpu_seconds(own)?);
    let mut running = JoinSet::new();
    for _ in 0..callers {
        running.spawn(way.clone().ask_until(began + length));
    }
    let mut all = latency();
    while let Some(ended) = running.join_next().await {
        all.add(ended??)?;
    }
    let (took, spent) = (began.elapsed(), cpu_seconds(own)? - spent);
    if let Some(score) = score {
        score.p50_us.push(all.value_at_quantile(0.5) as f64 / 1e3);
        score.processor_us.push(spent * 1e6 / all.len() as f64);
        score.per_second.push(all.len() as f64 / took.as_secs_f64());
        score.latency.add(&all)?;
    }
    Ok(())
}

/// What one way did with so many callers, by round.
struct Score {
    name: &'static str,
    p50_us: Vec<f64>,
    /// Of this whole process, per call.
    processor_us: Vec<f64>,
    per_second: Vec<f64>,
    /// Of all rounds, in nanoseconds.
    latency: Histogram<u64>,
}

impl Score {
    fn none(name: &'static str) -> Self {
        Self {
            name,
            p50_us: Vec::new(),
            processor_us: Vec::new(),
            per_second: Vec::new(),
            latency: latency(),
        }
    }

    fn add_to(&self, report: &mut Report, who: &str) -> anyhow::Result<()> {
        let detail = json!({
            "p99 us": self.latency.value_at_quantile(0.99) as f64 / 1e3,
            "per second": median(&self.per_second),
            "processor us per call": median(&self.processor_us),
            "rounds": self.p50_us.len(),
        });
        let measure = format!("{}, {who}, p50", self.name);
        report.add(&measure, median(&self.p50_us), "us", Goal::None, detail)
    }
}

fn latency() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are legal")
}
