//! What a payment costs: commits are the price of a checkout.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::harness::{Payment, charge, order_id};

/// The provider's memory and ours: the two of the eight commits that a checkout may have.
#[tokio::test]
async fn a_charge_commits_twice_and_a_repeat_never() {
    let recorder = DebuggingRecorder::new();
    let commits = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    for payment in Payment::on_both().await {
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
}
