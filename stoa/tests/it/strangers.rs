//! Who has no token, or one that is none: refused by every rpc, on every port, in every protocol.

use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::leaks;
use crate::shop::{Door, Shop};
use crate::wires::{self, WIRES, Wire};

/// The rpcs that need no token.
const PUBLIC: [&str; 12] = [
    "stoa.bff.web.v1.WebService.GetCartPage",
    "stoa.bff.web.v1.WebService.GetHome",
    "stoa.bff.web.v1.WebService.GetProductPage",
    "stoa.bff.web.v1.WebService.GetSearchPage",
    "stoa.catalog.v1.CatalogService.GetProduct",
    "stoa.catalog.v1.CatalogService.ListProducts",
    "stoa.user.v1.AuthService.GetJwks",
    "stoa.user.v1.AuthService.Refresh",
    "stoa.user.v1.AuthService.RequestPasswordReset",
    "stoa.user.v1.AuthService.ResetPassword",
    "stoa.user.v1.AuthService.SignIn",
    "stoa.user.v1.AuthService.SignUp",
];

/// By which somebody might pretend to be somebody.
const FORGED: [(&str, &str); 5] = [
    ("x-user-id", "01935f3c-7a2b-7c3d-8e4f-1234567890ab"),
    ("x-roles", "admin,operator,support"),
    ("x-auth-subject", "service:gateway"),
    ("x-auth-roles", "admin"),
    ("x-service", "order"),
];

const MISSING: &str = "Missing authentication token";
const INVALID: &str = "Invalid authentication token";

/// What a port tells a stranger, of its own rpcs or, at the gateway, of all.
async fn refuses(door: &Door, own: &str) {
    let mut stranger = door.clone();
    stranger.token = None;
    if proof::sabotaged("S-01") {
        stranger = door.sign_in("customer@stoa.test", "stoa-demo").await.door;
    }
    let mut trials = 0;
    let mut thief = door.clone();
    thief.token = Some("x.y.z".to_owned());
    let ours = wires::rpcs().into_iter();
    for rpc in ours.filter(|rpc| rpc.full_name().starts_with(own)) {
        for wire in WIRES {
            for headers in [&[][..], &FORGED] {
                let told = wire.call(&stranger, &rpc, &json!({}), headers).await;
                let name = format!("{} by {wire:?}: {told:?}", rpc.full_name());
                trials += 1;
                let id = told.headers.get("x-correlation-id");
                assert!(id.is_some_and(|id| !id.is_empty()), "{name}");
                if PUBLIC.contains(&rpc.full_name()) {
                    assert_ne!(told.said, MISSING, "{name}");
                    continue;
                }
                let refused = (told.code.as_str(), &*told.said) == ("unauthenticated", MISSING);
                proof::must("S-01", refused, &name);
                is_challenged(wire, &rpc, &told.headers);
            }
            let told = wire.call(&thief, &rpc, &json!({}), &FORGED).await;
            leaks::search("an error", &told.said, &[]);
            trials += 1;
            let name = format!("{} by {wire:?}: {told:?}", rpc.full_name());
            assert_eq!(
                (told.code.as_str(), &*told.said),
                ("unauthenticated", INVALID),
                "{name}"
            );
        }
    }
    proof::held("S-01", trials, 0);
    proof::held("S-04", trials, 0);
}

/// HTTP's own way to ask for a token, where the status is HTTP's.
fn is_challenged(wire: Wire, rpc: &MethodDescriptor, headers: &http::HeaderMap) {
    let unary = !rpc.is_server_streaming() && !rpc.is_client_streaming();
    if unary && matches!(wire, Wire::ConnectJson | Wire::ConnectProto) {
        assert_eq!(headers["www-authenticate"], "Bearer", "{}", rpc.full_name());
    }
}

/// row: S-01, S-04, G2, G3, G5, AP6, O2
#[tokio::test]
async fn every_rpc_of_one_process_refuses_strangers() {
    let mut shop = Shop::up().await;
    refuses(&shop.door, "stoa.").await;
    leaks::search_shop(&mut shop, &[]).await;
}

