//! Fields that a caller may not set, sent all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value as Reflected};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::leaks;
use crate::shop::{Answer, Customer, Door, Shop};
use crate::wires::{self, Wire};

const SKU: &str = "MUG-STR-01";
/// The mutating unary rpcs that people without a role may call.
const MUTATING: [&str; 12] = [
    "order.v1.OrderService/CancelOrder",
    "order.v1.OrderService/CreateOrder",
    "user.v1.AuthService/ChangePassword",
    "user.v1.AuthService/EndSession",
    "user.v1.AuthService/Refresh",
    "user.v1.AuthService/RequestPasswordReset",
    "user.v1.AuthService/ResetPassword",
    "user.v1.AuthService/SignIn",
    "user.v1.AuthService/SignOut",
    "user.v1.AuthService/SignUp",
    "user.v1.UserService/DeleteUser",
    "user.v1.UserService/UpdateUser",
];

/// What somebody would like to decide themselves.
fn wishes(other: &str) -> Value {
    json!({
        "roles": ["admin"], "role": "admin", "isAdmin": true, "blocked": false,
        "total": {"currencyCode": "EUR", "minorUnits": "1"},
        "price": {"currencyCode": "EUR", "minorUnits": "1"},
        "status": "ORDER_STATUS_CONFIRMED", "userId": other, "user_id": other,
        "createdAt": "2001-01-01T00:00:00Z", "updatedAt": "2001-01-01T00:00:00Z",
        "version": "99", "endReason": "END_REASON_OUT_OF_STOCK",
    })
}

/// `message` with the wishes it does not hold itself.
fn with_wishes(message: &Value, other: &str) -> Value {
    let mut all = wishes(other);
    let fields = all.as_object_mut().expect("an object");
    fields.extend(message.as_object().cloned().expect("an object"));
    all
}

/// Sends a message as protobuf, with a field behind it that no schema knows.
async fn call_proto(door: &Door, pool: &DescriptorPool, rpc: &str, message: &Value) -> Answer {
    let (service, method) = rpc.split_once('/').expect("a path");
    let service = pool.get_service_by_name(&format!("stoa.{service}"));
    let service = service.expect("the service is in the contract");
    let method = service.methods().find(|known| known.name() == method);
    let input = method.expect("the rpc is in the contract").input();
    let message = DynamicMessage::deserialize(input, message).expect("it is such a message");
    let mut bytes = message.encode_to_vec();
    // Field 1000, a varint.
    bytes.extend([0xc0, 0x3e, 0x01]);
    let sent = door
        .send(rpc, "application/proto", bytes.into(), None)
        .await;
    sent.expect("an answer comes")
}

/// row: S-06, D1, D5, P1
#[tokio::test]
async fn what_a_caller_may_not_set_stays_as_it_is() {
    let mut shop = Shop::up().await;
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("it is a descriptor set");
    let alice = shop.door.sign_up("alice@example.test").await;
    // Signing up as an admin makes a customer.
    let account = json!({"email": "eve@example.test", "password": "a short sentence"});
    let account = with_wishes(&account, &alice.id);
    let signed = shop.door.call("user.v1.AuthService/SignUp", account).await;
    assert_eq!(
        signed.json()["user"]["roles"],
        json!(["customer"]),
        "{:?}",
        signed.bytes
    );
    let mut eve = shop
        .door
        .sign_in("eve@example.test", "a short sentence")
        .await;
    if proof::sabotaged("S-06") {
        eve = shop.door.sign_in("admin@stoa.test", "stoa-demo").await;
    }
    assert_ne!(eve.id, alice.id);

    orders_at_the_shop_s_price(&eve, &alice, &pool).await;

    // Her own account: no role by any name; other wishes mean nothing.
    let update = "user.v1.UserService/UpdateUser";
    let message = with_wishes(&json!({"id": eve.id, "name": "Eve"}), &alice.id);
    let asked = eve.door.call(update, message).await;
    let refused = asked.code() == "permission_denied";
    let said = format_args!("she took a role: {:?}", asked.bytes);
    proof::must("S-06", refused, said);
    let message = json!({"id": eve.id, "name": "Eve", "roles": ["admin"]});
    let asked = call_proto(&eve.door, &pool, update, &message).await;
    assert_ne!(asked.status, http::StatusCode::OK, "{:?}", asked.bytes);
    let mut message = with_wishes(&json!({"id": eve.id, "name": "Eve"}), &alice.id);
    message.as_object_mut().expect("an object").remove("roles");
    let renamed = eve.door.call(update, message).await;
    assert_eq!(renamed.code(), "ok", "{:?}", renamed.bytes);
    let user = renamed.json();
    assert_eq!(
        (&user["name"], &user["roles"]),
        (&json!("Eve"), &json!(["customer"]))
    );
    assert_ne!(user["createdAt"], "2001-01-01T00:00:00Z");
    let secret = eve
        .door
        .call("user.v1.UserService/GetUser", json!({"id": alice.id}));
    assert_eq!(secret.await.code(), "not_found", "she is no admin");
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
    let wished = wishes(&alice.id)
        .as_object()
        .map_or(0, serde_json::Map::len);
    // One sign-up, three orders, one cancelled, three changes of an account.
    proof::held("S-06", wished * 8, 0);
    leaks::search_shop(&mut shop, &[]).await;
}

