//! What is set for a peer, and how it is with it, for who looks after the process.

use std::collections::HashMap;
use std::time::Duration;

use endpoints::{Circuit, Standing};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::remote::{Kind, Remote};

pub(crate) fn of_all(
    remotes: &HashMap<&'static str, Remote>,
    timeout: impl Fn(&str) -> Duration,
) -> Value {
    let shown = remotes
        .iter()
        .map(|(peer, remote)| ((*peer).to_owned(), of(remote, timeout(peer))));
    Value::Object(shown.collect())
}

fn of(remote: &Remote, timeout: Duration) -> Value {
    let guard = &remote.guard;
    let policy = guard.policy;
    let breaker = policy.breaker.zip(guard.circuit()).map(|(rules, circuit)| {
        let state = match circuit {
            Circuit::Closed => "closed",
            Circuit::Open => "open",
            Circuit::HalfOpen => "half-open",
        };
        json!({"state": state, "open_seconds": rules.open.as_secs_f64()})
    });
    let bulkhead = policy.bulkhead.zip(guard.behind_wall());
    let bulkhead = bulkhead.map(|(set, (calls, waiting))| {
        json!({
            "calls_max": set.calls_max,
            "waiting_max": set.waiting_max,
            "calls": calls,
            "waiting": waiting,
        })
    });
    json!({
        "timeout_seconds": timeout.as_secs_f64(),
        "attempts": policy.attempts,
        "try_timeout_seconds": policy.try_timeout.map(|limit| limit.as_secs_f64()),
        "ejection_seconds": policy.ejection.map(|ejection| ejection.as_secs_f64()),
        "breaker": breaker,
        "bulkhead": bulkhead,
        "repeats_left": guard.budget.left(),
        "endpoints": endpoints(remote),
    })
}

fn endpoints(remote: &Remote) -> Vec<Value> {
    let (now, mut shown) = (Instant::now(), Vec::new());
    remote.each(|address, standing, replica| {
        let (state, left) = match standing {
            Standing::Ready => ("ready", None),
            Standing::Ejected(until) => ("ejected", Some(until.saturating_duration_since(now))),
            Standing::Probed => ("probed", None),
        };
        shown.push(json!({
            "address": address.to_string(),
            "state": state,
            "ejected_for_seconds": left.map(|left| left.as_secs_f64()),
            "calls": replica.busy(Kind::Unary),
            "streams": replica.busy(Kind::Stream),
        }));
    });
    shown
}
