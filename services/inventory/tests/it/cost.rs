//! What stock costs an order: commits are the price of a checkout.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use testkit::{Engine, Fixture, both_engines};

use crate::app::{TestApp, commit, order_id, reserve};

/// Two of the eight commits that a checkout may have.
#[both_engines]
async fn a_reserve_commits_once_and_so_does_a_commit(engine: Engine) {
    let recorder = DebuggingRecorder::new();
    let commits = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let inventory = TestApp::on(engine).await;
    inventory.stock(&[("lamp", 5), ("rug", 5)]).await;
    let count = || {
        let snapshot = commits.snapshot().into_vec();
        let named = snapshot
            .into_iter()
            .filter(|(key, ..)| key.key().name() == "store_commits_total");
        let counts = named.map(|(.., value)| match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(_) | DebugValue::Histogram(_) => 0,
        });
        counts.sum::<u64>()
    };
    count(); // what came before; a snapshot takes the counts with it
    let order = order_id();
    let request = reserve(&order, &[("lamp", 1), ("rug", 2)]);
    inventory.order().reserve_stock(request).await.unwrap();
    assert_eq!(count(), 1);
    let request = commit(&order);
    inventory.order().commit_stock(request).await.unwrap();
    assert_eq!(count(), 1);
}
