//! People who come with the token of another issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use token::{PublicKey, SigningKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant, sleep};

use crate::fleet::Fleet;
use crate::shop::{Customer, Door, Shop, stoa};
use crate::wires::{self, WIRES};

const NAME: &str = "https://id.example.com/realms/shop";
const AWAY: &str = "https://away.example.com";
const CHECKED_LATER: &str = "The authentication token cannot be checked now";

/// An issuer that publishes its keys on a socket of the test.
struct Site {
    address: String,
    keys: Arc<std::sync::Mutex<Vec<PublicKey>>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let site = Self {
            address: format!("http://{address}/certs"),
            keys: Arc::default(),
            asked: Arc::default(),
        };
        let (keys, asked) = (site.keys.clone(), site.asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else {
                        break;
                    };
                    head.push(byte);
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let body = published(&keys.lock().expect("no panic"));
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        site
    }

    fn publishes(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.public()).collect();
        *self.keys.lock().expect("no panic") = keys;
    }
}

fn published(keys: &[PublicKey]) -> String {
    let jwk = |key: &PublicKey| json!({"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x(), "use": "sig"});
    json!({"keys": keys.iter().map(jwk).collect::<Vec<_>>()}).to_string()
}

/// What an issuer writes for somebody; it names every role there is.
fn token(key: &SigningKey, issuer: &str, person: &str) -> String {
    let now = Clock::system().now().timestamp();
    let claims = json!({
        "iss": issuer, "aud": ["account", "stoa-shop"], "sub": person, "exp": now + 600,
        "iat": now, "typ": "Bearer", "roles": ["admin", "operator", "support"],
    });
    let head = json!({"alg": "EdDSA", "typ": "JWT", "kid": key.kid()});
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&head), part(&claims));
    let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8());
    let signature = pair.expect("it is a key").sign(message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn foreign(door: &Door, key: &SigningKey, issuer: &str, person: &str) -> Customer {
    let mut door = door.clone();
    door.token = Some(token(key, issuer, person));
    Customer {
        id: person.to_owned(),
        door,
    }
}

fn list(site: &Site) -> String {
    let entry = |name: &str, jwks: &str| {
        format!(
            "[[identity.issuers]]\nissuer = \"{name}\"\njwks = \"{jwks}\"\naudience = \"stoa-shop\"\n"
        )
    };
    // Nobody listens at port 1.
    entry(NAME, &site.address) + &entry(AWAY, "http://127.0.0.1:1/certs")
}

async fn shop(site: &Site) -> (Shop, TempDir) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("stoa.toml");
    std::fs::write(&file, list(site)).expect("it is written");
    let file = file.display().to_string();
    (Shop::up_with(&[("STOA_CONFIG", file)]).await, folder)
}

/// row: G4
#[tokio::test]
async fn a_foreign_person_reads_what_is_theirs_and_is_nobody_more() {
    let site = Site::open().await;
    let key = SigningKey::generate("f1").expect("a key");
    site.publishes(&[&key]);
    let (shop, _folder) = shop(&site).await;
    let alice = shop.door.sign_up("alice@example.test").await;
    let bob = shop.door.sign_up("bob@example.test").await;
    let placed = alice.place("MUG-STR-01", 1, "tok_ok").await;
    assert_eq!(placed.code(), "ok", "{:?}", placed.bytes);
    let order = placed.json()["order"]["id"].clone();
    let admin = shop.door.sign_in("admin@stoa.test", "stoa-demo").await;

    let as_alice = foreign(&shop.door, &key, NAME, &alice.id);
    let as_bob = foreign(&shop.door, &key, NAME, &bob.id);
    let as_admin = foreign(&shop.door, &key, NAME, &admin.id);
    let user = |id: &str| json!({ "id": id });
    let of = |id: &str| json!({ "userId": id });
    let get = "user.v1.UserService/GetUser";
    let orders = "order.v1.OrderService/ListOrders";
    let read = "order.v1.OrderService/GetOrder";
    let sessions = "user.v1.AuthService/ListSessions";
    let change = "user.v1.AuthService/ChangePassword";
    let passwords =
        |current: &str| json!({"currentPassword": current, "password": "another long sentence"});
    let nobody = foreign(&shop.door, &key, NAME, &Clock::system().id().to_string());
    for (who, rpc, message, code) in [
        (&as_alice, get, user(&alice.id), "ok"),
        (&as_alice, orders, of(&alice.id), "ok"),
        (&as_alice, read, json!({"orderId": order}), "ok"),
        (&as_alice, sessions, json!({}), "ok"),
        (&as_bob, get, user(&alice.id), "not_found"),
        (&as_bob, orders, of(&alice.id), "not_found"),
        (&as_bob, read, json!({"orderId": order}), "not_found"),
        (
            &as_bob,
            change,
            passwords("no password"),
            "invalid_argument",
        ),
        // Roles that the token names, or that the account has, are none.
        (&as_admin, get, user(&admin.id), "ok"),
        (&as_admin, get, user(&alice.id), "not_found"),
        (
            &as_admin,
            "user.v1.UserAdminService/BlockUser",
            json!({"id": alice.id, "reason": "because I can"}),
            "permission_denied",
        ),
        (
            &as_admin,
            "user.v1.UserService/UpdateUser",
            json!({"id": admin.id, "roles": ["admin"]}),
            "permission_denied",
        ),
        // Whom nobody here knows has nothing, and is told so.
        (&nobody, get, user(&nobody.id), "not_found"),
        (&nobody, sessions, json!({}), "ok"),
        (&nobody, change, passwords("no password"), "not_found"),
        (&nobody, orders, of(&nobody.id), "ok"),
    ] {
        let told = who.door.call(rpc, message).await;
        assert_eq!(told.code(), code, "{rpc}: {:?}", told.bytes);
    }
    let refused = as_bob.door.call(
        "order.v1.OrderService/CreateOrder",
        alice.order("MUG-STR-01", 1, "tok_ok"),
    );
    assert_eq!(refused.await.code(), "permission_denied");
    // None of Alice's sessions is the token's, and it refreshes nothing.
    let listed = as_alice.door.call(sessions, json!({})).await.json();
    let all = listed["sessions"].as_array().expect("her own").clone();
    assert!(
        !all.is_empty() && all.iter().all(|one| one["current"] != true),
        "{listed}"
    );
    let refresh = json!({"refreshToken": as_alice.door.token});
    let told = shop.door.call("user.v1.AuthService/Refresh", refresh).await;
    assert!(
        ["unauthenticated", "invalid_argument"].contains(&&*told.code()),
        "{:?}",
        told.bytes
    );
    let told = nobody.place("MUG-STR-01", 1, "tok_ok").await;
    assert!(
        !["ok", "internal", "unknown"].contains(&&*told.code()),
        "{:?}",
        told.bytes
    );
    let set = as_admin.door.call(
        "user.v1.UserAdminService/SetPassword",
        json!({"id": alice.id, "password": "another long sentence"}),
    );
    assert_eq!(set.await.code(), "permission_denied");
}

