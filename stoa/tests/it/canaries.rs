//! Whatever the contract calls sensitive is sent to every rpc that takes it, over every protocol, and searched for
//! wherever Stoa writes.

use std::path::Path;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::shop::{Door, Shop};
use crate::wires::{WIRES, rpcs};

/// What no other value holds.
const CANARY: &str = "canary7c19e4";
/// What even a database holds as a hash alone.
const NEVER_STORED: &str = "canary7c19e4-secret";

/// row: X10
#[tokio::test]
async fn what_the_contract_calls_sensitive_is_in_no_sink() {
    let mut shop = Shop::up_with(&[("STOA_LOG", "debug".to_owned())]).await;
    let admin = shop.door.sign_in("admin@stoa.test", "stoa-demo").await;
    let stranger = shop.door.clone();
    let mut sent = 0;
    for rpc in rpcs().iter().filter(|rpc| !rpc.is_client_streaming()) {
        let message = filled(&rpc.input());
        if !message.to_string().contains(CANARY) {
            continue;
        }
        for wire in WIRES {
            for door in [&admin.door, &stranger] {
                let reply = wire.call(door, rpc, &message, &[]).await;
                let details = String::from_utf8_lossy(&reply.details);
                let mut texts = vec![reply.said.clone(), details.into_owned()];
                // A device keeps in a cookie what it has shown, as far as it could be a mark.
                if reply.code != "ok" {
                    texts.push(format!("{:?}", reply.headers));
                }
                for text in texts {
                    assert!(
                        !text.contains(CANARY),
                        "{} {wire:?}: {text}",
                        rpc.full_name()
                    );
                }
                sent += 1;
            }
        }
    }
    assert!(sent >= 80, "{sent}: eight rpcs or more take such fields");
    let metrics = Door::new(shop.admin.clone()).get("/metrics").await;
    assert!(!String::from_utf8_lossy(&metrics.bytes).contains(CANARY));
    let log = shop.log().await;
    assert!(log.contains("AuthService/SignIn"), "calls are logged");
    let line = log.lines().find(|line| line.contains(CANARY));
    assert_eq!(line, None, "it is in the log");
    search(&shop.data);
}

/// Searches all files for what is kept as a hash alone.
fn search(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path);
            continue;
        }
        let bytes = std::fs::read(&path).expect("it can be read");
        let found = memchr::memmem::find(&bytes, NEVER_STORED.as_bytes());
        assert_eq!(found, None, "{}", path.display());
    }
}

/// A message whose fields all have values, and those that are sensitive a canary.
fn filled(message: &MessageDescriptor) -> Value {
    let mut fields = Map::new();
    let mut chosen = Vec::new();
    for field in message.fields().filter(|field| !field.is_map()) {
        if let Some(oneof) = field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic())
        {
            if chosen.contains(&oneof.full_name().to_owned()) {
                continue;
            }
            chosen.push(oneof.full_name().to_owned());
        }
        if let Some(value) = value(&field) {
            let value = if field.is_list() {
                json!([value])
            } else {
                value
            };
            fields.insert(field.json_name().to_owned(), value);
        }
    }
    Value::Object(fields)
}

fn value(field: &FieldDescriptor) -> Option<Value> {
    Some(match field.kind() {
        Kind::String if is_sensitive(field) => match field.name() {
            "email" => json!(format!("{CANARY}@example.test")),
            _ => json!(NEVER_STORED),
        },
        Kind::String if field.name().ends_with("id") => {
            json!("01935f3c-7a2b-7c3d-8e4f-1234567890ab")
        }
        Kind::String => json!("x"),
        Kind::Bool => json!(true),
        Kind::Message(message) if message.full_name().starts_with("google.") => return None,
        Kind::Message(message) => filled(&message),
        Kind::Bytes | Kind::Enum(_) | Kind::Float | Kind::Double => return None,
        _ => json!(1),
    })
}

fn is_sensitive(field: &FieldDescriptor) -> bool {
    let pool = field.parent_pool();
    let extension = pool.get_extension_by_name("stoa.options.v1.sensitive");
    let extension = extension.expect("it is in the contract");
    field
        .options()
        .get_extension(&extension)
        .as_bool()
        .unwrap_or_default()
}
