//! Processes that a test starts, watches, and kills.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};

/// How often a waiting test looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running program whose output goes to a file; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `program`; what it prints, to both streams, is appended to `output`. It gets the
    /// `variables` beside those of the test, and none of the latter that start with `STOA_`. How
    /// often a client may ask is not bounded, unless `variables` say so or name a profile.
    ///
    /// # Errors
    /// The program cannot be started, or the file not be written.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        variables: &[(&str, &str)],
        output: &Path,
    ) -> anyhow::Result<Self> {
        let log = File::options().create(true).append(true).open(output)?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STOA_") {
                command.env_remove(name);
            }
        }
        let bounded = |name: &str| matches!(name, "STOA_RATE_LIMIT" | "STOA_PROFILE");
        if !variables.iter().any(|(name, _)| bounded(name)) {
            command.env("STOA_RATE_LIMIT", "off");
        }
        let child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        Ok(Self {
            child,
            output: output.to_owned(),
        })
    }

    /// Returns its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns everything it printed so far, and what was in the file before.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Tells whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Asks it to stop, as `kill` does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Halts it where it stands.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It runs longer than `at_most`; it is left running.
    pub async fn wait(&mut self, at_most: Duration) -> anyhow::Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > at_most {
                bail!(
                    "process {} did not end within {at_most:?}: {}",
                    self.id(),
                    self.output()
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks it to stop and returns all that it ever printed. What a running process prints may
    /// lag behind what it answers: a test that looks for what must not be there reads this.
    ///
    /// # Errors
    /// It runs on for longer than `at_most`.
    pub async fn last_words(&mut self, at_most: Duration) -> anyhow::Result<String> {
        self.terminate();
        self.wait(at_most).await?;
        Ok(self.output())
    }

    /// Waits until `find` finds something in what it printed.
    ///
    /// # Errors
    /// It ended, or printed no such thing within `at_most`.
    pub async fn wait_for<T>(
        &mut self,
        at_most: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        let start = Instant::now();
        loop {
            let running = self.is_running(); // before the output, which is complete if it ended
            let output = self.output();
            if let Some(found) = find(&output) {
                return Ok(found);
            }
            if !running {
                bail!("process {} ended: {output}", self.id());
            }
            if start.elapsed() > at_most {
                bail!(
                    "process {} printed no such thing within {at_most:?}: {output}",
                    self.id()
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn signal(&self, signal: Signal) {
        let _gone = rustix::process::kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free and given to no other process of a test as long as this one lives: another that looked at the
/// same moment would find the same one free, and its server would be asked in place of ours. All lie below those that
/// the system gives to outgoing connections.
///
/// # Panics
/// None is free.
pub fn free_port() -> u16 {
    const PORTS: Range<u32> = 10_000..32_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    static GIVEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let own = format!("stoa-test-ports-{}", rustix::process::getuid().as_raw());
    let folder = std::env::temp_dir().join(own);
    std::fs::create_dir_all(&folder).expect("a folder for what is given");
    // Each process begins elsewhere, so that most find one at once.
    let first = std::process::id().wrapping_mul(61);
    let many = PORTS.end - PORTS.start;
    for _ in 0..many {
        let next = first.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + next % many).expect("below 32,000");
        let claim = File::create(folder.join(port.to_string())).expect("a file for a port");
        let is_ours = claim.try_lock().is_ok();
        if is_ours && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            GIVEN
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(claim);
            return port;
        }
    }
    panic!("no port is free");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, output: &Path) -> Process {
        let variables = [("GIVEN", "given")];
        Process::start(Path::new("sh"), ["-c", script], &variables, output).unwrap()
    }

    #[tokio::test]
    async fn a_process_prints_waits_and_stops_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let mut process = shell(
            "trap 'echo bye; exit 3' TERM; echo $GIVEN >&2; while :; do sleep 0.01; done",
            &output,
        );
        let printed = process.wait_for(Duration::from_secs(5), |text| {
            text.lines().next().map(str::to_owned)
        });
        assert_eq!(printed.await.unwrap(), "given");
        assert!(process.is_running());
        process.wait(Duration::from_millis(50)).await.unwrap_err();
        process.terminate();
        let status = process.wait(Duration::from_secs(5)).await.unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(process.output(), "given\nbye\n");
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_told_with_what_it_printed() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo no port; exit 78", &folder.path().join("output"));
        let ready = process.wait_for(Duration::from_secs(5), |text| {
            text.contains("ready").then_some(())
        });
        let error = ready.await.unwrap_err().to_string();
        assert!(error.contains("no port"), "{error}");
    }

    #[tokio::test]
    async fn dropping_kills() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("sleep 60", &folder.path().join("output"));
        let id = Pid::from_child(&process.child);
        drop(process);
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
