//! `/faults` on the admin listener: what is to go wrong on purpose.

use ::faults::Faults;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use edge::Contract;
use http::StatusCode;
use serde::Deserialize;
use tracing::warn;

use super::Base;
use super::admin::refusal;
use crate::config::Profile;
use crate::faults::{FaultWish, Shown};

/// What the page knows of its process.
#[derive(Clone)]
struct Page {
    faults: Faults,
    contract: Contract,
    enabled: bool,
    /// None for a gateway, which answers every rpc.
    services: Option<Vec<&'static str>>,
}

/// Which faults to take back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    rpc: Option<String>,
}

/// The page of a process that answers for these services.
///
/// # Errors
///
/// A mistake in the program.
pub fn page(base: &Base, target: &str, services: &[&'static str]) -> anyhow::Result<Router> {
    let general = &base.config.general;
    let page = Page {
        faults: base.faults.clone(),
        contract: Base::contract()?,
        enabled: general.faults.enabled || general.profile == Profile::Dev,
        services: (target != "gateway").then(|| services.to_vec()),
    };
    let methods = get(list).put(set).delete(clear);
    Ok(Router::new().route("/faults", methods).with_state(page))
}

async fn list(State(page): State<Page>) -> Json<Vec<Shown>> {
    Json(page.faults.list().into_iter().map(Shown::from).collect())
}

/// By PUT, which no page of another origin can send unasked.
async fn set(State(page): State<Page>, wish: Result<Json<FaultWish>, JsonRejection>) -> Response {
    let invalid = |said: &str| refusal(StatusCode::BAD_REQUEST, "invalid_argument", said);
    if !page.enabled {
        let said = "Faults are off in production: set faults.enabled";
        return refusal(StatusCode::FORBIDDEN, "failed_precondition", said);
    }
    let wish = match wish {
        Ok(Json(wish)) => wish,
        Err(rejection) => return invalid(&rejection.body_text()),
    };
    let answered = |service: &str| {
        let services = page.services.as_deref();
        services.is_none_or(|services| services.contains(&service))
    };
    match wish.grant(&page.contract, answered) {
        Err(said) => invalid(&said),
        Ok((fault, lasts)) => {
            warn!(rpc = fault.name, effect = ?fault.harm, fault.percent, ?lasts, "A fault was set on purpose");
            page.faults.set(fault, lasts);
            list(State(page)).await.into_response()
        }
    }
}

async fn clear(State(page): State<Page>, Query(which): Query<Which>) -> Response {
    let cleared = page.faults.clear(which.rpc.as_deref());
    warn!(cleared, "Faults were taken back");
    Json(serde_json::json!({"cleared": cleared})).into_response()
}
