//! Services stand side by side: none knows another, and each room of one leans on the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{branches, root, sources};

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

/// A handler reads and writes through the application, and the pure core through nobody.
#[test]
fn each_room_of_a_service_leans_on_the_next() {
    let mut found = Vec::new();
    for service in migrations::services() {
        let source = root().join("services").join(service).join("src");
        // The modules of the crate that a room must not name, and what else.
        let walls = [
            ("rpc", &["store"][..], &["sea_orm", "begin_write"][..]),
            (
                "domain",
                &["store", "rpc", "App"],
                &["sea_orm", "proto::", "tokio"],
            ),
            ("store", &["rpc", "App"], &[]),
        ];
        for (room, modules, beyond) in walls {
            let file = source.join(room).with_extension("rs");
            let mut files = sources(&source, room);
            files.extend(file.exists().then_some(file));
            for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
                let text = std::fs::read_to_string(file).expect("sources are text");
                let code = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default();
                let code: Vec<&str> = code
                    .lines()
                    .filter(|line| !line.trim().starts_with("//"))
                    .collect();
                let code = code.join("\n");
                let paths = code.split("crate::").skip(1).flat_map(branches);
                let first: BTreeSet<&str> =
                    paths.filter_map(|path| path.first().copied()).collect();
                let beyond = beyond.iter().filter(|name| code.contains(**name));
                let named = modules
                    .iter()
                    .filter(|name| first.contains(**name))
                    .chain(beyond);
                found.extend(named.map(|name| format!("{} names {name}", file.display())));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A client with no breaker would wait for a peer that is away as long as its caller lets it.
///
/// row: AP5
#[test]
fn only_peers_makes_a_channel_to_a_peer() {
    let rules = std::fs::read_to_string(root().join("clippy.toml")).expect("it is there");
    for maker in [
        "Endpoint::connect\"",
        "Endpoint::connect_lazy\"",
        "Endpoint::connect_with_connector\"",
        "Endpoint::connect_with_connector_lazy\"",
        "Channel::balance_list\"",
        "Channel::balance_channel\"",
        "Channel::new\"",
        "Channel::connect\"",
    ] {
        let path = format!("path = \"tonic::transport::{maker}");
        assert!(rules.contains(&path), "clippy.toml does not forbid {path}");
    }
    let mut named = Vec::new();
    for folder in ["services", "gateway", "stoa"] {
        let files = sources(&root().join(folder), "src").into_iter();
        named.extend(files.filter(|file| {
            let text = std::fs::read_to_string(file).expect("sources are text");
            text.contains("tonic::transport")
        }));
    }
    assert!(named.is_empty(), "{named:?}");
}

/// row: E14, G15
#[test]
fn the_gateway_has_no_database_and_no_rule() {
    assert!(
        migrations::services().all(|owner| owner != "gateway"),
        "it has tables"
    );
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
