//! Services put together behind one edge, on one port: the assembly that the suite, a
//! single service, the gateway and the conformance server all use.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bounds::{Load, RateLimit, Rates, Shares, Shed, TrustedProxies};
use clock::Clock;
use connectrpc_axum::MakeServiceBuilder;
use connectrpc_axum::prelude::ConnectError;
use connectrpc_axum::tonic::FromRequestPartsLayer;
use faults::Faults;
use futures::future::BoxFuture;
use http::Request;
use proto::Directs;
use token::Verifier;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::Layer;

use crate::edge;
use crate::edge::cors::Cors;
use crate::edge::deadline::Timeouts;
use crate::edge::guard::Encodings;
use crate::edge::stats::Stats;
use crate::health::{self, Health};
use crate::inner::grpc::Server;
use crate::inner::{InnerLayer, Rejected};
use crate::limits::Limits;
use crate::reflect;
use crate::service::{BackgroundTask, Service};
use crate::shared::{Forward, Here, Route, Shared, Target};
use contract::{Contract, Method};

/// How an app treats its callers. The defaults are those that ship.
#[derive(Clone, Default)]
pub struct Config {
    /// Message sizes.
    pub limits: Limits,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Work in flight.
    pub load: Load,
    /// How often clients may call.
    pub rate_limit: RateLimit,
    /// Origins that may call from a browser.
    pub cors: Cors,
    /// Who may hand on the address of a client.
    pub proxies: TrustedProxies,
    /// Compressions.
    pub encodings: Encodings,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// Whether reflection answers on this port, to everyone.
    pub reflection: bool,
    /// Services that reflection describes here though they answer at another listener, or in another process.
    pub described: Vec<String>,
    /// Whether the pages answer `/readyz` themselves, in more detail than strangers get.
    pub readiness_page: bool,
}

/// The answer of a [`Forward`] that could not carry its call: the edge writes the error in
/// the caller's protocol.
pub fn refuse(error: ConnectError) -> Response {
    Rejected::response(error)
}

/// Why an app cannot be put together. Each is a mistake in the program, found at start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A mounted service that the contract does not know.
    #[error("service {0} is mounted but not in the contract")]
    Unknown(String),
    /// An rpc without an access option: nobody may call it, and nobody meant that.
    #[error("rpc {0} has no access rule in its contract")]
    NoAccessRule(String),
    /// The descriptors do not load.
    #[error("reflection cannot be built from the contract")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Services behind one edge. Clones share it; a tower service over whole requests.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// Puts an [`App`] together.
pub struct Builder {
    contract: Contract,
    clock: Clock,
    health: Health,
    config: Config,
    services: Vec<Service>,
    verifier: Option<Verifier>,
    pages: Option<Router>,
    forward: Option<Forward>,
}

impl App {
    /// Begins an app that answers by `contract` and reports its state to `health`.
    pub fn builder(contract: Contract, clock: Clock, health: Health) -> Builder {
        Builder {
            contract,
            clock,
            health,
            config: Config::default(),
            services: Vec::new(),
            verifier: None,
            pages: None,
            forward: None,
        }
    }

    /// The full names of the services that answer here.
    pub fn services(&self) -> &[&'static str] {
        &self.0.services
    }

    /// Answers one request.
    pub fn handle(&self, request: Request<Body>) -> impl Future<Output = Response> + Send + use<> {
        edge::handle(self.0.clone(), request)
    }

    /// Whether a proxy of this deployment is at that address.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.0.proxies.have(address)
    }

    /// What has to be done beside the answers: budgets that are whole again are forgotten.
    pub fn housekeeping(&self) -> BackgroundTask {
        let shared = self.0.clone();
        BackgroundTask {
            service: "edge",
            name: "rate limits",
            start: Box::new(move |shutdown| {
                let shared = shared.clone();
                Box::pin(async move {
                    let swept = || tokio::time::sleep(bounds::SWEPT_EVERY);
                    while shutdown.run_until_cancelled(swept()).await.is_some() {
                        shared.rates.sweep();
                    }
                })
            }),
        }
    }

    /// Whether the process is on its way out.
    pub fn is_draining(&self) -> bool {
        self.0.health.is_draining()
    }
}

impl tower::Service<Request<Body>> for App {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(edge::handle(shared, request).await) })
    }
}

