//! What stock costs an order: commits are the price of a checkout.

use testkit::{Engine, Fixture, Metered, both_engines};

use crate::app::{TestApp, commit, order_id, reserve};

/// Two of the eight commits that a checkout may have.
#[both_engines]
async fn a_reserve_commits_once_and_so_does_a_commit(engine: Engine) {
    let metered = Metered::begin();
    let inventory = TestApp::on(engine).await;
    inventory.stock(&[("lamp", 5), ("rug", 5)]).await;
    let commits = || metered.counted("store_commits_total");
    commits(); // what came before
    let order = order_id();
    let request = reserve(&order, &[("lamp", 1), ("rug", 2)]);
    inventory.order().reserve_stock(request).await.unwrap();
    assert_eq!(commits(), 1);
    let request = commit(&order);
    inventory.order().commit_stock(request).await.unwrap();
    assert_eq!(commits(), 1);
}
