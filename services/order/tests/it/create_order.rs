//! CreateOrder: the whole purchase, and every way in which it is refused.

use std::time::{Duration, Instant};

use call::Caller;
use order::saga::fail_point::FailPoints;
use proto::order::v1::{EndReason, OrderStatus};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use serde_json::json;
use testkit::{Engine, both_engines};
use tonic::Code;
use uuid::Uuid;

use crate::shop::{Shop, customer, id, purchase, refusal};
use crate::world::{Charge, Fault, Goods};

const PATH: &str = "/stoa.order.v1.OrderService/CreateOrder";

/// row: D5, D9, C1, E7, E13
#[both_engines]
async fn an_order_is_reserved_paid_committed_and_confirmed(shop: Shop) {
    let order = shop
        .buy(1, &[("lamp", 2), ("desk", 1)], "tok_ok")
        .await
        .unwrap();
    assert_eq!(
        (order.status(), order.end_reason()),
        (OrderStatus::Confirmed, EndReason::Unspecified)
    );
    assert_eq!(
        (order.customer_id.as_str(), order.version),
        (id(1).as_str(), 3)
    );
    let total = order.total.clone().unwrap();
    assert_eq!(
        (total.currency_code.as_str(), total.minor_units),
        ("EUR", 2 * 1999 + 12_000)
    );
    assert_eq!(order.items[0].amount.clone().unwrap().minor_units, 3998);
    let calls = shop.world.calls_about(&order.id);
    assert_eq!(calls, ["ReserveStock", "ProcessPayment", "CommitStock"]);
    assert_eq!(shop.world.goods(&order.id), Some(Goods::Committed));
    assert_eq!(shop.world.charge(&order.id), Some(Charge::Captured(15_998)));
    assert_eq!(
        shop.facts(&order.id).await,
        ["order.created", "order.paid", "order.confirmed"]
    );
    assert_eq!(shop.order(1, &order.id).await, order);
}

/// The saga calls as the order service, acting for the customer, in the trace of the request.
///
/// row: C1, G5
#[both_engines]
async fn peers_see_the_order_service_acting_for_the_customer_in_one_trace(shop: Shop) {
    shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let books = shop.world.books();
    for caller in &books.callers {
        let Caller::Service { name, acting_for } = caller else {
            panic!("{caller:?} called")
        };
        assert_eq!(
            (&**name, acting_for.map(|user| user.id.to_string())),
            ("order", Some(id(1)))
        );
    }
    assert!(
        books.traces.iter().all(|trace| *trace == books.traces[0]),
        "{:?}",
        books.traces
    );
}

/// An order costs two transactions of its service, its acceptance and its end, if its peers answer at once. One that
/// takes longer is saved on its way: accepted, reserved, paid, confirmed. Once it has ended, nobody needs to know any
/// more how it was paid.
#[both_engines]
async fn an_order_costs_two_commits_and_forgets_how_it_was_paid(shop: Shop) {
    let mut commits = Vec::new();
    for _ in 0..10 {
        let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
        commits.push(written(&shop, &order.id).await);
    }
    // This machine may have been busy with something else in between.
    assert_eq!(commits.iter().min(), Some(&2), "{commits:?}");
    assert!(*commits.iter().max().unwrap() <= 4, "{commits:?}");
    for method in ["ProcessPayment", "CommitStock"] {
        let slow = Fault::Delay(Duration::from_millis(500));
        shop.world.script(method, slow);
    }
    let slow = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    assert_eq!(written(&shop, &slow.id).await, 4);
}

/// How often the saga of an order that has ended was written.
async fn written(shop: &Shop, order_id: &str) -> i64 {
    let query = Query::select()
        .columns(["revision", "payment_method"].map(Alias::new))
        .from("sagas")
        .and_where(Expr::col("order_id").eq(order_id.parse::<Uuid>().expect("an id")))
        .to_owned();
    let row = shop.db.read().query_one(&query).await;
    let row = row.expect("a read").expect("a saga");
    let method: String = row.try_get("", "payment_method").expect("a column");
    assert_eq!(method, "");
    row.try_get("", "revision").expect("a column")
}

