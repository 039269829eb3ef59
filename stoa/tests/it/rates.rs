//! How often a client may ask, of the program as it ships.

use http::Method;
use serde_json::json;

use crate::fleet::Fleet;
use crate::shop::{Door, Shop, stoa};

const BLOCK: &str = "user.v1.UserAdminService/BlockUser";
const CHANGE: &str = "user.v1.AuthService/ChangePassword";
const LIST: &str = "catalog.v1.CatalogService/ListProducts";

async fn list(door: &Door) -> crate::shop::Answer {
    door.call(LIST, json!({"pageSize": 1})).await
}

/// row: G6
#[tokio::test]
async fn the_hundred_and_first_request_is_refused() {
    let shop = Shop::up_with(&[("STOA_RATE_LIMIT", "100/24h".to_owned())]).await;
    for number in 1..=100 {
        assert_eq!(list(&shop.door).await.code(), "ok", "{number}");
    }
    let refused = list(&shop.door).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.code(), "resource_exhausted");
    let header = |name: &str| refused.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-limit"), "100");
    assert_eq!(header("x-ratelimit-remaining"), "0");
    let wait: u64 = header("retry-after").parse().unwrap();
    assert!(
        (1..=864).contains(&wait),
        "{wait}: one of a hundred in a day"
    );
    assert_eq!(shop.door.get("/healthz").await.status, 200);
    let page = shop.door.get("/shop/search").await;
    assert_eq!(page.status, 429, "pages are of the same budget");
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let picture = shop.door.get("/assets/products/MUG-STR-01.svg").await;
    assert_eq!(picture.status, 200, "files are of none");
    let admin = Door::new(shop.admin.clone());
    for path in ["/metrics", "/readyz"] {
        assert_eq!(
            admin.get(path).await.status,
            200,
            "{path}: who watches is not counted"
        );
    }
}

/// Whoever is behind a proxy that is named has a budget of his own, and who comes by none that is named has one,
/// whatever he writes.
///
/// row: X12
#[tokio::test]
async fn clients_behind_a_proxy_that_is_trusted_are_told_apart() {
    for (trusted, all) in [("", 3), ("127.0.0.1,::1", 12)] {
        let variables = [
            ("STOA_RATE_LIMIT", "3/24h".to_owned()),
            ("STOA_TRUSTED_PROXIES", trusted.to_owned()),
        ];
        let shop = Shop::up_with(&variables).await;
        let mut taken = 0;
        for number in 0..16 {
            let client = format!("198.51.100.77, 203.0.113.{}", number % 4);
            let get = format!("/stoa.{LIST}?connect=v1&encoding=json&message=%7B%7D");
            let headers = [("x-forwarded-for", client.as_str())];
            let told = shop.door.fetch(Method::GET, &get, &headers).await;
            taken += usize::from(told.code() == "ok");
        }
        assert_eq!(taken, all, "{trusted:?}");
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("data").display().to_string();
    let up = ["up", "--data", &data, "--port", "0", "--admin-port", "0"];
    let (code, printed) = stoa(&up, &[("STOA_TRUSTED_PROXIES", "10.0.0.0/8,nowhere")]).await;
    assert_eq!(code, 78, "{printed}");
    assert!(printed.contains("trusted_proxies"), "{printed}");
    assert!(
        !folder.path().join("data").exists(),
        "nothing was made of it"
    );
}

/// A visitor who looks at thirty products as fast as he can click, signs up, and buys three times: with the limits
/// that ship, in one process and through the gateway, whose calls all come from one address.
///
/// row: G6
#[tokio::test]
async fn a_quick_customer_meets_no_limit() {
    let shop = Shop::up_with(&[("STOA_RATE_LIMIT", "usual".to_owned())]).await;
    quick(&shop.door).await;
    let fleet = Fleet::start_with(&[("STOA_RATE_LIMIT", "usual")]).await;
    quick(&fleet.gateway).await;
}

async fn quick(door: &Door) {
    for _ in 0..30 {
        assert_eq!(door.get("/shop/products/MUG-STR-01").await.status, 200);
        assert_eq!(list(door).await.code(), "ok");
        // Thirty in one second are the hundred of a burst, all parts of a page counted.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let customer = door.sign_up("quick@stoa.test").await;
    for _ in 0..3 {
        let bought = customer.place("MUG-STR-01", 1, "tok_ok").await;
        assert_eq!(bought.code(), "ok", "{bought:?}");
    }
}

/// Whoever was signed out goes on asking, in the name of the owner, who has budgets by the hour: in one process, and
/// through a gateway, which does not know the sessions.
///
/// row: G6, X23
#[tokio::test]
async fn who_was_signed_out_uses_up_nothing_of_the_owners() {
    let usual = ("STOA_RATE_LIMIT", "usual");
    let shop = Shop::up_with(&[(usual.0, usual.1.to_owned())]).await;
    signed_out(&shop.door).await;
    let fleet = Fleet::start_with(&[usual]).await;
    signed_out(&fleet.gateway).await;
}

async fn signed_out(door: &Door) {
    let change = json!({"currentPassword": "a short sentence", "password": "a longer sentence"});
    let thief = door.sign_up("owner@stoa.test").await;
    let message = json!({"email": "owner@stoa.test", "password": "a short sentence"});
    let signed_in = door.call("user.v1.AuthService/SignIn", message).await;
    let mut owner = door.clone();
    let token = signed_in.json()["tokens"]["accessToken"].clone();
    owner.token = token.as_str().map(str::to_owned);
    let sessions = owner
        .call("user.v1.AuthService/ListSessions", json!({}))
        .await;
    let sessions = sessions.json()["sessions"].clone();
    let stolen = sessions.as_array().expect("two").iter();
    let stolen = stolen
        .filter(|session| session["current"] != true)
        .map(|session| json!({"id": session["id"]}))
        .next();
    let ended = owner.call("user.v1.AuthService/EndSession", stolen.expect("the other"));
    assert_eq!(ended.await.code(), "ok");
    // However it is refused: by its service, for what it says, or for who it is of.
    let other = json!({"password": 1});
    for _ in 0..15 {
        for (rpc, message) in [(CHANGE, &change), (CHANGE, &other), (BLOCK, &other)] {
            let answer = thief.door.call(rpc, message.clone()).await;
            assert_ne!(answer.code(), "ok");
        }
    }
    let changed = owner.call(CHANGE, change).await;
    assert_eq!(changed.code(), "ok", "{changed:?}");
}

/// row: G6, X20
#[tokio::test]
async fn a_limit_that_is_none_is_refused_and_so_is_none_in_production() {
    for (profile, limit) in [("dev", "100"), ("dev", "0/s"), ("production", "off")] {
        let variables = [("STOA_PROFILE", profile), ("STOA_RATE_LIMIT", limit)];
        let (code, printed) = stoa(&["up"], &variables).await;
        assert_eq!(code, 78, "{profile} {limit:?}: {printed}");
        assert!(printed.contains("rate_limit"), "{printed}");
    }
}
