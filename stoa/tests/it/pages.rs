//! The pages of the web shop, as a browser asks for them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::shop::{Customer, Door, Shop};

/// Until a line of the log is written.
const LOGGED_MAX: Duration = Duration::from_secs(10);
const MUG: &str = "MUG-STR-01";
const LAMPS: [&str; 2] = ["LMP-ARC-01", "LMP-ARC-02"];

async fn ask(door: &Door, rpc: &str, message: Value) -> Value {
    let answer = door.call(rpc, message).await;
    assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
    answer.json()
}

async fn page(door: &Door, name: &str, message: Value) -> Value {
    ask(door, &format!("bff.web.v1.WebService/{name}"), message).await
}

/// Buys one piece of each; the order.
async fn buy(customer: &Customer, skus: &[&str]) -> Value {
    let items: Vec<_> = skus
        .iter()
        .map(|sku| json!({"sku": sku, "quantity": 1}))
        .collect();
    let mut order = customer.order("", 1, "tok_ok");
    order["items"] = json!(items);
    ask(&customer.door, "order.v1.OrderService/CreateOrder", order).await["order"].clone()
}

/// The SKUs of cards that say what they show, and not what it costs.
fn shown(cards: &Value) -> BTreeSet<String> {
    let cards = cards.as_array().cloned().unwrap_or_default();
    let sku = |card: &Value| {
        for field in ["productId", "name", "imageUrl"] {
            assert!(!card[field].is_null(), "{card} has no {field}");
        }
        assert!(card["price"].is_null(), "{card}");
        card["sku"].as_str().expect("a SKU").to_owned()
    };
    cards.iter().map(sku).collect()
}

fn skus<const N: usize>(skus: [&str; N]) -> BTreeSet<String> {
    skus.map(str::to_owned).into()
}

/// How many calls to peers this process has made, as its metrics tell.
async fn calls_to_peers(shop: &Shop) -> u64 {
    let metrics = Door::new(shop.admin.clone()).get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.bytes);
    let counts = text
        .lines()
        .filter(|line| line.starts_with("rpc_client_call_duration_seconds_count{"))
        .filter(|line| !line.contains("GetJwks")) // asked for by no page
        .map(|line| line.rsplit(' ').next().and_then(|count| count.parse().ok()));
    counts
        .map(|count: Option<u64>| count.expect("a count"))
        .sum()
}

/// One line or a hundred, all of it sold or nothing: the catalog, the stock, the price and, of a person, the profile.
///
/// row: C11
#[tokio::test]
async fn a_cart_page_costs_the_same_calls_whatever_is_in_the_cart() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let products: Value = serde_json::from_str(include_str!("../../demo/products.json")).unwrap();
    let sold: Vec<&str> = products.as_array().unwrap()[..99]
        .iter()
        .map(|product| product["sku"].as_str().unwrap())
        .collect();
    let gone = ["GONE-1", "GONE,2"];
    for (door, calls) in [(&shop.door, 3), (&customer.door, 4)] {
        for (skus, priced) in [
            (vec![MUG], 1),
            (gone.to_vec(), 0),
            ([&sold[..], &gone[..1]].concat(), 99),
        ] {
            let items: Vec<_> = skus
                .iter()
                .map(|sku| json!({"sku": sku, "quantity": 1}))
                .collect();
            let before = calls_to_peers(&shop).await;
            let page = page(door, "GetCartPage", json!({"items": items})).await;
            assert_eq!(calls_to_peers(&shop).await - before, calls, "{skus:?}");
            let lines = page["lines"].as_array().expect("lines");
            let with_price = lines.iter().filter(|line| !line["amount"].is_null());
            assert_eq!((lines.len(), with_price.count()), (skus.len(), priced));
            assert_eq!(page["total"].is_null(), priced == 0, "{page}");
            assert_eq!(page["canOrder"] == true, priced == skus.len(), "{page}");
        }
    }
}

