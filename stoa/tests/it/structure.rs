//! What the workspace must never contain, read from its own metadata and
//! sources: here is how they are read.

mod chassis;
mod lists;
mod metrics;
mod services;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// The folders in a folder of the workspace.
fn folders(of: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(of)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("the folder is readable").file_name());
    names
        .map(|name| name.into_string().expect("a name"))
        .collect()
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