async fn orders_at_the_shop_s_price(eve: &Customer, alice: &Customer, pool: &DescriptorPool) {
    let create = "order.v1.OrderService/CreateOrder";
    let honest = eve.place(SKU, 1, "tok_ok").await.json()["order"].clone();
    let mut message = with_wishes(&eve.order(SKU, 1, "tok_ok"), &alice.id);
    message["items"][0]["unitPrice"] = json!({"currencyCode": "EUR", "minorUnits": "1"});
    message["items"][0]["amount"] = json!({"currencyCode": "EUR", "minorUnits": "1"});
    let placed = eve.door.call(create, message).await.json()["order"].clone();
    assert_eq!(placed["total"], honest["total"], "{placed}");
    assert_eq!(placed["customerId"], eve.id.as_str(), "{placed}");
    assert_ne!(placed["version"], "99");
    let message = eve.order(SKU, 1, "tok_ok");
    let bytes = call_proto(&eve.door, pool, create, &message).await;
    assert_eq!(bytes.code(), "ok", "{:?}", bytes.bytes);
    let declined = with_wishes(&eve.order(SKU, 1, "tok_declined"), &alice.id);
    let declined = eve.door.call(create, declined).await;
    assert_eq!(
        declined.code(),
        "failed_precondition",
        "a status is no wish"
    );
    let cancel = json!({"orderId": placed["id"], "reason": "no"});
    let cancel = with_wishes(&cancel, &alice.id);
    let cancelled = eve
        .door
        .call("order.v1.OrderService/CancelOrder", cancel)
        .await;
    assert_eq!(cancelled.code(), "ok", "{:?}", cancelled.bytes);
    assert_ne!(
        cancelled.json()["order"]["status"],
        "ORDER_STATUS_CONFIRMED"
    );
}

/// What somebody adds to a message that its rpc does not know changes nothing of what he is told, nor of what is stored.
///
/// row: S-06
#[tokio::test]
async fn what_an_rpc_does_not_know_means_nothing_to_it() {
    let shop = Shop::up_with(&[("STOA_RATE_LIMIT", "off".to_owned())]).await;
    let mut trials = 0;
    for wire in [Wire::ConnectJson, Wire::ConnectProto, Wire::Grpc] {
        let plain = walk(&shop, wire, false).await;
        let wished = walk(&shop, wire, true).await;
        let walked: BTreeSet<&str> = wished.told.iter().map(|(rpc, _)| *rpc).collect();
        assert_eq!(walked, BTreeSet::from(MUTATING));
        let well = plain.told.iter().filter(|(_, code)| code == "ok").count();
        assert!(well >= 10, "{plain:?}");
        proof::must(
            "S-06",
            plain == wished,
            format_args!("{wire:?}: {wished:?}, without wishes {plain:?}"),
        );
        trials += wished.told.len();
    }
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
    proof::held("S-06", trials, 0);
}

