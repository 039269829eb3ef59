//! What processes use while something is measured: processor time, and bytes that they
//! write, of whole trees of processes, so that a database server counts with all of its own.

use std::collections::{HashMap, HashSet};
use std::fs;

use anyhow::Context;

/// What living processes have used since each began.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    nanoseconds: HashMap<(u32, u32), u64>,
    written: HashMap<u32, u64>,
    dirtied: HashMap<u32, u64>,
}

/// What they used between two moments.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// Processor time, in milliseconds.
    pub processor_ms: f64,
    /// What was handed to write calls, in KiB: `wchar` of `/proc/PID/io`. That is what goes to
    /// files, the log, and some answers over sockets.
    pub written_kib: f64,
    /// What was made dirty in the page cache, in KiB: `write_bytes` of `/proc/PID/io`. A page
    /// that is synced and written again counts again, and on kernels with large folios one
    /// byte in a folio counts as the whole of it, up to 2 MiB, as in PostgreSQL's own log.
    pub dirtied_kib: f64,
}

impl Usage {
    /// Reads what the processes and all that descend from them have used.
    ///
    /// # Errors
    /// One of the processes is gone, or the kernel does not say.
    pub fn of(roots: &[u32]) -> anyhow::Result<Self> {
        let mut usage = Self::default();
        for process in family(roots)? {
            let read = usage.add(process);
            if roots.contains(&process) {
                read.with_context(|| format!("read what process {process} used"))?;
            } // any other may have ended meanwhile
        }
        Ok(usage)
    }

    fn add(&mut self, process: u32) -> anyhow::Result<()> {
        let io = fs::read_to_string(format!("/proc/{process}/io"))?;
        self.written.insert(process, counter(&io, "wchar: ")?);
        self.dirtied.insert(process, counter(&io, "write_bytes: ")?);
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?;
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue; // it ended meanwhile
            };
            let spent = text.split_whitespace().next().unwrap_or_default();
            let thread = thread.file_name().to_string_lossy().parse()?;
            let spent = spent.parse().context("schedstat is not as expected")?;
            self.nanoseconds.insert((process, thread), spent);
        }
        Ok(())
    }

    /// What was used since `before`. What a thread used that has ended since is lost.
    pub fn since(&self, before: &Self) -> Spent {
        Spent {
            processor_ms: grown(&self.nanoseconds, &before.nanoseconds) / 1e6,
            written_kib: grown(&self.written, &before.written) / 1024.0,
            dirtied_kib: grown(&self.dirtied, &before.dirtied) / 1024.0,
        }
    }
}

fn counter(io: &str, name: &str) -> anyhow::Result<u64> {
    let value = io.lines().find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.parse().ok());
    value.with_context(|| format!("the kernel does not count {name}"))
}

fn grown<K: Eq + std::hash::Hash>(now: &HashMap<K, u64>, before: &HashMap<K, u64>) -> f64 {
    let grown = now.iter().map(|(key, now)| {
        let before = before.get(key).copied().unwrap_or_default();
        now.saturating_sub(before)
    });
    grown.sum::<u64>() as f64
}

/// The processes and all that descend from them.
fn family(roots: &[u32]) -> anyhow::Result<HashSet<u32>> {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let process = entry?.file_name().to_string_lossy().parse::<u32>();
        if let Ok(process) = process
            && let Ok(parent) = parent(process)
        {
            parents.insert(process, parent);
        }
    }
    let mut family: HashSet<u32> = roots.iter().copied().collect();
    loop {
        let before = family.len();
        let born = parents.iter().filter(|(_, parent)| family.contains(parent));
        let born: Vec<u32> = born.map(|(process, _)| *process).collect();
        family.extend(born);
        if family.len() == before {
            return Ok(family);
        }
    }
}

/// The process that started this one.
///
/// # Errors
/// It is gone.
pub fn parent(process: u32) -> anyhow::Result<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest = text.rsplit(") ").next().unwrap_or_default(); // a name may hold anything
    let parent = rest
        .split_whitespace()
        .nth(1)
        .and_then(|id| id.parse().ok());
    parent.context("a process without a parent")
}
