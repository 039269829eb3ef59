//! What every call through one edge shares.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bounds::{Limit, Rates, Shares, Shed, TrustedProxies};
use clock::Clock;
use connectrpc_axum::tonic::FromRequestPartsService;
use faults::Faults;
use futures::future::BoxFuture;
use http::Request;
use proto::server::Direct;
use token::Verifier;
use tonic::service::Routes;
use tonic_web::GrpcWebService;

use crate::edge::cors::Cors;
use crate::edge::deadline::Timeouts;
use crate::edge::guard::Encodings;
use crate::edge::stats::Stats;
use crate::health::Health;
use crate::inner::Inner;
use crate::inner::grpc::Server;
use crate::limits::Limits;
use contract::Method;

/// Carries a call of an rpc to where its service is.
#[derive(Clone)]
pub struct Forward(pub Arc<dyn Fn(Arc<Method>, Request<Body>) -> Forwarded + Send + Sync>);

/// The answer, on its way.
pub type Forwarded = BoxFuture<'static, Response>;

pub(crate) type Grpc = FromRequestPartsService<Inner<Routes>>;

pub(crate) struct Shared {
    pub(crate) routes: ahash::HashMap<Arc<str>, Arc<Route>>,
    pub(crate) connect: Router,
    pub(crate) grpc: Grpc,
    pub(crate) grpc_web: GrpcWebService<Grpc>,
    pub(crate) pages: Option<Router>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) encodings: Encodings,
    pub(crate) cors: Cors,
    pub(crate) proxies: TrustedProxies,
    pub(crate) rates: Rates,
    pub(crate) shares: Shares,
    pub(crate) shed: Shed,
    pub(crate) faults: Faults,
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
    /// The longest message that is read.
    pub(crate) receive_bytes_max: usize,
    /// How often one client may call it, where the contract says so.
    pub(crate) limit: Option<Arc<Limit>>,
    pub(crate) stats: Stats,
}

pub(crate) enum Target {
    Here(Here),
    Elsewhere(Forward),
    Nowhere,
}

/// What answers an rpc here. All ways of calling lead to it by the routes of their protocol; the commonest, straight.
pub(crate) struct Here {
    /// The server of gRPC that has it, but for reflection.
    pub(crate) grpc: Option<Server>,
    /// The handler, if it takes one message and answers with one.
    pub(crate) direct: Option<Direct>,
}
