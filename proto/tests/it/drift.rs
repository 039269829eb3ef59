//! The checked-in generated files are what the generator writes now.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::home;

/// The files below a folder, by their path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn assert_same(checked_in: &Path, fresh: &Path) {
    let (checked_in, fresh) = (files(checked_in), files(fresh));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&checked_in), names(&fresh), "run `just gen`");
    for (name, content) in &fresh {
        assert!(
            checked_in[name] == *content,
            "{name} is stale: run `just gen`"
        );
    }
}

/// The generator, as `cargo test` has built it beside this test; else, when only
/// this test was asked for, built now.
fn generator() -> Command {
    let own = std::env::current_exe().unwrap();
    let built = own.parent().unwrap().with_file_name("examples").join("gen");
    if built.exists() {
        return Command::new(built);
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "proto",
        "--example",
        "gen",
        "--",
    ]);
    cargo
}

/// row: P10
#[test]
fn generated_rust_is_fresh() {
    let fresh = tempfile::tempdir().unwrap();
    let status = generator()
        .arg("--into")
        .arg(fresh.path())
        .status()
        .unwrap();
    assert!(status.success());
    assert_same(&home().join("src/gen"), fresh.path());
}

/// row: P10, P22
#[test]
fn generated_typescript_is_fresh() {
    let web = home().join("../web-client");
    let buf = web.join("node_modules/.bin/buf");
    assert!(
        buf.exists(),
        "run `npm ci` in web-client: buf comes from there"
    );
    let fresh = tempfile::tempdir().unwrap();
    // The template names its output relative to this crate.
    let template = fs::read_to_string(home().join("buf.gen.yaml")).unwrap();
    let template = template.replace("../web-client/src/gen", fresh.path().to_str().unwrap());
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), template).unwrap();
    let status = Command::new(buf)
        .args(["generate", "--template"])
        .arg(file.path())
        .current_dir(home())
        .status()
        .unwrap();
    assert!(status.success());
    assert_same(&web.join("src/gen"), fresh.path());
}
