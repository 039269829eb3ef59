//! The contract is what section 12 of docs/capabilities.md says, rpc by rpc:
//! level, HTTP binding, callers, fields in their order.

use std::collections::BTreeMap;
use std::fs;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor, MethodDescriptor};

use super::{home, option, pool, rpcs, text, texts};

/// A row of the table, as it is written.
struct Row {
    streams: bool,
    level: String,
    rest: String,
    who: String,
    shape: String,
}

/// The rows by the rpc's full name.
fn table() -> BTreeMap<String, Row> {
    let page = fs::read_to_string(home().join("../docs/capabilities.md")).unwrap();
    let section = page.split("## 12. ").nth(1).unwrap();
    let section = section.split("| types.proto of |").next().unwrap();
    let mut rows = BTreeMap::new();
    let mut service = String::new();
    for line in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if let Some(name) = cells[0].strip_prefix("**") {
            service = name.split("**").next().unwrap().to_owned();
            continue;
        }
        let mut names = cells[0];
        if let Some((name, rest)) = names.split_once(": ") {
            service = name.to_owned();
            names = rest;
        }
        let streams = names.contains("stream") || names.contains("bidi");
        let names = names
            .split(", ")
            .filter(|name| name.starts_with(char::is_uppercase));
        for (index, name) in names.enumerate() {
            let row = Row {
                streams,
                level: cells[1].split(' ').next().unwrap().to_owned(),
                rest: rest(cells[2], index),
                who: cells[3].to_owned(),
                shape: cells[4].to_owned(),
            };
            rows.insert(format!("{service}.{name}"), row);
        }
    }
    rows
}

/// `POST /v1/users/{id}:block, :unblock` is two bindings for two rpcs; `GET
/// /mobile/home, /home` two for one.
fn rest(cell: &str, index: usize) -> String {
    match cell.split_once(", :") {
        Some((first, _)) if index == 0 => first.to_owned(),
        Some((first, second)) => format!("{}:{second}", first.rsplit_once(':').unwrap().0),
        None => cell.to_owned(),
    }
}

/// row: P10, P16
#[test]
fn the_table_and_the_contract_name_the_same_rpcs() {
    let named: Vec<String> = table().into_keys().collect();
    let pool = pool();
    let mut built: Vec<String> = rpcs(&pool)
        .iter()
        .map(|rpc| rpc.full_name().to_owned())
        .collect();
    built.sort();
    assert_eq!(named, built);
}

/// row: P3, P16
#[test]
fn levels_bindings_and_callers_are_those_of_the_table() {
    let (pool, table) = (pool(), table());
    for rpc in rpcs(&pool) {
        let (name, row) = (rpc.full_name(), &table[rpc.full_name()]);
        assert_eq!(level(&rpc), row.level, "{name}");
        assert_eq!(rpc.is_server_streaming(), row.streams, "{name}");
        assert_eq!(binding(&pool, &rpc), unless_websocket(&row.rest), "{name}");
        assert_eq!(callers(&pool, &rpc), expected_callers(&row.who), "{name}");
    }
}

/// row: P10, P12
#[test]
fn fields_are_those_of_the_table_in_its_order() {
    let (pool, table) = (pool(), table());
    for rpc in rpcs(&pool) {
        // The frames of the chat are written as oneofs, which this cannot read.
        if rpc.name() == "ChatSession" {
            continue;
        }
        let name = rpc.full_name();
        let (request, response) = table[name].shape.split_once(" → ").unwrap();
        let named = request
            .split_once(": ")
            .filter(|(name, _)| name.ends_with("Request"));
        let (message, request) = named.map_or((None, request), |(name, rest)| (Some(name), rest));
        let own = format!("{}Request", rpc.name());
        assert_eq!(rpc.input().name(), message.unwrap_or(&own), "{name}");
        assert_eq!(names(&rpc.input()), fields(request), "{name}");

        let response = response
            .trim_start_matches("stream")
            .trim_start_matches(':')
            .trim();
        if response.starts_with(char::is_uppercase) || response.starts_with("google.") {
            let resource = response.split([',', ' ']).next().unwrap();
            assert!(rpc.output().full_name().ends_with(resource), "{name}");
        } else if response == "the same fields" {
            let other = pool.get_message_by_name("stoa.order.v1.WatchOrderStatusResponse");
            assert_eq!(names(&rpc.output()), names(&other.unwrap()), "{name}");
        } else {
            assert_eq!(rpc.output().name(), format!("{}Response", rpc.name()));
            assert_eq!(names(&rpc.output()), fields(response), "{name}");
        }
    }
}

/// What is said to be unmounted is in the contract; that it is truly unmounted,
/// and nothing else is, the tests of the whole program see.
///
/// row: P10
#[test]
fn unmounted_names_are_those_of_rpcs_or_services() {
    let pool = pool();
    let list = fs::read_to_string(home().join("unmounted.txt")).unwrap();
    for name in list.lines().filter(|line| !line.starts_with('#')) {
        let is_rpc = rpcs(&pool).iter().any(|rpc| rpc.full_name() == name);
        assert!(is_rpc || pool.get_service_by_name(name).is_some(), "{name}");
    }
}

