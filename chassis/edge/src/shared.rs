//! What every call through one edge shares.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use clock::Clock;
use connectrpc_axum::tonic::FromRequestPartsService;
use futures::future::BoxFuture;
use http::Request;
use token::Verifier;
use tonic::service::Routes;
use tonic_web::GrpcWebService;

use crate::contract::Method;
use crate::edge::address::TrustedProxies;
use crate::edge::cors::Cors;
use crate::edge::deadline::Timeouts;
use crate::edge::guard::Encodings;
use crate::edge::share::Shares;
use crate::edge::shed::Shed;
use crate::edge::stats::Stats;
use crate::health::Health;
use crate::inner::Inner;
use crate::limits::Limits;

/// Carries a call to where its service is.
#[derive(Clone)]
pub struct Forward(pub Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response> + Send + Sync>);

pub(crate) type Grpc = FromRequestPartsService<Inner<Routes>>;

pub(crate) struct Shared {
    pub(crate) routes: HashMap<Arc<str>, Arc<Route>>,
    pub(crate) connect: Router,
    /// The same handlers, without the library's layers around them.
    pub(crate) plain: Router,
    pub(crate) grpc: Grpc,
    pub(crate) grpc_web: GrpcWebService<Grpc>,
    pub(crate) pages: Option<Router>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) encodings: Encodings,
    pub(crate) cors: Cors,
    pub(crate) proxies: TrustedProxies,
    pub(crate) shares: Shares,
    pub(crate) shed: Shed,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) services: Vec<&'static str>,
    pub(crate) readiness_page: bool,
}

/// Where one rpc of the contract is answered.
pub(crate) struct Route {
    pub(crate) method: Arc<Method>,
    pub(crate) target: Target,
    pub(crate) stats: Stats,
}

pub(crate) enum Target {
    Here,
    Elsewhere(Forward),
    Nowhere,
}
