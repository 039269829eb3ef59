//! Killed at each await of a checkout in turn, from its request on: another driver brings every order to its end, and
//! goods, money and facts agree with it. An await is where what is awaited was not there at once: nowhere else can a
//! task be dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use order::saga::fail_point::{FailPoint, FailPoints, Fate};
use proto::order::v1::{CancelOrderRequest, OrderStatus};
use testkit::{Engine, both_engines};
use tonic::Status;

use crate::shop::{Shop, eventually, keyed, purchase};
use crate::world::{Charge, Fault, Goods};

/// Kills a driver at an await of its task, counted from when it was lit.
#[derive(Clone, Default)]
struct Fuse(Arc<AtomicI64>);

impl Fuse {
    fn light(&self, awaits: i64) {
        self.0.store(awaits, Ordering::SeqCst);
    }

    /// Puts it out; false if it has burnt down, so that the driver is dead.
    fn put_out(&self) -> bool {
        self.0.swap(i64::MAX, Ordering::SeqCst) > 0
    }

    fn is_burnt(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }

    fn fail_points(&self) -> FailPoints {
        let left = Arc::clone(&self.0);
        FailPoints::new(move |place, _| {
            if place == FailPoint::Await && left.fetch_sub(1, Ordering::SeqCst) == 1 {
                return Fate::Die;
            }
            Fate::Live
        })
    }
}

/// What a customer does whose checkout is killed, and how it ends all the same.
#[derive(Clone, Copy, Debug)]
enum Story {
    Buys,
    /// From peers that take so long that each step is saved by itself.
    BuysSlowly,
    IsDeclined,
    Cancels,
}

impl Story {
    fn end(self) -> OrderStatus {
        match self {
            Self::Buys | Self::BuysSlowly => OrderStatus::Confirmed,
            Self::IsDeclined => OrderStatus::Rejected,
            Self::Cancels => OrderStatus::Cancelled,
        }
    }

    fn token(self) -> &'static str {
        match self {
            Self::IsDeclined => "tok_declined",
            Self::Buys | Self::BuysSlowly | Self::Cancels => "tok_ok",
        }
    }

    /// Asks for what it is about under a key, as often as one likes, as the customer with this number.
    async fn ask(self, shop: &Shop, number: u128) -> Result<(), Status> {
        let mut customer = shop.customer(number);
        if matches!(self, Self::Cancels) {
            let order = shop.only_order(number).await;
            let cancel = CancelOrderRequest {
                order_id: order.expect("it was bought").id,
                reason: String::new(),
            };
            return customer.cancel_order(keyed("c", cancel)).await.map(drop);
        }
        let request = purchase(number, &[("lamp", 2)], self.token());
        customer.create_order(keyed("k", request)).await.map(drop)
    }
}

/// row: R-01, E8, E9, I1, I2, I3, I6
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_await_an_order_comes_to_its_end(engine: Engine) {
    let fuse = Fuse::default();
    fuse.put_out();
    let mut shop = Shop::on_with(engine, order::Config::default(), fuse.fail_points()).await;
    let mut number = 0;
    for story in [
        Story::Buys,
        Story::BuysSlowly,
        Story::IsDeclined,
        Story::Cancels,
    ] {
        let mut awaits = 0;
        loop {
            (number, awaits) = (number + 1, awaits + 1);
            if !dies_at(&mut shop, story, number, &fuse, awaits).await {
                break; // it came to its end before
            }
        }
    }
    assert!(number >= 20, "only {number} awaits");
}

fn take_time(shop: &Shop, delay: Option<Fault>) {
    for method in ["ReserveStock", "ProcessPayment", "CommitStock"] {
        shop.world.always(method, delay);
    }
}

/// Lives through one death; false if it did not come to it.
async fn dies_at(shop: &mut Shop, story: Story, number: u128, fuse: &Fuse, awaits: i64) -> bool {
    shop.world.sell("lamp", 100, 1999);
    if matches!(story, Story::Cancels) {
        Story::Buys.ask(shop, number).await.expect("it is bought");
        let order = shop.only_order(number).await.expect("an order");
        shop.ended(number, &order.id).await;
    }
    let slow = Fault::Delay(Duration::from_millis(80));
    take_time(shop, matches!(story, Story::BuysSlowly).then_some(slow));
    fuse.light(awaits);
    let _ = story.ask(shop, number).await; // a killed process answers nothing
    let over = async || {
        let order = shop.only_order(number).await;
        let order = order.filter(|order| order.status() == story.end());
        (fuse.is_burnt() || order.is_some()).then_some(())
    };
    eventually(over).await;
    let died = !fuse.put_out();
    take_time(shop, None);
    if died {
        shop.restart_with(fuse.fail_points()).await;
        // Whoever got no answer asks again, and there is one order all the same.
        let again = story.ask(shop, number).await;
        let refused = matches!(story, Story::IsDeclined);
        assert_eq!(
            again.is_err(),
            refused,
            "{story:?}, await {awaits}: {again:?}"
        );
    }
    let ended = eventually(async || {
        let order = shop.only_order(number).await?;
        (order.status() == story.end()).then_some(order)
    });
    let order_id = ended.await.id;
    let name = format!("{story:?}, await {awaits}");
    let (goods, charge) = (shop.world.goods(&order_id), shop.world.charge(&order_id));
    let left = shop.world.books().stock["lamp"];
    let (held, kept) = match story {
        Story::Buys | Story::BuysSlowly => (Goods::Committed, 98),
        Story::IsDeclined | Story::Cancels => (Goods::Released, 100),
    };
    assert_eq!((goods, left), (Some(held), kept), "{name}");
    let bought = story.end() == OrderStatus::Confirmed;
    let paid = charge == Some(Charge::Captured(3998));
    assert_eq!(paid, bought, "{name}: {charge:?}");
    shop.facts(&order_id).await; // whole and without a gap
    shop.bury().await;
    died
}