/// row: S-01, S-04, G2, G4, G5, AP6
#[tokio::test]
async fn every_rpc_of_seven_processes_refuses_strangers() {
    let mut fleet = Fleet::start().await;
    refuses(&fleet.gateway, "stoa.").await;
    for service in migrations::services() {
        refuses(&fleet.door(service), &format!("stoa.{service}.")).await;
    }
    // Roles that somebody claims are nobody's: at the gateway, and at the service itself.
    let customer = fleet
        .gateway
        .sign_in("customer@stoa.test", "stoa-demo")
        .await;
    let mut user = fleet.door("user");
    user.token.clone_from(&customer.door.token);
    let block = wires::rpc("user.v1.UserAdminService/BlockUser");
    let message = json!({"id": customer.id, "reason": "because I can"});
    for door in [&customer.door, &user] {
        for wire in WIRES {
            let told = wire.call(door, &block, &message, &FORGED).await;
            assert_eq!(told.code, "permission_denied", "{wire:?}: {told:?}");
        }
    }
    leaks::search_fleet(&mut fleet, &[]).await;
}

/// row: P18, R8, C9
#[tokio::test]
async fn a_violation_is_the_same_in_every_protocol_and_reaches_no_peer() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let create = wires::rpc("order.v1.OrderService/CreateOrder");
    let whole = customer.order("MUG-STR-01", 1, "tok_ok");
    for (key, value, field) in [
        ("customerId", json!(""), "customer_id"),
        ("items", json!([]), "items"),
    ] {
        let mut message = whole.clone();
        message[key] = value;
        let first = WIRES[0].call(&customer.door, &create, &message, &[]).await;
        let name = "buf.validate.Violations";
        let value = first.details.strip_prefix(name.as_bytes());
        let value = value.expect("violations are the detail");
        for wire in WIRES {
            let told = wire.call(&customer.door, &create, &message, &[]).await;
            assert_eq!(told.code, "invalid_argument", "{field}, {wire:?}: {told:?}");
            assert_eq!(told.said, first.said, "{field}, {wire:?}");
            for part in [name.as_bytes(), field.as_bytes(), value] {
                let mut windows = told.details.windows(part.len());
                assert!(
                    windows.any(|window| window == part),
                    "{field}, {wire:?}: {told:?}"
                );
            }
        }
    }
    let log = shop.log().await;
    for peer in ["CheckAvailability", "QuoteItems", "GetProfile"] {
        assert!(!log.contains(peer), "{peer} was asked");
    }
}

/// A message of exactly so many bytes on the wire, by the length of one field.
fn sized(wire: Wire, rpc: &MethodDescriptor, field: &str, bytes: usize) -> Value {
    let of = |length: usize| json!({field: "x".repeat(length)});
    let size = |message: &Value| match wire {
        Wire::ConnectJson => message.to_string().len(),
        _ => {
            let message = DynamicMessage::deserialize(rpc.input(), message);
            message.expect("it is such a message").encoded_len()
        }
    };
    let message = of(bytes - (size(&of(bytes)) - bytes));
    assert_eq!(size(&message), bytes);
    message
}

/// row: P23, P-03
#[tokio::test]
async fn each_service_reads_as_much_as_it_says_and_no_byte_more() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    for (rpc, field, limit) in [
        ("user.v1.AuthService/SignUp", "name", 64 << 10),
        ("order.v1.OrderService/CancelOrder", "reason", 256 << 10),
        ("user.v1.UserService/UpdateUser", "name", 1 << 20),
    ] {
        let rpc = wires::rpc(rpc);
        for wire in WIRES {
            for (over, refused) in [(0, false), (1, true), (10, true)] {
                let message = sized(wire, &rpc, field, limit + over);
                let told = wire.call(&customer.door, &rpc, &message, &[]).await;
                let too_much = told.code == "resource_exhausted";
                assert_eq!(
                    too_much, refused,
                    "{rpc:?} +{over}, {wire:?}: {}",
                    told.code
                );
            }
        }
    }
}
