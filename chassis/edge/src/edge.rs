//! The way of a request, once for every protocol, outside the protocol switch: no content
//! type and no verb leads around it.
//!
//! ```text
//! resolve → log → CORS → panic → guard → deadline → address → identity → rate → access → share → message → place
//! → fault → handler
//! ```

mod address;
pub(crate) mod answer;
mod cache;
pub(crate) mod cors;
pub(crate) mod deadline;
mod drain;
mod fault;
pub(crate) mod guard;
pub(crate) mod identity;
mod message;
mod named;
mod observe;
mod outcome;
mod page;
pub(crate) mod protocol;
mod query;
pub(crate) mod resolve;
pub(crate) mod stats;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use address::Origin;
use axum::body::Body;
use axum::response::Response;
use bounds::{Class, Client, ClientAddress, PeerAddress, Share};
use call::error::INTERNAL_MESSAGE;
use call::{Call, Caller, Deadline, IdempotencyKey, Scope};
use connectrpc_axum::prelude::{Code, ConnectError};
use futures::FutureExt;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use tower::ServiceExt;
use tracing::Instrument;

use crate::health;
use crate::inner::{Admitted, Rejected, direct, grpc};
use crate::shared::{Here, Route, Shared, Target};
use answer::Refusal;
use contract::Method;
use drain::Drain;
use identity::LocalCaller;
use named::Named;
use observe::Observation;
use protocol::Protocol;
use resolve::Binding;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers one request.
pub(crate) async fn handle(app: Arc<Shared>, request: Request<Body>) -> Response {
    let resolved = resolve::resolve(&app, &request);
    let observation = Observation::begin(&app, &request, resolved);
    let (ids, span) = (observation.ids(), observation.span());
    // Pinned where they stand, here and below: a combinator would move each of these
    // futures, kilobytes in size, into itself.
    let response = {
        let responding = pin!(respond(&app, request, &observation));
        telemetry::within(Some(ids), responding.instrument(span)).await
    };
    observation.finish(response)
}

