//! Two processes over one database: who is at a checkout keeps it for as long as it lives, and no longer. A SQLite
//! file has one process alone, whatever the leases in it say.

use std::time::Duration;

use call::Code;
use chrono::{DateTime, Utc};
use order::saga::fail_point::{FailPoint, FailPoints, Fate};
use order::saga::record::Lease;
use proto::order::v1::OrderStatus;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, LockType, Query};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::crash::{permit_writes, refuse_writes};
use crate::shop::{Shop, eventually};
use crate::world::Fault;

/// A hang beyond the end of any attempt.
const HANGS: Fault = Fault::Delay(Duration::from_secs(60));

/// Orders are answered at once, and only one call may be out to each peer.
fn narrow() -> order::Config {
    order::Config {
        calls_max: 1,
        outcome_wait_ms: 0,
        ..order::Config::default()
    }
}

fn id(order_id: &str) -> Uuid {
    order_id.parse().expect("an order's id")
}

/// What is saved of how far an order is.
async fn saga(shop: &Shop, order_id: &str) -> QueryResult {
    let query = Query::select()
        .columns(["step", "lease_owner", "lease_until"].map(Alias::new))
        .from("sagas")
        .and_where(Expr::col("order_id").eq(id(order_id)))
        .to_owned();
    let row = shop.db.read().query_one(&query).await;
    row.expect("a read").expect("a saga")
}

/// Whose the lease of an order is, and until when.
async fn lease(shop: &Shop, order_id: &str) -> (Uuid, DateTime<Utc>) {
    let row = saga(shop, order_id).await;
    let owner = row.try_get("", "lease_owner").expect("a lease");
    let until = row.try_get("", "lease_until").expect("a lease");
    (owner, until)
}

/// Waits until it is saved that an order has its goods and is to be paid.
async fn is_reserved(shop: &Shop, order_id: &str) {
    eventually(async || {
        let step: i16 = saga(shop, order_id).await.try_get("", "step").ok()?;
        (step == 2).then_some(())
    })
    .await;
}

/// Makes everybody believe that the driver of this order is long gone.
async fn dispossess(shop: &Shop, order_id: &str) {
    let mut update = Query::update();
    update
        .table("sagas")
        .value("lease_owner", Uuid::from_u128(404))
        .value("lease_until", DateTime::UNIX_EPOCH)
        .and_where(Expr::col("order_id").eq(id(order_id)));
    let written = sql::retrying(async || {
        let txn = shop.db.begin_write().await?;
        txn.execute(&update).await?;
        txn.commit().await
    });
    written.await.expect("it is written");
}

async fn asked(shop: &Shop, order_id: &str, rpc: &str, times: usize) {
    eventually(async || {
        let calls = shop.world.calls_about(order_id);
        let of_rpc = calls.iter().filter(|call| *call == rpc).count();
        (of_rpc >= times).then_some(())
    })
    .await;
}

/// One order's call hangs, one waits for its place, one rests between two tries: three times as long as a lease
/// lasts, while another process looks for orphans twice a second.
///
/// row: E9
#[both_engines]
async fn what_stands_longer_than_a_lease_is_not_taken_over(engine: Engine) {
    let mut shop = Shop::on_with(engine, narrow(), FailPoints::default()).await;
    let replica = match shop.db.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(shop.replica().await),
    };
    shop.world.always("ProcessPayment", Some(HANGS));
    let hangs = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &hangs, "ProcessPayment", 1).await;
    let waits = shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    eventually(async || shop.world.goods(&waits)).await;
    let away = Fault::Fail(Code::Unavailable);
    shop.world.always("ReserveStock", Some(away));
    let rests = shop.buy(3, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &rests, "ReserveStock", 5).await; // the next try is seconds away
    let orders = [&hangs, &waits, &rests];
    let leases = async || futures::future::join_all(orders.map(|id| lease(&shop, id))).await;
    let first = leases().await[0].0;
    for _ in 0..3 {
        let before = leases().await;
        shop.time.advance(Lease::LENGTH.to_std().unwrap() * 3 / 4);
        let renewed = eventually(async || {
            let now = leases().await;
            for (owner, _) in &now {
                assert_eq!(*owner, first, "it was taken over");
            }
            let mut both = now.iter().zip(&before);
            both.all(|(now, before)| now.1 > before.1).then_some(())
        });
        // So soon that no call is over by then, which would bring a lease of its own.
        let _ = tokio::time::timeout(Duration::from_secs(2), renewed).await;
    }
    shop.world.always("ProcessPayment", None);
    shop.world.always("ReserveStock", None);
    for (number, order_id) in [(1, &hangs), (2, &waits), (3, &rests)] {
        let ended = shop.ended(number, order_id).await;
        assert_eq!(ended.status(), OrderStatus::Confirmed);
    }
    if let Some(replica) = replica {
        replica.shutdown.cancel();
    }
}

