//! Alive, ready, and who says so: `/healthz` is the process, `/readyz` its dependencies,
//! and `grpc.health.v1` tells the same to load balancers, on every protocol.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_stream::try_stream;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use connectrpc_axum::prelude::{Code, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::future::join_all;
use futures::stream::BoxStream;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use proto::grpc::health::v1::health_check_response::ServingStatus;
use proto::grpc::health::v1::health_connect::HealthServiceTonicCompatibleBuilder;
use proto::grpc::health::v1::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::service::{Check, Service, Wellness};

/// The full name of the service.
pub const SERVICE: &str = "grpc.health.v1.Health";
/// The longest message that it reads: it counts for nobody's share.
pub(crate) const RECEIVE_BYTES_MAX: usize = 4 << 10;

/// The name under which `Check` means the process rather than its dependencies.
const LIVENESS: &str = "liveness";

const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// A little less than what a check takes for too long itself, so that being late is seen here.
const CHECK_TIME_MAX: Duration = Duration::from_millis(900);

/// What is known of a process's health. Clones share it.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    checks: Mutex<Vec<Arc<Check>>>,
    /// Whose state each name stands for: a service's own, and those of what it answers.
    names: Mutex<BTreeMap<&'static str, &'static str>>,
    state: watch::Sender<Snapshot>,
    draining: CancellationToken,
}

/// A component: its service, and its own name.
type Name = (&'static str, &'static str);
/// What a check said, if it did in time.
type Found = (Name, Option<Wellness>);

/// The state of every component, by service and name; the cause where it is not well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Snapshot {
    checked: bool,
    draining: bool,
    /// Those that were well and have now been late once.
    late: BTreeSet<Name>,
    components: BTreeMap<Name, Wellness>,
}

impl Snapshot {
    /// Whether all of `service` is well, or everything when none is named.
    fn ready(&self, service: Option<&str>) -> bool {
        let mut components = self.components.iter();
        let well = components
            .all(|((of, _), state)| state.is_ok() || service.is_some_and(|service| service != *of));
        self.checked && !self.draining && well
    }
}

impl Snapshot {
    /// How the components are by these results, of which `None` is one that was late. Whoever was well is late twice
    /// before he counts as away: under load one answer may take its time, and a replica that leaves for that makes
    /// the load of the others worse. One that says that he is away is believed at once.
    fn judge(&mut self, results: Vec<Found>) -> BTreeMap<Name, Wellness> {
        let late = std::mem::take(&mut self.late);
        let judged = results.into_iter().map(|(name, result)| {
            let before = self.components.get(&name);
            let result = match (result, before) {
                (Some(result), _) => result,
                (None, Some(Ok(note))) if !late.contains(&name) => {
                    self.late.insert(name);
                    Ok(note.clone())
                }
                (None, _) => Err("no answer within a second".to_owned()),
            };
            (name, result)
        });
        judged.collect()
    }
}

impl Health {
    /// Not ready until [`Health::run`] has checked everything once. When `draining` is
    /// cancelled it is not ready any more, at once, and every Watch ends.
    pub fn new(draining: CancellationToken) -> Self {
        let (checks, names) = Default::default();
        let (state, _) = watch::channel(Snapshot::default());
        Self(Arc::new(Inner {
            checks,
            names,
            state,
            draining,
        }))
    }

    /// Adds a service: the full names of what it answers, and what must be well for it.
    pub(crate) fn add(
        &self,
        service: &'static str,
        names: impl Iterator<Item = &'static str>,
        checks: Vec<Check>,
    ) {
        let names = names.chain([service]);
        self.names().extend(names.map(|name| (name, service)));
        let mut all = self.0.checks.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(checks.into_iter().map(Arc::new));
    }

