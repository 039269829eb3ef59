//! `stoa dlq`: what a consumer failed at, and another chance for it.

use std::time::Duration;

use prost::Message;
use proto::event::v1::UserUpdated;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use sql::{Config, Database};
use tokio::time::{Instant, sleep};

use crate::shop::{Customer, Shop};

const SOON: Duration = Duration::from_secs(30);

/// Writes into the database of a shop that is closed.
async fn write(shop: &Shop, service: &'static str, sql: &str, values: Vec<sea_orm::Value>) {
    let file = shop.data.join(format!("{service}.db"));
    let db = Database::connect(service, &Config::sqlite(&file)).await;
    let db = db.expect("the file is there");
    let txn = db.begin_write().await.expect("nobody else writes");
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    let written = txn.execute_raw(statement).await.expect("it is written");
    assert_eq!(written.rows_affected(), 1, "{sql}");
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
}

/// What waits aside, once that is so.
async fn aside(shop: &Shop, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let until = Instant::now() + SOON;
    loop {
        let (code, printed) = shop.ask_admin(&["dlq", "list", "--json"]).await;
        assert_eq!(code, 0, "{printed}");
        let Value::Array(all) = printed.parse().expect("JSON") else {
            panic!("{printed}");
        };
        if wanted(&all) {
            return all;
        }
        assert!(Instant::now() < until, "{printed}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn is_dead(all: &[Value]) -> bool {
    matches!(all, [one] if one["tries"] == 5 && one["nextAt"].is_null())
}

async fn shown(customer: &Customer) -> String {
    let message = json!({"userId": customer.id});
    let listed = customer
        .door
        .call("order.v1.OrderService/ListOrders", message);
    let name = listed.await.json()["orders"][0]["userName"].clone();
    name.as_str().unwrap_or_default().to_owned()
}

/// A fact that nobody can read. Once it can be read, it has its effect.
///
/// row: R-07, X10
#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_tried_again() {
    let mut shop = Shop::up().await;
    let mut ada = shop.door.sign_up("secret-ada@example.test").await;
    ada.place("MUG-STR-01", 1, "tok_ok").await;
    let (code, printed) = shop.ask_admin(&["dlq", "list"]).await;
    assert!(
        code == 0 && printed.contains("no dead letters"),
        "{printed}"
    );

    shop.log().await;
    let columns = r#""transaction_id", "aggregate", "lane", "key", "source", "subject", "at", "correlation_id",
        "traceparent", "synthetic""#;
    let garbage = format!(
        r#"insert into "outbox" ("position", "version", "topic", "event_id", "data", {columns})
        select "position" + 1, "version" + 1, 'user.updated', ?, ?, {columns}
        from "outbox" order by "position" desc limit 1"#
    );
    let event_id = clock::Clock::system().id();
    let values = vec![event_id.into(), vec![0xff_u8].into()];
    write(&shop, "user", &garbage, values).await;
    shop.restart().await;
    ada.door.token.clone_into(&mut shop.door.token);
    ada.door = shop.door.clone();
    let dead = aside(&shop, is_dead).await;
    assert_eq!(dead[0]["group"], "order-views");
    assert_eq!(dead[0]["fact"]["eventType"], "USER_UPDATED");
    assert_eq!(dead[0]["fact"]["data"], Value::Null, "it cannot be read");
    let id = event_id.to_string();
    assert_eq!(dead[0]["fact"]["eventId"], *id);
    let (code, table) = shop.ask_admin(&["dlq", "list"]).await;
    assert!(code == 0 && table.contains("a dead letter"), "{table}");

    let other = clock::Clock::system().id().to_string();
    for verb in ["show", "redrive"] {
        let (code, printed) = shop.ask_admin(&["dlq", verb, &other]).await;
        assert!(code == 1 && printed.contains(&other), "{printed}");
        let (code, printed) = shop.ask_admin(&["dlq", verb, "19"]).await;
        assert_eq!(code, 2, "{printed}");
    }
    let redrive = ["dlq", "redrive", &id, "--group", "another"];
    assert_eq!(shop.ask_admin(&redrive).await.0, 1, "it is not that one's");
    let (code, printed) = shop.ask_admin(&["dlq", "redrive", &id]).await;
    assert!(code == 0 && printed.contains("1 tried again"), "{printed}");
    aside(&shop, |all| !is_dead(all)).await;
    aside(&shop, is_dead).await;

    shop.log().await;
    let update = UserUpdated {
        user_id: ada.id.clone(),
        name: "Countess".to_owned(),
        email: "secret-ada@example.test".to_owned(),
        can_place_orders: true,
    };
    let readable = "update parked_facts set data = ?";
    let values = vec![update.encode_to_vec().into()];
    write(&shop, "order", readable, values).await;
    shop.restart().await;
    ada.door.token.clone_into(&mut shop.door.token);
    ada.door = shop.door.clone();
    let (code, printed) = shop.ask_admin(&["dlq", "show", &id]).await;
    assert!(code == 0 && printed.contains("Countess"), "{printed}");
    assert!(!printed.contains("secret-ada"), "{printed}");
    let all = ["dlq", "redrive", "--all", "--group", "order-views"];
    let (code, printed) = shop.ask_admin(&all).await;
    assert!(code == 0 && printed.contains("1 tried again"), "{printed}");
    aside(&shop, <[Value]>::is_empty).await;
    assert_eq!(shown(&ada).await, "Countess");
}