/// By when an order is at its end that nothing holds up.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// What came of a walk.
#[derive(Debug, PartialEq)]
struct Walked {
    /// What each rpc told.
    told: Vec<(&'static str, String)>,
    /// All that is kept of it, but for whose and when it is.
    stored: Vec<Value>,
}

/// Somebody new uses each of these rpcs.
async fn walk(shop: &Shop, wire: Wire, wishing: bool) -> Walked {
    let somebody = || format!("{}@walks.example", Uuid::new_v4().simple());
    let (email, other, password) = (somebody(), somebody(), "a short sentence");
    let admin = shop.door.sign_in("admin@stoa.test", "stoa-demo").await;
    let eve = shop.door.sign_up(&email).await;
    let leaving = shop.door.sign_up(&somebody()).await;
    let signed = json!({"email": email, "password": password});
    let signed = shop
        .door
        .call("user.v1.AuthService/SignIn", signed)
        .await
        .json();
    let refresh = &signed["tokens"]["refreshToken"];
    let honest = eve.place(SKU, 1, "tok_ok").await.json()["order"].clone();
    let mut told = Vec::new();
    for (rpc, of, message) in [
        (
            "user.v1.AuthService/SignUp",
            None,
            json!({"email": other, "password": password}),
        ),
        (
            "user.v1.AuthService/SignIn",
            None,
            json!({"email": email, "password": password}),
        ),
        (
            "user.v1.AuthService/RequestPasswordReset",
            None,
            json!({"email": email}),
        ),
        (
            "user.v1.AuthService/ResetPassword",
            None,
            json!({"token": "A".repeat(43), "password": password}),
        ),
        (
            "user.v1.UserService/UpdateUser",
            Some(&eve),
            json!({"id": eve.id, "name": "Eve"}),
        ),
        (
            "order.v1.OrderService/CreateOrder",
            Some(&eve),
            eve.order(SKU, 1, "tok_ok"),
        ),
        (
            "order.v1.OrderService/CancelOrder",
            Some(&eve),
            json!({"orderId": honest["id"]}),
        ),
        (
            "user.v1.AuthService/Refresh",
            None,
            json!({"refreshToken": refresh}),
        ),
        (
            "user.v1.AuthService/EndSession",
            Some(&eve),
            json!({"id": Uuid::new_v4()}),
        ),
        (
            "user.v1.AuthService/SignOut",
            Some(&eve),
            json!({"allSessions": true}),
        ),
        (
            "user.v1.AuthService/ChangePassword",
            Some(&leaving),
            json!({"currentPassword": password, "password": "another sentence"}),
        ),
        (
            "user.v1.UserService/DeleteUser",
            Some(&leaving),
            json!({"id": leaving.id}),
        ),
    ] {
        let door = of.map_or(&shop.door, |person| &person.door);
        let method = wires::rpc(rpc);
        let bytes = match wishing {
            true => wishful(wire, &method, &message),
            false => wire.encode(&method, &message),
        };
        let body = wire.wrap(&method, bytes);
        let reply = wire
            .send(&wire.client(&method), door, &method, body, &[])
            .await;
        if rpc.ends_with("CreateOrder") {
            let order = reply.message.as_ref().expect("an order");
            let order = serde_json::to_value(order).expect("it is JSON")["order"].clone();
            assert_eq!(order["total"], honest["total"], "{order}");
            assert_eq!(order["customerId"], eve.id.as_str(), "{order}");
        }
        told.push((rpc, reply.code));
    }
    let made = json!({"email": other, "password": password});
    let made = shop.door.call("user.v1.AuthService/SignIn", made).await;
    for user in [&made.json()["user"], &signed["user"]] {
        let id = json!({"id": user["id"]});
        let stored = admin.door.call("user.v1.UserService/GetUser", id).await;
        let stored = stored.json();
        assert_eq!(stored["roles"], json!(["customer"]), "{stored}");
        assert_eq!(stored["createdAt"], user["createdAt"], "{stored}");
        assert_ne!(stored["createdAt"], "2001-01-01T00:00:00Z", "{stored}");
    }
    let stored = stored(&eve, &admin).await;
    Walked { told, stored }
}

/// Her account and each of her orders, whole.
async fn stored(eve: &Customer, admin: &Customer) -> Vec<Value> {
    let get = async |of: &Customer, rpc: &str, message: Value| {
        let answer = of.door.call(rpc, message).await;
        assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
        answer.json()
    };
    let user = json!({"id": eve.id});
    let profile = json!({"customerId": eve.id});
    let orders = json!({"userId": eve.id});
    let listed = get(eve, "order.v1.OrderService/ListOrders", orders).await;
    let mut all = vec![
        get(admin, "user.v1.UserService/GetUser", user).await,
        get(eve, "user.v1.UserService/GetProfile", profile).await,
    ];
    for order in listed["orders"].as_array().expect("her orders") {
        let id = json!({"orderId": order["id"]});
        let until = Instant::now() + ENDS_WITHIN;
        let order = loop {
            let order = get(eve, "order.v1.OrderService/GetOrder", id.clone()).await;
            let status = order["status"].as_str().unwrap_or_default();
            if ["ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED"].contains(&status) {
                break order;
            }
            assert!(Instant::now() < until, "it does not end: {order}");
            sleep(Duration::from_millis(20)).await;
        };
        all.push(order);
    }
    all.iter_mut().for_each(forget_whose_and_when);
    all
}

fn forget_whose_and_when(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| {
            let name = name.to_lowercase();
            !(name.ends_with("id") || name.ends_with("at") || name == "email")
        });
        fields.values_mut().for_each(forget_whose_and_when);
    }
}