/// Whoever lost his lease while he waited for a place asks nobody once he has it.
///
/// row: E9
#[tokio::test]
async fn who_lost_the_lease_asks_no_more() {
    let mut shop = Shop::on_with(Engine::Postgres, narrow(), FailPoints::default()).await;
    let replica = shop.replica().await;
    let slow = Fault::Delay(Duration::from_millis(2_500));
    shop.world.script("ProcessPayment", slow);
    let slow = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &slow, "ProcessPayment", 1).await;
    let waits = shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    is_reserved(&shop, &waits).await;
    dispossess(&shop, &waits).await;
    shop.time.advance(Lease::LENGTH.to_std().unwrap() * 2);
    let ended = shop.ended(2, &waits).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    shop.ended(1, &slow).await;
    // Places are given in the order in which they were asked for.
    let third = shop.buy(3, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    shop.ended(3, &third).await;
    let calls = shop.world.calls_about(&waits);
    assert_eq!(calls, ["ReserveStock", "ProcessPayment", "CommitStock"]);
    replica.shutdown.cancel();
}

/// Whose lease cannot be renewed asks nobody until it can, and costs no other its lease.
///
/// row: E9
#[both_engines]
async fn who_cannot_renew_a_lease_waits_until_he_can(engine: Engine) {
    let shop = Shop::on_with(engine, narrow(), FailPoints::default()).await;
    let slow = Fault::Delay(Duration::from_millis(2_500));
    shop.world.script("ProcessPayment", slow);
    let slow = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &slow, "ProcessPayment", 1).await;
    let waits = shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    is_reserved(&shop, &waits).await;
    refuse_writes(&shop, &waits).await;
    let before = [lease(&shop, &slow).await.1, lease(&shop, &waits).await.1];
    shop.time.advance(Lease::LENGTH.to_std().unwrap() * 2);
    eventually(async || (lease(&shop, &slow).await.1 > before[0]).then_some(())).await;
    let ended = shop.ended(1, &slow).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    let third = shop.buy(3, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    shop.ended(3, &third).await; // places are given in the order in which they were asked for
    assert_eq!(shop.world.calls_about(&waits), ["ReserveStock"]);
    assert_eq!(lease(&shop, &waits).await.1, before[1]);
    permit_writes(&shop).await;
    let ended = shop.ended(2, &waits).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
}

/// Whether a statement of this shop's waits for a row that somebody else holds.
async fn is_held_up(shop: &Shop) -> bool {
    let waits = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let waits = Statement::from_string(DbBackend::Postgres, waits);
    let row = shop.db.read().query_one_raw(waits).await;
    row.expect("a read").is_some()
}

