//! Who may move money.

use call::{Caller, Role};
use testkit::app::service;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, charge, order_id, refund, refusal, user};

/// row: S-01, S-06
#[both_engines]
async fn only_the_order_service_moves_money(payment: TestApp) {
    let order = order_id();
    for (caller, code) in [
        (Caller::Anonymous, Code::Unauthenticated),
        (user(7, &[Role::Customer]), Code::PermissionDenied),
        (user(7, &Role::ALL), Code::PermissionDenied),
        (service("gateway"), Code::PermissionDenied),
    ] {
        let mut client = payment.client(caller.clone());
        let charged = client.process_payment(charge(&order, "tok_ok")).await;
        let refunded = client.refund_payment(refund(&order)).await;
        assert_eq!(
            (refusal(charged).0, refusal(refunded).0),
            (code, code),
            "{caller:?}"
        );
    }
    assert_eq!(payment.payment(&order).await, None);
    assert_eq!(payment.provider_charges().await, 0);
}
