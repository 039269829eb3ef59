//! Facts that were lost, and the auditor, who misses them.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use sql::Database;
use tokio::time::{Instant, sleep};

use crate::crash::plan::{Engine, Shape};
use crate::crash::system::System;
use crate::shop::Customer;

const SKU: &str = "MUG-STR-01";
const LOST: &str = "create table if not exists lost as select * from outbox where 1 = 0";

async fn ask(customer: &Customer, rpc: &str, message: Value) -> Value {
    let answer = customer.door.call(rpc, message).await;
    assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
    answer.json()
}

/// What facts tell of, by the service that tells them.
#[derive(Clone, Debug)]
struct Aggregate {
    service: &'static str,
    kind: &'static str,
    key: String,
}

/// One of each kind with as many facts as it can have, and one of each that was deleted.
async fn busy(system: &System) -> Vec<Aggregate> {
    let of = |service, kind, key: &Value| Aggregate {
        service,
        kind,
        key: key.as_str().expect("a text").to_owned(),
    };
    let door = system.door();
    let operator = door.sign_in("operator@stoa.test", "stoa-demo").await;
    let mut all = Vec::new();
    for deleted in [false, true] {
        let person = door.sign_up(&format!("{deleted}@example.test")).await;
        let rename = json!({"id": person.id, "name": "Ada"});
        ask(&person, "user.v1.UserService/UpdateUser", rename).await;
        all.push(of("user", "user", &json!(person.id)));
        let product = json!({"sku": format!("NEW-{deleted}"), "name": "New"});
        let product = ask(
            &operator,
            "catalog.v1.CatalogService/CreateProduct",
            product,
        )
        .await;
        let id = &product["product"]["id"];
        let rename = json!({"id": id, "name": "Newer"});
        ask(&operator, "catalog.v1.CatalogService/UpdateProduct", rename).await;
        all.push(of("catalog", "product", id));
        let (user, product) = if deleted {
            (("DeleteUser", json!({})), ("DeleteProduct", json!({})))
        } else {
            let name = json!({"name": "Newest"});
            (("UpdateUser", name.clone()), ("UpdateProduct", name))
        };
        for (caller, service, (method, mut message), id) in [
            (&person, "user.v1.UserService", user, &json!(person.id)),
            (&operator, "catalog.v1.CatalogService", product, id),
        ] {
            message["id"] = id.clone();
            ask(caller, &format!("{service}/{method}"), message).await;
        }
    }
    for cents in [100, 101, 102] {
        let amount = json!({"currencyCode": "USD", "minorUnits": cents});
        let price = json!({"sku": SKU, "amount": amount});
        ask(&operator, "pricing.v1.PricingService/SetPrice", price).await;
        let delivery = json!({"sku": SKU, "delta": 1, "reason": "came in"});
        ask(
            &operator,
            "inventory.v1.InventoryService/AdjustStock",
            delivery,
        )
        .await;
    }
    all.push(of("pricing", "price", &json!(SKU)));
    all.push(of("inventory", "stock", &json!(SKU)));
    let order = cancelled(&door.sign_up("buyer@example.test").await).await;
    all.push(of("inventory", "inventory", &order));
    all.push(of("order", "order", &order));
    all.push(of("payment", "payment", &order));
    all
}

/// An order that was bought and then cancelled, at its end.
async fn cancelled(customer: &Customer) -> Value {
    let placed = customer.place(SKU, 1, "tok_ok").await.json();
    let order = placed["order"]["id"].clone();
    let message = json!({"orderId": order});
    for (wanted, then) in [("CONFIRMED", "CancelOrder"), ("CANCELLED", "GetOrder")] {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let read = ask(customer, "order.v1.OrderService/GetOrder", message.clone()).await;
            if read["status"] == format!("ORDER_STATUS_{wanted}") {
                break;
            }
            assert!(Instant::now() < until, "{read} is not {wanted}");
            sleep(Duration::from_millis(50)).await;
        }
        let then = format!("order.v1.OrderService/{then}");
        ask(customer, &then, message.clone()).await;
    }
    order
}

async fn execute(db: &Database, statement: &str, values: &[sea_orm::Value]) {
    let txn = db.begin_write().await.expect("nobody else writes for long");
    let backend = txn.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, statement, values.to_vec());
    txn.execute_raw(statement).await.expect("it is SQL");
    txn.commit().await.expect("it commits");
}

impl Aggregate {
    async fn versions(&self, db: &Database) -> Vec<i64> {
        let mut query = Query::select();
        query
            .column(Alias::new("version"))
            .from(Alias::new("outbox"))
            .and_where(Expr::col(Alias::new("aggregate")).eq(self.kind))
            .and_where(Expr::col(Alias::new("key")).eq(self.key.as_str()))
            .order_by(Alias::new("version"), sea_orm::sea_query::Order::Asc);
        let rows = db.read().query_all(&query).await.expect("an outbox");
        let versions = rows.iter().map(|row| row.try_get("", "version"));
        versions.map(|version| version.expect("a number")).collect()
    }

    /// Takes a fact away, so that [`Aggregate::restore`] can put it back.
    async fn lose(&self, db: &Database, version: i64) {
        let of_it = "from outbox where aggregate = $1 and key = $2 and version = $3";
        let values = [self.kind.into(), self.key.as_str().into(), version.into()];
        for statement in [
            format!("insert into lost select * {of_it}"),
            format!("delete {of_it}"),
        ] {
            execute(db, &statement, &values).await;
        }
    }
}

