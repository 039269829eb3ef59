//! What a service hands to the composition root: its rpcs, its readiness, its work in the
//! background. Everything that stands before an rpc is added by [`crate::App`].

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use futures::TryFutureExt;
use futures::future::BoxFuture;
use proto::{Directs, Limited, Mounted};
use token::FetchKeys;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service as TowerService;

use crate::edge::guard::Encodings;
use crate::inner::grpc::{Answered, Server};
use crate::limits::Limits;

/// One service, ready to be composed with others or served alone.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) checks: Vec<Check>,
    pub(crate) tasks: Vec<BackgroundTask>,
    keys: Option<FetchKeys>,
}

/// Something that must be well for a service to be ready.
pub(crate) struct Check {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) check: Box<dyn Fn() -> BoxFuture<'static, Wellness> + Send + Sync>,
}

/// Well, maybe with something to say about it; or the cause why not.
pub type Wellness = Result<Option<String>, String>;

/// One generated service: its Connect routes, its handlers, and its gRPC server as soon as limits are known.
pub(crate) struct Mount {
    pub(crate) service: &'static str,
    pub(crate) connect: Router,
    pub(crate) direct: Directs,
    pub(crate) grpc: AddGrpc,
}

type AddGrpc = Box<dyn FnOnce(Routes, &Limits, Encodings) -> (Routes, Server) + Send>;

/// Work that runs beside the rpcs until the token is cancelled, and then comes to its end.
pub struct BackgroundTask {
    /// Whose work it is.
    pub service: &'static str,
    /// What the work is called in logs.
    pub name: &'static str,
    /// Starts it, once more after each panic.
    pub start: Box<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl BackgroundTask {
    /// Runs it under supervision, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let start = || (self.start)(shutdown.clone());
        tasks::supervise(self.service, self.name, shutdown.clone(), start).await;
    }
}

impl Service {
    /// A service without rpcs yet, named as its context: `order`.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            mounts: Vec::new(),
            checks: Vec::new(),
            tasks: Vec::new(),
            keys: None,
        }
    }

    /// The name of the context.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Mounts a generated `…TonicCompatibleBuilder` that has its handlers.
    pub fn mount<M, S>(mut self, builder: M) -> Self
    where
        M: proto::Mount<Server = S>,
        S: Limited
            + NamedService
            + TowerService<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = Infallible,
                Future = BoxFuture<'static, Answered>,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        let Mounted {
            routes: connect,
            server,
            direct,
        } = builder.mount();
        let grpc = Box::new(move |routes: Routes, limits: &Limits, encodings| {
            let server = server.limited(limits.receive(S::NAME), limits.send);
            let server = match encodings {
                Encodings::Gzip => server.gzip(),
                Encodings::Every => server.every_encoding(),
            };
            let routes = routes.add_service(server.clone());
            let direct: Server = Arc::new(move |request| server.clone().call(request));
            (routes, direct)
        });
        self.mounts.push(Mount {
            service: S::NAME,
            connect,
            direct,
            grpc,
        });
        self
    }

    /// Adds something that must be well for this service to be ready.
    pub fn ready<F>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    {
        self.ready_noting(name, move || Box::pin(check().map_ok(|()| None)))
    }

    /// As [`Service::ready`], for what can be well and still have something to say: it is logged
    /// once, and told with the detail.
    pub fn ready_noting<F>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Wellness> + Send + Sync + 'static,
    {
        self.checks.push(Check {
            service: self.name,
            name,
            check: Box::new(check),
        });
        self
    }

    /// Adds work that runs beside the rpcs. After a panic it is started once more.
    pub fn background<F, Fut>(mut self, name: &'static str, start: F) -> Self
    where
        F: Fn(CancellationToken) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let start = Box::new(move |shutdown| Box::pin(start(shutdown)) as BoxFuture<'static, ()>);
        self.tasks.push(BackgroundTask {
            service: self.name,
            name,
            start,
        });
        self
    }

    /// Says that this service knows the keys of people's tokens, and where to get them.
    pub fn tells_keys(mut self, source: FetchKeys) -> Self {
        self.keys = Some(source);
        self
    }

    /// Where to get the keys of people's tokens, if this service knows them.
    pub fn keys(&self) -> Option<FetchKeys> {
        self.keys.clone()
    }

    /// Takes the background work out, for whoever runs it.
    pub fn take_tasks(&mut self) -> Vec<BackgroundTask> {
        std::mem::take(&mut self.tasks)
    }
}
