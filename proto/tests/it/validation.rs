//! Generated validation, rule by rule, and its wire form.

use prost_reflect::DynamicMessage;
use proto::catalog::v1::{BatchGetProductsRequest, CreateProductRequest};
use proto::inventory::v1::{ReleaseStockRequest, ReserveStockRequest, StockItem};
use proto::order::v1::{CreateOrderRequest, ListOrdersRequest, OrderItem};
use proto::payment::v1::{PaymentMethod, ProcessPaymentRequest};
use proto::pricing::v1::Money;
use proto::support::v1::{ChatSessionRequest, ListSessionsRequest, chat_session_request};
use proto::user::v1::{CreateUserRequest, SignUpRequest, UpdateUserRequest};
use proto::validate::violations_detail;
use proto::wkt::Duration;
use proto::{Validate, Violation};

use super::pool;

const ID: &str = "0190b2d4-7f3e-7c2a-9d31-5e8f6a7b8c9d";

/// Field and rule of each violation.
fn broken(message: &impl Validate) -> Vec<(String, String)> {
    let violations = message.validate();
    violations
        .into_iter()
        .map(|v| (v.field, v.rule_id))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(field, rule)| ((*field).into(), (*rule).into()))
        .collect()
}

fn order(items: Vec<OrderItem>) -> CreateOrderRequest {
    CreateOrderRequest {
        customer_id: ID.into(),
        items,
        payment_method: Some(PaymentMethod {
            token: "tok_ok".into(),
        }),
        currency_code: String::new(),
    }
}

fn item(sku: &str, quantity: i32) -> OrderItem {
    OrderItem {
        sku: sku.into(),
        quantity,
    }
}

/// row: P18
#[test]
fn an_order_without_customer_and_items_names_both() {
    let request = CreateOrderRequest {
        customer_id: String::new(),
        items: vec![],
        ..order(vec![])
    };
    let expected = [
        ("customer_id", "string.uuid_empty"),
        ("items", "repeated.min_items"),
    ];
    assert_eq!(broken(&request), pairs(&expected));
    let said: Vec<String> = request
        .validate()
        .iter()
        .map(Violation::to_string)
        .collect();
    assert_eq!(
        said,
        [
            "customer_id must not be empty: it is a UUID",
            "items must have at least 1 item",
        ]
    );
}

/// row: P18
#[test]
fn violations_below_are_found_with_their_path() {
    assert_eq!(broken(&order(vec![item("LAMP-1", 1)])), []);
    let mut request = order(vec![
        item("LAMP-1", 1),
        item("", 0),
        item(&"x".repeat(65), 101),
    ]);
    request.currency_code = "euro".into();
    request.payment_method = Some(PaymentMethod::default());
    let expected = [
        ("items[1].sku", "string.min_len"),
        ("items[1].quantity", "int32.gte_lte"),
        ("items[2].sku", "string.max_len"),
        ("items[2].quantity", "int32.gte_lte"),
        ("payment_method.token", "string.min_len"),
        ("currency_code", "string.pattern"),
    ];
    assert_eq!(broken(&request), pairs(&expected));
    request.payment_method = None;
    assert!(broken(&request).contains(&("payment_method".into(), "required".into())));
}

/// row: P18
#[test]
fn a_list_past_its_bound_does_not_swell_the_answer() {
    let items = vec![item("", 0); 10_000];
    assert!(order(items).validate().len() <= 100);
    let items = vec![item("A", 1); 101];
    assert_eq!(
        broken(&order(items)),
        pairs(&[("items", "repeated.max_items")])
    );
}

/// row: P18, P21
#[test]
fn an_email_can_stay_absent_but_not_be_cleared() {
    let mut request = UpdateUserRequest {
        id: ID.into(),
        ..Default::default()
    };
    assert_eq!(broken(&request), []);
    request.name = Some(String::new());
    assert_eq!(broken(&request), []);
    request.email = Some(String::new());
    assert_eq!(broken(&request), pairs(&[("email", "string.email_empty")]));
}

