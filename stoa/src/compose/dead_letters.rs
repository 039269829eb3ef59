//! `/dead-letters` on the admin listener: what the consumers of this process failed at, and another chance for it.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clock::Clock;
use events::parked;
use http::StatusCode;
use sea_orm::DbErr;
use serde::Deserialize;
use sql::Database;
use telemetry::redact;
use tracing::warn;
use uuid::Uuid;

use super::Base;
use super::admin::refusal;
use crate::dead_letters::{Aside, Redrive, Redriven, SetAside};
use crate::facts::Facts;

/// Facts of one service that are shown.
const SHOWN_MAX: usize = 1_000;
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

/// The fact that is asked for; without it all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    id: Option<Uuid>,
}

async fn list(State(page): State<Page>, wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    let Query(wanted) = match wanted {
        Ok(wanted) => wanted,
        Err(rejection) => {
            let said = rejection.body_text();
            return refusal(StatusCode::BAD_REQUEST, "invalid_argument", &said);
        }
    };
    let (mut aside, mut more) = (Vec::new(), false);
    for db in &*page.databases {
        match parked::all(db.read(), wanted.id, SHOWN_MAX as u64 + 1).await {
            Ok(mut all) => {
                more |= all.len() > SHOWN_MAX;
                all.truncate(SHOWN_MAX);
                aside.extend(all.into_iter().map(|(group, parked)| Aside {
                    service: db.service().to_owned(),
                    group,
                    tries: parked.tries,
                    next_at: parked.next_at,
                    cause: redact::text(&parked.cause).into_owned(),
                    fact: page.facts.show(&parked.fact),
                }));
            }
            Err(error) => return unavailable(db, &error),
        }
    }
    Json(SetAside { aside, more }).into_response()
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
