//! The way of a request, once for every protocol, outside the protocol switch: no content
//! type and no verb leads around it.
//!
//! ```text
//! panic and log → CORS → drain → guard → deadline → identity → access → share → message → place → handler
//! ```

pub(crate) mod address;
pub(crate) mod answer;
mod cache;
pub(crate) mod cors;
pub(crate) mod deadline;
mod drain;
pub(crate) mod guard;
pub(crate) mod identity;
mod message;
mod observe;
mod outcome;
pub(crate) mod protocol;
mod query;
pub(crate) mod share;
pub(crate) mod shed;
pub(crate) mod stats;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use call::error::INTERNAL_MESSAGE;
use call::{CORRELATION_ID, Call, CorrelationId, Deadline, IdempotencyKey};
use connectrpc_axum::context::MessageLimits;
use connectrpc_axum::prelude::{Code, ConnectError};
use futures::FutureExt;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::Instrument;

use crate::contract::Method;
use crate::health;
use crate::inner::{Admitted, Rejected, plain};
use crate::shared::{Route, Shared, Target};
use address::PeerAddress;
use answer::Refusal;
use drain::Drain;
use identity::LocalCaller;
use observe::Observation;
use protocol::Protocol;
use share::Share;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers one request.
pub(crate) async fn handle(app: Arc<Shared>, request: Request<Body>) -> Response {
    let protocol = Protocol::of(request.method(), request.headers());
    let observation = Observation::begin(&app, &request, protocol);
    let span = observation.span();
    // Pinned where they stand, here and below: a combinator would move each of these
    // futures, kilobytes in size, into itself.
    let response = {
        let responding = pin!(respond(&app, request, &observation));
        responding.instrument(span).await
    };
    observation.finish(response)
}

async fn respond(app: &Shared, request: Request<Body>, seen: &Observation) -> Response {
    let (parts, body) = request.into_parts();
    let origin = app.cors.allows(&parts.headers);
    if let Some(preflight) = app.cors.preflight(&parts) {
        return opened(app, origin, preflight);
    }
    let mut drain = Drain::new(body, parts.version);
    let answered = {
        let dispatching = pin!(dispatch(app, parts, &mut drain, seen));
        AssertUnwindSafe(dispatching).catch_unwind().await
    };
    let refused = match answered {
        Ok(Ok(mut response)) => match response.extensions_mut().remove::<Rejected>() {
            None => Ok(response),
            Some(Rejected(error)) => Err(Refusal::Error(error)),
        },
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => {
            metrics::counter!("rpc_panics_total").increment(1);
            tracing::error!("A handler panicked");
            Err(ConnectError::new(Code::Internal, INTERNAL_MESSAGE).into())
        }
    };
    let mut response =
        refused.unwrap_or_else(|refusal| refusal.write(seen.protocol, &seen.metadata));
    drain.finish().await;
    seen.correlation_id.write_headers(response.headers_mut());
    opened(app, origin, response)
}

fn opened(app: &Shared, origin: Option<HeaderValue>, mut response: Response) -> Response {
    // An answer may hold what a caller wrote, and must not be taken for a script by any page.
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    app.cors.open(origin, &mut response);
    response
}

/// Finds what the path names and calls it.
async fn dispatch(
    app: &Shared,
    parts: Parts,
    body: &mut Drain,
    seen: &Observation,
) -> Result<Response, Refusal> {
    guard::head(&parts)?;
    match &seen.route {
        Some(route) => call(app, parts, body, seen, route).await,
        None => page(app, Request::from_parts(parts, body.take()), seen).await,
    }
}