/// A message with what its rpc does not know: in JSON by its name, else by numbers.
fn wishful(wire: Wire, rpc: &MethodDescriptor, message: &Value) -> Vec<u8> {
    let input = rpc.input();
    if wire == Wire::ConnectJson {
        let mut all = with_wishes(message, &Uuid::new_v4().to_string());
        let fields = all.as_object_mut().expect("an object");
        fields.retain(|name, _| {
            let known = input
                .get_field_by_json_name(name)
                .or_else(|| input.get_field_by_name(name));
            known.is_none() || message.get(name).is_some()
        });
        return all.to_string().into_bytes();
    }
    let mut bytes = wire.encode(rpc, message);
    for number in (1..=40).filter(|number| input.get_field(*number).is_none()) {
        let tag = number << 3 | 2; // bytes, of a length
        bytes.extend([tag as u8 & 0x7f | 0x80, (tag >> 7) as u8, 5]);
        bytes.extend(b"admin");
    }
    bytes
}

/// row: S-06
#[test]
fn every_rpc_by_which_people_change_something_is_known() {
    let unmounted = include_str!("../../../proto/unmounted.txt");
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("it is a descriptor set");
    let access = pool.get_extension_by_name("stoa.options.v1.access");
    let access = access.expect("the option is in the contract");
    let mut found = BTreeSet::new();
    for service in pool.services() {
        let listed = |name: &str| unmounted.lines().any(|line| line.trim() == name);
        if !service.full_name().starts_with("stoa.") || listed(service.full_name()) {
            continue;
        }
        for method in service
            .methods()
            .filter(|method| !method.is_server_streaming())
        {
            let options = method.options();
            let level = match options.get_extension(&access).as_ref() {
                Reflected::Message(access) => access
                    .get_field_by_name("level")
                    .and_then(|level| level.as_enum_number()),
                _ => None,
            };
            let reads = options
                .get_field_by_name("idempotency_level")
                .and_then(|level| level.as_enum_number())
                == Some(NO_SIDE_EFFECTS);
            if !reads && level.is_some_and(|level| FOR_PEOPLE.contains(&level)) {
                let service = service.full_name().trim_start_matches("stoa.");
                found.insert(format!("{service}/{}", method.name()));
            }
        }
    }
    let known: BTreeSet<String> = MUTATING.iter().map(|rpc| (*rpc).to_owned()).collect();
    assert_eq!(found, known);
}

/// `LEVEL_PUBLIC` and `LEVEL_USER` of the contract.
const FOR_PEOPLE: [i32; 2] = [1, 2];
/// Of `google.protobuf.MethodOptions.IdempotencyLevel`.
const NO_SIDE_EFFECTS: i32 = 1;