/// A step that was taken is told of while the next one takes its time.
///
/// row: D6, E8
#[both_engines]
async fn a_slow_checkout_is_seen_on_its_way(shop: Shop) {
    let slow = Fault::Delay(Duration::from_millis(2_500));
    shop.world.script("CommitStock", slow);
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    assert_eq!(order.status(), OrderStatus::Paid);
    let ended = shop.ended(1, &order.id).await;
    assert_eq!(ended.status(), OrderStatus::Confirmed);
    let facts = ["order.created", "order.paid", "order.confirmed"];
    assert_eq!(shop.facts(&order.id).await, facts);
}

/// row: D5, S-06
#[both_engines]
async fn somebody_else_cannot_be_made_to_buy(shop: Shop) {
    let answer = shop
        .customer(2)
        .create_order(purchase(1, &[("lamp", 1)], "tok_ok"))
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(shop.order_count().await, 0);
    assert!(shop.world.books().calls.is_empty());
}

/// row: P18, E10
#[both_engines]
async fn an_invalid_order_names_its_fields_and_asks_nobody(shop: Shop) {
    for peer in ["GetProfile", "CheckAvailability", "QuoteItems"] {
        shop.world
            .always(peer, Some(Fault::Fail(call::Code::Internal)));
    }
    let body = json!({"customerId": "", "items": [], "paymentMethod": {"token": "tok_ok"}});
    let (status, error) = shop.json(customer(1), PATH, body).await;
    assert_eq!(
        (status, error["code"].as_str()),
        (400, Some("invalid_argument"))
    );
    assert_eq!(error["details"][0]["type"], "buf.validate.Violations");
    let body = json!({
        "customerId": id(1), "paymentMethod": {"token": "tok_ok"},
        "items": [{"sku": "lamp", "quantity": 60}, {"sku": "lamp", "quantity": 60}],
    });
    let (status, error) = shop.json(customer(1), PATH, body).await;
    assert_eq!(
        (status, error["code"].as_str()),
        (400, Some("invalid_argument")),
        "{error}"
    );
    assert_eq!(shop.order_count().await, 0);
}

/// row: S-06, S-20
#[both_engines]
async fn a_price_or_status_in_the_request_is_ignored(shop: Shop) {
    let body = json!({
        "customerId": id(1), "paymentMethod": {"token": "tok_ok"}, "status": "ORDER_STATUS_CONFIRMED",
        "total": {"currencyCode": "EUR", "minorUnits": "1"},
        "items": [{"sku": "lamp", "quantity": 1, "unitPrice": {"currencyCode": "EUR", "minorUnits": "1"}}],
    });
    let (status, answer) = shop.json(customer(1), PATH, body).await;
    assert_eq!(
        (status, &answer["order"]["total"]["minorUnits"]),
        (200, &json!("1999")),
        "{answer}"
    );
}

/// row: D4, E10
#[both_engines]
async fn a_blocked_customer_leaves_no_order(shop: Shop) {
    shop.world.books().blocked.insert(id(1));
    let answer = shop
        .customer(1)
        .create_order(purchase(1, &[("lamp", 1)], "tok_ok"))
        .await;
    assert_eq!(answer.as_ref().unwrap_err().message(), "User blocked");
    assert_eq!(refusal(answer).1, "USER_BLOCKED");
    assert_eq!(shop.order_count().await, 0);
    assert!(shop.world.books().calls.is_empty());
}

/// row: E10, C7
#[both_engines]
async fn what_is_plainly_short_unknown_or_without_a_price_leaves_no_order(shop: Shop) {
    shop.world.books().stock.insert("gift".to_owned(), 5);
    shop.world.sell("palace", 5, i64::MAX);
    let precondition = Code::FailedPrecondition;
    let table = [
        ("lamp", precondition, "OUT_OF_STOCK", "Out of stock"),
        ("gift", precondition, "NO_PRICE", "gift has no price"),
        (
            "palace",
            precondition,
            "SUM_TOO_LARGE",
            "the sum is too large",
        ),
        ("nothing", Code::InvalidArgument, "", "SKU not found"),
    ];
    shop.world.sell("lamp", 1, 1999);
    for (sku, code, reason, message) in table {
        let answer = shop.buy(1, &[(sku, 2)], "tok_ok").await;
        assert_eq!(answer.as_ref().unwrap_err().message(), message);
        assert_eq!(refusal(answer), (code, reason.to_owned(), String::new()));
    }
    assert_eq!(shop.order_count().await, 0);
    assert!(shop.world.books().calls.is_empty());
}