/// A service in a process of its own looks at such a token for itself, on every protocol.
///
/// row: G4
#[tokio::test]
async fn services_in_processes_of_their_own_take_a_foreign_token_too() {
    let site = Site::open().await;
    let key = SigningKey::generate("f1").expect("a key");
    site.publishes(&[&key]);
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("stoa.toml");
    std::fs::write(&file, list(&site)).expect("it is written");
    let fleet = Fleet::start_with(&[("STOA_CONFIG", &file.display().to_string())]).await;
    let alice = fleet.gateway.sign_up("alice@example.test").await;
    let placed = alice.place("MUG-STR-01", 1, "tok_ok").await;
    let order = json!({"orderId": placed.json()["order"]["id"]});
    for door in [&fleet.gateway, &fleet.door("order")] {
        let as_alice = foreign(door, &key, NAME, &alice.id);
        let stranger = SigningKey::generate("f1").expect("a key");
        let as_nobody = foreign(door, &stranger, NAME, &alice.id);
        for rpc in ["GetOrder", "WatchOrderStatus"] {
            let rpc = wires::rpc(&format!("order.v1.OrderService/{rpc}"));
            for wire in WIRES {
                let told = wire.call(&as_alice.door, &rpc, &order, &[]).await;
                assert_eq!(told.code, "ok", "{}, {wire:?}: {told:?}", door.origin);
                let told = wire.call(&as_nobody.door, &rpc, &order, &[]).await;
                assert_eq!(told.code, "unauthenticated", "{}, {wire:?}", door.origin);
            }
        }
    }
}

/// row: G4
#[tokio::test]
async fn an_issuer_rotates_its_keys_and_one_that_is_away_hurts_nobody_else() {
    let site = Site::open().await;
    let keys = ["f1", "f2"].map(|kid| SigningKey::generate(kid).expect("a key"));
    site.publishes(&[&keys[0]]);
    let (shop, _folder) = shop(&site).await;
    let alice = shop.door.sign_up("alice@example.test").await;
    let get = "user.v1.UserService/GetUser";
    let own = json!({"id": alice.id});
    let away = foreign(&shop.door, &keys[0], AWAY, &alice.id);
    let told = away.door.call(get, own.clone()).await;
    assert_eq!(
        (told.code().as_str(), &told.json()["message"]),
        ("unavailable", &json!(CHECKED_LATER))
    );
    let by_first = foreign(&shop.door, &keys[0], NAME, &alice.id);
    for who in [&alice, &by_first] {
        assert_eq!(who.door.call(get, own.clone()).await.code(), "ok");
    }
    site.publishes(&[&keys[1]]);
    let asked = site.asked.load(Ordering::SeqCst);
    let (begun, by_second) = (
        Instant::now(),
        foreign(&shop.door, &keys[1], NAME, &alice.id),
    );
    while by_second.door.call(get, own.clone()).await.code() != "ok" {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never is");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        site.asked.load(Ordering::SeqCst),
        asked + 1,
        "for as many calls"
    );
    assert_eq!(
        by_first.door.call(get, own.clone()).await.code(),
        "unauthenticated"
    );
    assert_eq!(alice.door.call(get, own).await.code(), "ok");
}

/// row: G4, X20
#[tokio::test]
async fn production_refuses_an_issuer_by_http() {
    let variables = [
        ("STOA_PROFILE", "production"),
        ("STOA_PAGE_KEY_FILE", "page.key"),
        ("STOA_IDENTITY__ISSUERS__0__ISSUER", NAME),
        (
            "STOA_IDENTITY__ISSUERS__0__JWKS",
            "http://id.example.com/certs",
        ),
        ("STOA_IDENTITY__ISSUERS__0__AUDIENCE", "stoa-shop"),
    ];
    let (code, printed) = stoa(&["up", "--port", "0", "--admin-port", "0"], &variables).await;
    assert_eq!(code, 78, "{printed}");
    assert!(printed.contains("identity.issuers.0.jwks"), "{printed}");
}
