//! One word names one thing in this house: whoever reads a type's name knows which one is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::structure::{root, sources};

/// Names that several types have, and why that misleads nobody.
const SEVERAL: [(&str, &[&str]); 7] = [
    ("each crate has one", &["App", "Config", "Error"]),
    (
        "the library's word, one in a file",
        &["Migration", "Model", "Relation"],
    ),
    (
        "each list has one, and each watch",
        &["Page", "Position", "Update"],
    ),
    (
        "one thing of the shop, as each service sees it",
        &[
            "CustomerId",
            "Item",
            "Line",
            "OrderId",
            "ProductId",
            "Quote",
            "Sku",
            "Status",
            "User",
        ],
    ),
    ("each machine has one", &["State"]),
    ("one key, as it is stored and as it signs", &["SigningKey"]),
    (
        "what a caller asks for: of an rpc, of the program",
        &["Command"],
    ),
];

/// The auditor has its own view of everybody's tables, and so of everybody's words.
const AUDITOR: &str = "stoa/src/audit/";

/// Where a type is defined, and whether other crates may know it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Definition {
    name: String,
    file: String,
    beyond_crate: bool,
}

impl Definition {
    fn of_crate(&self) -> &str {
        self.file.split("/src/").next().unwrap_or_default()
    }

    /// Whether somebody may take the one for the other.
    fn meets(&self, other: &Self) -> bool {
        let both = self.beyond_crate && other.beyond_crate;
        self != other && self.name == other.name && (both || self.of_crate() == other.of_crate())
    }
}

#[test]
fn one_name_is_one_thing() {
    let defined = definitions();
    assert!(defined.len() > 350, "only {} types", defined.len());
    let mut several: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in &defined {
        let same = defined.iter().filter(|other| one.meets(other));
        for other in same {
            let files = several.entry(&one.name).or_default();
            files.extend([one.file.as_str(), other.file.as_str()]);
        }
    }
    for (_, names) in SEVERAL {
        for name in names {
            let files = several.remove(name);
            assert!(files.is_some(), "{name} is one thing by now: strike it off");
        }
    }
    assert!(several.is_empty(), "{several:#?}");
}

fn definitions() -> Vec<Definition> {
    let mut found = Vec::new();
    for folder in ["chassis", "services", "gateway", "stoa", "migrations"] {
        let files = sources(&root().join(folder), "src").into_iter();
        let files: Vec<(String, String)> = files
            .map(|file| {
                let text = std::fs::read_to_string(&file).expect("sources are text");
                let below = file.strip_prefix(root()).expect("it is ours");
                (below.to_str().expect("text").to_owned(), text)
            })
            .collect();
        let tests: BTreeSet<&str> = files
            .iter()
            .flat_map(|(_, text)| test_modules(text))
            .collect();
        for (file, text) in &files {
            let of_tests = Path::new(file).with_extension("");
            let of_tests = of_tests
                .iter()
                .any(|part| tests.contains(part.to_str().unwrap_or_default()));
            if of_tests || file.starts_with(AUDITOR) {
                continue;
            }
            let code = text.split("#[cfg(test)]\nmod tests {").next();
            for line in code.unwrap_or_default().lines() {
                found.extend(definition(file, line));
            }
        }
    }
    found
}

/// The modules that are files of their own and built for tests alone.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("#[cfg(test)]\n").skip(1);
    after.filter_map(|after| {
        let line = after.lines().next()?.trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    })
}

fn definition(file: &str, line: &str) -> Option<Definition> {
    let line = line.trim_start();
    let (beyond_crate, rest) = match line.strip_prefix("pub(crate) ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("pub ")?),
    };
    let (kind, rest) = rest.split_once(' ')?;
    let end = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let name = rest.split(end).next()?.to_owned();
    ["struct", "enum", "trait", "type", "union"]
        .contains(&kind)
        .then(|| Definition {
            name,
            file: file.to_owned(),
            beyond_crate,
        })
}
