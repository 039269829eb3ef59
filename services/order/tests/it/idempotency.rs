//! CreateOrder under an idempotency key: one effect, one answer, whatever happens.

use std::time::Duration;

use futures::future::join_all;
use order::saga::fail_point::{FailPoint, FailPoints, Fate};
use prost::Message;
use proto::order::v1::{CreateOrderResponse, OrderStatus};
use testkit::{Engine, both_engines};
use tonic::{Code, Response};

use crate::shop::{Shop, keyed, purchase, refusal};
use crate::world::Fault;

fn replayed(answer: &Response<CreateOrderResponse>) -> bool {
    answer.metadata().contains_key("idempotency-replayed")
}

/// row: S-16, X16, I8
#[both_engines]
async fn a_replay_gives_the_same_bytes_and_no_second_order(shop: Shop) {
    let request = || keyed("k", purchase(1, &[("lamp", 1)], "tok_ok"));
    let first = shop.customer(1).create_order(request()).await.unwrap();
    assert!(!replayed(&first));
    shop.world.sell("lamp", 0, 5); // short and cheaper by now: a replay does not even ask
    let again = shop.customer(1).create_order(request()).await.unwrap();
    assert!(replayed(&again));
    assert_eq!(
        again.into_inner().encode_to_vec(),
        first.into_inner().encode_to_vec()
    );
    assert_eq!(shop.world.books().goods.len(), 1);
}

/// row: S-16, X16, I8
#[both_engines]
async fn an_error_is_replayed_as_it_was(shop: Shop) {
    let request = || keyed("k", purchase(1, &[("lamp", 1)], "tok_declined"));
    let first = shop.customer(1).create_order(request()).await.unwrap_err();
    let again = shop.customer(1).create_order(request()).await.unwrap_err();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(
        (again.code(), again.message()),
        (first.code(), first.message())
    );
    assert_eq!(again.details(), first.details());
    assert_eq!(shop.world.books().goods.len(), 1);
}

/// row: S-16, X16, I8
#[both_engines]
async fn a_hundred_at_once_are_one_order_and_one_answer(shop: Shop) {
    let buying = (0..100).map(|_| async {
        let request = keyed("k", purchase(1, &[("lamp", 1)], "tok_ok"));
        shop.customer(1)
            .create_order(request)
            .await
            .map(Response::into_inner)
    });
    let answers = join_all(buying).await;
    let first = answers[0].as_ref().unwrap().encode_to_vec();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap().encode_to_vec(), first);
    }
    assert_eq!(shop.world.books().goods.len(), 1);
    assert_eq!(shop.order_count().await, 1);
}

/// row: S-16
#[both_engines]
async fn a_key_is_bound_to_its_request_its_caller_and_a_day(shop: Shop) {
    let buy = |number, pieces| keyed("k", purchase(number, &[("lamp", pieces)], "tok_ok"));
    let first = shop
        .customer(1)
        .create_order(buy(1, 1))
        .await
        .unwrap()
        .into_inner();
    let misused = shop.customer(1).create_order(buy(1, 2)).await;
    assert_eq!(refusal(misused).0, Code::InvalidArgument);
    let other = shop.customer(2).create_order(buy(2, 1)).await.unwrap();
    assert!(!replayed(&other));
    shop.time.advance(Duration::from_secs(24 * 60 * 60 + 1));
    let fresh = shop.customer(1).create_order(buy(1, 1)).await.unwrap();
    assert!(!replayed(&fresh));
    assert_ne!(
        fresh.into_inner().order.unwrap().id,
        first.order.unwrap().id
    );
}

/// row: S-16
#[both_engines]
async fn without_a_key_each_call_is_an_order(shop: Shop) {
    let first = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let second = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    assert_ne!(first.id, second.id);
}

/// A refusal before there is an order is no answer to keep: the same key may buy later.
///
/// row: E10, S-16
#[both_engines]
async fn a_key_whose_order_never_was_is_free(shop: Shop) {
    shop.world.sell("lamp", 0, 1999);
    let request = || keyed("k", purchase(1, &[("lamp", 1)], "tok_ok"));
    shop.customer(1).create_order(request()).await.unwrap_err();
    shop.world.sell("lamp", 1, 1999);
    let bought = shop.customer(1).create_order(request()).await.unwrap();
    assert!(!replayed(&bought));
}

