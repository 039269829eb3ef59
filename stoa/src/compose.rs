//! The composition root: the one place that knows which services share this
//! process. It makes what they need, hands each what is its own, and puts them
//! behind one edge.

mod admin;
mod dead_letters;
mod facts;
mod faults;
mod identity;
mod jwks;
mod process;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::faults::Faults;
use bus::Bus;
use clock::Clock;
use edge::{App, BackgroundTask, Contract, Health};
use futures::FutureExt;
use peers::{Local, Peers};
use serve::Serve;
use slice::Deps;
use sql::Database;
use token::Verifier;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config, Profile};
use crate::keys;
use crate::measures;
use crate::schema;
use crate::services::Target;

pub use process::{Listeners, ProcessParts, announce_ready, run};

/// By how much a service waits longer for the reader of an answer than a gateway, which is many clients: it gives up
/// one of them first.
const UNREAD_LATER: Duration = Duration::from_secs(15);

/// Messages that are smaller than elsewhere, by the full name of their service.
const RECEIVE_BYTES_OF: [(&str, usize); 2] = [
    ("stoa.user.v1.AuthService", 64 << 10),
    ("stoa.order.v1.OrderService", 256 << 10),
];

/// What everything in a process shares.
pub struct Base {
    pub config: Arc<Config>,
    pub clock: Clock,
    /// Cancelled at SIGTERM: not ready any more.
    pub draining: CancellationToken,
    /// Cancelled when the listener closes: streams and background work end.
    pub stopping: CancellationToken,
    pub health: Health,
    /// Brings the facts of services to those that hear them.
    pub bus: Bus,
    /// What goes wrong on purpose.
    pub faults: Faults,
    pub page_signer: sql::page::Signer,
    /// What is counted and measured in this process.
    pub metrics: telemetry::metrics::Handle,
}

impl Base {
    /// Makes what everything shares.
    ///
    /// # Errors
    ///
    /// A key file that cannot be used, or a metrics recorder that cannot be installed.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let draining = CancellationToken::new();
        Ok(Self {
            page_signer: keys::page_signer(&config, &clock)?,
            metrics: telemetry::metrics::install(measures::DOMAIN)?, // before anything is made that is measured
            bus: bus_of(&config),
            config: Arc::new(config),
            clock,
            health: Health::new(draining.clone()),
            draining,
            faults: Faults::default(),
            stopping: CancellationToken::new(),
        })
    }

    /// The contract, as the edge reads it.
    fn contract() -> anyhow::Result<Contract> {
        Ok(Contract::new(proto::DESCRIPTORS)?)
    }

    fn edge(&self) -> Result<edge::app::Config, config::Error> {
        let general = &self.config.general;
        let mut edge = edge::app::Config {
            cors: general.cors()?,
            proxies: general.proxies()?,
            rate_limit: general.rate_limit,
            faults: self.faults.clone(),
            ..edge::app::Config::default()
        };
        let smaller = RECEIVE_BYTES_OF.map(|(name, bytes)| (name.to_owned(), bytes));
        edge.limits.receive_of = smaller.into();
        edge.reflection = general.profile == Profile::Dev;
        Ok(edge)
    }
}

/// Over the broker, if there is one.
fn bus_of(config: &Config) -> Bus {
    match config.general.bus.clone() {
        Some(broker) => Bus::over(broker),
        None => Bus::default(),
    }
}

/// Everything behind one edge: gateway and services in this process.
///
/// # Errors
///
/// A value that a service refuses, or a mistake in the program.
pub fn everything(base: &Base, databases: &[Database]) -> anyhow::Result<ProcessParts> {
    let local = Local::new();
    let peers = |name| identity::local_peers(base, name, &local);
    let made = databases
        .iter()
        .map(|db| anyhow::Ok(build(base, db, peers(db.service())?)?));
    let mut built: Vec<edge::Service> = made.collect::<Result<_, _>>()?;
    let people = built.iter().find_map(edge::Service::keys);
    let gateways = peers("gateway")?;
    built.push(gateway::service(base.config.gateway.clone(), &gateways));
    let people = people.expect("the user service is one of them, and brings its keys");
    let verifier = identity::within_process(base, people)?;
    let tasks = built
        .iter_mut()
        .flat_map(edge::Service::take_tasks)
        .collect();
    let mut builder = App::builder(Base::contract()?, base.clock.clone(), base.health.clone())
        .config(base.edge()?)
        .verifier(verifier.verifier.clone())
        .pages(gateway::assets::pages(&gateways));
    for service in built {
        builder = builder.service(service);
    }
    let app = builder.build()?;
    local.set(app.clone());
    let parts = Parts {
        app,
        verifier: &verifier.verifier,
        name: "stoa",
        described: Vec::new(),
        peers: gateways,
        tasks,
        keys: verifier.keys,
    };
    parts.finish(base, databases)
}

