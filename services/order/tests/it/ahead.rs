//! Steps that were taken and are not saved yet: who cannot know of them undoes them all the same, and a stop saves them.

use std::sync::Mutex;
use std::time::Duration;

use order::saga::fail_point::{FailPoints, Place, Verdict};
use proto::order::v1::{CancelOrderRequest, GetOrderTimelineRequest, OrderStatus, TimelineEntry};

use crate::shop::{PATIENCE, Shop, eventually};
use crate::world::{Charge, Fault, Goods};

/// The customer cancels while the driver is two steps ahead of all that is saved: the cancellation knows of a first
/// step alone, and undoes them all.
///
/// row: D9, E8, X14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_undoes_what_ran_ahead_of_it() {
    let config = order::Config {
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    let (reached, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, gate) = std::sync::mpsc::channel();
    let gate = Mutex::new(gate);
    let waits = FailPoints::new(move |place, task| {
        if (place, task) == (Place::Ahead, "process-payment") {
            reached.send(()).expect("the test waits");
            let gate = gate.lock().expect("a gate");
            let opened = tokio::task::block_in_place(|| gate.recv_timeout(PATIENCE));
            opened.expect("the test opens it");
        }
        Verdict::Live
    });
    for shop in Shop::on_both_with(config, waits).await {
        let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap();
        arrivals.recv().await.expect("it runs ahead");
        assert_eq!(shop.world.charge(&order.id), Some(Charge::Captured(3998)));
        let cancel = CancelOrderRequest {
            order_id: order.id.clone(),
            reason: String::new(),
        };
        shop.customer(1).cancel_order(cancel).await.unwrap();
        go_on.send(()).unwrap();
        let ended = shop.ended(1, &order.id).await;
        assert_eq!(ended.status(), OrderStatus::Cancelled);
        assert_eq!(shop.world.goods(&order.id), Some(Goods::Released));
        assert_eq!(shop.world.charge(&order.id), Some(Charge::Refunded(3998)));
        let facts = [
            "order.created",
            "order.cancellation_started",
            "order.cancelled",
        ];
        assert_eq!(shop.facts(&order.id).await, facts);
        let request = GetOrderTimelineRequest { order_id: order.id };
        let timeline = shop.customer(1).get_order_timeline(request).await.unwrap();
        let entries = timeline.into_inner().entries;
        let tried = |entry: &TimelineEntry| (entry.kind == "step").then(|| entry.step.clone());
        let steps: Vec<_> = entries.iter().filter_map(tried).collect();
        assert!(steps.is_empty(), "nothing of them was saved: {steps:?}");
    }
}

/// A driver that stops saves what it ran ahead with before it lets go.
///
/// row: O12, E9
#[tokio::test]
async fn what_ran_ahead_is_saved_when_a_stop_is_asked_for() {
    let config = order::Config {
        calls_max: 1,
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    for shop in Shop::on_both_with(config, FailPoints::default()).await {
        let lingers = Fault::Delay(Duration::from_secs(2));
        shop.world.always("ProcessPayment", Some(lingers));
        let first = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
        eventually(async || shop.world.goods(&first.id)).await;
        let slow = Fault::Delay(Duration::from_millis(300));
        shop.world.script("ReserveStock", slow);
        let second = shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap();
        eventually(async || {
            let calls = shop.world.calls_about(&second.id);
            (!calls.is_empty()).then_some(())
        })
        .await;
        shop.stop(); // the place that the second needs next is taken
        let saved = eventually(async || {
            let request = GetOrderTimelineRequest {
                order_id: second.id.clone(),
            };
            let timeline = shop.customer(2).get_order_timeline(request).await;
            let mut entries = timeline.unwrap().into_inner().entries.into_iter();
            entries.find(|entry| entry.kind == "step")
        });
        assert_eq!(saved.await.step, "reserve-inventory");
        let calls = shop.world.calls_about(&second.id);
        assert_eq!(calls, ["ReserveStock"], "it waits for no place");
    }
}
