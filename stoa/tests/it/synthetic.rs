//! Test traffic, and who may call it that.

use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sql::{Config, Database};

use crate::fleet::Fleet;
use crate::wires::{self, WIRES};

const MARK: (&str, &str) = ("baggage", "shop=a, synthetic=true");

/// The marks of the facts that came of a call, in one service's outbox.
async fn marks(folder: &Path, service: &'static str, correlation_id: &str) -> Vec<bool> {
    let file = folder.join(format!("{service}.db"));
    let db = Database::connect(service, &Config::sqlite(&file)).await;
    let db = db.expect("the file is there");
    let sql = "select synthetic from outbox where correlation_id = ?";
    let facts = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [correlation_id.into()]);
    let rows = db.read().query_all_raw(facts).await.expect("the table");
    let marks = rows.iter().map(|row| row.try_get("", "synthetic"));
    let marks = marks.collect::<Result<_, _>>().expect("the column");
    db.close().await.expect("it closes");
    marks
}

/// What is marked has no effects outside, so a customer must not mark an order. The services take
/// the mark from each other: it came from one that was let in.
///
/// row: X18
#[tokio::test]
async fn staff_alone_may_call_an_order_a_test() {
    let fleet = Fleet::start().await;
    let create = wires::rpc("order.v1.OrderService/CreateOrder");
    for (role, marked) in [
        ("customer", false),
        ("support", true),
        ("operator", true),
        ("admin", true),
    ] {
        let email = format!("{role}@stoa.test");
        let person = fleet.gateway.sign_in(&email, "stoa-demo").await;
        let order = person.order("MUG-STR-01", 1, "tok_ok");
        for (wire, headers) in [
            (WIRES[0], &[MARK][..]),
            (WIRES[2], &[MARK]),
            (WIRES[2], &[]),
        ] {
            let told = wire.call(&person.door, &create, &order, headers).await;
            assert_eq!(told.code, "ok", "{role}: {told:?}");
            let id = told.headers["x-correlation-id"].to_str();
            let id = id.expect("an id is text");
            for service in ["order", "inventory", "payment"] {
                let marks = marks(&fleet.data, service, id).await;
                let expected = marked && !headers.is_empty();
                assert!(!marks.is_empty(), "{service} told nothing of {id}");
                assert!(
                    marks.iter().all(|mark| *mark == expected),
                    "{role}, {wire:?}, {service}: {marks:?}"
                );
            }
        }
    }
}
