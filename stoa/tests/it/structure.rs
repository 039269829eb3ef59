//! What the workspace must never contain, read from its own metadata and
//! sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use prost_reflect::DescriptorPool;
use serde_json::Value;

pub fn root() -> PathBuf {
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

/// Where a service stands in a list, and how often. Beside its folder, its contract and its
/// changes, whoever adds one writes these lines and no other.
const LISTS: [(&str, usize); 6] = [
    ("migrations/src/lib.rs", 2),
    ("stoa/Cargo.toml", 1),
    ("stoa/src/audit/rows/things.rs", 1), // what its facts tell of
    ("stoa/src/services.rs", 1),
    ("stoa/tests/it/facts.rs", 2), // such a thing, made and changed, whose facts are lost
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
        let lines = text.lines().map(str::to_lowercase);
        let lines: Vec<BTreeSet<String>> = lines
            .map(|line| words(&line).map(str::to_owned).collect())
            .collect();
        let counts: Vec<usize> = services
            .iter()
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

/// A row of the table of chassis crates in the style guide.
struct Admitted {
    files: BTreeSet<String>,
    leans_on: BTreeSet<String>,
}

fn style() -> BTreeMap<String, Admitted> {
    let text = std::fs::read_to_string(root().join("docs/style.md")).expect("it is there");
    let (_, table) = text
        .split_once("|---|---|---|---|\n")
        .expect("the table of crates");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let quoted = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let leans_on = cells[4].split(", ").filter(|name| *name != "–");
        let admitted = Admitted {
            files: quoted(cells[2]),
            leans_on: leans_on.map(str::to_owned).collect(),
        };
        (cells[1].trim_matches('`').to_owned(), admitted)
    })
    .collect()
}

/// Lines of a crate of the chassis, tests aside.
const LINES_MAX: usize = 2_600;
const EDGE_LINES_MAX: usize = 5_000;

#[test]
fn the_chassis_is_as_the_style_guide_says() {
    let style = style();
    let crates = folders("chassis");
    assert_eq!(style.keys().cloned().collect::<BTreeSet<_>>(), crates);
    for (name, admitted) in style {
        let leans_on: BTreeSet<String> = normal_dependencies(&root().join("chassis").join(&name));
        let leans_on = &leans_on & &crates;
        assert_eq!(leans_on, admitted.leans_on, "{name} leans on");
        let (mut files, mut lines) = (BTreeSet::new(), 0);
        let source = root().join("chassis").join(&name).join("src");
        for file in sources(&source, "src") {
            let text = std::fs::read_to_string(&file).expect("sources are text");
            let code = text.split("#[cfg(test)]\nmod tests {").next();
            let stem = file
                .file_stem()
                .expect("a name")
                .to_str()
                .expect("text")
                .to_owned();
            if stem == "tests" {
                continue;
            }
            lines += code.unwrap_or_default().lines().count();
            if file.parent() == Some(&source) && stem != "lib" {
                files.insert(stem);
            }
        }
        assert_eq!(files, admitted.files, "the files of {name}");
        let most = if name == "edge" {
            EDGE_LINES_MAX
        } else {
            LINES_MAX
        };
        assert!(lines <= most, "{name} has {lines} lines");
    }
}

/// The crates that a crate leans on but in its tests.
fn normal_dependencies(folder: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("it is there");
    let (_, rest) = text.split_once("\n[dependencies]\n").expect("dependencies");
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.map(str::to_owned).collect()
}

/// In a crate of the chassis files lean on each other in one direction: a circle of them has to be
/// read at once.
#[test]
fn no_files_of_the_chassis_go_in_a_circle() {
    let mut circles = Vec::new();
    for name in folders("chassis") {
        let source = root().join("chassis").join(&name).join("src");
        let texts: BTreeMap<PathBuf, String> = sources(&source, "src")
            .into_iter()
            .filter(|file| !file.ends_with("tests.rs"))
            .map(|file| {
                let text = std::fs::read_to_string(&file).expect("sources are text");
                let code = text.split("#[cfg(test)]\nmod tests {").next();
                let lines = code.unwrap_or_default().lines();
                let code = lines.map(|line| line.split("//").next().unwrap_or_default());
                (file, code.collect::<Vec<_>>().join("\n"))
            })
            .collect();
        let mut left: BTreeMap<&Path, BTreeSet<&Path>> = texts
            .iter()
            .map(|(file, text)| (file.as_path(), leans_on(&source, file, text, &texts)))
            .collect();
        while let Some(free) = left
            .iter()
            .find(|(file, on)| {
                on.iter()
                    .all(|other| other == *file || !left.contains_key(other))
            })
            .map(|(file, _)| *file)
        {
            left.remove(free);
        }
        if !left.is_empty() {
            circles.push(format!("{left:#?}"));
        }
    }
    assert!(
        circles.is_empty(),
        "in circles, or leaning on one: {}",
        circles.join("\n")
    );
}

/// The files that a file's paths below `crate::` and `super::` lead to.
fn leans_on<'a>(
    source: &Path,
    file: &Path,
    text: &str,
    all: &'a BTreeMap<PathBuf, String>,
) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let own = file.with_extension("");
    for (start, folder) in [
        ("crate::", source),
        ("super::", own.parent().expect("it lies in a folder")),
    ] {
        for rest in text.split(start).skip(1) {
            for path in branches(rest) {
                let mut place = folder.to_owned();
                let mut deepest = None;
                for name in path {
                    place.push(name);
                    let candidate = place.with_extension("rs");
                    match all.get_key_value(&candidate) {
                        Some((file, _)) => deepest = Some(file.as_path()),
                        None => break,
                    }
                }
                found.extend(deepest);
            }
        }
    }
    found
}

/// The module paths at the start of a text: `a::b` is one, `a::{b, c::d}` are two.
fn branches(text: &str) -> Vec<Vec<&str>> {
    let end =
        |character: char| !character.is_ascii_alphanumeric() && !matches!(character, '_' | ':');
    if let Some(group) = text.strip_prefix('{') {
        let group = group.split('}').next().unwrap_or_default();
        let items = group
            .split(',')
            .map(|item| item.trim().split(end).next().unwrap_or_default());
        return items.map(|item| item.split("::").collect()).collect();
    }
    let path = text.split(end).next().unwrap_or_default();
    let names: Vec<&str> = path.split("::").collect();
    match text[path.len()..].strip_prefix('{') {
        None => vec![names],
        Some(group) => {
            let group = group.split('}').next().unwrap_or_default();
            let items = group
                .split(',')
                .map(|item| item.trim().split(end).next().unwrap_or_default());
            items
                .map(|item| {
                    let head = names.iter().copied().filter(|name| !name.is_empty());
                    head.chain(item.split("::")).collect()
                })
                .collect()
        }
    }
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
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        if file.ends_with("tests.rs") {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            let line = parted(line.split("//").next().unwrap_or_default());
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

/// `PriceList` as `price list`.
fn parted(line: &str) -> String {
    let mut parted = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_ascii_uppercase() {
            parted.push(' ');
        }
        parted.push(character.to_ascii_lowercase());
    }
    parted
}

/// A metric that no table declares would have neither help nor buckets.
///
/// row: O5
#[test]
fn every_metric_is_declared() {
    let domain = std::fs::read_to_string(root().join("stoa/src/measures.rs")).expect("it is there");
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
pub fn sources(folder: &Path, below: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(sources(&path, below));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path
                .strip_prefix(root())
                .is_ok_and(|path| path.components().any(|part| part.as_os_str() == below))
        {
            files.push(path);
        }
    }
    files
}
