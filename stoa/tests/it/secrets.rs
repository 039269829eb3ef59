//! What must never be read in a log or an error.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::app::eventually;

use crate::leaks;
use crate::shop::{Answer, Shop};

const PASSWORD: &str = "canary-pass-9f27c1";
const EMAIL: &str = "canary-mail-9f27c1@example.test";
const CARD: &str = "canary-card-9f27c1";

/// What a caller could only know from our insides, beside what is in no log either.
const INSIDES: [&str; 6] = [
    "select ", "insert ", "sqlite", "postgres", "sqlx", "sea_orm",
];

/// row: S-12, X10
#[tokio::test]
async fn logs_and_errors_hold_no_secret() {
    let mut shop = Shop::up_with(&[("STOA_LOG", "debug".to_owned())]).await;
    let mut secrets = vec![PASSWORD.to_owned(), EMAIL.to_owned(), CARD.to_owned()];
    let account = json!({"name": "", "email": EMAIL, "password": PASSWORD});
    let signed = shop.door.call("user.v1.AuthService/SignUp", account).await;
    assert_eq!(signed.code(), "ok", "{:?}", signed.bytes);
    let tokens = &signed.json()["tokens"];
    for token in ["accessToken", "refreshToken"] {
        secrets.push(tokens[token].as_str().expect("a token").to_owned());
    }
    let customer = shop.door.sign_in(EMAIL, PASSWORD).await;
    secrets.push(customer.door.token.clone().expect("signed in"));

    let letter_token = letter(&shop).await;
    let reset = json!({"token": letter_token, "password": format!("{PASSWORD}-new")});
    let reset = shop
        .door
        .call("user.v1.AuthService/ResetPassword", reset)
        .await;
    assert_eq!(reset.code(), "ok", "{:?}", reset.bytes);
    let device = &reset.json()["deviceToken"];
    secrets.push(device.as_str().expect("a token").to_owned());
    secrets.push(letter_token.clone());

    let mut refused = Vec::new();
    for (rpc, message) in wrong(&customer.id) {
        let answer = customer.door.call(rpc, message).await;
        assert_ne!(answer.status, StatusCode::OK, "{rpc}: {:?}", answer.bytes);
        refused.push(answer);
    }
    // Bodies that are not even messages.
    for body in [
        format!("{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}\""),
        format!("{PASSWORD} {CARD}"),
        format!("{{\"password\":[\"{PASSWORD}\"]}}"),
    ] {
        let sent = shop
            .door
            .send(
                "user.v1.AuthService/SignIn",
                "application/json",
                body.into(),
                None,
            )
            .await;
        refused.push(sent.expect("an answer comes"));
    }
    let stolen = format!("{}x", secrets[3]);
    let mut thief = customer.door.clone();
    thief.token = Some(stolen);
    refused.push(
        thief
            .call("order.v1.OrderService/GetOrder", json!({}))
            .await,
    );

    for answer in &refused {
        clean_error(answer, &secrets);
    }
    if proof::sabotaged("S-12") {
        // Whoever names his call by a secret finds it in the log.
        let headers = [("x-correlation-id", letter_token.as_str())];
        let path = "/stoa.user.v1.AuthService/SignIn";
        shop.door.fetch(Method::POST, path, &headers).await;
    }
    let lines = leaks::search_shop(&mut shop, &secrets).await;
    assert!(
        shop.process.output().contains("AuthService/SignIn"),
        "calls are logged"
    );
    proof::held("S-12", lines + refused.len(), 0);
}

/// Asks for a letter about a forgotten password; the token in it.
async fn letter(shop: &Shop) -> String {
    let asked = json!({"email": EMAIL});
    let rpc = "user.v1.AuthService/RequestPasswordReset";
    let asked = shop.door.call(rpc, asked).await;
    assert_eq!(asked.code(), "ok", "{:?}", asked.bytes);
    let letter = eventually(async || {
        let folder = std::fs::read_dir(shop.data.join("mail")).ok()?;
        let mut paths = folder.map(|entry| entry.expect("it can be read").path());
        let whole = paths.find(|path| path.extension().is_some_and(|it| it == "eml"))?;
        std::fs::read_to_string(whole).ok()
    });
    let letter = letter.await;
    let link = letter.split("/account/reset-password#").nth(1);
    let token = link.and_then(|link| link.lines().next());
    token.expect("the letter has a link").to_owned()
}

/// Requests that name secrets and are refused.
fn wrong(customer: &str) -> Vec<(&'static str, Value)> {
    vec![
        (
            "user.v1.AuthService/SignIn",
            json!({"email": EMAIL, "password": format!("{PASSWORD}-wrong")}),
        ),
        (
            "user.v1.AuthService/SignUp",
            json!({"email": EMAIL, "password": PASSWORD}),
        ),
        (
            "user.v1.AuthService/SignUp",
            json!({"email": format!("{EMAIL} "), "password": PASSWORD}),
        ),
        ("user.v1.AuthService/Refresh", json!({"refreshToken": CARD})),
        (
            "user.v1.AuthService/ChangePassword",
            json!({"currentPassword": CARD, "password": format!("{PASSWORD}-{CARD}")}),
        ),
        (
            "user.v1.UserService/UpdateUser",
            json!({"id": customer, "email": format!("new-{EMAIL}"), "currentPassword": CARD}),
        ),
        (
            "user.v1.AuthService/ResetPassword",
            json!({"token": CARD, "password": PASSWORD}),
        ),
        (
            "order.v1.OrderService/CreateOrder",
            json!({
                "customerId": customer,
                "items": [{"sku": "MUG-STR-01", "quantity": 1}],
                "paymentMethod": {"token": CARD},
                "currencyCode": "EUR; select 1",
            }),
        ),
        (
            "order.v1.OrderService/CreateOrder",
            json!({
                "customerId": customer,
                "items": [{"sku": "MUG-STR-01", "quantity": 1}],
                "paymentMethod": {"token": CARD},
            }),
        ),
        (
            "catalog.v1.CatalogService/ListProducts",
            json!({"pageToken": CARD}),
        ),
    ]
}

fn clean_error(answer: &Answer, secrets: &[String]) {
    let text = String::from_utf8_lossy(&answer.bytes);
    leaks::search("an error", &text, secrets);
    assert!(answer.headers.contains_key("x-correlation-id"), "{text}");
    let text = text.to_lowercase();
    for inside in INSIDES {
        assert!(!text.contains(inside), "{inside} in {text}");
    }
}
