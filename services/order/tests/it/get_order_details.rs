//! GetOrderDetails: the order first, then what surrounds it, as far as it answers.

use std::time::{Duration, Instant};

use call::Code;
use proto::order::v1::GetOrderDetailsRequest;
use testkit::both_engines;

use crate::shop::Shop;
use crate::world::Fault;

/// row: D10, R9
#[both_engines]
async fn details_show_what_answers_and_name_what_does_not(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap();
    let request = || GetOrderDetailsRequest {
        order_id: order.id.clone(),
    };
    let whole = shop
        .customer(1)
        .get_order_details(request())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (whole.user.unwrap().name.as_str(), whole.degraded.len()),
        ("Ada Lovelace", 0)
    );
    assert_eq!(whole.availability[0].available_quantity, 98);
    shop.world
        .always("GetProfile", Some(Fault::Fail(Code::Unavailable)));
    shop.world
        .always("CheckAvailability", Some(Fault::Fail(Code::Internal)));
    let bare = shop
        .customer(1)
        .get_order_details(request())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(bare.order.as_ref(), Some(&order));
    assert_eq!(
        (bare.user.unwrap().name.as_str(), bare.availability.len()),
        ("Guest", 0)
    );
    assert_eq!(bare.degraded, ["user", "inventory"]);
}

/// row: D10
#[both_engines]
async fn details_ask_at_the_same_time_and_only_for_an_order_within_reach(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let request = || GetOrderDetailsRequest {
        order_id: order.id.clone(),
    };
    for peer in ["GetProfile", "CheckAvailability"] {
        shop.world
            .always(peer, Some(Fault::Delay(Duration::from_millis(200))));
    }
    let began = Instant::now();
    shop.customer(1).get_order_details(request()).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(390),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    let foreign = shop
        .customer(2)
        .get_order_details(request())
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), tonic::Code::NotFound);
    assert!(
        began.elapsed() < Duration::from_millis(190),
        "peers were asked about a foreign order"
    );
}
