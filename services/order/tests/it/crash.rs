//! Killed at every place of every step and undo, then started again: every order comes to its end, and
//! goods and money agree with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use call::Code;
use order::saga::fail_point::{FailPoint, FailPoints, Fate};
use proto::order::v1::{CancelOrderRequest, OrderStatus};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::Query;
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::shop::{Shop, eventually, keyed, purchase};
use crate::world::{Charge, Fault, Goods};

/// What the customer does, and how it ends when nothing is killed.
#[derive(Clone, Copy, Debug)]
enum Story {
    Buys,
    IsDeclined,
    LosesTheReservation,
    Cancels,
}

impl Story {
    const ALL: [Self; 4] = [
        Self::Buys,
        Self::IsDeclined,
        Self::LosesTheReservation,
        Self::Cancels,
    ];

    /// The steps and undos it goes through.
    fn tasks(self) -> &'static [&'static str] {
        match self {
            Self::Buys => &["reserve-inventory", "process-payment", "commit-inventory"],
            Self::IsDeclined => &["reserve-inventory", "process-payment", "release-inventory"],
            Self::LosesTheReservation => {
                &["commit-inventory", "refund-payment", "release-inventory"]
            }
            Self::Cancels => &["release-inventory", "refund-payment"],
        }
    }

    fn ends(self) -> OrderStatus {
        match self {
            Self::Buys => OrderStatus::Confirmed,
            Self::IsDeclined | Self::LosesTheReservation => OrderStatus::Rejected,
            Self::Cancels => OrderStatus::Cancelled,
        }
    }

    /// The steps that are taken in it and saved with the next: their answers alone run ahead.
    fn ahead(self) -> &'static [&'static str] {
        match self {
            Self::Buys => &["reserve-inventory", "process-payment"],
            Self::IsDeclined => &["reserve-inventory"],
            Self::LosesTheReservation => &["process-payment"],
            Self::Cancels => &[],
        }
    }

    /// Has the answer after that of a step which may run ahead take its time, so that the step is saved by itself.
    fn linger_after(self, task: &str, shop: &Shop) {
        let next = match task {
            _ if !self.ahead().contains(&task) => return,
            "reserve-inventory" => "ProcessPayment",
            _ => "CommitStock",
        };
        let lingers = Fault::Delay(Duration::from_secs(2));
        shop.world.script(next, lingers);
    }

    /// Plays it as far as it goes, as the customer with this number.
    async fn play(self, shop: &Shop, number: u128) {
        let token = if matches!(self, Self::IsDeclined) {
            "tok_declined"
        } else {
            "tok_ok"
        };
        let lost = Fault::Fail(Code::FailedPrecondition);
        shop.world.always(
            "CommitStock",
            matches!(self, Self::LosesTheReservation).then_some(lost),
        );
        let request = keyed("k", purchase(number, &[("lamp", 2)], token));
        let bought = shop.customer(number).create_order(request).await;
        if let (Self::Cancels, Ok(bought)) = (self, bought) {
            let order_id = bought.into_inner().order.expect("an order").id;
            let cancel = CancelOrderRequest {
                order_id,
                reason: String::new(),
            };
            shop.customer(number)
                .cancel_order(cancel)
                .await
                .expect("a cancellation");
        }
    }
}

/// Where to die next; each place kills once.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<(FailPoint, &'static str)>>>);

impl Trap {
    fn set(&self, place: FailPoint, task: &'static str) {
        *self.0.lock().expect("a trap") = Some((place, task));
    }

    fn is_sprung(&self) -> bool {
        self.0.lock().expect("a trap").is_none()
    }

    fn fail_points(&self) -> FailPoints {
        let trap = self.clone();
        FailPoints::new(move |place, task| {
            let mut next = trap.0.lock().expect("a trap");
            if *next != Some((place, task)) {
                return Fate::Live;
            }
            *next = None;
            Fate::Die
        })
    }
}

