//! Several processes at the same stock, whose queues know nothing of each other.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Statement};
use testkit::app::eventually;
use testkit::database;
use uuid::Uuid;

use super::{World, migrate};
use crate::domain::item::{Items, OrderId, Sku};
use crate::domain::reservation::{Demand, Reservation, ReservationError};
use crate::error::Error;
use crate::reservations::{Demander, carry_out};
use crate::store;

const HOT: &str = "hot";

async fn stock(world: &World, pieces: i64) {
    let txn = world.app.db.begin_write().await.unwrap();
    let stock = [(Sku::new(HOT), pieces)];
    let stored = store::stock_level::insert_new(&txn, &stock, world.start).await;
    stored.unwrap();
    txn.commit().await.unwrap();
}

async fn reserve(world: &World, number: u32) -> Result<Reservation, Error> {
    let items = Items::collect([(Sku::new(HOT), 1)]).unwrap();
    let until = world.app.clock.now() + TimeDelta::minutes(1);
    let by = Demander {
        origin: events::Origin::internal("rival"),
        user: None,
    };
    carry_out(
        &world.app,
        &by,
        order(number),
        &Demand::Reserve { items, until },
    )
    .await
}

fn order(number: u32) -> OrderId {
    OrderId(Uuid::from_u128(number.into()))
}

async fn counts(world: &World) -> (i64, i64) {
    let level = store::stock_level::find(world.app.db.read(), &Sku::new(HOT)).await;
    let counts = level.unwrap().unwrap().counts;
    assert!(counts.balance());
    (counts.available, counts.reserved)
}

/// row: D12, I1, R-08
#[tokio::test(flavor = "multi_thread")]
async fn no_piece_is_lost_and_nobody_is_refused_while_there_is_one() {
    const PIECES: u32 = 40;
    let db = database::postgres("inventory", migrate).await;
    let worlds = [World::over(&db), World::over(&db), World::over(&db)];
    let [one, other, sweeper] = &worlds;
    stock(one, PIECES.into()).await;
    // All pieces are held for orders whose time is then over.
    for number in 0..PIECES {
        reserve(one, number).await.unwrap();
    }
    for world in &worlds {
        world.time.advance(Duration::from_secs(3600));
    }
    let buyers = (PIECES..2 * PIECES).map(|number| {
        let world = if number % 2 == 0 { one } else { other };
        reserve(world, number)
    });
    let (bought, ()) = tokio::join!(futures::future::join_all(buyers), sweeper.sweep_all());
    for outcome in bought {
        outcome.unwrap();
    }
    let late = reserve(other, 2 * PIECES).await;
    let out_of_stock = matches!(late, Err(Error::Refused(ReservationError::OutOfStock(_))));
    assert!(out_of_stock, "{late:?}");
    assert_eq!(counts(one).await, (0, PIECES.into()));
}

/// The levels are looked at before the holds; what another process gives back in between counts.
///
/// row: D12
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_comes_back_while_one_looks_is_stock() {
    let db = database::postgres("inventory", migrate).await;
    let world = World::over(&db);
    stock(&world, 1).await;
    reserve(&world, 1).await.unwrap();
    world.time.advance(Duration::from_secs(3600));
    // Another process, in the midst of giving the piece back.
    let other = world.app.db.begin_write().await.unwrap();
    let lock = "lock table holds in access exclusive mode";
    other.execute_unprepared(lock).await.unwrap();
    let buying = reserve(&world, 2);
    let giving_back = async {
        let waiting = "select 1 from pg_locks where relation = 'holds'::regclass and not granted";
        let waiting = || Statement::from_string(other.get_database_backend(), waiting);
        eventually(async || other.query_one_raw(waiting()).await.unwrap()).await;
        for change in [
            "delete from holds",
            "update reservations set state = 'expired', version = version + 1",
            "update stock_levels set available = 1, reserved = 0, version = version + 1",
        ] {
            other.execute_unprepared(change).await.unwrap();
        }
        other.commit().await.unwrap();
    };
    let (bought, ()) = tokio::join!(buying, giving_back);
    bought.unwrap();
    assert_eq!(counts(&world).await, (0, 1));
}
