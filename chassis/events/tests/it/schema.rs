//! How the outbox lays facts out.

use std::collections::BTreeMap;

use clock::Manual;
use sea_orm::{ConnectionTrait, Statement};
use sql::Database;
use testkit::{Engine, both_engines};

use crate::{fact, push, start};

/// Every key's lanes.
async fn lanes(db: &Database) -> BTreeMap<String, Vec<i16>> {
    let sql = "select key, lane from outbox order by position";
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    let mut lanes: BTreeMap<String, Vec<i16>> = BTreeMap::new();
    for row in db.read().query_all_raw(statement).await.unwrap() {
        let key = row.try_get("", "key").unwrap();
        let lane = row.try_get("", "lane").unwrap();
        lanes.entry(key).or_default().push(lane);
    }
    lanes
}

#[both_engines]
async fn facts_of_one_key_share_a_lane_and_keys_are_spread_over_all_lanes(engine: Engine) {
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let facts = async |version| {
        let txn = db.begin_write().await.unwrap();
        for number in 0..1200 {
            push(&txn, &clock, fact(&number.to_string(), version))
                .await
                .unwrap();
        }
        txn.commit().await.unwrap();
    };
    facts(1).await;
    facts(2).await;

    let lanes = lanes(&db).await;
    assert!(
        lanes
            .values()
            .all(|lanes| lanes.len() == 2 && lanes[0] == lanes[1])
    );
    let mut used: Vec<_> = lanes.values().map(|lanes| lanes[0]).collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.into_iter().eq(0..16));
}