/// row: E8, E9, E10, R-01, I1, I2, I3
#[both_engines(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_every_order_comes_to_its_end(engine: Engine) {
    let trap = Trap::default();
    let config = order::Config {
        outcome_wait_ms: 300,
        ..Default::default()
    };
    let mut shop = Shop::on_with(engine, config, trap.fail_points()).await;
    let mut number = 0;
    for story in Story::ALL {
        let everywhere = [
            FailPoint::BeforeCall,
            FailPoint::AfterCall,
            FailPoint::BeforeCommit,
            FailPoint::AfterCommit,
        ];
        let places = story.tasks().iter().flat_map(|task| {
            let places = everywhere.iter();
            places.map(move |place| (*place, *task))
        });
        let ahead = story.ahead().iter().map(|task| (FailPoint::Ahead, *task));
        for (place, task) in places.chain(ahead) {
            number += 1;
            trap.set(place, task);
            if matches!(place, FailPoint::BeforeCommit | FailPoint::AfterCommit) {
                story.linger_after(task, &shop);
            }
            let name = format!("{story:?}, {task}, {place:?}");
            survive(&mut shop, story, number, &trap, &name).await;
        }
    }
    assert!(number >= 48, "only {number} deaths");
}

async fn survive(shop: &mut Shop, story: Story, number: u128, trap: &Trap, name: &str) {
    shop.world.sell("lamp", 100, 1999);
    let death = || eventually(async || trap.is_sprung().then_some(()));
    tokio::select! {
        () = story.play(shop, number) => death().await,
        () = death() => {}
    }
    shop.restart_with(trap.fail_points()).await;
    let order = eventually(async || {
        let order = shop.only_order(number).await?;
        (order.status() == story.ends()).then_some(order)
    });
    let order = order.await;
    let (goods, charge) = (shop.world.goods(&order.id), shop.world.charge(&order.id));
    let left = shop.world.books().stock["lamp"];
    if story.ends() == OrderStatus::Confirmed {
        assert_eq!((goods, left), (Some(Goods::Committed), 98), "{name}");
        assert_eq!(charge, Some(Charge::Captured(3998)), "{name}");
    } else {
        assert_eq!((goods, left), (Some(Goods::Released), 100), "{name}");
        assert!(
            !matches!(charge, Some(Charge::Captured(_))),
            "{name}: {charge:?}"
        );
    }
    shop.facts(&order.id).await; // whole and without a gap
    shop.bury().await;
}

/// A crash after acceptance, with nothing asked of anyone yet.
///
/// row: E9, R-01
#[both_engines]
async fn an_accepted_order_is_carried_out_by_the_next_life(engine: Engine) {
    let trap = Trap::default();
    let mut shop = Shop::on_with(engine, order::Config::default(), trap.fail_points()).await;
    trap.set(FailPoint::Accepted, "accept");
    shop.buy(1, &[("lamp", 2)], "tok_ok").await.unwrap_err();
    assert!(shop.world.books().calls.is_empty());
    shop.restart().await;
    let order = shop.only_order(1).await.unwrap();
    assert_eq!(
        shop.ended(1, &order.id).await.status(),
        OrderStatus::Confirmed
    );
}

