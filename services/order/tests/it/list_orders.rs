//! ListOrders: pages, filters, and whose they are.

use std::time::Duration;

use call::Role;
use proto::order::v1::{ListOrdersRequest, OrderStatus};
use testkit::both_engines;
use tonic::Code;

use crate::shop::{Shop, id, person, refusal};

fn list(number: u128, page_size: i32, page_token: &str, status: OrderStatus) -> ListOrdersRequest {
    ListOrdersRequest {
        user_id: id(number),
        page_size,
        page_token: page_token.to_owned(),
        status: status.into(),
    }
}

const ALL: OrderStatus = OrderStatus::Unspecified;

/// row: D8
#[both_engines]
async fn pages_come_newest_first_and_stay_stable_while_orders_come_in(shop: Shop) {
    let mut bought = Vec::new();
    for n in 0..5 {
        bought.insert(
            0,
            shop.buy(1, &[("lamp", n + 1)], "tok_ok").await.unwrap().id,
        );
        if n % 2 == 0 {
            shop.time.advance(Duration::from_millis(3)); // others come in the same millisecond
        }
    }
    shop.buy(2, &[("lamp", 1)], "tok_ok").await.unwrap();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = shop
            .customer(1)
            .list_orders(list(1, 2, &token, ALL))
            .await
            .unwrap()
            .into_inner();
        assert!(page.total_size >= 5 && page.orders.len() <= 2);
        seen.extend(page.orders.into_iter().map(|order| order.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        shop.time.advance(Duration::from_millis(5));
        shop.buy(1, &[("desk", 1)], "tok_ok").await.unwrap();
    }
    let (mut sorted, mut wanted) = (seen.clone(), bought);
    sorted.sort();
    wanted.sort();
    assert_eq!(sorted, wanted, "each order once, and none that came later");
    let first = shop
        .customer(1)
        .list_orders(list(1, 100, "", ALL))
        .await
        .unwrap()
        .into_inner();
    let times: Vec<_> = first
        .orders
        .iter()
        .map(|o| o.created_at.unwrap())
        .map(|t| (t.seconds, t.nanos))
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    assert_eq!(first.orders.last().unwrap().item_count, 1);
}

/// row: D8
#[both_engines]
async fn a_status_filters_and_counts(shop: Shop) {
    shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    shop.buy(1, &[("lamp", 1)], "tok_declined")
        .await
        .unwrap_err();
    let confirmed = list(1, 0, "", OrderStatus::Confirmed);
    let page = shop
        .customer(1)
        .list_orders(confirmed)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((page.total_size, page.orders.len()), (1, 1));
    assert_eq!(page.orders[0].status(), OrderStatus::Confirmed);
    let all = shop
        .customer(1)
        .list_orders(list(1, 0, "", ALL))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((all.total_size, all.next_page_token.as_str()), (2, ""));
}

/// row: D8, S-05
#[both_engines]
async fn somebody_elses_list_is_not_found_but_for_support(shop: Shop) {
    shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    let foreign = shop
        .customer(2)
        .list_orders(list(1, 0, "", ALL))
        .await
        .unwrap_err();
    let random = shop
        .customer(2)
        .list_orders(list(77, 0, "", ALL))
        .await
        .unwrap_err();
    assert_eq!(
        (foreign.code(), foreign.message()),
        (Code::NotFound, random.message())
    );
    let support = shop.client(person(9, &[Role::Support]));
    let page = support
        .clone()
        .list_orders(list(1, 0, "", ALL))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.orders.len(), 1);
}

/// Each order of a page names its own first lines, in their order, whatever its neighbours hold.
///
/// row: D8, C11
#[both_engines]
async fn an_order_names_what_its_first_four_lines_buy(shop: Shop) {
    let five = ["lamp", "desk", "chair", "shelf", "rug"];
    for sku in &five[2..] {
        shop.world.sell(sku, 100, 1000);
    }
    shop.buy(1, &five.map(|sku| (sku, 1)), "tok_ok")
        .await
        .unwrap();
    shop.time.advance(Duration::from_millis(3));
    shop.buy(1, &[("rug", 2), ("lamp", 1)], "tok_ok")
        .await
        .unwrap();
    let page = shop.customer(1).list_orders(list(1, 0, "", ALL)).await;
    let orders = page.unwrap().into_inner().orders;
    let skus: Vec<_> = orders.into_iter().map(|order| order.skus).collect();
    assert_eq!(skus, [&["rug", "lamp"][..], &five[..4]]);
    let nobody = shop.customer(3).list_orders(list(3, 0, "", ALL)).await;
    assert_eq!(nobody.unwrap().into_inner().orders, []);
}

/// row: S-09
#[both_engines]
async fn sizes_and_tokens_that_cannot_be_are_refused(shop: Shop) {
    for _ in 0..2 {
        shop.buy(1, &[("lamp", 1)], "tok_ok").await.unwrap();
    }
    let page = shop
        .customer(1)
        .list_orders(list(1, 1, "", ALL))
        .await
        .unwrap()
        .into_inner();
    let token = page.next_page_token;
    let bad = [
        list(1, -1, "", ALL),
        list(1, 1, "x", ALL),
        list(
            1,
            1,
            &token.replace(&token[3..4], if &token[3..4] == "A" { "B" } else { "A" }),
            ALL,
        ),
        list(1, 1, &token, OrderStatus::Confirmed), // made for another filter
    ];
    for request in bad {
        let answer = shop.customer(1).list_orders(request.clone()).await;
        assert_eq!(refusal(answer).0, Code::InvalidArgument, "{request:?}");
    }
    let huge = shop
        .customer(1)
        .list_orders(list(1, i32::MAX, "", ALL))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(huge.orders.len(), 2);
}
