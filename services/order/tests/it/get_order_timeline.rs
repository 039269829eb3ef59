//! GetOrderTimeline: every step, attempt and undo, as they happened.

use call::Code;
use proto::order::v1::GetOrderTimelineRequest;
use testkit::both_engines;

use crate::shop::Shop;
use crate::world::Fault;

/// row: E8, X14
#[both_engines]
async fn the_timeline_tells_every_attempt_and_survives_a_restart(mut shop: Shop) {
    shop.world
        .script("ReserveStock", Fault::Fail(Code::Unavailable));
    let error = shop
        .buy(1, &[("lamp", 1)], "tok_declined")
        .await
        .unwrap_err();
    let order_id = call::error::reason_of(&error).unwrap().2["order_id"].clone();
    shop.restart().await;
    let request = || GetOrderTimelineRequest {
        order_id: order_id.clone(),
    };
    let entries = shop
        .customer(1)
        .get_order_timeline(request())
        .await
        .unwrap()
        .into_inner()
        .entries;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} {} {}",
                entry.kind, entry.step, entry.attempt, entry.outcome
            )
        })
        .collect();
    let wanted = [
        "status PENDING 0 entered",
        "step reserve-inventory 1 unavailable",
        "step reserve-inventory 2 done",
        "step process-payment 1 refused",
        "undo release-inventory 1 done",
        "status REJECTED 0 PAYMENT_DECLINED",
    ];
    assert_eq!(told, wanted);
    assert!(
        entries
            .iter()
            .all(|entry| entry.at.is_some() && entry.trace_id == entries[0].trace_id)
    );
    assert_eq!(entries[0].trace_id.len(), 32);
    let foreign = shop
        .customer(2)
        .get_order_timeline(request())
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), tonic::Code::NotFound);
}
