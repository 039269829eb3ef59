//! WatchOrderUpdates: all orders of one person, and of nobody else.

use call::Role;
use proto::order::v1::{OrderStatus, WatchOrderUpdatesRequest};
use testkit::{Engine, Fixture, both_engines};
use tonic::Code;

use crate::shop::{Shop, id, person};

fn watch(number: u128, cursor: &str) -> WatchOrderUpdatesRequest {
    WatchOrderUpdatesRequest {
        user_id: id(number),
        cursor: cursor.to_owned(),
        send_heartbeats: true,
    }
}

/// row: D7
#[both_engines]
async fn a_person_sees_every_change_of_every_order_and_nobody_elses(engine: Engine) {
    use OrderStatus::{Confirmed, Paid, Pending, Rejected};
    let shop = Shop::on(engine).await;
    let mut stream = shop
        .customer(1)
        .watch_order_updates(watch(1, ""))
        .await
        .unwrap()
        .into_inner();
    let heartbeat = stream.message().await.unwrap().unwrap();
    assert!(heartbeat.order_id.is_empty() && !heartbeat.cursor.is_empty());
    let first = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap().id;
    shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap();
    shop.buy(1, &[("lamp", 1)], "tok_declined")
        .await
        .unwrap_err();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(stream.message().await.unwrap().unwrap());
    }
    let statuses: Vec<_> = seen.iter().map(|update| update.status()).collect();
    assert_eq!(statuses, [Pending, Paid, Confirmed, Pending, Rejected]);
    assert!(seen[..3].iter().all(|update| update.order_id == first));
    // A cursor brings what came after it.
    let mut resumed = shop
        .customer(1)
        .watch_order_updates(watch(1, &seen[2].cursor))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(resumed.message().await.unwrap().unwrap(), seen[3]);
}

/// row: D7, S-05
#[both_engines]
async fn somebody_elses_updates_are_not_found_but_for_support(shop: Shop) {
    let opened = shop.customer(2).watch_order_updates(watch(1, "")).await;
    let error = match opened {
        Ok(stream) => stream.into_inner().message().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(
        (error.code(), error.message()),
        (Code::NotFound, "user not found")
    );
    let mut support = shop.client(person(9, &[Role::Support]));
    let mut stream = support
        .watch_order_updates(watch(1, ""))
        .await
        .unwrap()
        .into_inner();
    assert!(stream.message().await.unwrap().is_some());
}
