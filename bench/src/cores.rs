//! Who runs where: servers under test on the first core, the generator and everything else on
//! the second; and how much processor time and memory a process used.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The core of the server under test.
const SERVER: &str = "0";
/// The core of whoever calls it.
const GENERATOR: &str = "1";
/// All of them.
const ALL: &str = "0,1";
/// How often threads are pinned anew, since `taskset` gives up when one of them ends meanwhile.
const PINNED_MAX: usize = 10;

/// Moves this process to the generator's core; children inherit it.
///
/// # Errors
/// There is no second core, or no `taskset`.
pub fn pin_generator() -> anyhow::Result<()> {
    pin(GENERATOR).context("the bench needs two cores and taskset (util-linux)")
}

/// Lets this process and its later children run anywhere.
///
/// # Errors
/// There is no `taskset`.
pub fn unpin() -> anyhow::Result<()> {
    pin(ALL)
}

fn pin(cores: &str) -> anyhow::Result<()> {
    let own = std::process::id().to_string();
    let taskset = || {
        let mut command = Command::new("taskset");
        command.args(["-a", "-c", "-p", cores, &own]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    for _ in 0..PINNED_MAX {
        if taskset()?.success() {
            return Ok(());
        }
    }
    bail!("taskset refused core {cores}")
}

/// A command that will run `program` on the server's core.
pub fn on_server_core(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER]).arg(program);
    command
}

/// Processor time that all living threads of a process have used, in seconds.
///
/// # Errors
/// The process is gone.
pub fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = thread?.path().join("schedstat");
        let Ok(text) = fs::read_to_string(path) else {
            continue; // the thread ended meanwhile
        };
        let spent = text.split_whitespace().next().unwrap_or_default();
        nanoseconds += spent
            .parse::<u64>()
            .context("schedstat is not as expected")?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Memory of a process that is its own or shared and resident, in MiB.
///
/// # Errors
/// The process is gone.
pub fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.context("VmRSS is missing")? / 1024.0)
}