async fn respond(app: &Shared, request: Request<Body>, seen: &Observation) -> Response {
    let (parts, body) = request.into_parts();
    let origin = app.cors.allows(&parts.headers, seen.resolved.named);
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
        refused.unwrap_or_else(|refusal| refusal.write(seen.resolved.protocol, &seen.metadata));
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

/// Calls what the request is for, within its deadline.
async fn dispatch(
    app: &Shared,
    mut parts: Parts,
    body: &mut Drain,
    seen: &Observation,
) -> Result<Response, Refusal> {
    let named = seen.resolved.named;
    guard::head(&parts, named)?;
    let Binding::Rpc(route) = &seen.resolved.binding else {
        // Boxed, as what is seldom must not make the future of every call longer.
        let request = Request::from_parts(parts, body.take());
        return Box::pin(page::answer(app, request, &seen.resolved)).await;
    };
    let (method, protocol) = (&route.method, seen.resolved.protocol);
    guard::check(method, protocol, named, &mut parts, app.encodings)?;
    let deadline = app
        .timeouts
        .deadline(method, protocol, &parts.headers, named, seen.began)?;
    let calling = pin!(call(app, parts, body, seen, route, deadline));
    let answered = tokio::time::timeout_at(deadline.instant(), calling).await;
    answered.unwrap_or_else(|_| Err(late()))
}

/// Who was let in, and what he holds.
struct Admission {
    caller: Caller,
    scope: Scope,
    /// None for a call from within and for health, which have no bounds.
    share: Option<Share>,
    address: Option<ClientAddress>,
    exempt: bool,
}

/// Lets a caller in, step by step.
async fn admit(
    app: &Shared,
    parts: &mut Parts,
    seen: &Observation,
    route: &Route,
) -> Result<Admission, Refusal> {
    let method = &route.method;
    let local = parts.extensions.remove::<LocalCaller>();
    // The call around one from within has a share and a place. Health answers however full the server is, and to
    // whomever.
    let exempt = local.is_some() || (method.is_unary() && *method.service == *health::SERVICE);
    let (verifier, headers, named) = (
        app.verifier.as_ref(),
        &mut parts.headers,
        seen.resolved.named,
    );
    let Origin { address, handed_on } = match parts.extensions.remove::<PeerAddress>() {
        Some(PeerAddress(peer)) if !exempt => address::origin(app, headers, named, peer).await,
        _ => Origin {
            address: None,
            handed_on: false,
        },
    };
    let client = address.map(Client::Address);
    // Who it is may have to be asked for: that takes nobody's place.
    let may_check = |of_service| app.rates.token(client, of_service);
    let caller = identity::caller(verifier, headers, local, may_check).await?;
    seen.note_caller(&caller);
    // One page is one request, however many calls our services make of it.
    let counted = handed_on || exempt || *method.service == *health::SERVICE;
    if !counted {
        let own = route.limit.as_deref();
        app.rates.call(method.asked(), own, client, &caller)?;
    }
    let scope = identity::scope(method, &caller)?;
    let share = match exempt {
        true => None,
        false => app.shares.take(address, &caller, !method.is_unary())?,
    };
    Ok(Admission {
        caller,
        scope,
        share,
        address,
        exempt,
    })
}

/// Lets a call in and has it answered.
async fn call(
    app: &Shared,
    mut parts: Parts,
    body: &mut Drain,
    seen: &Observation,
    route: &Route,
    deadline: Deadline,
) -> Result<Response, Refusal> {
    let (method, protocol) = (&route.method, seen.resolved.protocol);
    let Admission {
        caller,
        scope,
        mut share,
        address,
        exempt,
    } = admit(app, &mut parts, seen, route).await?;
    let named = seen.resolved.named;
    let idempotency_key = idempotency_key(&parts.headers, named)?;
    let class = Class::of(method.only_reads, &caller);
    let synthetic = observe::is_synthetic(&mut parts.headers, named, &caller);
    let conditions = cache::Conditions::of(protocol, method, &parts.headers, &caller);
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
    if deadline.instant() <= seen.began {
        return Err(late());
    }
    let bytes = message::arrive(body, seen, route, deadline, share.as_mut()).await?;
    let place = match exempt || method.client_streaming {
        true => None, // and who goes on sending has nothing to show for a place yet
        false => Some(app.shed.enter(class, share.as_mut(), bytes).await?),
    };
    if let Some(share) = share {
        seen.hold(share);
    }
    if let (Target::Elsewhere(_), Some(address)) = (&route.target, address) {
        parts.extensions.insert(address);
    }
    let response = {
        let answering = pin!(perform(app, parts, body, seen, route, deadline));
        match app.faults.meet(&method.path) {
            None => answering.await,
            Some(harm) => Box::pin(fault::befall(harm, method, answering)).await,
        }
    };
    let response = conditions.apply(response).await;
    drop(place);
    Ok(response)
}

/// Runs the handler, here or where it is.
async fn perform(
    app: &Shared,
    parts: Parts,
    body: &mut Drain,
    seen: &Observation,
    route: &Route,
    deadline: Deadline,
) -> Response {
    match &route.target {
        Target::Here(here) => run(app, parts, body, seen, route, here, deadline).await,
        Target::Elsewhere(forward) => {
            let request = Request::from_parts(parts, body.take());
            (forward.0)(route.method.clone(), request).await
        }
        Target::Nowhere => Rejected::response(unmounted(&route.method)),
    }
}

/// Runs a handler that is here on the half of the switch that speaks the caller's protocol.
async fn run(
    app: &Shared,
    mut parts: Parts,
    body: &mut Drain,
    seen: &Observation,
    route: &Route,
    here: &Here,
    deadline: Deadline,
) -> Response {
    let (method, protocol) = (&route.method, seen.resolved.protocol);
    let named = seen.resolved.named;
    let plain = !protocol::may_name_codings(named) || direct::is_plain(&parts.headers);
    if let (Protocol::Connect, true, Some(handler)) = (protocol, plain, &here.direct) {
        let (message, bytes_max) = (body.message().unwrap_or_default(), app.limits.send);
        return direct::answer(handler, parts, message, bytes_max, &seen.metadata).await;
    }
    if let (Protocol::Grpc, true, Some(server)) = (protocol, method.is_unary(), &here.grpc) {
        let request = Request::from_parts(parts, body.take());
        let answering = grpc::answer(server, request, seen.metadata.clone());
        return mounted(answering.await, method);
    }
    let in_text = protocol == Protocol::GrpcWeb { text: true };
    parts.extensions.insert(Admitted {
        method: method.clone(),
        metadata: seen.metadata.clone(),
        deadline,
        uncounted: (in_text && !method.client_streaming).then_some(route.receive_bytes_max),
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

fn idempotency_key(
    headers: &http::HeaderMap,
    named: Named,
) -> Result<Option<IdempotencyKey>, ConnectError> {
    if !named.maybe(&IDEMPOTENCY_KEY) {
        return Ok(None);
    }
    let key = guard::at_most_one(headers, &IDEMPOTENCY_KEY, Code::InvalidArgument)?;
    let Some(value) = key else {
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
