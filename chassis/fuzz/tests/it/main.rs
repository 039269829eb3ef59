//! The corpus of each target once more, and changes of it.

use std::path::{Path, PathBuf};

use fuzz::{Mutator, TARGETS};

/// Changes of a corpus that are tried, of each target.
const CHANGES: usize = 4_000;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries = std::fs::read_dir(&folder).expect("each target has a corpus");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it is readable").path())
        .collect();
    files.sort();
    let read = |path: PathBuf| (path.clone(), std::fs::read(&path).expect("it is readable"));
    files.into_iter().map(read).collect()
}

/// row: S-10
#[test]
fn no_target_breaks_on_its_corpus_nor_on_changes_of_it() {
    let mut trials = 0;
    for (name, check) in TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() >= 5, "{name} has {} files", corpus.len());
        for (path, bytes) in &corpus {
            println!("{}", path.display());
            check(bytes);
        }
        let mut mutator = Mutator::new(10);
        for number in 0..CHANGES {
            let bytes = mutator.change(&corpus[number % corpus.len()].1);
            println!(
                "{name}, change {number}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
            check(&bytes);
            trials += 1;
        }
    }
    proof::held("S-10", trials, 0);
}
