//! `/dead-letters` on the admin listener: what the consumers of this process failed at, and another chance for it.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clock::Clock;
use events::parked;
use http::StatusCode;
use sea_orm::DbErr;
use sql::Database;
use telemetry::redact;
use tracing::warn;

use super::Base;
use super::admin::refusal;
use crate::dead_letters::{Aside, Redrive, Redriven};
use crate::facts::Facts;

/// Facts of one service that are shown.
const SHOWN_MAX: u64 = 1_000;
/// Ids in one request.
const IDS_MAX: usize = 1_000;

#[derive(Clone)]
struct Page {
    clock: Clock,
    /// Those of services that hear facts.
    databases: Arc<[Database]>,
    facts: Arc<Facts>,
}

/// The page of a process.
pub fn page(base: &Base, facts: &Arc<Facts>) -> Router {
    let page = Page {
        clock: base.clock.clone(),
        databases: base.bus.hearers().into(),
        facts: facts.clone(),
    };
    let methods = get(list).put(redrive);
    Router::new()
        .route("/dead-letters", methods)
        .with_state(page)
}

async fn list(State(page): State<Page>) -> Response {
    let mut shown = Vec::new();
    for db in &*page.databases {
        match parked::all(db.read(), SHOWN_MAX).await {
            Ok(all) => shown.extend(all.into_iter().map(|(group, parked)| Aside {
                service: db.service().to_owned(),
                group,
                tries: parked.tries,
                next_at: parked.next_at,
                cause: redact::text(&parked.cause).into_owned(),
                fact: page.facts.show(&parked.fact),
            })),
            Err(error) => return unavailable(db, &error),
        }
    }
    Json(shown).into_response()
}

/// By PUT, which no page of another origin can send unasked.
async fn redrive(
    State(page): State<Page>,
    which: Result<Json<Redrive>, JsonRejection>,
) -> Response {
    let invalid = |said: &str| refusal(StatusCode::BAD_REQUEST, "invalid_argument", said);
    let Redrive { group, event_ids } = match which {
        Ok(Json(which)) => which,
        Err(rejection) => return invalid(&rejection.body_text()),
    };
    if event_ids.len() > IDS_MAX {
        return invalid(&format!("At most {IDS_MAX} at once"));
    }
    let mut redriven = 0;
    for db in &*page.databases {
        let now = page.clock.now();
        match parked::redrive(db, group.as_deref(), &event_ids, now).await {
            Ok(of_service) => redriven += of_service,
            Err(error) => return unavailable(db, &error),
        }
    }
    warn!(
        redriven,
        group,
        ids = event_ids.len(),
        "Dead letters are tried again"
    );
    Json(Redriven { redriven }).into_response()
}

fn unavailable(db: &Database, error: &DbErr) -> Response {
    let (service, cause) = (db.service(), call::error::chain(error));
    warn!(service, cause, "Dead letters could not be asked for");
    let said = format!("The database of {service} does not answer");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &said)
}
