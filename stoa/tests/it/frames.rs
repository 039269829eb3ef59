//! Bodies that are nearly good: every rpc, in every form that clients speak it, with a few bytes changed. Whoever sends
//! them is told so, and nobody else notices.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use fuzz::Mutator;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::gets::service_token;
use crate::leaks;
use crate::shop::{Customer, Door};
use crate::surface;
use crate::wires::{self, Connections, Reply, WIRES, Wire};

/// Changed bodies of each rpc by each protocol: 10,000 in all, and some.
const CHANGES: usize = 44;
const TRIALS_MIN: usize = 10_000;
const AT_ONCE: usize = 8;
const SEED: u64 = 20_261_123;
/// How deep a message goes that is made up.
const DEPTH_MAX: usize = 4;
/// A stream that goes well goes on for so long.
const STREAM_MS: &str = "200";

/// The one mistake of a caller that gRPC's specification calls `internal`.
const UNNAMED: &str = "A message of the request is compressed and no header names the encoding";
/// What is our fault, or says nothing.
const OURS: [&str; 4] = ["internal", "unknown", "data_loss", "no code"];

/// One request.
struct Trial {
    rpc: MethodDescriptor,
    wire: Wire,
    door: Door,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

/// Headers that change how a body is read, or are read beside it.
const BESIDE: [(&str, &[u8]); 7] = [
    ("content-encoding", b"gzip"),
    ("grpc-encoding", b"gzip"),
    ("connect-content-encoding", b"gzip"),
    ("idempotency-key", b"0d4ab7b4-6d1f"),
    ("x-correlation-id", b"a.b-c"),
    (
        "traceparent",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("x-forwarded-for", b"203.0.113.9, 10.0.0.1"),
];

/// row: S-10
#[tokio::test]
async fn ten_thousand_changed_bodies_are_their_callers_fault() {
    let mut fleet = Fleet::start().await;
    let trials = trials(&fleet).await;
    assert!(trials.len() >= TRIALS_MIN, "{} trials", trials.len());
    let clients: [(Wire, Connections); 5] = WIRES.map(|wire| (wire, wire.client(&trials[0].rpc)));
    let clients = &clients;
    let asked = stream::iter(&trials).map(|trial| async move {
        let known = clients.iter().find(|(wire, _)| *wire == trial.wire);
        let (_, client) = known.expect("each has one");
        let headers = trial
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = headers.collect();
        let Trial {
            rpc, door, body, ..
        } = trial;
        let reply = trial.wire.send(client, door, rpc, body.clone(), &headers);
        (trial, reply.await)
    });
    let answers: Vec<(&Trial, Reply)> = asked.buffer_unordered(AT_ONCE).collect().await;
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (trial, reply) in &answers {
        *codes.entry(&reply.code).or_default() += 1;
        leaks::search("an error", &reply.said, &[]);
        if OURS.contains(&reply.code.as_str()) && reply.said != UNNAMED {
            let body = String::from_utf8_lossy(&trial.body);
            let (rpc, wire) = (trial.rpc.full_name(), trial.wire);
            wrong.push(format!(
                "{rpc} by {wire:?} {:?} {body:?}: {reply:?}",
                trial.headers
            ));
        }
    }
    println!("{codes:?}");
    assert!(
        wrong.is_empty(),
        "{} of them: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(10)]
    );
    // Who sends them may call what he calls: none but those that sign in or renew fail for who he is.
    let strangers = answers.iter().filter(|(_, reply)| {
        ["unauthenticated", "permission_denied"].contains(&reply.code.as_str())
    });
    let strangers = strangers.count();
    assert!(strangers * 20 < answers.len(), "{strangers} were strangers");
    stays_well(&mut fleet).await;
    leaks::search_fleet(&mut fleet, &[]).await;
    proof::held("S-10", trials.len(), 0);
}

/// Every process answers, counted no panic and logged none, and a customer buys. The books are not asked: some of the
/// trials are good, and what a service captures for an order that nobody placed is in no order's books.
async fn stays_well(fleet: &mut Fleet) {
    for target in migrations::services().chain(["gateway"]) {
        let metrics = fleet.admin(target).await.get("/metrics").await.bytes;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        let panics = metrics
            .lines()
            .find(|line| line.starts_with("rpc_panics_total"));
        assert_eq!(panics, Some("rpc_panics_total 0"), "{target}");
        let process = fleet.processes.get_mut(target).expect("it was launched");
        assert!(process.is_running(), "{target}");
        let log = process.output();
        let bad = log
            .lines()
            .find(|line| line.contains("panicked") || line.contains("\"ERROR\""));
        assert_eq!(bad, None, "{target}");
    }
    let customer = fleet.gateway.sign_up("after@example.test").await;
    let placed = customer.place("MUG-STR-01", 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
}

/// Changed bodies of everything that is mounted, where it is mounted, for somebody who may call it.
async fn trials(fleet: &Fleet) -> Vec<Trial> {
    let mut people = vec![fleet.gateway.sign_up("frames@example.test").await];
    for name in ["admin", "operator", "support"] {
        let email = format!("{name}@stoa.test");
        people.push(fleet.gateway.sign_in(&email, "stoa-demo").await);
    }
    let listed = surface::listed();
    let mut mutator = Mutator::new(SEED);
    let mut all = Vec::new();
    for target in migrations::services().chain(["gateway"]) {
        let package = match target {
            "gateway" => "stoa.bff.".to_owned(),
            service => format!("stoa.{service}."),
        };
        let own = wires::rpcs().into_iter().filter(|rpc| {
            rpc.full_name().starts_with(&package) && !listed.contains(rpc.full_name())
        });
        for rpc in own {
            let door = caller(fleet, target, &rpc, &people).await;
            let message = made_up(&rpc.input(), &people[0], 0);
            for wire in WIRES {
                all.extend((0..CHANGES).map(|_| {
                    let door = door.clone();
                    changed(&mut mutator, wire, &rpc, &message, door)
                }));
            }
        }
    }
    all
}

fn changed(
    mutator: &mut Mutator,
    wire: Wire,
    rpc: &MethodDescriptor,
    message: &Value,
    door: Door,
) -> Trial {
    let encoded = wire.encode(rpc, message);
    let body = match mutator.below(2) {
        0 => wire.wrap(rpc, mutator.change(&encoded)),
        _ => {
            let whole = wire.wrap(rpc, encoded);
            mutator.change(&whole)
        }
    };
    let mut headers = Vec::new();
    if rpc.is_server_streaming() {
        headers.push(match wire {
            Wire::ConnectJson | Wire::ConnectProto => ("connect-timeout-ms", STREAM_MS.to_owned()),
            _ => ("grpc-timeout", format!("{STREAM_MS}m")),
        });
    }
    if mutator.below(4) == 0 {
        let (name, value) = *mutator.one(&BESIDE);
        let value = match mutator.below(2) {
            0 => value.to_vec(),
            _ => mutator.change(value),
        };
        let value = value
            .into_iter()
            .filter(|byte| (b' '..=b'~').contains(byte));
        headers.push((name, value.map(char::from).collect()));
    }
    Trial {
        rpc: rpc.clone(),
        wire,
        door,
        body,
        headers,
    }
}

/// The door of the first who is let in: a person, or one of our services.
async fn caller(
    fleet: &Fleet,
    target: &'static str,
    rpc: &MethodDescriptor,
    people: &[Customer],
) -> Door {
    let tokens = people.iter().filter_map(|person| person.door.token.clone());
    let services = migrations::services().chain(["gateway"]);
    let services = services.map(|name| service_token(fleet, name, target));
    let mut door = fleet.door(target);
    for token in tokens.chain(services) {
        door.token = Some(token);
        let told = WIRES[0].call(&door, rpc, &json!({}), &[]).await;
        if !["unauthenticated", "permission_denied"].contains(&told.code.as_str()) {
            return door;
        }
    }
    door.token.clone_from(&people[0].door.token); // what it asks for stands in its message
    door
}

/// A message with something in each field that its rpc could take.
fn made_up(of: &MessageDescriptor, customer: &Customer, depth: usize) -> Value {
    match of.full_name() {
        "google.protobuf.Timestamp" => return json!("2026-11-23T09:50:39Z"),
        "google.protobuf.Duration" => return json!("1s"),
        _ if depth > DEPTH_MAX => return json!({}),
        _ => {}
    }
    let mut fields = Map::new();
    for field in of.fields() {
        let another = field.containing_oneof().is_some_and(|one| {
            one.fields()
                .any(|other| fields.contains_key(other.json_name()))
        });
        if another || field.is_map() {
            continue;
        }
        let value = something(&field, customer, depth);
        let value = match field.is_list() {
            true => json!([value]),
            false => value,
        };
        fields.insert(field.json_name().to_owned(), value);
    }
    Value::Object(fields)
}

fn something(field: &FieldDescriptor, customer: &Customer, depth: usize) -> Value {
    match field.kind() {
        Kind::Message(message) => made_up(&message, customer, depth + 1),
        Kind::Enum(of) => {
            let value = of.values().find(|value| value.number() > 0);
            json!(value.map_or(0, |value| value.number()))
        }
        Kind::Bool => json!(true),
        Kind::Double | Kind::Float => json!(1.5),
        Kind::Bytes => json!("AAEC"),
        Kind::String => json!(match field.name() {
            "customer_id" | "user_id" => customer.id.clone(),
            name if name == "id" || name.ends_with("_id") =>
                Uuid::from_u128(0x0193_5f3c).to_string(),
            name if name.contains("sku") => "MUG-STR-01".to_owned(),
            name if name.contains("email") => "somebody@example.test".to_owned(),
            name if name.contains("currency") => "EUR".to_owned(),
            "token" => "tok_ok".to_owned(),
            "page_token" | "cursor" => String::new(),
            _ => "a short sentence".to_owned(),
        }),
        _ => json!(1),
    }
}