/// row: X5, D5, D8, C11
#[tokio::test]
async fn orders_show_what_they_hold_with_the_catalog_and_without() {
    let mut fleet = Fleet::start().await;
    let gateway = fleet.gateway.clone();
    let customer = gateway.sign_in("customer@stoa.test", "stoa-demo").await;
    let door = &customer.door;
    buy(&customer, &[MUG, LAMPS[0]]).await;
    let order = buy(&customer, &[LAMPS[1], MUG]).await;
    let message = json!({"orderId": order["id"]});

    let home = page(door, "GetHome", json!({})).await;
    assert_eq!(home["recentOrders"][0]["skus"], json!([LAMPS[1], MUG]));
    let all = skus([LAMPS[0], LAMPS[1], MUG]);
    assert_eq!(shown(&home["orderProducts"]), all, "each once: {home}");
    let orders = page(door, "GetOrdersPage", json!({})).await;
    assert_eq!(shown(&orders["products"]), all, "{orders}");
    let one = page(door, "GetOrderPage", message.clone()).await;
    assert_eq!(shown(&one["products"]), skus([LAMPS[1], MUG]), "{one}");
    for page in [home, orders, one] {
        assert!(page["degraded"].is_null(), "{page}");
    }
    let stranger = page(&gateway, "GetHome", json!({})).await;
    assert!(stranger["orderProducts"].is_null(), "{stranger}");

    fleet.processes.get_mut("catalog").expect("it runs").kill();
    let orders = page(door, "GetOrdersPage", json!({})).await;
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(2));
    let one = page(door, "GetOrderPage", message).await;
    assert_eq!(one["order"]["id"], order["id"]);
    for page in [orders, one] {
        assert_eq!(page["degraded"], json!(["catalog"]), "{page}");
        assert!(page["products"].is_null(), "{page}");
    }
}

/// row: D16, X2
#[tokio::test]
async fn the_front_page_leads_to_every_category() {
    let shop = Shop::up().await;
    let home = page(&shop.door, "GetHome", json!({})).await;
    let categories = home["categories"].as_array().expect("categories");
    assert_eq!(categories.len(), 12, "{home}");
    for category in categories {
        let picture = category["imageUrl"].as_str().expect("a picture");
        assert!(picture.starts_with("/assets/products/"), "{category}");
        let message = json!({"category": category["name"], "pageSize": 100});
        let shelf = page(&shop.door, "GetSearchPage", message).await;
        let products = shelf["products"].as_array().expect("products");
        let shows = |product: &Value| product["imageUrl"] == picture;
        assert!(products.iter().any(shows), "{category} shows another shelf");
    }
}

/// What cannot be bought stands behind what can.
///
/// row: D14, D16
#[tokio::test]
async fn products_without_a_price_come_last() {
    let shop = Shop::up().await;
    let operator = shop.door.sign_in("operator@stoa.test", "stoa-demo").await;
    for number in 0..10 {
        let sku = format!("NEW-{number}");
        let product = json!({"sku": sku, "name": "Unheard lamp", "category": "Lighting"});
        let rpc = "catalog.v1.CatalogService/CreateProduct";
        ask(&operator.door, rpc, product).await;
    }
    let priced = |products: &Value| -> Vec<bool> {
        let products = products.as_array().expect("products").iter();
        products
            .map(|product| product["price"].is_object())
            .collect()
    };
    let home = page(&shop.door, "GetHome", json!({})).await;
    assert_eq!(priced(&home["featured"]), [true; 8], "{home}");
    for message in [
        json!({"pageSize": 12}),
        json!({"query": "lamp", "pageSize": 100}),
        json!({"category": "Lighting", "pageSize": 12}),
    ] {
        let found = page(&shop.door, "GetSearchPage", message.clone()).await;
        let priced = priced(&found["products"]);
        let both = priced.contains(&true) && priced.contains(&false);
        assert!(
            both && priced.is_sorted_by(|a, b| a >= b),
            "{message}: {priced:?}"
        );
    }
}

