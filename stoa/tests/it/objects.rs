//! Whose object it is: everybody else's is as good as none.
//!
//! The table is held against the contract: an rpc that takes somebody's id and is missing here
//! turns the test red.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use prost_reflect::{DescriptorPool, Kind, MethodDescriptor, Value as Reflected};
use serde_json::{Map, Value, json};

use crate::crash::system::databases;
use crate::leaks;
use crate::shop::{Answer, Customer, Shop};

/// Fields that name an object that belongs to somebody.
const OWNED: [&str; 4] = ["id", "order_id", "user_id", "customer_id"];

/// An rpc, the field that names an object, and what else it needs.
type Case = (&'static str, &'static str, Value);

/// The rpcs of signed-in people that name such an object, and what else they need.
fn table() -> Vec<Case> {
    vec![
        ("user.v1.UserService/GetUser", "id", json!({})),
        (
            "user.v1.UserService/UpdateUser",
            "id",
            json!({"name": "Mallory"}),
        ),
        ("user.v1.UserService/DeleteUser", "id", json!({})),
        ("user.v1.UserService/WatchUserUpdates", "userId", json!({})),
        ("user.v1.UserService/GetProfile", "customerId", json!({})),
        ("user.v1.AuthService/EndSession", "id", json!({})),
        ("order.v1.OrderService/GetOrder", "orderId", json!({})),
        ("order.v1.OrderService/ListOrders", "userId", json!({})),
        (
            "order.v1.OrderService/CancelOrder",
            "orderId",
            json!({"reason": "mine now"}),
        ),
        (
            "order.v1.OrderService/GetOrderDetails",
            "orderId",
            json!({}),
        ),
        (
            "order.v1.OrderService/WatchOrderStatus",
            "orderId",
            json!({}),
        ),
        (
            "order.v1.OrderService/WatchOrderUpdates",
            "userId",
            json!({}),
        ),
        (
            "order.v1.OrderService/GetOrderTimeline",
            "orderId",
            json!({}),
        ),
        ("payment.v1.PaymentService/GetPayment", "orderId", json!({})),
        (
            "recommendation.v1.RecommendationService/GetRecommendations",
            "userId",
            json!({}),
        ),
        ("bff.web.v1.WebService/GetOrderPage", "orderId", json!({})),
    ]
}

/// Those of them that change what they name.
const CHANGES: [&str; 4] = [
    "user.v1.UserService/UpdateUser",
    "user.v1.UserService/DeleteUser",
    "user.v1.AuthService/EndSession",
    "order.v1.OrderService/CancelOrder",
];

/// How long a watch that nothing ends is listened to.
const WATCHED: Duration = Duration::from_secs(1);

/// A command in another's name: refused from the token alone.
const IN_THE_NAME_OF: [&str; 1] = ["order.v1.OrderService/CreateOrder"];

/// row: S-05, D7, X23
#[tokio::test]
async fn another_s_object_is_answered_as_none() {
    let mut shop = Shop::up().await;
    let alice = shop.door.sign_up("alice@example.test").await;
    let mut mallory = shop.door.sign_up("mallory@example.test").await;
    if proof::sabotaged("S-05") {
        mallory.door.token.clone_from(&alice.door.token);
    }
    let gone = shop.door.sign_up("gone@example.test").await;
    let placed = gone.place("MUG-STR-01", 1, "tok_ok").await;
    let gone_order = placed.json()["order"]["id"].clone();
    let gone_session = first_session(&gone).await;
    let deleted = gone
        .door
        .call("user.v1.UserService/DeleteUser", json!({"id": gone.id}))
        .await;
    assert_eq!(deleted.code(), "ok", "{:?}", deleted.bytes);
    let placed = alice.place("MUG-STR-01", 1, "tok_ok").await;
    let order = placed.json()["order"]["id"].clone();
    let random = clock::Clock::system().id().to_string();
    let session = first_session(&alice).await;
    let before = belongings(&alice, &order).await;
    for (rpc, field, more) in table() {
        // Hers, and of somebody who was deleted.
        let theirs = match field {
            _ if rpc.ends_with("/EndSession") => [session.as_str(), gone_session.as_str()],
            "orderId" => [order.as_str(), gone_order.as_str()],
            _ => [Some(&*alice.id), Some(&*gone.id)],
        };
        let nobodys = ask(&mallory, rpc, field, &random, &more).await;
        assert_eq!(code(&nobodys), "not_found", "{rpc}: {:?}", nobodys.bytes);
        leaks::search("an error", &String::from_utf8_lossy(&nobodys.bytes), &[]);
        for id in theirs {
            let id = id.expect("each has one");
            let told = ask(&mallory, rpc, field, id, &more).await;
            let same = (told.status, &told.bytes) == (nobodys.status, &nobodys.bytes);
            let said = format_args!("{rpc} tells {id} from a random id: {told:?}, {nobodys:?}");
            proof::must("S-05", same, said);
        }
    }
    let mut message = mallory.order("MUG-STR-01", 1, "tok_ok");
    for id in [&alice.id, &gone.id, &random] {
        message["customerId"] = json!(id);
        let refused = mallory.door.call(IN_THE_NAME_OF[0], message.clone()).await;
        assert_eq!(refused.code(), "permission_denied", "{:?}", refused.bytes);
    }
    assert_eq!(belongings(&alice, &order).await, before, "nothing changed");
    has_what_is_hers(&alice, &order).await;
    let (code, printed) = shop.stoa(&["audit", "--settle", "10"]).await;
    assert_eq!(code, 0, "{printed}");
    proof::held("S-05", table().len() * 3 + 3, 0);
    leaks::search_shop(&mut shop, &[]).await;
}

