//! Many buyers of one SKU at once.

use std::collections::BTreeMap;
use std::time::Duration;

use testkit::{Engine, Fixture, both_engines};
use tokio::task::JoinSet;
use tonic::{Code, Request};

use crate::app::{TestApp, commit, order_id, release, reserve};

/// A request that waits as long as the edge lets it: a busy machine is no refusal.
fn patient<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(30));
    request
}

/// All at once want one SKU, half of it is there; some give theirs back again, some commands
/// come twice.
///
/// row: R-08, I1, S-20
#[both_engines(flavor = "multi_thread")]
async fn a_hot_sku_is_sold_out_and_never_oversold(engine: Engine) {
    const BUYERS: usize = 200;
    let inventory = TestApp::on(engine).await;
    inventory.stock(&[("hot", 100), ("other", 10_000)]).await;
    let mut buyers = JoinSet::new();
    for number in 0..BUYERS {
        let mut order = inventory.order();
        buyers.spawn(async move {
            let id = order_id();
            let list = if number % 2 == 0 {
                &[("hot", 1), ("other", 2)][..]
            } else {
                &[("other", 2), ("hot", 1)]
            };
            let mut twin = order.clone();
            let (held, again) = tokio::join!(
                order.reserve_stock(patient(reserve(&id, list))),
                twin.reserve_stock(patient(reserve(&id, list))),
            );
            let code = |error: Option<&tonic::Status>| error.map_or(Code::Ok, |e| e.code());
            assert_eq!(
                code(held.as_ref().err()),
                code(again.as_ref().err()),
                "{held:?} {again:?}"
            );
            if held.is_ok() {
                order
                    .commit_stock(patient(commit(&id)))
                    .await
                    .expect("what is held can be sold");
                if number % 10 == 0 {
                    order
                        .release_stock(patient(release(&id)))
                        .await
                        .expect("a release always works");
                    return "cancelled".to_owned();
                }
            }
            format!("{:?}", code(held.as_ref().err()))
        });
    }
    let mut outcomes = BTreeMap::<String, i64>::new();
    while let Some(outcome) = buyers.join_next().await {
        *outcomes.entry(outcome.unwrap()).or_default() += 1;
    }
    let count = |name: &str| outcomes.get(name).copied().unwrap_or(0);
    let (sold, cancelled, refused) = (count("Ok"), count("cancelled"), count("FailedPrecondition"));
    assert_eq!(sold + cancelled + refused, BUYERS as i64, "{outcomes:?}");
    assert_eq!(
        inventory.counts("hot").await,
        [100 - sold, 0, sold],
        "{outcomes:?}"
    );
    assert_eq!(
        inventory.counts("other").await,
        [10_000 - 2 * sold, 0, 2 * sold]
    );
    // Only what was given back too late for the others may be left over.
    assert!(sold >= 100 - cancelled, "{outcomes:?}");
}