/// Lets a call in, step by step, and runs its handler, here or where it is.
async fn call(
    app: &Shared,
    mut parts: Parts,
    body: &mut Drain,
    seen: &Observation,
    route: &Route,
) -> Result<Response, Refusal> {
    let method = &route.method;
    guard::check(method, seen.protocol, &mut parts, app.encodings)?;
    let deadline = app
        .timeouts
        .deadline(method, seen.protocol, &parts.headers)?;
    let local = parts.extensions.remove::<LocalCaller>();
    let within = local.is_some();
    // Health answers however full the server is, and to whomever.
    let exempt = within || (method.is_unary() && *method.service == *health::SERVICE);
    // Who it is may have to be asked for: that is inside the deadline, and takes nobody's place.
    let identifying = identity::caller(app.verifier.as_ref(), &parts.headers, local);
    let caller = tokio::time::timeout_at(deadline.instant(), identifying);
    let caller = caller.await.map_err(|_| late())??;
    let scope = identity::scope(method, &caller)?;
    seen.note_caller(&caller);
    let idempotency_key = idempotency_key(&parts.headers)?;
    let mut share = match parts.extensions.remove::<PeerAddress>() {
        Some(PeerAddress(peer)) if !exempt => {
            let verifier = app.verifier.as_ref();
            let asking = address::client(&mut parts.headers, peer, &app.proxies, verifier);
            let address = tokio::time::timeout_at(deadline.instant(), asking);
            let address = address.await.map_err(|_| late())?;
            if let Some(address) = address {
                parts.extensions.insert(address);
            }
            app.shares.take(address, &caller, !method.is_unary())?
        }
        _ => None, // the call around it has one, and a place
    };
    let synthetic = observe::is_synthetic(&mut parts.headers, &caller);
    let conditions = cache::Conditions::of(seen.protocol, method, &parts.headers, &caller);
    parts.extensions.insert(Call {
        caller,
        scope,
        deadline,
        correlation_id: seen.correlation_id.clone(),
        trace: seen.trace,
        idempotency_key,
        response: seen.metadata.clone(),
        synthetic,
        path: method.path.clone(),
    });
    if deadline.remaining().is_zero() {
        return Err(late());
    }
    let bytes = arrive(app, body, seen, method, deadline, share.as_mut()).await?;
    let place = match exempt || method.client_streaming {
        true => None, // and who goes on sending has nothing to show for a place yet
        false => Some(app.shed.enter(share.as_mut(), bytes).await?),
    };
    if let Some(share) = share {
        seen.hold(share);
    }
    let running = pin!(async {
        let response = match &route.target {
            Target::Here => run(app, parts, body, seen, method).await,
            Target::Elsewhere(forward) => {
                (forward.0)(Request::from_parts(parts, body.take())).await
            }
            Target::Nowhere => Rejected::response(unmounted(method)),
        };
        conditions.apply(response).await
    });
    let answered = tokio::time::timeout_at(deadline.instant(), running).await;
    drop(place);
    answered.map_err(|_| late())
}

/// Waits for the message of a call that has only one, and returns its length.
async fn arrive(
    app: &Shared,
    body: &mut Drain,
    seen: &Observation,
    method: &Method,
    deadline: Deadline,
    share: Option<&mut Share>,
) -> Result<usize, Refusal> {
    if method.client_streaming {
        return Ok(0);
    }
    let by = deadline
        .instant()
        .min(Instant::now() + message::SEND_TIME_MAX);
    let bytes_max = app.limits.receive(&method.service);
    let reading = message::whole(body.body(), seen.protocol, bytes_max, share);
    let message = tokio::time::timeout_at(by, reading).await;
    let message = message.map_err(|_| slow())??;
    let bytes = message.len();
    body.fill(message);
    Ok(bytes)
}