/// A row that somebody else holds keeps its own lease from being renewed, for as long as he holds it, and no other.
///
/// row: E9
#[tokio::test]
async fn a_row_that_is_held_costs_no_other_checkout_its_lease() {
    let at_once = order::Config {
        outcome_wait_ms: 0,
        ..order::Config::default()
    };
    let shop = Shop::on_with(Engine::Postgres, at_once, FailPoints::default()).await;
    shop.world.always("ProcessPayment", Some(HANGS));
    let held = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &held, "ProcessPayment", 1).await;
    let other = shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    asked(&shop, &other, "ProcessPayment", 1).await;
    is_reserved(&shop, &held).await; // nothing is left to be written but leases
    is_reserved(&shop, &other).await;
    let before = [lease(&shop, &held).await, lease(&shop, &other).await];
    let somebody = shop.db.begin_write().await.expect("a transaction");
    let hold = Query::select()
        .column("order_id")
        .from("sagas")
        .and_where(Expr::col("order_id").eq(id(&held)))
        .lock(LockType::Update)
        .to_owned();
    somebody.query_one(&hold).await.expect("the row is held");
    shop.time.advance(Lease::LENGTH.to_std().unwrap() * 3 / 4);
    eventually(async || {
        assert!(!is_held_up(&shop).await, "leases wait for the row");
        (lease(&shop, &other).await > before[1]).then_some(())
    })
    .await;
    assert_eq!(lease(&shop, &held).await, before[0]);
    somebody.rollback().await.expect("the row is let go");
    eventually(async || (lease(&shop, &held).await > before[0]).then_some(())).await;
    shop.world.always("ProcessPayment", None);
    for (number, order_id) in [(1, &held), (2, &other)] {
        let ended = shop.ended(number, order_id).await;
        assert_eq!(ended.status(), OrderStatus::Confirmed);
    }
}

/// A driver that dies keeps others from its checkout for as long as a lease lasts.
///
/// row: E9
#[tokio::test]
async fn another_process_takes_over_once_the_lease_of_the_dead_is_over() {
    let dies = FailPoints::new(|place, task| match (place, task) {
        (FailPoint::AfterCall, "process-payment") => Fate::Die,
        _ => Fate::Live,
    });
    let mut shop = Shop::on_with(Engine::Postgres, order::Config::default(), dies).await;
    let replica = shop.replica().await;
    let _ = shop.buy(1, &[("lamp", 1)], "tok_ok").await;
    let calls = shop.world.books().calls.clone();
    assert_eq!(calls.len(), 2);
    let order_id = calls[0].rsplit_once(' ').unwrap().1;
    shop.time.advance(Lease::LENGTH.to_std().unwrap());
    shop.time.advance(Duration::from_micros(1));
    asked(&shop, order_id, "ProcessPayment", 2).await;
    let ended = shop.ended(1, order_id).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    assert_eq!(shop.world.books().stock["lamp"], 99);
    replica.shutdown.cancel();
}

/// Two drivers at once, as when a lease was judged to be over too early: what they ask for is asked for by key, and
/// only one of them writes.
///
/// row: E9, E13
#[tokio::test]
async fn two_drivers_of_one_order_have_one_effect() {
    let mut shop: Shop = testkit::on(Engine::Postgres).await;
    let replica = shop.replica().await;
    let slow = Fault::Delay(Duration::from_millis(2_000));
    shop.world.script("ProcessPayment", slow);
    let buying = shop.buy(1, &[("lamp", 2)], "tok_ok");
    let robbing = async {
        let order_id = eventually(async || {
            let calls = shop.world.books().calls.clone();
            let asked = calls
                .iter()
                .find_map(|call| call.strip_prefix("ProcessPayment "));
            asked.map(str::to_owned)
        });
        let order_id = order_id.await;
        eventually(async || {
            dispossess(&shop, &order_id).await;
            let calls = shop.world.calls_about(&order_id);
            let asked = calls.iter().filter(|call| *call == "ProcessPayment");
            (asked.count() == 2).then_some(()) // the second by the other driver
        })
        .await;
        order_id
    };
    let (_, order_id) = tokio::join!(buying, robbing);
    let ended = shop.ended(1, &order_id).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    assert_eq!(shop.facts(&order_id).await.len(), 3);
    assert_eq!(shop.world.books().stock["lamp"], 98);
    replica.shutdown.cancel();
}