/// row: P10, P12, P15
#[test]
fn shared_messages_and_enums_are_those_of_the_table() {
    let pool = pool();
    let page = fs::read_to_string(home().join("../docs/capabilities.md")).unwrap();
    let section = page.split("| types.proto of |").nth(1).unwrap();
    let section = section.split("\n\n").next().unwrap();
    let mut seen = 0;
    for line in section.lines().filter(|line| line.contains("**")) {
        let (context, types) = line.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        for entry in types.split(" · ") {
            let (name, members) = entry.trim_start_matches('*').split_once("** ").unwrap();
            let name = format!("stoa.{context}.v1.{name}");
            seen += 1;
            if let Some(kind) = pool.get_enum_by_name(&name) {
                let members = members.split(';').next().unwrap();
                assert_eq!(bare_values(&kind), fields(members), "{name}");
            } else {
                let message = pool
                    .get_message_by_name(&name)
                    .unwrap_or_else(|| panic!("no {name}"));
                let members = match members.strip_prefix("= the fields of ") {
                    Some(rpc) => names(
                        &pool
                            .get_message_by_name(&format!("stoa.{context}.v1.{rpc}Request"))
                            .unwrap(),
                    ),
                    None => fields(members),
                };
                assert_eq!(names(&message), members, "{name}");
            }
        }
    }
    assert!(seen > 20, "only {seen} types were looked at");
}

/// The values of an enum after its zero, without their prefix.
fn bare_values(kind: &EnumDescriptor) -> Vec<String> {
    let prefix = kind.get_value(0).unwrap();
    let prefix = prefix.name().trim_end_matches("UNSPECIFIED").to_owned();
    let values = kind.values().skip(1);
    values
        .map(|value| value.name().strip_prefix(&prefix).unwrap().to_owned())
        .collect()
}

fn level(rpc: &MethodDescriptor) -> &'static str {
    let options = rpc.method_descriptor_proto().options.clone();
    match options.unwrap_or_default().idempotency_level() {
        IdempotencyLevel::NoSideEffects => "NSE",
        IdempotencyLevel::Idempotent => "IDEM",
        IdempotencyLevel::IdempotencyUnknown => "–",
    }
}

/// `POST /v1/orders`, or a dash.
fn binding(pool: &DescriptorPool, rpc: &MethodDescriptor) -> String {
    let Some(rule) = option(pool, &rpc.options(), "google.api.http") else {
        return "–".to_owned();
    };
    let verbs = ["get", "put", "post", "delete", "patch"];
    let verb = verbs
        .into_iter()
        .find(|verb| !text(&rule, verb).is_empty())
        .unwrap();
    let mut bound = format!("{} {}", verb.to_uppercase(), text(&rule, verb));
    let more = rule.get_field_by_name("additional_bindings").unwrap();
    for rule in more.as_list().unwrap() {
        bound = format!("{bound}, {}", text(rule.as_message().unwrap(), verb));
    }
    bound
}

fn unless_websocket(rest: &str) -> String {
    if rest.starts_with('`') {
        "–".to_owned()
    } else {
        rest.to_owned()
    }
}

/// Level, roles and services.
type Callers = (i32, Vec<String>, Vec<String>);

fn callers(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Callers {
    let access = option(pool, &rpc.options(), "stoa.options.v1.access").unwrap();
    let level = access
        .get_field_by_name("level")
        .unwrap()
        .as_enum_number()
        .unwrap();
    (level, texts(&access, "roles"), texts(&access, "services"))
}

fn expected_callers(who: &str) -> Callers {
    let who = who.split(" (").next().unwrap();
    let (people, services) = match who.split_once("svc ") {
        Some((people, services)) => (people, services.split(' ').map(String::from).collect()),
        None => (who, Vec::new()),
    };
    let mut roles: Vec<String> = people.split(", ").map(String::from).collect();
    roles.retain(|role| !role.is_empty());
    let before = roles.len();
    roles.retain(|role| !matches!(role.as_str(), "public" | "own" | "user"));
    let level = match (
        people.contains("public"),
        before > roles.len(),
        roles.is_empty(),
    ) {
        (true, ..) => 1,
        (_, true, _) => 2,
        (_, _, false) => 3,
        (_, _, true) => 4,
    };
    (level, roles, services)
}

fn names(message: &MessageDescriptor) -> Vec<String> {
    let fields = &message.descriptor_proto().field;
    fields.iter().map(|field| field.name().to_owned()).collect()
}

/// The names in `items OrderItem[] (sku, quantity), currency_code`.
fn fields(written: &str) -> Vec<String> {
    let mut bare = String::new();
    let mut depth = 0;
    for character in written.split(". ").next().unwrap().chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => bare.push(character),
            _ => {}
        }
    }
    let names = bare.split(", ").map(|field| {
        let field = field.trim().trim_start_matches("optional ");
        field.split([' ', '[']).next().unwrap().to_owned()
    });
    names
        .filter(|name| name != "–" && !name.is_empty())
        .collect()
}