/// Whoever helps customers reads orders by the order service; the page is of one's own.
///
/// row: G5
#[tokio::test]
async fn an_order_page_is_of_ones_own_order_also_for_support() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let support = shop.door.sign_in("support@stoa.test", "stoa-demo").await;
    let order = buy(&customer, &[MUG]).await;
    let wanted = json!({"orderId": order["id"]});
    let rpc = "order.v1.OrderService/GetOrder";
    ask(&support.door, rpc, wanted.clone()).await;
    page(&customer.door, "GetOrderPage", wanted.clone()).await;
    let unknown = json!({"orderId": "01935f3c-7a2b-7c3d-8e4f-1234567890ab"});
    let rpc = "bff.web.v1.WebService/GetOrderPage";
    let foreign = support.door.call(rpc, wanted).await;
    assert_eq!(foreign.code(), "not_found", "{:?}", foreign.bytes);
    assert_eq!(foreign.bytes, support.door.call(rpc, unknown).await.bytes);
}

/// What the gateway may read and a person may not, no mistake in a page of his can show him: every service that a page
/// asks sees who reads it, and the gateway itself only where nobody has signed in.
///
/// row: G5
#[tokio::test]
async fn a_page_is_read_with_the_rights_of_its_reader() {
    let mut fleet = Fleet::start().await;
    let customer = fleet
        .gateway
        .sign_in("customer@stoa.test", "stoa-demo")
        .await;
    let order = buy(&customer, &[MUG]).await;
    let reader = format!("user:{}", customer.id);
    let (person, stranger) = (&customer.door, &fleet.gateway);
    let wanted = json!({"orderId": order["id"]});
    let mut seen = BTreeSet::new();
    for (door, name, message, caller, asked) in [
        (
            person,
            "GetOrderPage",
            wanted,
            &*reader,
            &["order", "user", "payment", "catalog"][..],
        ),
        (
            person,
            "GetOrdersPage",
            json!({}),
            &reader,
            &["order", "catalog"],
        ),
        (
            person,
            "GetHome",
            json!({}),
            &reader,
            &["catalog", "order", "user", "pricing", "recommendation"],
        ),
        (
            person,
            "GetProductPage",
            json!({"sku": MUG}),
            &reader,
            &["catalog", "pricing", "inventory", "recommendation"],
        ),
        (
            person,
            "GetCartPage",
            json!({"items": [{"sku": MUG, "quantity": 1}]}),
            &reader,
            &["catalog", "pricing", "inventory", "user"],
        ),
        (
            person,
            "GetSearchPage",
            json!({}),
            &reader,
            &["catalog", "pricing"],
        ),
        (
            stranger,
            "GetHome",
            json!({}),
            "service:gateway",
            &["catalog", "recommendation"],
        ),
    ] {
        let rpc = format!("bff.web.v1.WebService/{name}");
        let answer = door.call(&rpc, message).await;
        assert_eq!(answer.code(), "ok", "{name}: {:?}", answer.bytes);
        let id = answer.headers["x-correlation-id"].to_str().expect("text");
        for service in asked {
            let process = fleet.processes.get_mut(service).expect("it runs");
            let lines = |output: &str| {
                let lines = output.lines().filter(|line| line.contains(id));
                let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
                let lines = lines.filter(|line| line["target"] == "access");
                let lines: Vec<Value> = lines.collect();
                (!lines.is_empty()).then_some(lines)
            };
            let lines = process.wait_for(LOGGED_MAX, lines).await;
            for line in lines.expect("the call has a line") {
                assert_eq!(line["caller"], caller, "{name}: {line}");
                seen.insert((name, *service));
            }
        }
    }
    assert_eq!(seen.len(), 21, "{seen:?}");
}