/// One target alone; its peers are elsewhere.
///
/// # Errors
///
/// A value that is refused, a missing key, or a mistake in the program.
pub fn one(
    base: &Base,
    target: Target,
    database: Option<Database>,
) -> anyhow::Result<ProcessParts> {
    let peers = identity::remote_peers(base, target)?;
    let mut service = match &database {
        Some(db) => build(base, db, peers.clone())?,
        None => gateway::service(base.config.gateway.clone(), &peers),
    };
    let own = service.keys();
    let fetched = own.is_none();
    let people = own.unwrap_or_else(|| identity::fetched_people(&peers));
    let verifier = identity::between_processes(base, target, people)?;
    if fetched {
        service = identity::with_keys_check(service, &verifier);
    }
    let tasks = service.take_tasks();
    let contract = Base::contract()?;
    let mut edge = base.edge()?;
    if database.is_none() {
        edge.described = forwarded(&contract, target);
    }
    let described = edge.described.clone();
    let mut builder = App::builder(contract, base.clock.clone(), base.health.clone())
        .config(edge)
        .verifier(verifier.verifier.clone())
        .service(service);
    if database.is_none() {
        builder = builder
            .pages(gateway::assets::pages(&peers))
            .forward(gateway::forward(&peers, target.peers().into_iter()));
    }
    let parts = Parts {
        app: builder.build()?,
        verifier: &verifier.verifier,
        name: target.name(),
        described,
        peers,
        tasks,
        keys: verifier.keys,
    };
    parts.finish(base, database.as_slice())
}

/// The services of the contract that a target's peers answer to who asks it.
fn forwarded(contract: &Contract, target: Target) -> Vec<String> {
    let peers = target.peers();
    let forwarded = contract
        .methods()
        .filter(|method| peers.contains(&&*method.context));
    let names: BTreeSet<String> = forwarded.map(|method| method.service.to_string()).collect();
    names.into_iter().collect()
}

/// Puts the service of a database together.
fn build(base: &Base, db: &Database, peers: Peers) -> Result<edge::Service, config::Error> {
    let deps = Deps {
        db: db.clone(),
        bus: base.bus.clone(),
        clock: base.clock.clone(),
        peers,
        page_signer: base.page_signer.clone(),
        shutdown: base.stopping.clone(),
    };
    let service = base.config.of(db.service()).ready.service(deps);
    let service = service.map_err(|error| config::Error::new(error.key, error.problem))?;
    let db = db.clone();
    // Serving never migrates: what is behind is alive, not ready, and says what to do.
    Ok(service.ready_noting("schema", move || {
        let db = db.clone();
        async move { schema::wellness(&db).await }.boxed()
    }))
}

/// What of a process differs by what it serves.
struct Parts<'a> {
    app: App,
    verifier: &'a Verifier,
    name: &'static str,
    /// Services that answer in other processes to who asks here.
    described: Vec<String>,
    peers: Peers,
    tasks: Vec<BackgroundTask>,
    keys: Vec<token::Keys>,
}

impl Parts<'_> {
    fn finish(mut self, base: &Base, databases: &[Database]) -> anyhow::Result<ProcessParts> {
        self.tasks.push(self.app.housekeeping());
        let verifier = self.verifier.clone();
        let answers = admin::Answers {
            here: self.app.services(),
            elsewhere: &self.described,
        };
        let admin = admin::app(base, databases, verifier, self.name, answers, self.peers)?;
        let own = Serve::default().unread_max;
        let target = Target::named(self.name);
        let is_service = target.is_some_and(|target| target.service().is_some());
        let unread_max = if is_service { own + UNREAD_LATER } else { own };
        Ok(ProcessParts {
            app: self.app,
            unread_max,
            admin,
            tasks: self.tasks,
            keys: self.keys,
            databases: databases.to_vec(),
        })
    }
}