/// Runs the handler on the half of the switch that speaks the caller's protocol.
async fn run(
    app: &Shared,
    mut parts: Parts,
    body: &mut Drain,
    seen: &Observation,
    method: &Arc<Method>,
) -> Response {
    let receive_bytes_max = app.limits.receive(&method.service);
    let protocol = seen.protocol;
    if protocol == Protocol::Connect && method.is_unary() && plain::is_plain(&parts.headers) {
        let limits = MessageLimits::new()
            .receive_max_bytes(receive_bytes_max)
            .send_max_bytes(app.limits.send);
        let (handlers, metadata) = (&app.plain, seen.metadata.clone());
        let request = Request::from_parts(parts, body.take());
        let answering = plain::answer(handlers, request, limits, metadata);
        return mounted(answering.await, method);
    }
    parts.extensions.insert(Admitted {
        method: method.clone(),
        receive_bytes_max,
    });
    let request = Request::from_parts(parts, body.take());
    let answered = match protocol {
        Protocol::Grpc => app.grpc.clone().oneshot(request).await,
        Protocol::GrpcWeb { .. } => {
            let answered = app.grpc_web.clone().oneshot(request).await;
            answered.map(|response| response.map(Body::new))
        }
        _ => app.connect.clone().oneshot(request).await,
    };
    match answered {
        Ok(response) => mounted(response, method),
        Err(never) => match never {},
    }
}

/// The response, unless it says that nothing is mounted where the method should be.
fn mounted(response: Response, method: &Method) -> Response {
    match is_unmounted(&response) {
        true => Rejected::response(unmounted(method)),
        false => response,
    }
}

/// Whether the router had no handler for an rpc of a service that it does have: it says so
/// without a body, which no handler of ours does.
fn is_unmounted(response: &Response) -> bool {
    let status = response.status();
    let bare = !response.headers().contains_key(http::header::CONTENT_TYPE);
    bare && matches!(
        status,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
    )
}

fn unmounted(method: &Method) -> ConnectError {
    ConnectError::new(
        Code::Unimplemented,
        format!("{} is not served here", method.name),
    )
}

fn idempotency_key(headers: &http::HeaderMap) -> Result<Option<IdempotencyKey>, ConnectError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match value.to_str().ok().and_then(IdempotencyKey::parse) {
        Some(key) => Ok(Some(key)),
        None => Err(ConnectError::new(
            Code::InvalidArgument,
            "idempotency-key must have 1 to 255 visible ASCII characters",
        )),
    }
}

fn late() -> Refusal {
    ConnectError::new(Code::DeadlineExceeded, "The answer was not ready in time").into()
}

fn slow() -> Refusal {
    ConnectError::new(
        Code::DeadlineExceeded,
        "The request took too long to arrive",
    )
    .into()
}

/// What is not an rpc: health, and whatever pages this listener has.
async fn page(
    app: &Shared,
    request: Request<Body>,
    seen: &Observation,
) -> Result<Response, Refusal> {
    let path = request.uri().path();
    let own = app.readiness_page && path == "/readyz";
    if let Some(response) = app.health.probe(path).filter(|_| !own) {
        return guard::read_only(request.method()).map(|()| response);
    }
    match (&app.pages, seen.protocol) {
        (Some(pages), Protocol::Http | Protocol::ConnectGet) => serve_page(pages, request).await,
        (None, Protocol::Http | Protocol::ConnectGet) => Err(Refusal::ErrorAs(
            StatusCode::NOT_FOUND,
            ConnectError::new(Code::NotFound, "Nothing is here"),
        )),
        _ => Err(unknown(path)),
    }
}

async fn serve_page(pages: &Router, request: Request<Body>) -> Result<Response, Refusal> {
    match pages.clone().oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

fn unknown(path: &str) -> Refusal {
    // A caller's own path comes back to it alone, cut to what a log line and a header bear.
    let shown: String = path.chars().take(200).collect();
    let error = ConnectError::new(
        Code::Unimplemented,
        format!("{shown} is not an rpc of this server"),
    );
    Refusal::ErrorAs(StatusCode::NOT_FOUND, error)
}

/// The id that a request brought, or a new one.
fn correlation_id(app: &Shared, headers: &http::HeaderMap) -> CorrelationId {
    let brought = headers
        .get(CORRELATION_ID)
        .and_then(|value| value.to_str().ok());
    match brought.and_then(CorrelationId::parse) {
        Some(id) => id,
        None => CorrelationId::from_uuid(app.clock.id()),
    }
}