/// Stock that goes between the pre-check and the reservation: there is an order, and it says why it ended.
///
/// row: C1, E10
#[both_engines]
async fn stock_that_goes_in_between_rejects_the_order_and_asks_for_no_payment(shop: Shop) {
    shop.world
        .script("ReserveStock", Fault::Delay(Duration::from_millis(300)));
    let buying = shop.buy(1, &[("lamp", 2)], "tok_ok");
    let emptying = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        shop.world.sell("lamp", 1, 1999);
    };
    let (answer, ()) = tokio::join!(buying, emptying);
    assert_eq!(answer.as_ref().unwrap_err().message(), "Out of stock");
    let (code, reason, order_id) = refusal(answer);
    assert_eq!(
        (code, reason.as_str()),
        (Code::FailedPrecondition, "OUT_OF_STOCK")
    );
    let order = shop.order(1, &order_id).await;
    assert_eq!(
        (order.status(), order.end_reason()),
        (OrderStatus::Rejected, EndReason::OutOfStock)
    );
    assert_eq!(shop.world.calls_about(&order_id), ["ReserveStock"]);
    assert_eq!(
        shop.facts(&order_id).await,
        ["order.created", "order.rejected"]
    );
}

/// row: E7
#[both_engines]
async fn a_declined_payment_releases_once_and_rejects(shop: Shop) {
    let (code, reason, order_id) = refusal(shop.buy(1, &[("lamp", 2)], "tok_declined").await);
    assert_eq!(
        (code, reason.as_str()),
        (Code::FailedPrecondition, "PAYMENT_DECLINED")
    );
    let order = shop.order(1, &order_id).await;
    assert_eq!(
        (order.status(), order.end_reason()),
        (OrderStatus::Rejected, EndReason::PaymentDeclined)
    );
    let calls = shop.world.calls_about(&order_id);
    assert_eq!(calls, ["ReserveStock", "ProcessPayment", "ReleaseStock"]);
    assert_eq!(shop.world.taken("lamp"), 0);
}

/// The reservation is gone once the money is there: the money goes back.
///
/// row: E6, D9
#[both_engines]
async fn a_reservation_lost_after_payment_is_refunded_and_rejected(shop: Shop) {
    shop.world
        .script("ProcessPayment", Fault::Delay(Duration::from_millis(300)));
    let buying = shop.buy(1, &[("lamp", 2)], "tok_ok");
    let expiring = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        for (goods, _) in shop.world.books().goods.values_mut() {
            *goods = Goods::Expired;
        }
    };
    let (answer, ()) = tokio::join!(buying, expiring);
    let (_, reason, order_id) = refusal(answer);
    assert_eq!(reason, "RESERVATION_EXPIRED");
    assert_eq!(shop.world.charge(&order_id), Some(Charge::Refunded(3998)));
    let facts = [
        "order.created",
        "order.paid",
        "order.cancellation_started",
        "order.rejected",
    ];
    assert_eq!(shop.facts(&order_id).await, facts);
}

/// row: E7
#[both_engines]
async fn an_outcome_that_takes_too_long_answers_pending_and_the_checkout_runs_on(engine: Engine) {
    let config = order::Config {
        outcome_wait_ms: 150,
        ..Default::default()
    };
    let shop = Shop::on_with(engine, config, FailPoints::default()).await;
    shop.world
        .script("ProcessPayment", Fault::Delay(Duration::from_millis(600)));
    let order = shop.buy(1, &[("lamp", 1)], "tok_slow").await.unwrap();
    assert_eq!(order.status(), OrderStatus::Pending);
    assert_eq!(
        shop.ended(1, &order.id).await.status(),
        OrderStatus::Confirmed
    );
}