impl Builder {
    /// Sets limits, deadlines and the rest.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Verifies bearer tokens with this; without it, none is good.
    pub fn verifier(mut self, verifier: Verifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Adds a service.
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Answers what is no rpc.
    pub fn pages(mut self, pages: Router) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Carries rpcs of the contract that no service here answers to where they are.
    pub fn forward(mut self, forward: Forward) -> Self {
        self.forward = Some(forward);
        self
    }

    /// Puts it all behind one edge.
    ///
    /// # Errors
    /// [`StartError`], for whatever a service forgot.
    pub fn build(self) -> Result<App, StartError> {
        let Self {
            contract,
            clock,
            health,
            mut config,
            mut services,
            verifier,
            pages,
            forward,
        } = self;
        let contract = contract.open(health::SERVICE);
        let health_bytes = config.limits.receive_of.entry(health::SERVICE.to_owned());
        health_bytes.or_insert(health::RECEIVE_BYTES_MAX);
        // A contract that is not ours, such as the conformance suite's, may not have it.
        if contract.methods_of(health::SERVICE).next().is_some() {
            services.push(health::service(&health));
        }
        let mut mounted: Vec<&'static str> = Vec::new();
        let (mut connect, mut here) = (Router::new(), HashMap::new());
        let mut grpc = Routes::default();
        for service in services {
            check(&contract, &service)?;
            let names = service.mounts.iter().map(|mount| mount.service);
            health.add(service.name, names, service.checks);
            for mount in service.mounts {
                mounted.push(mount.service);
                let receive = config.limits.receive(mount.service);
                let half = MakeServiceBuilder::new()
                    .receive_max_bytes(receive)
                    .send_max_bytes(config.limits.send)
                    .add_router(mount.connect.layer(InnerLayer))
                    .build();
                connect = connect.merge(half);
                let server;
                (grpc, server) = (mount.grpc)(grpc, &config.limits, config.encodings);
                here.insert(mount.service, (server, mount.direct));
            }
        }
        let (contract, grpc, connect) = match config.reflection {
            true => {
                let here = mounted.iter().copied();
                let named = here.chain(config.described.iter().map(String::as_str));
                reflect::add(contract, grpc, connect, named)?
            }
            false => (contract, grpc, connect),
        };
        let services = mounted.clone();
        mounted.extend(
            config
                .reflection
                .then_some(reflect::SERVICES)
                .into_iter()
                .flatten(),
        );
        let grpc = FromRequestPartsLayer::new().layer(InnerLayer.layer(grpc.prepare()));
        let mut rates = Rates::new(config.rate_limit);
        let routes = routes(
            &contract,
            &mounted,
            &here,
            forward.as_ref(),
            &config.limits,
            &mut rates,
        );
        Ok(App(Arc::new(Shared {
            routes,
            connect: connect.with_state(()),
            grpc_web: GrpcWebLayer::new().layer(grpc.clone()),
            grpc,
            pages,
            limits: config.limits,
            timeouts: config.timeouts,
            encodings: config.encodings,
            cors: config.cors,
            proxies: config.proxies,
            rates,
            shares: Shares::new(config.load.shares),
            shed: Shed::new(config.load),
            faults: config.faults,
            verifier,
            clock,
            health,
            services,
            readiness_page: config.readiness_page,
        })))
    }
}

fn routes(
    contract: &Contract,
    mounted: &[&str],
    here: &HashMap<&str, (Server, Directs)>,
    forward: Option<&Forward>,
    limits: &Limits,
    rates: &mut Rates,
) -> ahash::HashMap<Arc<str>, Arc<Route>> {
    let route = |method: &Arc<Method>| {
        let ours = method.service.starts_with("stoa.");
        let target = match forward {
            _ if mounted.contains(&&*method.service) => {
                let here = here.get(&*method.service);
                Target::Here(Here {
                    grpc: here.map(|(server, _)| server.clone()),
                    direct: here.and_then(|(_, direct)| direct.get(&method.path)),
                })
            }
            Some(forward) if ours => Target::Elsewhere(forward.clone()),
            _ => Target::Nowhere,
        };
        let stats = Stats::new(&method.path, &method.context);
        (
            method.path.clone(),
            Arc::new(Route {
                method: method.clone(),
                target,
                limit: rates.own(method.rate),
                receive_bytes_max: limits.receive(&method.service),
                stats,
            }),
        )
    };
    contract.methods().map(route).collect()
}

/// Refuses a service that forgot something.
fn check(contract: &Contract, service: &Service) -> Result<(), StartError> {
    for mount in &service.mounts {
        let mut known = false;
        for method in contract.methods_of(mount.service) {
            known = true;
            if method.access.is_none() {
                return Err(StartError::NoAccessRule(method.path.to_string()));
            }
        }
        if !known {
            return Err(StartError::Unknown(mount.service.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bounds::PeerAddress;
    use tokio::time::{sleep, timeout};
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// What the task of an app does for whom it limits; that every process runs it, its readiness page shows.
    ///
    /// row: S-07
    #[tokio::test(start_paused = true)]
    async fn its_housekeeping_forgets_whose_budget_is_whole_again() {
        let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
        let contract = Contract::new(proto::DESCRIPTORS).unwrap();
        let app = App::builder(contract, Clock::system(), Health::new(draining));
        let config = Config {
            rate_limit: "1000/s".parse().unwrap(), // whole again after a millisecond
            ..Config::default()
        };
        let app = app.config(config).build().unwrap();
        let kept = || app.0.rates.kept();
        for number in 0..100 {
            let request = Request::get("/somewhere").header("host", "x");
            let mut request = request.body(Body::empty()).unwrap();
            let address = IpAddr::from([10, 0, number, 1]);
            request.extensions_mut().insert(PeerAddress(address));
            app.handle(request).await;
        }
        let all = kept();
        assert!(all >= 100, "{all}");
        std::thread::sleep(std::time::Duration::from_millis(20)); // budgets have a clock of their own
        let task = tokio::spawn(app.housekeeping().run(stop.clone()));
        sleep(bounds::SWEPT_EVERY / 2).await;
        assert_eq!(kept(), all, "not at each moment");
        let swept = async {
            while kept() > 0 {
                sleep(bounds::SWEPT_EVERY / 10).await;
            }
        };
        let swept = timeout(bounds::SWEPT_EVERY * 2, swept).await;
        swept.expect("within a minute");
        stop.cancel();
        task.await.unwrap();
    }
}
