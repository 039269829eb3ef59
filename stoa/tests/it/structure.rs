//! What the workspace must never contain, read from its own metadata and
//! sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use prost_reflect::DescriptorPool;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Direct dependencies of every member, of every kind.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            let direct = package["dependencies"].as_array().expect("dependencies");
            (name(package), direct.iter().map(name).collect())
        })
        .collect()
}

/// row: E14
#[test]
fn no_service_depends_on_another() {
    let all = dependencies();
    for service in migrations::services() {
        let foreign: Vec<_> = migrations::services()
            .filter(|other| all[service].contains(*other))
            .collect();
        assert!(foreign.is_empty(), "{service} depends on {foreign:?}");
        assert!(!all[service].contains("gateway") && !all[service].contains("stoa"));
    }
}

/// Readiness and housekeeping come with the database; a service that began without would have
/// neither, and nobody would miss them before a disk is full.
#[test]
fn a_service_begins_with_its_database() {
    for service in migrations::services() {
        let files = sources(&root().join("services").join(service), "src");
        let read = |file: &PathBuf| std::fs::read_to_string(file).expect("sources are text");
        let all: String = files.iter().map(read).collect();
        assert!(all.contains("slice::begin(NAME, "), "{service}");
        assert!(
            !all.contains("Service::new("),
            "{service} begins another way"
        );
    }
}

/// row: E14
#[test]
fn the_gateway_has_no_database_and_no_rule() {
    let all = dependencies();
    let mut reached = BTreeSet::new();
    let mut next = vec!["gateway".to_owned()];
    while let Some(member) = next.pop() {
        if reached.insert(member.clone()) {
            // Dev-dependencies of members count too: none of them is needed here.
            let known = all.get(&member).into_iter().flatten();
            next.extend(
                known
                    .filter(|name| all.contains_key(*name) && *name != "testkit")
                    .cloned(),
            );
            let direct = &all[&member];
            assert!(
                !direct.contains("sea-orm"),
                "{member} has sea-orm, and gateway has {member}"
            );
        }
    }
    assert!(
        migrations::services().all(|service| !reached.contains(service)),
        "{reached:?}"
    );
}

/// Where a service stands in a list, and how often. Beside its folder, its contract and its
/// changes, whoever adds one writes these lines and no other.
const LISTS: [(&str, usize); 4] = [
    ("migrations/src/lib.rs", 2),
    ("stoa/Cargo.toml", 1),
    ("stoa/src/services.rs", 1),
    ("stoa/tests/it/shutdown.rs", 1), // a call of it that is made while it stops
];
/// Files that name all services and are no list of them: a page asks whom it needs, and says what
/// is missing.
const NO_LISTS: [&str; 2] = [
    "gateway/src/upstreams.rs",
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
        let lines: Vec<Vec<&str>> = text.lines().map(|line| words(line).collect()).collect();
        let counts: Vec<usize> = services
            .iter()
            .map(|service| {
                lines
                    .iter()
                    .filter(|line| line.contains(&service.as_str()))
                    .count()
            })
            .collect();
        if counts.iter().all(|count| *count > 0) {
            seen.insert(file, counts.into_iter().min().unwrap_or_default());
        }
    }
    let expected = LISTS.map(|(file, lines)| (file.to_owned(), lines)).into();
    assert_eq!(seen, expected);
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
            let context = service.package_name().split('.').nth(1).unwrap_or_default();
            let few = service.methods().len() < 3;
            if context != "bff" && !few && names.all(|name| words.contains(&name)) {
                seen.insert(file.clone());
            }
        }
    }
    assert_eq!(seen, RPC_LISTS.map(str::to_owned).into());
}

/// `GetOrder`, `get_order` and `getOrder` alike.
fn flat(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}

/// The folders in a folder of the workspace.
fn folders(of: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(of)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("the folder is readable").file_name());
    names
        .map(|name| name.into_string().expect("a name"))
        .collect()
}

/// Every file of code that is kept, and its text.
fn tracked() -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args([
            "*.rs", "*.toml", "*.ts", "*.tsx", "*.mjs", "*.py", "*.yaml", "*.yml", "*.sh",
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

/// Nouns of the domain; "order" and "user" have plain meanings and are left to
/// review.
const NOUNS: [&str; 10] = [
    "cart", "checkout", "coupon", "invoice", "payment", "price", "product", "refund", "shipment",
    "stock",
];

/// row: AP3
#[test]
fn the_chassis_knows_no_domain() {
    let mut found = Vec::new();
    for file in sources(&root().join("chassis"), "src") {
        let text = std::fs::read_to_string(&file).expect("sources are text");
        // Examples in comments and tests may speak of what the chassis is used for.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if file.ends_with("tests.rs") {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default().to_lowercase();
            let words = line.split(|character: char| !character.is_ascii_alphanumeric());
            if let Some(noun) = words.into_iter().find(|word| {
                NOUNS
                    .iter()
                    .any(|noun| *word == *noun || word.strip_suffix('s') == Some(noun))
            }) {
                found.push(format!("{}:{}: {noun}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A metric that no table declares would have neither help nor buckets.
///
/// row: O5
#[test]
fn every_metric_is_declared() {
    let domain = std::fs::read_to_string(root().join("stoa/src/metrics.rs")).expect("it is there");
    let declared: BTreeSet<String> = telemetry::metrics::table::CHASSIS
        .iter()
        .map(|metric| metric.name.to_owned())
        .chain(
            domain
                .split("name: \"")
                .skip(1)
                .filter_map(|rest| Some(rest.split('"').next()?.to_owned())),
        )
        .collect();
    let mut used = BTreeSet::new();
    for folder in ["chassis", "services", "gateway", "stoa"] {
        for file in sources(&root().join(folder), "src") {
            let text = std::fs::read_to_string(&file).expect("sources are text");
            for kind in ["counter!(", "gauge!(", "histogram!("] {
                for rest in text.split(kind).skip(1) {
                    if let Some(quoted) = rest.trim_start().strip_prefix('"') {
                        used.insert(quoted.split('"').next().unwrap_or_default().to_owned());
                    }
                }
            }
        }
    }
    let missing: Vec<_> = used.difference(&declared).collect();
    assert!(missing.is_empty(), "used and not declared: {missing:?}");
    let idle: Vec<_> = declared.difference(&used).collect();
    assert!(idle.is_empty(), "declared and not used: {idle:?}");
}

/// All Rust files below `folder` that lie in a folder of that name.
fn sources(folder: &Path, below: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(sources(&path, below));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.components().any(|part| part.as_os_str() == below)
        {
            files.push(path);
        }
    }
    files
}