async fn first_session(of: &Customer) -> Value {
    let listed = of.door.call("user.v1.AuthService/ListSessions", json!({}));
    listed.await.json()["sessions"][0]["id"].clone()
}

/// Whose object it is is not told that there is none, of whatever it can be asked: else the table would prove nothing.
async fn has_what_is_hers(alice: &Customer, order: &Value) {
    let mut alice = Customer {
        id: alice.id.clone(),
        door: alice.door.clone(),
    };
    alice.door.within = Some(WATCHED); // a watch of one's own has no other end
    for (rpc, field, more) in table() {
        let id = match field {
            "orderId" => order.as_str().expect("an id"),
            _ => &alice.id,
        };
        if !CHANGES.contains(&rpc) {
            let told = ask(&alice, rpc, field, id, &more).await;
            let code = code(&told);
            assert!(
                matches!(&*code, "ok" | "deadline_exceeded"),
                "{rpc}: {told:?}"
            );
        }
    }
}

/// All that Alice can read of hers; as their owner, she can.
async fn belongings(alice: &Customer, order: &Value) -> Vec<bytes::Bytes> {
    let mut all = Vec::new();
    for (rpc, message) in [
        ("user.v1.UserService/GetUser", json!({"id": alice.id})),
        ("user.v1.AuthService/ListSessions", json!({})),
        ("order.v1.OrderService/GetOrder", json!({"orderId": order})),
        (
            "order.v1.OrderService/ListOrders",
            json!({"userId": alice.id}),
        ),
        (
            "payment.v1.PaymentService/GetPayment",
            json!({"orderId": order}),
        ),
    ] {
        let answer = alice.door.call(rpc, message).await;
        assert_eq!(answer.code(), "ok", "{rpc}: {:?}", answer.bytes);
        all.push(answer.bytes);
    }
    all
}

/// How often each is asked, in turn.
const ROUNDS: usize = 10;

/// What one id was worth to the database, and to whoever holds a watch to it.
#[derive(Default)]
struct Cost {
    /// What names each call in the log.
    calls: Vec<String>,
    times: Vec<Duration>,
}

impl Cost {
    async fn add(&mut self, caller: &Customer, (rpc, field, more): &Case, id: &str) {
        let began = Instant::now();
        let told = ask(caller, rpc, field, id, more).await;
        self.times.push(began.elapsed());
        assert_eq!(code(&told), "not_found", "{rpc}: {:?}", told.bytes);
        let named = told.headers["x-correlation-id"].to_str();
        self.calls.push(named.expect("text").to_owned());
    }

    /// The statements of the call that had the fewest: one that opened a connection, or lost a race, has more.
    fn statements(&self, log: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let calls = self.calls.iter();
        let of_each = calls.map(|call| log.get(call).cloned().unwrap_or_default());
        let mut fewest = of_each.min_by_key(Vec::len).expect("it was asked");
        fewest.sort_unstable(); // a page asks its services side by side
        fewest
    }
}

/// Whose call each statement was, in the words of the log. Only PostgreSQL's driver logs them where the call is known.
fn statements_by_call(log: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        let text = |name: &str| line[name].as_str().unwrap_or_default().trim().to_owned();
        if text("target") == "sqlx::query" && !text("correlation_id").is_empty() {
            let statement = match text("db.statement") {
                short if short.is_empty() => text("summary"),
                whole => whole,
            };
            all.entry(text("correlation_id"))
                .or_default()
                .push(statement);
        }
    }
    all
}

