//! What an operator reads of a request, and what a caller reads of a refusal.

use serde_json::{Value, json};

use crate::shop::Shop;

/// The REST half of R8, defaults in its JSON, is open until there is REST.
///
/// row: G9, O1, O2, AP6, R8
#[tokio::test]
async fn every_request_leaves_one_line_and_no_value_of_its_query() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let get = "/stoa.catalog.v1.CatalogService/ListProducts?connect=v1&encoding=json\
        &message=%7B%22query%22%3A%22canary%22%7D";
    let found = shop.door.get(get).await;
    assert_eq!(found.code(), "ok", "{:?}", found.bytes);
    let empty =
        json!({"customerId": customer.id, "items": [], "paymentMethod": {"token": "tok_ok"}});
    let refused = customer
        .door
        .call("order.v1.OrderService/CreateOrder", empty)
        .await;
    assert_eq!(refused.code(), "invalid_argument");
    let details = refused.json()["details"].to_string();
    assert!(details.contains("buf.validate.Violations"), "{details}");

    let output = shop.log().await;
    assert!(!output.contains("canary"), "a query's value is in the log");
    let lines: Vec<Value> = output
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("every line parses"))
        .collect();
    for (answer, wanted) in [
        (
            &found,
            json!({"method": "GET", "protocol": "connect_get", "status": 200, "code": "ok"}),
        ),
        (
            &refused,
            json!({"method": "POST", "protocol": "connect", "status": 400, "code": "invalid_argument",
                "route": "/stoa.order.v1.OrderService/CreateOrder",
                "caller": format!("user:{}", customer.id)}),
        ),
    ] {
        let id = answer.headers["x-correlation-id"]
            .to_str()
            .expect("it is text");
        let mut own = lines.iter().filter(|line| {
            line["correlation_id"] == id
                && line["target"] == "access"
                && line["method"] == wanted["method"]
        });
        let line = own.next().expect("the request has a line");
        for (name, value) in wanted.as_object().expect("an object") {
            assert_eq!(&line[name], value, "{name} in {line}");
        }
        for name in [
            "duration_us",
            "bytes",
            "route",
            "trace_id",
            "service",
            "version",
            "env",
        ] {
            assert!(!line[name].is_null(), "{name} is missing in {line}");
        }
        assert!(own.next().is_none(), "one line a request");
    }
}