/// A client that leaves changes nothing: the checkout belongs to no request.
///
/// row: R-17
#[both_engines]
async fn a_client_that_leaves_does_not_stop_its_order(shop: Shop) {
    shop.world
        .script("ProcessPayment", Fault::Delay(Duration::from_millis(300)));
    let buying = shop.buy(1, &[("lamp", 1)], "tok_ok");
    assert!(
        tokio::time::timeout(Duration::from_millis(150), buying)
            .await
            .is_err()
    );
    let order_id = shop.world.books().calls[0]
        .rsplit_once(' ')
        .unwrap()
        .1
        .to_owned();
    assert_eq!(
        shop.ended(1, &order_id).await.status(),
        OrderStatus::Confirmed
    );
}

/// row: C2, D15
#[both_engines]
async fn the_pre_checks_run_at_the_same_time(shop: Shop) {
    for peer in ["GetProfile", "CheckAvailability", "QuoteItems"] {
        shop.world
            .script(peer, Fault::Delay(Duration::from_millis(200)));
    }
    shop.world.books().blocked.insert(id(1)); // so that only the pre-checks are measured
    let began = Instant::now();
    let _ = shop.buy(1, &[("lamp", 1)], "tok_ok").await;
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_millis(390),
        "{took:?}"
    );
}

/// row: D5
#[both_engines]
async fn two_mentions_of_a_sku_are_one_line(shop: Shop) {
    let order = shop
        .buy(1, &[("lamp", 1), ("desk", 1), ("lamp", 2)], "tok_ok")
        .await
        .unwrap();
    let lines: Vec<_> = order
        .items
        .iter()
        .map(|line| (line.sku.as_str(), line.quantity))
        .collect();
    assert_eq!(lines, [("lamp", 3), ("desk", 1)]);
    assert_eq!(shop.world.taken("lamp"), 3);
}

/// What promotions took off stands in the order, when it is made and whenever it is read.
///
/// row: D5, D14
#[both_engines]
async fn an_order_says_what_was_taken_off(shop: Shop) {
    let whole = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    assert_eq!(whole.discount.unwrap().minor_units, 0);
    shop.world.books().discount = 500;
    let bought = [("lamp", 2), ("desk", 1)];
    let order = shop.buy(1, &bought, "tok_ok").await.unwrap();
    let amounts = order.items.iter().map(|line| line.amount.clone().unwrap());
    let sum: i64 = amounts.map(|amount| amount.minor_units).sum();
    assert_eq!(order.discount.clone().unwrap().minor_units, 500);
    assert_eq!(order.total.clone().unwrap().minor_units, sum - 500);
    assert_eq!(shop.order(1, &order.id).await, order);
}

/// A promotion may give everything away; then there is nothing to charge.
#[both_engines]
async fn an_order_that_costs_nothing_is_not_charged(shop: Shop) {
    shop.world.books().discount = 1999;
    let order = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    assert_eq!(
        (order.status(), order.total.unwrap().minor_units),
        (OrderStatus::Confirmed, 0)
    );
    assert_eq!(shop.world.charge(&order.id), None);
}

/// A quote that does not add up is nobody's price.
///
/// row: S-20, C8
#[both_engines]
async fn a_wrong_quote_leaves_no_order(shop: Shop) {
    shop.world.books().discount = -1;
    let error = shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::Internal, "Internal server error")
    );
    assert_eq!(shop.order_count().await, 0);
}

/// row: S-01
#[both_engines]
async fn strangers_and_services_cannot_buy(shop: Shop) {
    let gateway = Caller::Service {
        name: "gateway".into(),
        acting_for: None,
    };
    for (caller, code) in [
        (Caller::Anonymous, Code::Unauthenticated),
        (gateway, Code::PermissionDenied),
    ] {
        let answer = shop
            .client(caller)
            .create_order(purchase(1, &[("lamp", 1)], "tok_ok"))
            .await;
        assert_eq!(answer.unwrap_err().code(), code);
    }
}
