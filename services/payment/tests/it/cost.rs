//! What a payment costs: commits are the price of a checkout.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use testkit::{Engine, Fixture, both_engines};

use crate::app::{TestApp, charge, order_id};

/// The provider's memory and ours: the two of the eight commits that a checkout may have.
#[both_engines]
async fn a_charge_commits_twice_and_a_repeat_never(engine: Engine) {
    let recorder = DebuggingRecorder::new();
    let commits = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let payment = TestApp::on(engine).await;
    let order = order_id();
    let count = || {
        let snapshot = commits.snapshot().into_vec();
        let named = snapshot
            .into_iter()
            .filter(|(key, ..)| key.key().name() == "store_commits_total");
        named
            .map(|(.., value)| {
                if let DebugValue::Counter(n) = value {
                    n
                } else {
                    0
                }
            })
            .sum::<u64>()
    };
    count(); // what the migration committed; a snapshot takes the counts with it
    for expected in [2, 0] {
        let request = charge(&order, "tok_ok");
        payment.order().process_payment(request).await.unwrap();
        assert_eq!(count(), expected);
    }
}
