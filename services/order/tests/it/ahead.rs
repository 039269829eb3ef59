//! Steps that were taken and are not saved yet: who cannot know of them undoes them all the same, and a stop saves them.

use std::sync::Mutex;
use std::time::Duration;

use order::saga::fail_point::{FailPoint, FailPoints, Fate};
use proto::order::v1::{
    CancelOrderRequest, GetOrderTimelineRequest, Order, OrderStatus, TimelineEntry,
};
use testkit::{Engine, both_engines};
use tokio::sync::mpsc;

use crate::shop::{PATIENCE, Shop, eventually};
use crate::world::{Charge, Fault, Goods};

/// A place at which a driver is held up until the test lets it go on.
struct Gate {
    arrivals: mpsc::UnboundedReceiver<()>,
    opened: std::sync::mpsc::Sender<()>,
}

impl Gate {
    fn at(gate_place: FailPoint, gate_task: &'static str) -> (Self, FailPoints) {
        let (reached, arrivals) = mpsc::unbounded_channel();
        let (opened, opening) = std::sync::mpsc::channel();
        let opening = Mutex::new(opening);
        let fail_points = FailPoints::new(move |place, task| {
            if (place, task) == (gate_place, gate_task) {
                reached.send(()).expect("the test waits");
                let opening = opening.lock().expect("a gate");
                let opened = tokio::task::block_in_place(|| opening.recv_timeout(PATIENCE));
                opened.expect("the test opens it");
            }
            Fate::Live
        });
        (Self { arrivals, opened }, fail_points)
    }

    /// Buys, and cancels while the driver is held up; the order, once that is over.
    async fn cancel_at(&mut self, shop: &Shop) -> Order {
        let order = shop.buy(1, &[("lamp", 2)], "tok_ok").await;
        let order = order.expect("it is accepted");
        self.arrivals.recv().await.expect("it comes to the gate");
        let cancel = CancelOrderRequest {
            order_id: order.id.clone(),
            reason: String::new(),
        };
        let cancelled = shop.customer(1).cancel_order(cancel).await;
        cancelled.expect("it is cancelled");
        self.opened.send(()).expect("it waits at the gate");
        shop.ended(1, &order.id).await
    }
}

fn hasty() -> order::Config {
    order::Config {
        outcome_wait_ms: 0,
        ..order::Config::default()
    }
}

/// The customer cancels while the driver is two steps ahead of all that is saved: the cancellation knows of a first
/// step alone, and undoes them all.
///
/// row: D9, E8, X14
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_undoes_what_ran_ahead_of_it(engine: Engine) {
    let (mut gate, fail_points) = Gate::at(FailPoint::Ahead, "process-payment");
    let shop = Shop::on_with(engine, hasty(), fail_points).await;
    let ended = gate.cancel_at(&shop).await;
    assert_eq!(ended.status(), OrderStatus::Cancelled);
    assert_eq!(shop.world.goods(&ended.id), Some(Goods::Released));
    assert_eq!(shop.world.charge(&ended.id), Some(Charge::Refunded(3998)));
    let facts = [
        "order.created",
        "order.cancellation_started",
        "order.cancelled",
    ];
    assert_eq!(shop.facts(&ended.id).await, facts);
    let request = GetOrderTimelineRequest { order_id: ended.id };
    let timeline = shop.customer(1).get_order_timeline(request).await.unwrap();
    let entries = timeline.into_inner().entries;
    let tried = |entry: &TimelineEntry| (entry.kind == "step").then(|| entry.step.clone());
    let steps: Vec<_> = entries.iter().filter_map(tried).collect();
    assert!(steps.is_empty(), "nothing of them was saved: {steps:?}");
}

/// What ran ahead cannot be saved any more once the order is cancelled: the call that is out is the last.
///
/// row: D9, E8
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_a_cancel_as_he_saves_goes_no_further(engine: Engine) {
    let (mut gate, fail_points) = Gate::at(FailPoint::BeforeCall, "process-payment");
    let shop = Shop::on_with(engine, hasty(), fail_points).await;
    let slow = Fault::Delay(Duration::from_millis(500));
    shop.world.script("ProcessPayment", slow);
    let ended = gate.cancel_at(&shop).await;
    assert_eq!(ended.status(), OrderStatus::Cancelled);
    assert_eq!(shop.world.charge(&ended.id), Some(Charge::Refunded(3998)));
    let calls = shop.world.calls_about(&ended.id);
    let expected = [
        "ReserveStock",
        "ProcessPayment",
        "ReleaseStock",
        "RefundPayment",
    ];
    assert_eq!(calls, expected);
}

/// A driver that stops saves what it ran ahead with before it lets go.
///
/// row: O12, E9
#[both_engines]
async fn what_ran_ahead_is_saved_when_a_stop_is_asked_for(engine: Engine) {
    let config = order::Config {
        calls_max: 1,
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
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
