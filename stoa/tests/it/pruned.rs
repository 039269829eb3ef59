//! Facts that are gone from a running shop, and who asks for them.

use std::path::Path;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use sql::{Config, Database};
use tokio::time::{sleep, timeout};

use crate::shop::{Customer, Door, Shop};
use crate::watches::{Connections, Watch};

const RPC: &str = "user.v1.UserService/WatchUserUpdates";
const SOON: Duration = Duration::from_secs(30);

async fn rename(customer: &Customer, name: &str) {
    let message = json!({"id": customer.id, "name": name});
    let changed = customer
        .door
        .call("user.v1.UserService/UpdateUser", message)
        .await;
    assert_eq!(changed.code(), "ok", "{:?}", changed.bytes);
}

async fn open(data: &Path, service: &'static str) -> Database {
    let file = data.join(format!("{service}.db"));
    let db = Database::connect(service, &Config::sqlite(&file)).await;
    db.expect("the file is there")
}

async fn number(db: Database, sql: &str) -> Option<i64> {
    let select = Statement::from_string(DbBackend::Sqlite, sql);
    let row = db.read().query_one_raw(select).await.expect("it is read");
    let number = row.and_then(|row| row.try_get("", "number").expect("a number"));
    db.close().await.expect("it closes");
    number
}

/// Whether those who hear the user service have noted that they heard all it told, or a stop came before.
async fn all_is_heard(data: &Path) -> bool {
    let told = "select max(position) as number from outbox";
    let heard = "select min(position) as number from consumer_marks where source = 'user'";
    let told = number(open(data, "user").await, told).await;
    for service in ["order", "recommendation"] {
        if number(open(data, service).await, heard).await != told {
            return false;
        }
    }
    true
}

/// Makes every fact of the user service nine days old.
async fn nine_days_pass(data: &Path) {
    let db = open(data, "user").await;
    let at = clock::Clock::system().now() - chrono::TimeDelta::days(9);
    let sql = "update outbox set at = ?";
    let old = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [at.into()]);
    let txn = db.begin_write().await.expect("nobody else writes");
    txn.execute_raw(old).await.expect("the table is there");
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
}

/// What the shop says of itself, once it has looked.
async fn metrics(shop: &Shop, wanted: &str) -> String {
    let admin = Door::new(shop.admin.clone());
    let found = async {
        loop {
            let bytes = admin.get("/metrics").await.bytes;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.contains(wanted) {
                return text;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let found = timeout(SOON, found).await;
    found.unwrap_or_else(|_| panic!("{wanted} is never told"))
}

/// The cursor itself is a moment old: only the facts behind it are gone.
///
/// row: X6
#[tokio::test]
async fn a_shop_prunes_when_it_starts_and_refuses_cursors_from_before() {
    let mut shop = Shop::up_without_demo().await;
    let ada = shop.door.sign_up("ada@example.test").await;
    let client: Connections = Client::builder(TokioExecutor::new()).build_http();
    let message = json!({"userId": ada.id});
    let mut watch = Watch::open(&client, &ada.door, RPC, &message).await;
    rename(&ada, "one").await;
    let cursor = watch.next().await["cursor"].clone();
    rename(&ada, "two").await;
    let sizes = metrics(&shop, "outbox_rows{service=\"user\"}").await;
    for name in ["outbox_oldest_seconds", "idempotency_rows"] {
        assert!(
            sizes.contains(&format!("{name}{{service=\"order\"}}")),
            "{name}"
        );
    }

    drop(watch);
    // Whoever hears the service hears of this, and notes at once that it did.
    let bob = shop.door.sign_up("bob@example.test").await;
    let rpc = "user.v1.UserService/DeleteUser";
    let deleted = bob.door.call(rpc, json!({"id": bob.id})).await;
    assert_eq!(deleted.code(), "ok", "{:?}", deleted.bytes);
    shop.log().await;
    while !all_is_heard(&shop.data).await {
        shop.restart().await;
        sleep(Duration::from_millis(100)).await;
        shop.log().await;
    }
    nine_days_pass(&shop.data).await;
    shop.restart().await;
    let ada = shop
        .door
        .sign_in("ada@example.test", "a short sentence")
        .await;
    let message = json!({"userId": ada.id, "cursor": cursor});
    let refused = async {
        loop {
            let watch = Watch::open(&client, &ada.door, RPC, &message).await;
            // Until the shop has kept house this one goes on, and has nothing to say.
            if let Ok((updates, end)) = timeout(Duration::from_secs(1), watch.end()).await {
                return (updates, end);
            }
        }
    };
    let (updates, end) = timeout(SOON, refused).await.expect("it is refused soon");
    assert_eq!(end["error"]["code"], "out_of_range", "{end}");
    assert!(updates.is_empty(), "{updates:?}");

    let message = json!({"userId": ada.id});
    let mut watch = Watch::open(&client, &ada.door, RPC, &message).await;
    rename(&ada, "three").await;
    assert_eq!(watch.next().await["user"]["name"], "three");
}
