//! Many who want the same.

use futures::future::join_all;
use proto::order::v1::OrderStatus;
use testkit::both_engines;
use tonic::Code;

use crate::shop::{Shop, id};
use crate::world::Charge;

const BUYERS: u128 = 20;
const ORDERS_EACH: usize = 6;
const PIECES: i64 = 40;

/// The order service's part of the row, at everyday size: peers by script, one SKU, more buyers than
/// pieces. The row at full size runs over the whole suite.
///
/// row: R-08, X4
#[both_engines]
async fn as_many_are_confirmed_as_there_are_pieces(shop: Shop) {
    shop.world.sell("lamp", PIECES, 1999);
    let buying = (1..=BUYERS).map(|number| {
        let shop = &shop;
        async move {
            let mut ids = Vec::new();
            for _ in 0..ORDERS_EACH {
                match shop.buy(number, &[("lamp", 1)], "tok_ok").await {
                    Ok(order) => ids.push((number, order.id)),
                    Err(error) => {
                        assert_eq!(error.code(), Code::FailedPrecondition, "{error:?}")
                    }
                }
            }
            ids
        }
    });
    let mut confirmed = 0;
    for (number, order_id) in join_all(buying).await.into_iter().flatten() {
        let order = shop.ended(number, &order_id).await;
        confirmed += i64::from(order.status() == OrderStatus::Confirmed);
    }
    assert_eq!(confirmed, PIECES);
    assert_eq!(
        (shop.world.taken("lamp"), shop.world.books().stock["lamp"]),
        (PIECES, 0)
    );
    let captured = shop
        .world
        .books()
        .charges
        .values()
        .filter(|c| matches!(c, Charge::Captured(_)))
        .count();
    assert_eq!(captured as i64, PIECES, "buyers from {}", id(1));
}