    /// Checks every component over and over, until the process drains.
    pub async fn run(self) {
        loop {
            self.check_all().await;
            tokio::select! {
                () = self.0.draining.cancelled() => break,
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
        self.0.state.send_modify(|state| state.draining = true);
    }

    async fn check_all(&self) {
        let checks = self
            .0
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let results = join_all(checks.iter().map(|check| async {
            let result = tokio::time::timeout(CHECK_TIME_MAX, (check.check)()).await;
            ((check.service, check.name), result.ok())
        }))
        .await;
        self.0.state.send_if_modified(|state| {
            let components = state.judge(results);
            for (name, now) in &components {
                report(*name, state.components.get(name), now);
            }
            let changed = !state.checked || state.components != components;
            state.checked = true;
            state.components = components;
            changed
        });
    }

    /// Whether everything is well and the process is not on its way out.
    pub fn is_ready(&self) -> bool {
        !self.0.draining.is_cancelled() && self.0.state.borrow().ready(None)
    }

    /// Whether the process is on its way out.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Resolves once everything is well.
    pub async fn wait_ready(&self) {
        let mut state = self.0.state.subscribe();
        // The sender lives as long as self.
        let _ = state.wait_for(|state| state.ready(None)).await;
    }

    /// Every component with its state and cause, and every task in the background, for the admin
    /// listener alone. A task that panics makes nothing unready: its rpcs answer as before, and
    /// what ails one replica mostly ails all.
    pub fn detail(&self) -> serde_json::Value {
        let state = self.0.state.borrow();
        let components = state.components.iter().map(|((service, name), state)| {
            let (note, cause) = (state.as_ref().ok(), state.as_ref().err());
            json!({"service": service, "name": name, "ready": state.is_ok(), "note": note, "cause": cause})
        });
        let tasks = tasks::report().into_iter().map(|task| {
            json!({
                "service": task.service,
                "name": task.name,
                "running": task.running,
                "panics": task.panics,
                "cause": task.cause,
            })
        });
        json!({
            "ready": self.is_ready(),
            "components": components.collect::<Vec<_>>(),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    }

    /// The answer to a health path.
    pub(crate) fn probe(&self, path: &str) -> Option<Response> {
        let well = match path {
            "/healthz" => true,
            "/readyz" | "/health" => self.is_ready(),
            _ => return None,
        };
        let (status, body) = match well {
            true => (StatusCode::OK, "ok\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        };
        Some((status, [(CACHE_CONTROL, "no-store")], body).into_response())
    }

    /// The state of one name of `grpc.health.v1`: nothing, `liveness`, a service such as
    /// `order`, or the full name of something that it answers.
    fn status(&self, name: &str) -> ServingStatus {
        let state = self.0.state.borrow();
        let ready = match (name, self.names().get(name)) {
            (LIVENESS, _) => true,
            ("", _) => state.ready(None),
            (_, Some(service)) => state.ready(Some(service)),
            (_, None) => return ServingStatus::ServiceUnknown,
        };
        match ready && (name == LIVENESS || !self.0.draining.is_cancelled()) {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        }
    }

    /// The state of every name that has one.
    fn statuses(&self) -> HashMap<String, HealthCheckResponse> {
        let names: Vec<&str> = self.names().keys().copied().collect();
        let all = ["", LIVENESS].into_iter().chain(names);
        all.map(|name| {
            let status = self.status(name).into();
            (name.to_owned(), HealthCheckResponse { status })
        })
        .collect()
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<&'static str, &'static str>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what changed, once: who is well from the start and has nothing to say is not spoken of.
fn report(name: (&str, &str), before: Option<&Wellness>, now: &Wellness) {
    let (service, component) = name;
    match (before, now) {
        (Some(Ok(_)) | None, Err(cause)) => {
            warn!(
                service,
                component, cause, "{component} of {service} is not ready"
            );
        }
        (before, Ok(Some(note))) if before != Some(now) => {
            info!(
                service,
                component, note, "{component} of {service} is ready: {note}"
            );
        }
        (Some(Err(_)), Ok(_)) => info!(service, component, "{component} of {service} is ready"),
        _ => {}
    }
}

/// The service that answers for `health`.
pub(crate) fn service(health: &Health) -> Service {
    let builder = HealthServiceTonicCompatibleBuilder::new()
        .check(check)
        .list(list)
        .watch(watch_status)
        .with_state(health.clone());
    Service::new("health").mount(builder)
}

async fn check(
    State(health): State<Health>,
    ConnectRequest(request): ConnectRequest<HealthCheckRequest>,
) -> Result<ConnectResponse<HealthCheckResponse>, ConnectError> {
    match health.status(&request.service) {
        ServingStatus::ServiceUnknown => Err(ConnectError::new(Code::NotFound, "unknown service")),
        status => Ok(ConnectResponse::new(HealthCheckResponse {
            status: status.into(),
        })),
    }
}

/// No more than a hundred: a process has one name per service of the contract, and one per context.
async fn list(
    State(health): State<Health>,
    ConnectRequest(HealthListRequest {}): ConnectRequest<HealthListRequest>,
) -> Result<ConnectResponse<HealthListResponse>, ConnectError> {
    let statuses = health.statuses();
    Ok(ConnectResponse::new(HealthListResponse { statuses }))
}

type Statuses = BoxStream<'static, Result<HealthCheckResponse, ConnectError>>;

/// Sends the state at once and every change of it. An unknown name is told so and the
/// stream stays open, as the contract of gRPC asks; draining ends it.
async fn watch_status(
    State(health): State<Health>,
    ConnectRequest(request): ConnectRequest<HealthCheckRequest>,
) -> Result<ConnectResponse<StreamBody<Statuses>>, ConnectError> {
    let mut changes = health.0.state.subscribe();
    let statuses = try_stream! {
        let mut told = None;
        loop {
            changes.borrow_and_update();
            let status = health.status(&request.service);
            if told.replace(status) != Some(status) {
                yield HealthCheckResponse { status: status.into() };
            }
            if health.0.draining.is_cancelled() {
                break;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                () = health.0.draining.cancelled() => {}
            }
        }
    };
    Ok(ConnectResponse::new(StreamBody::new(Box::pin(statuses))))
}

#[cfg(test)]
mod tests;
