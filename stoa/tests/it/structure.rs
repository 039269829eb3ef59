//! What the workspace must never contain, read from its own metadata and
//! sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const SERVICES: [&str; 6] = [
    "user",
    "catalog",
    "pricing",
    "inventory",
    "order",
    "payment",
];

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
    for service in SERVICES {
        let foreign: Vec<_> = SERVICES
            .iter()
            .filter(|other| all[service].contains(**other))
            .collect();
        assert!(foreign.is_empty(), "{service} depends on {foreign:?}");
        assert!(!all[service].contains("gateway") && !all[service].contains("stoa"));
    }
}

/// Readiness and housekeeping come with the database; a service that began without would have
/// neither, and nobody would miss them before a disk is full.
#[test]
fn a_service_begins_with_its_database() {
    for service in SERVICES {
        let files = sources(&root().join("services").join(service), "src");
        let read = |file: &PathBuf| std::fs::read_to_string(file).expect("sources are text");
        let all: String = files.iter().map(read).collect();
        assert!(all.contains("command::service(NAME, "), "{service}");
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
        SERVICES.iter().all(|service| !reached.contains(*service)),
        "{reached:?}"
    );
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
