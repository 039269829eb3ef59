//! `stoa export`: what others generate clients from.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

/// Writes the contract as a FileDescriptorSet: the very bytes that the edge
/// reads at start.
///
/// # Errors
///
/// Standard output that cannot be written.
pub fn descriptors() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(proto::DESCRIPTORS)
        .and_then(|()| out.flush())
        .context("cannot write descriptors")?;
    Ok(ExitCode::SUCCESS)
}
