//! In how few places a new service or rpc is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use prost_reflect::DescriptorPool;

use super::{folders, root, sources};

/// Where a service stands in a list, and how often. Beside its folder, its contract and its
/// changes, whoever adds one writes these lines and no other; those about facts only for one that
/// tells some.
const LISTS: [(&str, usize); 6] = [
    ("migrations/src/lib.rs", 2),
    ("stoa/Cargo.toml", 1),
    (OF_FACTS[0], 1), // what its facts tell of
    ("stoa/src/services.rs", 1),
    (OF_FACTS[1], 2), // such a thing, made and changed, whose facts are lost
    ("stoa/tests/it/shutdown.rs", 1), // a call of it that is made while it stops
];
const OF_FACTS: [&str; 2] = ["stoa/src/audit/rows/things.rs", "stoa/tests/it/facts.rs"];
/// Services that hear and tell nothing.
const TELLS_NOTHING: [&str; 1] = ["recommendation"];
/// Files that name all services and are no list of them: a page asks whom it needs, and says what
/// is missing.
const NO_LISTS: [&str; 3] = [
    "gateway/src/upstreams.rs",
    "stoa/tests/it/pages.rs",
    "web-client/src/components/Notice.tsx",
];

/// A file that names every service is a list that somebody must keep.
#[test]
fn a_service_is_listed_in_so_few_places() {
    let services = folders("services");
    let known: BTreeSet<String> = migrations::services().map(str::to_owned).collect();
    assert_eq!(services, known, "each has a folder and a schema");
    let mut seen = BTreeMap::new();
    for (file, text) in tracked() {
        let own = file.starts_with("services/") || file.starts_with("proto/");
        if own || NO_LISTS.contains(&file.as_str()) {
            continue;
        }
        let lines = text.lines().map(str::to_lowercase);
        let lines: Vec<BTreeSet<String>> = lines
            .map(|line| words(&line).map(str::to_owned).collect())
            .collect();
        let of_facts = OF_FACTS.contains(&file.as_str());
        let counts: Vec<usize> = services
            .iter()
            .filter(|service| !of_facts || !TELLS_NOTHING.contains(&service.as_str()))
            .map(|service| {
                lines
                    .iter()
                    .filter(|line| line.contains(service.as_str()))
                    .count()
            })
            .collect();
        if counts.iter().all(|count| *count > 0) {
            seen.insert(file, counts.into_iter().min().unwrap_or_default());
        }
    }
    let expected = LISTS.map(|(file, lines)| (file.to_owned(), lines)).into();
    assert_eq!(seen, expected);
    for service in TELLS_NOTHING {
        let files = sources(&root().join("services").join(service), "src");
        let tells = files.iter().any(|file| {
            let text = std::fs::read_to_string(file).expect("sources are text");
            text.contains(".tell(")
        });
        assert!(
            !tells,
            "{service} tells facts: the auditor must know of them"
        );
    }
}

/// Where all rpcs of a service are named, outside of its own folder: tables that ask for a case of
/// each, and a program that carries a whole contract out.
const RPC_LISTS: [&str; 3] = [
    "bench/src/serve/handler.rs",
    "stoa/tests/it/hashes.rs",
    "stoa/tests/it/objects.rs",
];

/// An rpc is its contract, a handler, an application function and a test. A file that names every
/// rpc of a service is a list that somebody must keep.
#[test]
fn an_rpc_is_listed_in_so_few_places() {
    let contract = DescriptorPool::decode(proto::DESCRIPTORS).expect("the contract loads");
    let mut seen = BTreeSet::new();
    for (file, text) in tracked() {
        if file.starts_with("services/") || file.starts_with("proto/") {
            continue;
        }
        let words: BTreeSet<String> = words(&text).map(flat).collect();
        for service in contract.services() {
            let mut names = service.methods().map(|rpc| flat(rpc.name()));
            let ours = service.package_name().strip_prefix("stoa.");
            let context = ours.and_then(|rest| rest.split('.').next());
            let few = service.methods().len() < 3;
            if context.is_some_and(|context| context != "bff")
                && !few
                && names.all(|name| words.contains(&name))
            {
                seen.insert(file.clone());
            }
        }
    }
    assert_eq!(seen, RPC_LISTS.map(str::to_owned).into());
}

/// Who is told that a call under a key is one call, however often he makes it, must find it so: the contract marks the
/// rpcs that carry a command, and no other.
#[test]
fn an_rpc_that_keeps_a_key_says_so_and_no_other() {
    let contract = contract::Contract::new(proto::DESCRIPTORS).expect("the contract loads");
    let mut keyed = 0;
    for method in contract.methods() {
        let file = format!(
            "services/{}/src/rpc/{}.rs",
            method.context,
            snake(&method.name)
        );
        let Ok(handler) = std::fs::read_to_string(root().join(file)) else {
            continue; // not built yet, or a page
        };
        assert_eq!(
            method.keyed,
            handler.contains("Command::of("),
            "{}",
            method.path
        );
        keyed += usize::from(method.keyed);
    }
    assert!(keyed > 0);
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `GetOrder`, `get_order` and `getOrder` alike.
fn flat(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}

/// Every file of code that is kept, and its text.
fn tracked() -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args([
            "*.rs", "*.toml", "*.ts", "*.tsx", "*.js", "*.mjs", "*.py", "*.sql", "*.yaml", "*.yml",
            "*.sh",
        ])
        .args(["justfile", ".ci", ":!*/gen/*"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let names = String::from_utf8(output.stdout).expect("names are text");
    let read = |name: &str| {
        Some((
            name.to_owned(),
            std::fs::read_to_string(root().join(name)).ok()?,
        ))
    };
    let files: Vec<_> = names.lines().filter_map(read).collect();
    assert!(files.len() > 300, "only {} files", files.len());
    files
}
