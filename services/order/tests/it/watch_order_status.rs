//! WatchOrderStatus: the current status, then each change once, in order, to the end.

use std::time::Duration;

use order::saga::fail_point::FailPoints;
use proto::order::v1::{
    CancelOrderRequest, OrderStatus, WatchOrderStatusRequest, WatchOrderStatusResponse,
    WatchOrderUpdatesRequest,
};
use testkit::{Engine, both_engines};
use tonic::{Code, Status, Streaming};

use crate::shop::{Shop, refusal};
use crate::world::Fault;

fn watch(order_id: &str, cursor: &str) -> WatchOrderStatusRequest {
    WatchOrderStatusRequest {
        order_id: order_id.to_owned(),
        cursor: cursor.to_owned(),
        send_heartbeats: false,
    }
}

/// All that comes until the stream ends.
async fn all(
    mut stream: Streaming<WatchOrderStatusResponse>,
) -> Result<Vec<WatchOrderStatusResponse>, Status> {
    let mut updates = Vec::new();
    while let Some(update) = stream.message().await? {
        updates.push(update);
    }
    Ok(updates)
}

fn statuses(updates: &[WatchOrderStatusResponse]) -> Vec<OrderStatus> {
    updates
        .iter()
        .map(WatchOrderStatusResponse::status)
        .collect()
}

/// row: D6
#[both_engines]
async fn a_watcher_sees_the_current_status_then_each_change_once(engine: Engine) {
    use OrderStatus::{Cancelled, Cancelling, Confirmed, Paid, Pending};
    let config = order::Config {
        outcome_wait_ms: 50,
        ..Default::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
    shop.world
        .script("ReserveStock", Fault::Delay(Duration::from_millis(500)));
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let stream = shop
        .customer(1)
        .watch_order_status(watch(&order.id, ""))
        .await
        .unwrap()
        .into_inner();
    let updates = all(stream).await.unwrap();
    assert_eq!(statuses(&updates), [Pending, Paid, Confirmed]);
    assert_eq!(
        updates
            .iter()
            .map(|update| update.version)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        updates
            .iter()
            .all(|update| update.order_id == order.id && update.changed_at.is_some())
    );
    let ended = shop
        .customer(1)
        .watch_order_status(watch(&order.id, ""))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(statuses(&all(ended).await.unwrap()), [Confirmed]);
    // A later cancellation is watched anew, and a cursor brings what came after it.
    let cancel = CancelOrderRequest {
        order_id: order.id.clone(),
        reason: String::new(),
    };
    shop.customer(1).cancel_order(cancel).await.unwrap();
    shop.ended(1, &order.id).await;
    for (seen, left) in [
        (1, vec![Confirmed, Cancelling, Cancelled]),
        (2, vec![Cancelling, Cancelled]),
    ] {
        let resumed = watch(&order.id, &updates[seen].cursor);
        let stream = shop
            .customer(1)
            .watch_order_status(resumed)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(statuses(&all(stream).await.unwrap()), left);
    }
}

/// row: D6, X6
#[both_engines]
async fn a_watch_resumed_at_its_end_ends(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let stream = shop
        .customer(1)
        .watch_order_status(watch(&order.id, ""))
        .await
        .unwrap()
        .into_inner();
    let last = all(stream).await.unwrap().pop().unwrap();
    let stream = shop
        .customer(1)
        .watch_order_status(watch(&order.id, &last.cursor))
        .await
        .unwrap();
    assert_eq!(statuses(&all(stream.into_inner()).await.unwrap()), []);
}

/// row: D6, S-05
#[both_engines]
async fn unknown_and_foreign_orders_are_not_found(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    for (number, order_id) in [(1, crate::shop::id(404)), (2, order.id.clone())] {
        let opened = shop
            .customer(number)
            .watch_order_status(watch(&order_id, ""))
            .await;
        let error = match opened {
            Ok(stream) => all(stream.into_inner()).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(
            (error.code(), error.message()),
            (Code::NotFound, "order not found")
        );
    }
}

/// row: D6, O12
#[both_engines]
async fn a_stop_ends_the_stream_with_the_cursor_to_resume_from(engine: Engine) {
    use OrderStatus::{Confirmed, Paid, Pending};
    let config = order::Config {
        outcome_wait_ms: 50,
        ..Default::default()
    };
    let mut shop = Shop::on_with(engine, config, FailPoints::default()).await;
    shop.world
        .script("ReserveStock", Fault::Delay(Duration::from_millis(300)));
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let mut stream = shop
        .customer(1)
        .watch_order_status(watch(&order.id, ""))
        .await
        .unwrap()
        .into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.status(), Pending);
    shop.restart().await;
    let error = loop {
        if let Err(error) = stream
            .message()
            .await
            .map(|update| update.expect("no good end"))
        {
            break error;
        }
    };
    assert_eq!(refusal::<()>(Err(error.clone())).0, Code::Unavailable);
    let cursor = call::error::reason_of(&error).unwrap().2["cursor"].clone();
    shop.ended(1, &order.id).await;
    let stream = shop
        .customer(1)
        .watch_order_status(watch(&order.id, &cursor))
        .await
        .unwrap()
        .into_inner();
    let rest = statuses(&all(stream).await.unwrap());
    assert!(rest == [Paid, Confirmed] || rest == [Confirmed], "{rest:?}");
}

/// row: D6, D7
#[both_engines]
async fn a_cursor_that_is_not_of_this_stream_is_refused_at_once(shop: Shop) {
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let other = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let client = || shop.customer(1);
    let stream = client().watch_order_status(watch(&other.id, "")).await;
    let others = all(stream.unwrap().into_inner()).await.unwrap();
    let others = others.last().unwrap().cursor.clone();
    let mine = WatchOrderUpdatesRequest {
        user_id: crate::shop::id(1),
        send_heartbeats: true,
        ..Default::default()
    };
    let stream = client().watch_order_updates(mine.clone()).await;
    let first = stream.unwrap().into_inner().message().await;
    let mines = first.unwrap().unwrap().cursor;
    let mut changed = others.clone().into_bytes();
    let last = changed.last_mut().unwrap();
    *last = if *last == b'A' { b'Q' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    // In the form that cursors had before they were signed, and of a place that there is.
    let made_up = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (cursor, code) in [
        (others.as_str(), Code::InvalidArgument),
        (&mines, Code::InvalidArgument),
        (&changed, Code::InvalidArgument),
        ("yesterday", Code::InvalidArgument),
        (made_up, Code::OutOfRange),
        (&format!("{made_up}.1"), Code::OutOfRange),
    ] {
        let opened = client().watch_order_status(watch(&order.id, cursor)).await;
        assert_eq!(opened.unwrap_err().code(), code, "{cursor}");
        if cursor != mines {
            let watch = WatchOrderUpdatesRequest {
                cursor: cursor.to_owned(),
                ..mine.clone()
            };
            let opened = client().watch_order_updates(watch).await;
            assert_eq!(opened.unwrap_err().code(), code, "{cursor}");
        }
    }
}