/// What is asked of the database must not depend on whether there is such a thing, or it is told by how long it takes.
///
/// row: S-05
#[tokio::test]
async fn another_s_object_costs_the_same_statements_as_none() {
    let server = testkit::postgres::durable().await;
    let mut variables = databases(&server).await;
    let debug = ("STOA_LOG".to_owned(), "info,sqlx::query=debug".to_owned());
    let json = ("STOA_LOG_FORMAT".to_owned(), "json".to_owned());
    variables.extend([debug, json]);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut shop = Shop::up_with(&variables).await;
    let alice = shop.door.sign_up("alice@example.test").await;
    let mallory = shop.door.sign_up("mallory@example.test").await;
    let placed = alice.place("MUG-STR-01", 1, "tok_ok").await;
    let order = placed.json()["order"]["id"].clone();
    let listed = alice
        .door
        .call("user.v1.AuthService/ListSessions", json!({}));
    let session = listed.await.json()["sessions"][0]["id"].clone();
    let random = clock::Clock::system().id().to_string();
    let mut costs = Vec::new();
    for case in table() {
        let theirs = match case.1 {
            _ if case.0.ends_with("/EndSession") => session.as_str().expect("an id"),
            "orderId" => order.as_str().expect("an id"),
            _ => &alice.id,
        };
        let (mut another_s, mut none) = (Cost::default(), Cost::default());
        for round in 0..ROUNDS {
            let mut both = [(&mut another_s, theirs), (&mut none, random.as_str())];
            both.rotate_left(round % 2); // the second finds more at hand
            for (cost, id) in both {
                cost.add(&mallory, &case, id).await;
            }
        }
        costs.push((case.0, another_s, none));
    }
    let log = statements_by_call(&shop.log().await);
    let (mut of_another_s, mut of_none, mut silent) = (Vec::new(), Vec::new(), 0);
    for (rpc, another_s, none) in costs {
        let (one, other) = (another_s.statements(&log), none.statements(&log));
        silent += usize::from(other.is_empty());
        let said = format_args!("{rpc} tells one by its statements: {one:#?}, {other:#?}");
        proof::must("S-05", one == other, said);
        of_another_s.extend(another_s.times);
        of_none.extend(none.times);
    }
    // Whose list is wanted is compared with the token; of all else the log says what was asked.
    assert!(silent < table().len() / 2, "{silent} asked nothing");
    let trials = of_none.len();
    let [another_s, none] = [of_another_s, of_none].map(median);
    proof::held(
        "S-05",
        trials,
        format!("0, median {another_s:.1?} for another's, {none:.1?} for none"),
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn ask(caller: &Customer, rpc: &str, field: &str, id: &str, more: &Value) -> Answer {
    let mut message: Map<String, Value> = more.as_object().cloned().unwrap_or_default();
    message.insert(field.to_owned(), json!(id));
    let message = Value::Object(message);
    if rpc.contains("/Watch") {
        return caller.door.stream(rpc, &message).await;
    }
    caller.door.call(rpc, message).await
}

/// The code of a unary answer, or of a stream's last frame.
fn code(answer: &Answer) -> String {
    if answer.code() != "ok" {
        return answer.code();
    }
    let frame = answer.bytes.get(5..).unwrap_or_default();
    let end: Value = serde_json::from_slice(frame).unwrap_or(Value::Null);
    end["error"]["code"].as_str().unwrap_or("ok").to_owned()
}

/// row: S-05
#[test]
fn the_table_knows_every_rpc_that_names_an_owner() {
    let unmounted = include_str!("../../../proto/unmounted.txt");
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("it is a descriptor set");
    let known: BTreeSet<String> = table()
        .into_iter()
        .map(|(rpc, ..)| rpc.to_owned())
        .chain(IN_THE_NAME_OF.map(str::to_owned))
        .collect();
    let mut found = BTreeSet::new();
    for service in pool.services() {
        let listed = |name: &str| unmounted.lines().any(|line| line.trim() == name);
        if !service.full_name().starts_with("stoa.") || listed(service.full_name()) {
            continue;
        }
        for method in service.methods() {
            let object = OWNED.iter().any(|name| {
                let field = method.input().get_field_by_name(name);
                field.is_some_and(|field| matches!(field.kind(), Kind::String))
            });
            if object && is_for_users(&pool, &method) && !listed(method.full_name()) {
                let service = service.full_name().trim_start_matches("stoa.");
                found.insert(format!("{service}/{}", method.name()));
            }
        }
    }
    assert_eq!(found, known);
}

/// `LEVEL_USER` of the contract.
const LEVEL_USER: i32 = 2;

/// Whether any signed-in person may call it.
fn is_for_users(pool: &DescriptorPool, method: &MethodDescriptor) -> bool {
    let access = pool.get_extension_by_name("stoa.options.v1.access");
    let access = access.expect("the option is in the contract");
    let options = method.options();
    let value = options.get_extension(&access);
    let level = match value.as_ref() {
        Reflected::Message(access) => access
            .get_field_by_name("level")
            .and_then(|level| level.as_enum_number()),
        _ => None,
    };
    level == Some(LEVEL_USER)
}