/// A stop that is asked for ends nothing that is under way: every step after it finds its place.
///
/// row: O12, E9
#[both_engines]
async fn what_is_under_way_when_a_stop_is_asked_for_comes_to_its_end(engine: Engine) {
    let config = order::Config {
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
    let slow = Fault::Delay(Duration::from_millis(500));
    shop.world.always("ReserveStock", Some(slow));
    let mut orders = Vec::new();
    for number in 1..=5 {
        orders.push(shop.buy(number, &[("lamp", 1)], "tok_ok").await.unwrap());
    }
    shop.stop();
    for (order, number) in orders.iter().zip(1..) {
        let ended = shop.ended(number, &order.id).await;
        assert_eq!(ended.status(), OrderStatus::Confirmed);
    }
}

/// Rows that a newer version wrote, more of them than are looked at together, stand in nobody's way:
/// what else a crash left is carried on.
///
/// row: E9
#[both_engines]
async fn what_cannot_be_read_stops_no_other_order(engine: Engine) {
    let trap = Trap::default();
    let mut shop = Shop::on_with(engine, order::Config::default(), trap.fail_points()).await;
    trap.set(FailPoint::Accepted, "accept");
    shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap_err();
    plant_unreadable(&shop, 250).await;
    shop.restart_with(trap.fail_points()).await;
    trap.set(FailPoint::Accepted, "accept");
    shop.buy(2, &[("lamp", 2)], "tok_ok").await.unwrap_err();
    shop.restart().await;
    let order = shop.only_order(2).await.unwrap();
    let ended = shop.ended(2, &order.id).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    let first = shop.only_order(1).await.unwrap();
    assert_eq!(first.status(), OrderStatus::Pending, "it waits");
    shop.bury().await;
}

/// Nor does one whose row cannot be written, here because a trigger of the database refuses it.
///
/// row: E9
#[both_engines]
async fn what_cannot_be_written_stops_no_other_order(engine: Engine) {
    let trap = Trap::default();
    let mut shop = Shop::on_with(engine, order::Config::default(), trap.fail_points()).await;
    trap.set(FailPoint::Accepted, "accept");
    shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap_err();
    let first = shop.only_order(1).await.unwrap();
    refuse_writes(&shop, &first.id).await;
    shop.restart_with(trap.fail_points()).await;
    trap.set(FailPoint::Accepted, "accept");
    shop.buy(2, &[("lamp", 2)], "tok_ok").await.unwrap_err();
    shop.restart().await;
    let second = shop.only_order(2).await.unwrap();
    assert_eq!(
        shop.ended(2, &second.id).await.status(),
        OrderStatus::Confirmed
    );
    assert_eq!(
        shop.order(1, &first.id).await.status(),
        OrderStatus::Pending
    );
    permit_writes(&shop).await;
    let ended = shop.ended(1, &first.id).await;
    assert_eq!(
        ended.status(),
        OrderStatus::Confirmed,
        "it was not given up"
    );
    shop.bury().await;
}

/// Lets nobody change the saga of this order any more.
pub async fn refuse_writes(shop: &Shop, order_id: &str) {
    let database = &shop.db.database;
    let statements = match database.engine() {
        Engine::Sqlite => vec![format!(
            "create trigger held before update on sagas when hex(old.order_id) = '{}' \
             begin select raise(abort, 'held'); end",
            order_id.replace('-', "").to_uppercase()
        )],
        Engine::Postgres => vec![
            "create function held() returns trigger language plpgsql \
             as $$ begin raise exception 'held'; end $$"
                .to_owned(),
            format!(
                "create trigger held before update on sagas for each row \
                 when (old.order_id = '{order_id}') execute function held()"
            ),
        ],
    };
    for sql in statements {
        run(shop, &sql).await;
    }
}

/// Lets everybody again.
pub async fn permit_writes(shop: &Shop) {
    run(
        shop,
        match shop.db.database.engine() {
            Engine::Sqlite => "drop trigger held",
            Engine::Postgres => "drop trigger held on sagas",
        },
    )
    .await;
}

async fn run(shop: &Shop, sql: &str) {
    let txn = shop.db.database.begin_write().await.expect("a transaction");
    txn.execute_unprepared(sql).await.expect("it is SQL");
    txn.commit().await.expect("it commits");
}

/// Makes the only saga one of a step that this version does not know, and adds as many like it, of
/// orders of nobody's.
async fn plant_unreadable(shop: &Shop, count: u128) {
    let txn = shop
        .db
        .database
        .begin_write()
        .await
        .expect("the rows are planted");
    let run = async |sql: &str| {
        let ran = txn.execute_unprepared(sql).await;
        ran.expect("the rows are planted");
    };
    run("update sagas set step = 99").await;
    for (table, id) in [("orders", "id"), ("sagas", "order_id")] {
        run(&format!("create temp table copy as select * from {table}")).await;
        for number in 1..=count {
            let mut other = Query::update();
            other.table("copy").value(id, Uuid::from_u128(number));
            if table == "orders" {
                other.value("customer_id", Uuid::max());
            }
            txn.execute(&other).await.expect("the rows are planted");
            run(&format!("insert into {table} select * from copy")).await;
        }
        run("drop table copy").await;
    }
    txn.commit().await.expect("the rows are planted");
}

/// The next life comes after the step's budget: the customer has long gone, and nothing is charged.
///
/// row: E8, E9
#[both_engines]
async fn an_order_found_after_its_budget_is_rejected_not_carried_out(engine: Engine) {
    let trap = Trap::default();
    let mut shop = Shop::on_with(engine, order::Config::default(), trap.fail_points()).await;
    trap.set(FailPoint::BeforeCall, "process-payment");
    let _ = shop.buy(1, &[("lamp", 2)], "tok_ok").await;
    shop.time.advance(Duration::from_secs(600));
    shop.restart().await;
    let order = shop.only_order(1).await.unwrap();
    assert_eq!(
        shop.ended(1, &order.id).await.status(),
        OrderStatus::Rejected
    );
    assert_eq!(shop.world.goods(&order.id), Some(Goods::Released));
    assert_eq!(shop.world.charge(&order.id), Some(Charge::Refunded(0)));
}
