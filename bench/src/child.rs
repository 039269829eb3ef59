//! Processes that the bench starts and ends.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child as Process, Command, Stdio};

use anyhow::Context;

/// A running program whose log goes nowhere; dropping it kills it.
#[derive(Debug)]
pub struct Child(Process);

impl Child {
    /// Starts `command` and reads what it prints until `find` finds something in a line.
    ///
    /// # Errors
    /// It cannot be started, or ends before.
    pub fn start<T>(
        command: &mut Command,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let mut child = Self::start_silent(command.stdout(Stdio::piped()))?;
        let output = child.0.stdout.take().context("standard output was piped")?;
        let mut lines = BufReader::new(output).lines();
        let found = lines.find_map(|line| find(&line.ok()?));
        let found = found.with_context(|| format!("{command:?} ended before it was ready"))?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok((child, found))
    }

    /// Starts `command` and waits for nothing.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_silent(command: &mut Command) -> anyhow::Result<Self> {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STOA_") && !is_set(command, &name) {
                command.env_remove(name);
            }
        }
        if !is_set(command, "STOA_RATE_LIMIT".as_ref()) {
            command.env("STOA_RATE_LIMIT", "off");
        }
        let spawned = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(spawned.with_context(|| format!("start {command:?}"))?))
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

/// A port that nobody listened on a moment ago.
///
/// # Errors
/// There is none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn is_set(command: &Command, name: &std::ffi::OsStr) -> bool {
    command.get_envs().any(|(set, _)| set == name)
}