/// What the auditor says of facts, and how it ends.
async fn audited(system: &System) -> (i32, Vec<String>) {
    let (code, printed) = system.stoa(&["audit", "--json", "--settle", "20"]).await;
    let found = printed
        .lines()
        .find_map(|line| serde_json::from_str::<Vec<Value>>(line).ok());
    let found = found.unwrap_or_else(|| panic!("{printed}"));
    let breaches = found.iter().flat_map(|finding| {
        let breaches = finding["breaches"].as_array().into_iter().flatten();
        breaches.map(|breach| format!("{}: {breach}", finding["id"]))
    });
    (
        code,
        breaches.map(|breach| breach.replace('"', "")).collect(),
    )
}

async fn no_fact_is_lost_unnoticed(engine: Engine) {
    let system = System::start(Shape::Up, engine, &[]).await;
    let all = busy(&system).await;
    assert_eq!(audited(&system).await, (0, Vec::new()));
    for name in ["first", "middle", "last"] {
        let services: BTreeSet<_> = all.iter().map(|aggregate| aggregate.service).collect();
        let mut lost = Vec::new();
        for aggregate in &all {
            let db = system.open(aggregate.service).await;
            let versions = aggregate.versions(&db).await;
            assert!(versions.len() >= 2, "{aggregate:?} has facts {versions:?}");
            execute(&db, LOST, &[]).await;
            let chosen = match name {
                "first" => versions.first(),
                "last" => versions.last(),
                _ => versions[1..versions.len() - 1].first(), // a payment has none
            };
            if let Some(version) = chosen {
                aggregate.lose(&db, *version).await;
                lost.push(aggregate);
            }
            db.close().await.expect("it closes");
        }
        let (code, breaches) = audited(&system).await;
        assert_eq!(code, 1, "the {name} is gone: {breaches:#?}");
        assert_eq!(
            breaches.len(),
            lost.len(),
            "the {name} is gone: {breaches:#?}"
        );
        for Aggregate { service, kind, key } in &lost {
            let named = format!("I6: {service}: {kind} {key} ");
            let is_named = breaches.iter().any(|breach| breach.starts_with(&named));
            assert!(is_named, "the {name} is gone, not {named}: {breaches:#?}");
        }
        for service in services {
            let db = system.open(service).await;
            execute(&db, "insert into outbox select * from lost", &[]).await;
            execute(&db, "drop table lost", &[]).await;
            db.close().await.expect("it closes");
        }
        assert_eq!(audited(&system).await, (0, Vec::new()), "all are back");
    }
}

/// row: I6, X13
#[tokio::test]
async fn no_fact_is_lost_unnoticed_on_sqlite() {
    no_fact_is_lost_unnoticed(Engine::Sqlite).await;
}

/// row: I6, X13
#[tokio::test]
async fn no_fact_is_lost_unnoticed_on_postgresql() {
    no_fact_is_lost_unnoticed(Engine::Postgres).await;
}

/// Nine days pass for those who are there, and their facts go; who comes now still needs all of his.
async fn only_what_was_pruned_is_not_missed(engine: Engine) {
    let system = System::start(Shape::Up, engine, &[]).await;
    let ada = system.door().sign_up("ada@example.test").await;
    let db = system.open("user").await;
    let now = clock::Clock::system().now();
    let before = now - chrono::TimeDelta::days(9);
    execute(&db, "update outbox set at = $1", &[before.into()]).await;
    execute(
        &db,
        "update users set created_at = $1, updated_at = $1",
        &[before.into()],
    )
    .await;
    // Whichever of us comes first: the shop prunes too, soon after its start.
    let pruned = events::outbox::prune(&db, now - events::outbox::KEPT, None).await;
    pruned.expect("the table is there");
    let kept = events::outbox::committed(db.read(), 1).await;
    assert!(kept.expect("the table is there").is_empty());
    assert_eq!(audited(&system).await, (0, Vec::new()), "they are old");

    let rename = json!({"id": ada.id, "name": "Ada"});
    ask(&ada, "user.v1.UserService/UpdateUser", rename).await;
    assert_eq!(audited(&system).await, (0, Vec::new()), "her first is old");
    let eve = system.door().sign_up("eve@example.test").await;
    execute(&db, LOST, &[]).await;
    for (person, version) in [(ada, 2), (eve, 1)] {
        let aggregate = Aggregate {
            service: "user",
            kind: "user",
            key: person.id,
        };
        aggregate.lose(&db, version).await;
        let (code, breaches) = audited(&system).await;
        assert_eq!(code, 1);
        let key = &aggregate.key;
        let wanted = format!("I6: user: user {key} is at version {version} and has no fact");
        assert_eq!(breaches, [wanted]);
        execute(&db, "insert into outbox select * from lost", &[]).await;
        execute(&db, "delete from lost", &[]).await;
    }
    db.close().await.expect("it closes");
}

/// row: I6
#[tokio::test]
async fn only_what_was_pruned_is_not_missed_on_sqlite() {
    only_what_was_pruned_is_not_missed(Engine::Sqlite).await;
}

/// row: I6
#[tokio::test]
async fn only_what_was_pruned_is_not_missed_on_postgresql() {
    only_what_was_pruned_is_not_missed(Engine::Postgres).await;
}
