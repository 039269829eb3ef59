//! What a payment costs: commits are the price of a checkout.

use testkit::{Engine, Fixture, Metered, both_engines};

use crate::app::{TestApp, charge, order_id};

/// The provider's memory and ours: the two of the eight commits that a checkout may have.
#[both_engines]
async fn a_charge_commits_twice_and_a_repeat_never(engine: Engine) {
    let metered = Metered::begin();
    let payment = TestApp::on(engine).await;
    let order = order_id();
    let commits = || metered.counted("store_commits_total");
    commits(); // what the migration committed
    for expected in [2, 0] {
        let request = charge(&order, "tok_ok");
        payment.order().process_payment(request).await.unwrap();
        assert_eq!(commits(), expected);
    }
}
