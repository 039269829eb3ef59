//! What tells one request from another under one key is the same in every
//! version: whoever repeats a command may meet a newer or an older replica.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::prost::Message;
use prost_reflect::prost::encoding::{
    DecodeContext, WireType, decode_key, encode_key, encode_varint, skip_field,
};
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};
use proto::{catalog, inventory, order, pricing, user};
use serde::de::DeserializeOwned;

use crate::wires;

const UNMOUNTED: &str = include_str!("../../../proto/unmounted.txt");
/// Their order guards them, and they ignore a key.
const STEPS: [&str; 5] = [
    "ReserveStock",
    "CommitStock",
    "ReleaseStock",
    "ProcessPayment",
    "RefundPayment",
];
const ID: &str = "01935f3c-7a2b-7c3d-8e4f-1234567890ab";

/// Fixed requests, of every field and of few, and the hash of each. A line that
/// must change here is a command that an upgrade refuses when it is repeated.
fn pinned() -> Vec<Pinned> {
    [of_catalog(), of_user(), of_order(), of_stock_and_prices()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_catalog() -> Vec<Pinned> {
    vec![
        pin::<catalog::v1::CreateProductRequest>(
            "catalog.v1.CatalogService/CreateProduct",
            r#"{"sku": "A-1", "name": "Lamp", "description": "Läßt sich dimmen", "category": "light", "imageUrl": "/a.svg"}"#,
            "fca2527c0c5e00569ee9d324ddf1eea5818556587e7be6fd4b316ac605b262b1",
        ),
        pin::<catalog::v1::CreateProductRequest>(
            "catalog.v1.CatalogService/CreateProduct",
            r#"{"sku": "A-1", "name": "Lamp"}"#,
            "9b0873568a3815aea5cd94f58f929f19e2af9d4f7e2b7999702eb16a8acd8d63",
        ),
        pin::<catalog::v1::CreateProductRequest>(
            "catalog.v1.CatalogService/CreateProduct",
            r#"{"name": "Lamp", "sku": "A-1", "description": "", "later": 1, "category": ""}"#,
            "9b0873568a3815aea5cd94f58f929f19e2af9d4f7e2b7999702eb16a8acd8d63",
        ),
        pin::<catalog::v1::SetDisplayPriceRequest>(
            "catalog.v1.CatalogService/SetDisplayPrice",
            r#"{"sku": "A-1", "price": {"currencyCode": "EUR", "minorUnits": "1999"}, "version": "3"}"#,
            "c80c0ad91e2301966c0cddbbaa63791f682c52455dcb90ad0e412f01d14d273a",
        ),
        pin::<catalog::v1::UpdateProductRequest>(
            "catalog.v1.CatalogService/UpdateProduct",
            r#"{"id": "ID", "name": "Lamp", "description": "", "category": "light", "imageUrl": "/a.svg"}"#,
            "a5960dc725a9210f435d592acad084174eb047709065fc54f178fd0349366273",
        ),
        pin::<catalog::v1::UpdateProductRequest>(
            "catalog.v1.CatalogService/UpdateProduct",
            r#"{"id": "ID", "name": "Lamp"}"#,
            "35a37e88eabc4d71950f5aed7cd8cc582270ad939e7d0037f37a19ae7d96be62",
        ),
        pin::<catalog::v1::DeleteProductRequest>(
            "catalog.v1.CatalogService/DeleteProduct",
            r#"{"id": "ID"}"#,
            "9b1dd5dff2e2db19e020c8f1638fbb90a4c6feb46434ee2f7f7c6955e4dac99e",
        ),
    ]
}

fn of_user() -> Vec<Pinned> {
    vec![
        pin::<user::v1::CreateUserRequest>(
            "user.v1.UserService/CreateUser",
            r#"{"name": "Ada", "email": "ada@example.test", "roles": ["support", "operator"]}"#,
            "d4b3b45bc2c57962349ed14f1bdfbd842d7a0293fc92df98bb9e74ba9103dff1",
        ),
        pin::<user::v1::CreateUserRequest>(
            "user.v1.UserService/CreateUser",
            r#"{"email": "ada@example.test"}"#,
            "e1e0cf366d8382616869e2b06015ceec0d90142b345fb8bb7b92de70de51a567",
        ),
        pin::<user::v1::UpdateUserRequest>(
            "user.v1.UserService/UpdateUser",
            r#"{"id": "ID", "name": "", "email": "ada@example.test", "roles": ["customer"]}"#,
            "df6a0fa5614c1884108824c9cf232f0d7a94d82772cdf3b2cd4559eb5c88deea",
        ),
        pin::<user::v1::UpdateUserRequest>(
            "user.v1.UserService/UpdateUser",
            r#"{"id": "ID"}"#,
            "9b1dd5dff2e2db19e020c8f1638fbb90a4c6feb46434ee2f7f7c6955e4dac99e",
        ),
        pin::<user::v1::DeleteUserRequest>(
            "user.v1.UserService/DeleteUser",
            r#"{"id": "ID"}"#,
            "9b1dd5dff2e2db19e020c8f1638fbb90a4c6feb46434ee2f7f7c6955e4dac99e",
        ),
        pin::<user::v1::BlockUserRequest>(
            "user.v1.UserAdminService/BlockUser",
            r#"{"id": "ID", "reason": "spam"}"#,
            "9710f2bc6d209c40397a130329bd71119fad17c56aca1f3cd2544cb1c9bf2212",
        ),
        pin::<user::v1::UnblockUserRequest>(
            "user.v1.UserAdminService/UnblockUser",
            r#"{"id": "ID", "reason": "a mistake"}"#,
            "eba085d0d4bba51ddaab486d005023096164b9d6b344d87de02c80d995d53978",
        ),
        pin::<user::v1::SetPasswordRequest>(
            "user.v1.UserAdminService/SetPassword",
            r#"{"id": "ID", "password": "a digest stands here"}"#,
            "6538907525286c1fe8eb0fdfae4f2eaad2fb57b2a3b9aa64193007abb0a4ae63",
        ),
    ]
}

fn of_order() -> Vec<Pinned> {
    vec![
        pin::<order::v1::CreateOrderRequest>(
            "order.v1.OrderService/CreateOrder",
            r#"{"customerId": "ID", "items": [{"sku": "A-1", "quantity": 2}, {"sku": "B-2", "quantity": 100}], "paymentMethod": {"token": "tok_ok"}, "currencyCode": "EUR"}"#,
            "a3a5a95c368e147d1c0f5c4779d625ec43aa3851daaa7e1496c68b033eb54297",
        ),
        pin::<order::v1::CreateOrderRequest>(
            "order.v1.OrderService/CreateOrder",
            r#"{"customerId": "ID", "items": [{"sku": "A-1", "quantity": 1}], "paymentMethod": {"token": "tok_ok"}}"#,
            "d18b9f9b1f281b5402e1e0d96e5a6f9d20b760b34570b7cdcdac3abbdeda84f5",
        ),
        pin::<order::v1::CancelOrderRequest>(
            "order.v1.OrderService/CancelOrder",
            r#"{"orderId": "ID", "reason": "changed my mind"}"#,
            "333cf89dcbd0eb437840c0dc6500803fe877e9131a0dcdb8305f9fa995d8846b",
        ),
        pin::<order::v1::CancelOrderRequest>(
            "order.v1.OrderService/CancelOrder",
            r#"{"orderId": "ID"}"#,
            "9b1dd5dff2e2db19e020c8f1638fbb90a4c6feb46434ee2f7f7c6955e4dac99e",
        ),
    ]
}

fn of_stock_and_prices() -> Vec<Pinned> {
    vec![
        pin::<inventory::v1::AdjustStockRequest>(
            "inventory.v1.InventoryService/AdjustStock",
            r#"{"sku": "A-1", "delta": "-5", "reason": "broken"}"#,
            "913dbf92649de92baf2691b71e9b3914a74bf89b72546e1478dfa789cfb74478",
        ),
        pin::<pricing::v1::SetPriceRequest>(
            "pricing.v1.PricingService/SetPrice",
            r#"{"sku": "A-1", "amount": {"currencyCode": "EUR", "minorUnits": "1999"}}"#,
            "e82116851f1a8349ee74bcfeb9b18fc42c0c49bd2f9d9339ee215f6a0ea64550",
        ),
        pin::<pricing::v1::SetPromotionRequest>(
            "pricing.v1.PricingService/SetPromotion",
            r#"{"id": "ID", "sku": "A-1", "percent": 15, "minQuantity": 2, "startsAt": "2026-01-02T03:04:05.6Z", "endsAt": "2026-02-02T03:04:05Z"}"#,
            "ffa31586e9ae710c611def9fd95178abea28c30c874cfc6c734e273819375f64",
        ),
    ]
}

/// An rpc, and the hash of one request to it as it should be and as it is.
struct Pinned {
    rpc: &'static str,
    wanted: &'static str,
    found: String,
}

fn pin<M>(rpc: &'static str, request: &str, wanted: &'static str) -> Pinned
where
    M: Message + Default + DeserializeOwned,
{
    let request: M = serde_json::from_str(&request.replace("ID", ID)).expect("it is of its type");
    let hash = call::request_hash(&request);
    let bytes = request.encode_to_vec();
    // As other versions, and other languages, may write it.
    for wire in [backwards(&bytes), [unknown(), bytes].concat()] {
        let read = M::decode(wire.as_slice()).expect("it is a message");
        assert_eq!(call::request_hash(&read), hash, "{rpc}");
    }
    let found = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Pinned { rpc, wanted, found }
}

/// A field of a later version.
fn unknown() -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(19_999, WireType::Varint, &mut bytes);
    encode_varint(7, &mut bytes);
    bytes
}

/// The same fields, highest number first.
fn backwards(message: &[u8]) -> Vec<u8> {
    let mut fields: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut rest = message;
    while !rest.is_empty() {
        let whole = rest;
        let (number, kind) = decode_key(&mut rest).expect("a field has a key");
        skip_field(kind, number, &mut rest, DecodeContext::default()).expect("it is whole");
        let field = &whole[..whole.len() - rest.len()];
        fields.entry(number).or_default().extend_from_slice(field);
    }
    fields.into_values().rev().flatten().collect()
}

/// The rpcs that take a key, as `docs/capabilities.md` §1 has them.
fn keyed() -> Vec<MethodDescriptor> {
    let listed = |name: &str| UNMOUNTED.lines().any(|line| line.trim() == name);
    let is_keyed = |rpc: &MethodDescriptor| {
        let service = rpc.parent_service();
        let options = rpc.method_descriptor_proto().options.clone();
        let level = options.unwrap_or_default().idempotency_level();
        level != IdempotencyLevel::NoSideEffects
            && !(rpc.is_client_streaming() || rpc.is_server_streaming())
            && !(listed(rpc.full_name()) || listed(service.full_name()))
            && service.name() != "AuthService"
            && !STEPS.contains(&rpc.name())
    };
    wires::rpcs().into_iter().filter(is_keyed).collect()
}

/// row: I8, O-05
#[test]
fn the_hash_of_a_request_never_changes() {
    let pinned = pinned();
    let paths: BTreeSet<String> = pinned
        .iter()
        .map(|it| format!("/stoa.{}", it.rpc))
        .collect();
    let keyed: BTreeSet<String> = keyed().iter().map(wires::path).collect();
    assert_eq!(paths, keyed, "each rpc that takes a key has a line");
    let changed: Vec<String> = pinned
        .into_iter()
        .filter(|it| it.found != it.wanted)
        .map(|it| format!("{}: {}", it.rpc, it.found))
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// A map is encoded in any order, a fraction in more than one way.
///
/// row: I8
#[test]
fn no_keyed_request_has_a_map_or_a_fraction() {
    for rpc in keyed() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![rpc.input()]);
        while let Some(message) = next.pop() {
            if seen.insert(message.full_name().to_owned()) {
                next.extend(parts(&message));
            }
        }
    }
}

fn parts(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let mut parts = Vec::new();
    for field in message.fields() {
        let fraction = matches!(field.kind(), Kind::Double | Kind::Float);
        assert!(!field.is_map() && !fraction, "{}", field.full_name());
        parts.extend(field.kind().as_message().cloned());
    }
    parts
}