/// What was answered stays answered: PENDING under the key, though the order is confirmed by now.
///
/// row: S-16, I8
#[both_engines]
async fn a_pending_answer_is_sealed_too(engine: Engine) {
    let config = order::Config {
        outcome_wait_ms: 100,
        ..Default::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
    shop.world
        .script("ProcessPayment", Fault::Delay(Duration::from_millis(400)));
    let request = || keyed("k", purchase(1, &[("lamp", 1)], "tok_ok"));
    let first = shop
        .customer(1)
        .create_order(request())
        .await
        .unwrap()
        .into_inner();
    let id = first.order.as_ref().unwrap().id.clone();
    assert_eq!(shop.ended(1, &id).await.status(), OrderStatus::Confirmed);
    let again = shop
        .customer(1)
        .create_order(request())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again.encode_to_vec(), first.encode_to_vec());
    assert_eq!(again.order.unwrap().status(), OrderStatus::Pending);
}

/// Killed right after the order was accepted: the repeat waits for what the resumed checkout gives.
///
/// row: S-16, X16, E9
#[both_engines]
async fn a_repeat_after_a_crash_gets_the_resumed_outcome(engine: Engine) {
    for (token, confirmed) in [("tok_ok", true), ("tok_declined", false)] {
        let die = FailPoints::new(|place, _| match place {
            FailPoint::Accepted => Fate::Die,
            _ => Fate::Live,
        });
        let mut shop = Shop::on_with(engine, order::Config::default(), die).await;
        let request = || keyed("k", purchase(1, &[("lamp", 1)], token));
        let lost = shop.customer(1).create_order(request()).await.unwrap_err();
        assert_eq!(lost.code(), Code::Unavailable);
        shop.restart().await;
        let answer = shop.customer(1).create_order(request()).await;
        let again = shop.customer(1).create_order(request()).await;
        if confirmed {
            let (answer, again) = (answer.unwrap(), again.unwrap());
            assert!(replayed(&answer) && replayed(&again));
            assert_eq!(
                answer.get_ref().order.as_ref().unwrap().status(),
                OrderStatus::Confirmed
            );
            assert_eq!(
                answer.into_inner().encode_to_vec(),
                again.into_inner().encode_to_vec()
            );
        } else {
            assert_eq!(
                answer.as_ref().unwrap_err().details(),
                again.unwrap_err().details()
            );
            assert_eq!(refusal(answer).1, "PAYMENT_DECLINED");
        }
        assert_eq!(shop.world.books().goods.len(), 1);
    }
}

/// Killed right after the order was accepted, under a lease that nobody may take yet: the repeat waits no longer than
/// whoever asks first, and what it is told stays.
///
/// row: S-16, I8, E9
#[tokio::test]
async fn a_repeat_after_a_crash_waits_for_no_other_driver() {
    let config = order::Config {
        outcome_wait_ms: 100,
        ..Default::default()
    };
    let die = FailPoints::new(|place, _| match place {
        FailPoint::Accepted => Fate::Die,
        _ => Fate::Live,
    });
    let mut shop = Shop::on_with(Engine::Postgres, config, die).await;
    let request = |key: &str| keyed(key, purchase(1, &[("lamp", 1)], "tok_ok"));
    let lost = shop.customer(1).create_order(request("k")).await;
    assert_eq!(lost.unwrap_err().code(), Code::Unavailable);
    shop.life = shop.replica().await;
    // Whoever accepted it could still be in time.
    let mut hurried = request("k");
    hurried.set_timeout(Duration::from_millis(600));
    let hurried = shop.customer(1).create_order(hurried).await;
    let code = hurried.unwrap_err().code();
    assert!(
        [Code::Aborted, Code::DeadlineExceeded].contains(&code),
        "{code}"
    );
    shop.time.advance(Duration::from_secs(1));
    // Another order of the same customer, at the same time by the clock, that stands still.
    let other = shop.customer(1).create_order(request("other")).await;
    let first = shop.customer(1).create_order(request("k")).await.unwrap();
    assert!(replayed(&first), "its key was known");
    let order = first.get_ref().order.clone().unwrap();
    assert_eq!(order.status(), OrderStatus::Pending);
    assert_ne!(order.id, other.unwrap().into_inner().order.unwrap().id);
    shop.restart().await;
    let ended = shop.ended(1, &order.id).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    let again = shop.customer(1).create_order(request("k")).await.unwrap();
    assert!(replayed(&again));
    assert_eq!(
        again.into_inner().encode_to_vec(),
        first.into_inner().encode_to_vec()
    );
    assert_eq!(shop.order_count().await, 2);
}

/// row: S-16
#[both_engines]
async fn a_key_that_is_too_long_or_empty_is_refused(shop: Shop) {
    for key in [String::new(), "k".repeat(256)] {
        let request = keyed(&key, purchase(1, &[("lamp", 1)], "tok_ok"));
        let answer = shop.customer(1).create_order(request).await;
        assert_eq!(
            answer.unwrap_err().code(),
            Code::InvalidArgument,
            "{} characters",
            key.len()
        );
    }
}