#[test]
fn uuids_are_recognised() {
    let check = |id: &str| {
        let request = proto::order::v1::GetOrderRequest {
            order_id: id.into(),
        };
        request.validate().is_empty()
    };
    assert!(
        check(ID) && check(&ID.to_uppercase()) && check("00000000-0000-0000-0000-000000000000")
    );
    for bad in [
        "",
        "1",
        &ID[1..],
        &format!("{ID}0"),
        &ID.replace('-', ""),
        &ID.replace('0', "g"),
        "é190b2d4-7f3e-7c2a-9d31-5e8f6a7b8c9",
    ] {
        assert!(!check(bad), "{bad}");
    }
}

#[test]
fn emails_are_recognised() {
    let check = |email: &str| {
        let request = CreateUserRequest {
            email: email.into(),
            ..Default::default()
        };
        request.validate().is_empty()
    };
    for good in [
        "a@b",
        "first.last+tag@shop.example",
        "x@sub-domain.example.org",
        "!#$%&'*/=?^_`{|}~-@a.b",
    ] {
        assert!(check(good), "{good}");
    }
    let label = "a".repeat(64);
    for bad in [
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c",
        "a@-b",
        "a@b-",
        "a@b..c",
        "a@.b",
        "ä@b",
        &format!("a@{label}"),
    ] {
        assert!(!check(bad), "{bad}");
    }
}

#[test]
fn lengths_count_characters_not_bytes() {
    let sign_up = |password: &str| SignUpRequest {
        email: "a@b".into(),
        password: password.into(),
        ..Default::default()
    };
    assert_eq!(
        broken(&sign_up("ünïcödé")),
        pairs(&[("password", "string.min_len")])
    );
    assert_eq!(broken(&sign_up("ünïcödéß")), []);
    assert_eq!(broken(&sign_up(&"ü".repeat(128))), []);
    assert_eq!(
        broken(&sign_up(&"ü".repeat(129))),
        pairs(&[("password", "string.max_len")])
    );
}

#[test]
fn patterns_match_whole_values() {
    let create = |sku: &str| {
        let request = CreateProductRequest {
            sku: sku.into(),
            name: "n".into(),
            ..Default::default()
        };
        request.validate().is_empty()
    };
    for good in ["A", "a-1._", "9", &"x".repeat(64)] {
        assert!(create(good), "{good}");
    }
    for bad in ["", "-a", "a b", "a\n", "ä", "aä"] {
        assert!(!create(bad), "{bad}");
    }
}

#[test]
fn lists_of_texts_are_checked_one_by_one() {
    let request = CreateUserRequest {
        email: "a@b".into(),
        roles: vec!["customer".into(), "root".into(), "customer".into()],
        ..Default::default()
    };
    let expected = [("roles", "repeated.unique"), ("roles[1]", "string.in")];
    assert_eq!(broken(&request), pairs(&expected));
    let request = BatchGetProductsRequest {
        ids: vec![ID.into(), "x".into()],
        skus: vec![String::new()],
    };
    let expected = [("ids[1]", "string.uuid"), ("skus[0]", "string.min_len")];
    assert_eq!(broken(&request), pairs(&expected));
}

/// PostgreSQL keeps no text with that character, and would fail where SQLite takes it.
///
/// row: P18
#[test]
fn no_text_holds_the_character_nul() {
    let request = BatchGetProductsRequest {
        ids: Vec::new(),
        skus: vec!["MUG".into(), "MUG\0".into()],
    };
    assert_eq!(broken(&request), pairs(&[("skus[1]", "string.no_nul")]));
    let request = UpdateUserRequest {
        id: ID.into(),
        name: Some("\0".into()),
        ..Default::default()
    };
    assert!(broken(&request).contains(&("name".to_owned(), "string.no_nul".to_owned())));
}

