//! How much there is, as metrics say it.

use chrono::DateTime;
use sea_orm::ConnectionTrait;
use sql::idempotency::{self, Key};
use sql::{Database, Engine};
use testkit::Metered;

use crate::both;

async fn claim(db: &Database, names: &[&str]) {
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let txn = db.begin_write().await.unwrap();
    for name in names {
        let key = Key {
            subject: "user:1".into(),
            method: "/stoa.order.v1.OrderService/CreateOrder",
            key: (*name).into(),
            request_hash: [7; 32],
        };
        idempotency::claim(&txn, Some(&key), now).await.unwrap();
    }
    txn.commit().await.unwrap();
}

/// The gauge of the records after they were measured.
async fn measured(db: &Database) -> f64 {
    let metered = Metered::begin();
    idempotency::measure(db).await.unwrap();
    metered.gauge("idempotency_rows").unwrap()
}

/// PostgreSQL is asked for what it found when it last looked, so that a large table is not counted.
#[tokio::test]
async fn records_are_counted_or_estimated_where_the_engine_can() {
    for db in both().await {
        claim(&db, &["a", "b", "c"]).await;
        assert_eq!(measured(&db).await, 3.0, "{:?}", db.engine());
        let txn = db.begin_write().await.unwrap();
        txn.execute_unprepared("analyze idempotency_keys")
            .await
            .unwrap();
        txn.commit().await.unwrap();
        claim(&db, &["d", "e"]).await;
        let known = match db.engine() {
            Engine::Sqlite => 5.0,
            Engine::Postgres => 3.0,
        };
        assert_eq!(measured(&db).await, known, "{:?}", db.engine());
    }
}
