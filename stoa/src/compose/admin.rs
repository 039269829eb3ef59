//! The admin listener: metrics, readiness by component, how it is with peers, what was built, faults, facts and dead
//! letters. On loopback in `dev` it asks for nothing; elsewhere for an admin's token.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use call::{Caller, Role};
use edge::{App, Health};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::uri::Authority;
use peers::Peers;
use serde_json::json;
use sql::Database;
use token::{Unverified, Verifier};

use super::{Base, dead_letters, facts, faults};
use crate::config::Profile;
use crate::facts::Facts;

/// Whose rpcs a process answers, by the full names of the services.
#[derive(Clone, Copy)]
pub struct Answers<'a> {
    /// In this process.
    pub here: &'a [&'static str],
    /// In others, to which it forwards.
    pub elsewhere: &'a [String],
}

/// Puts the admin listener together.
///
/// # Errors
///
/// A mistake in the program.
pub fn app(
    base: &Base,
    databases: &[Database],
    verifier: Verifier,
    target: &'static str,
    answers: Answers<'_>,
    peers: Peers,
) -> anyhow::Result<App> {
    let recorder = base.metrics.clone();
    metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION"), "target" => target)
        .set(1.0);
    let health = base.health.clone();
    let build = json!({"version": env!("CARGO_PKG_VERSION"), "target": target, "profile": base.config.general.profile.name()});
    let mut pages = Router::new()
        .route(
            "/metrics",
            get(move || {
                let text = recorder.render();
                async move {
                    (
                        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                        text,
                    )
                }
            }),
        )
        .route("/readyz", get(move || readiness(health.clone())))
        .route("/peers", get(move || async move { Json(peers.report()) }))
        .route("/build", get(move || async move { Json(build) }))
        .merge(faults::page(base, target, answers.here)?);
    if !databases.is_empty() {
        let shown = Arc::new(Facts::new()?);
        pages = pages
            .merge(facts::page(base, databases, &shown))
            .merge(dead_letters::page(base, &shown));
    }
    let general = &base.config.general;
    pages = match general.profile == Profile::Production || !general.admin_bind.is_loopback() {
        true => pages.layer(from_fn_with_state(verifier.clone(), admins_only)),
        false => pages.layer(from_fn(this_machine_only)),
    };
    // Health answers here too, and is named by that already.
    let served = answers.here.iter();
    let served = served.filter(|name| !name.starts_with("grpc."));
    let served = served.map(|name| (*name).to_owned());
    let edge = edge::app::Config {
        reflection: true,
        described: served.chain(answers.elsewhere.iter().cloned()).collect(),
        readiness_page: true,
        // Whoever watches must not be kept from it by who else does.
        rate_limit: edge::RateLimit::Off,
        ..edge::app::Config::default()
    };
    Ok(
        App::builder(Base::contract()?, base.clock.clone(), base.health.clone())
            .config(edge)
            .verifier(verifier)
            .pages(pages)
            .build()?,
    )
}

async fn readiness(health: Health) -> Response {
    let status = match health.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health.detail())).into_response()
}

/// Refuses whoever reached loopback by another name: a page of a site whose name leads here, which its browser takes
/// for that site.
async fn this_machine_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|value| value.to_str().ok()?.parse::<Authority>().ok());
    let host = host.or_else(|| request.uri().authority().cloned());
    let own = host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    match own {
        true => next.run(request).await,
        false => refusal(
            StatusCode::FORBIDDEN,
            "permission_denied",
            "Ask for localhost or 127.0.0.1",
        ),
    }
}

async fn admins_only(State(verifier): State<Verifier>, request: Request, next: Next) -> Response {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let header = headers.next().and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    // Who else reads such a request might take the other one.
    let caller = match token.filter(|_| headers.next().is_none()) {
        Some(token) => Some(verifier.verify(token).await),
        None => None,
    };
    match caller {
        Some(Ok(caller @ Caller::User(_))) if caller.has_role(Role::Admin) => {
            next.run(request).await
        }
        Some(Ok(_)) => refusal(StatusCode::FORBIDDEN, "permission_denied", "Admins only"),
        Some(Err(Unverified::Unchecked)) => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The authentication token cannot be checked now",
        ),
        Some(Err(Unverified::Bad)) | None => refusal(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Missing authentication token",
        ),
    }
}

/// What is answered to whom something is refused.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = Json(json!({"code": code, "message": message}));
    (status, [(WWW_AUTHENTICATE, "Bearer")], body).into_response()
}
