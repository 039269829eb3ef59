//! What only reads is reached by Connect's GET, and nothing else is.

use clock::Clock;
use http::StatusCode;
use prost_reflect::MethodDescriptor;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use token::{ServiceClaims, SigningKey};

use crate::fleet::Fleet;
use crate::shop::{Answer, Door};
use crate::surface;
use crate::wires;

/// An empty message.
const QUERY: &str = "connect=v1&encoding=json&message=%7B%7D";

/// Whoever may call an rpc, by GET.
async fn ask(callers: &[Door], rpc: &MethodDescriptor) -> Answer {
    let path = format!("{}?{QUERY}", wires::path(rpc));
    for caller in callers {
        let answer = caller.get(&path).await;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        if !refused.contains(&answer.status) {
            return answer;
        }
    }
    panic!("nobody may call {}", rpc.full_name());
}

/// Everybody, at the port of one target.
fn callers(fleet: &Fleet, target: &'static str, people: &[Option<String>]) -> Vec<Door> {
    let services = migrations::services().chain(["gateway"]);
    let services = services.map(|name| Some(service_token(fleet, name, target)));
    let with = |token: Option<String>| {
        let mut door = fleet.door(target);
        door.token = token;
        door
    };
    people.iter().cloned().chain(services).map(with).collect()
}

/// What a service shows another.
pub fn service_token(fleet: &Fleet, caller: &'static str, callee: &str) -> String {
    let file = fleet.data.join("keys").join(format!("{caller}.key"));
    let pkcs8 = std::fs::read(file).expect("each target has a key");
    let key = SigningKey::from_pkcs8(caller, &pkcs8).expect("it is a key");
    let claims = ServiceClaims::new(caller, callee, None, Clock::system().now());
    key.sign_service(&claims).expect("it signs")
}

fn only_reads(rpc: &MethodDescriptor) -> bool {
    let options = rpc.method_descriptor_proto().options.as_ref();
    let level = options.map(|options| options.idempotency_level());
    let streams = rpc.is_client_streaming() || rpc.is_server_streaming();
    !streams && level == Some(IdempotencyLevel::NoSideEffects)
}

/// row: P3
#[tokio::test]
async fn each_rpc_that_only_reads_answers_a_get_and_no_other_does() {
    let fleet = Fleet::start().await;
    let mut people = Vec::new();
    for name in ["admin", "operator", "support"] {
        let email = format!("{name}@stoa.test");
        let person = fleet.gateway.sign_in(&email, "stoa-demo").await;
        people.push(person.door.token);
    }
    let listed = surface::listed();
    let (mut opened, mut closed) = (0, 0);
    for target in migrations::services().chain(["gateway"]) {
        let callers = callers(&fleet, target, &people);
        let package = match target {
            "gateway" => "stoa.bff.".to_owned(),
            service => format!("stoa.{service}."),
        };
        let own = wires::rpcs().into_iter().filter(|rpc| {
            rpc.full_name().starts_with(&package) && !listed.contains(rpc.full_name())
        });
        for rpc in own {
            let answer = ask(&callers, &rpc).await;
            let (status, code, rpc_name) = (answer.status, answer.code(), rpc.full_name());
            if only_reads(&rpc) {
                let reached = ["ok", "invalid_argument"].contains(&code.as_str());
                assert!(reached, "{rpc_name}: {status}, {code}");
                opened += 1;
            } else {
                assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{rpc_name}: {code}");
                assert_eq!(answer.headers["allow"], "POST", "{rpc_name}");
                closed += 1;
            }
        }
    }
    assert!(opened > 20 && closed > 20, "{opened} and {closed}");
}
