//! The chassis is as the style guide says, and knows nothing of what it carries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{branches, folders, root, sources};

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