#[test]
fn numbers_enums_and_durations_have_bounds() {
    let list = ListOrdersRequest {
        user_id: ID.into(),
        page_size: -1,
        status: 7,
        ..Default::default()
    };
    let expected = [("page_size", "int32.gte"), ("status", "enum.defined_only")];
    assert_eq!(broken(&list), pairs(&expected));
    let list = ListOrdersRequest {
        user_id: ID.into(),
        page_size: i32::MAX,
        ..Default::default()
    };
    assert_eq!(broken(&list), []); // clamped, not refused

    let reserve = |seconds, nanos| ReserveStockRequest {
        order_id: ID.into(),
        items: vec![StockItem {
            sku: "A".into(),
            quantity: 1,
        }],
        ttl: Some(Duration { seconds, nanos }),
    };
    for (seconds, nanos) in [(0, 0), (-1, 0), (3600, 1)] {
        assert_eq!(
            broken(&reserve(seconds, nanos)),
            pairs(&[("ttl", "duration.gt_lte")])
        );
    }
    assert_eq!(broken(&reserve(0, 1)), []);
    assert_eq!(broken(&reserve(3600, 0)), []);
    let release = ReleaseStockRequest {
        order_id: ID.into(),
        reason: "BORED".into(),
    };
    assert_eq!(broken(&release), pairs(&[("reason", "string.in")]));
}

#[test]
fn required_messages_and_their_rules() {
    let mut request = ProcessPaymentRequest {
        idempotency_key: "k".into(),
        order_id: ID.into(),
        customer_id: ID.into(),
        amount: None,
        method: Some(PaymentMethod { token: "t".into() }),
    };
    assert_eq!(broken(&request), pairs(&[("amount", "required")]));
    request.amount = Some(Money {
        currency_code: "eur".into(),
        minor_units: 1,
    });
    assert_eq!(
        broken(&request),
        pairs(&[("amount.currency_code", "string.pattern")])
    );
}

#[test]
fn members_of_a_oneof_and_optional_ids() {
    use chat_session_request::{Frame, Open, Post};

    let frame = |frame| ChatSessionRequest { frame: Some(frame) };
    let post = Post {
        client_message_id: "1".into(),
        text: String::new(),
    };
    assert_eq!(
        broken(&frame(Frame::Message(post))),
        pairs(&[("message.text", "string.min_len")])
    );
    assert_eq!(broken(&frame(Frame::Open(Open::default()))), []);
    let open = Open {
        session_id: "x".into(),
        ..Default::default()
    };
    assert_eq!(
        broken(&frame(Frame::Open(open))),
        pairs(&[("open.session_id", "string.uuid")])
    );
    assert_eq!(broken(&ListSessionsRequest::default()), []);
}

/// The hand-written wire form is that of the vendored contract.
///
/// row: P18
#[test]
fn the_detail_is_a_buf_validate_violations() {
    let mut violations = order(vec![item("A", 0)]).validate();
    violations.push(Violation::new("items[2].sku", "unique", "is there twice"));
    let (type_url, bytes) = violations_detail(&violations);
    let name = type_url.strip_prefix("type.googleapis.com/").unwrap();
    let descriptor = pool().get_message_by_name(name).unwrap();
    let decoded = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    let element = |name: &str, number: i32, kind: &str| serde_json::json!({"fieldName": name, "fieldNumber": number, "fieldType": kind});
    let mut items = element("items", 2, "TYPE_MESSAGE");
    items["index"] = "0".into();
    let expected = serde_json::json!({"violations": [
        {
            "field": {"elements": [items, element("quantity", 2, "TYPE_INT32")]},
            "ruleId": "int32.gte_lte",
            "message": "must be from 1 to 100",
        },
        {
            "field": {"elements": [{"fieldName": "items", "index": "2"}, {"fieldName": "sku"}]},
            "ruleId": "unique",
            "message": "is there twice",
        },
    ]});
    assert_eq!(serde_json::to_value(&decoded).unwrap(), expected);
}
