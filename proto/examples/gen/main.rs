//! Generates the Rust side of the contract: `cargo run -p proto --example gen`.
//!
//! Reads this crate's .proto files and rewrites `src/gen`, or, for the test that
//! compares, another folder: `--into DIR`. The everyday build runs none of
//! this: what comes out is checked in. Since an example is built on its crate,
//! `src/gen` must compile; if it does not, check the last good one out first.

mod compile;
mod extras;
mod gets;
mod null;
mod packages;
mod pattern;
mod reading;
mod rules;
mod secrets;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Whatever went wrong, in words for the person at the terminal.
pub type Failure = Box<dyn std::error::Error>;

/// What to generate, from where, into which folder.
pub struct Job {
    /// Folders that imports are resolved in.
    pub includes: Vec<PathBuf>,
    /// Folders whose .proto files are generated; what they import is not.
    pub sources: Vec<PathBuf>,
    /// Files that are described beside them, though nothing imports them.
    pub described: Vec<PathBuf>,
    /// The folder that receives one .rs file per package, and `descriptors.bin`.
    pub into: PathBuf,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("gen: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    // Two of the libraries find protoc by this variable alone. A process cannot
    // safely change its own environment, so it starts itself once more.
    if std::env::var_os("PROTOC").is_none() {
        let status = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env("PROTOC", protoc_bin_vendored::protoc_bin_path()?)
            .status()?;
        return Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let job = arguments()?;
    compile::run(&job)?;
    println!("Generated {}", job.into.display());
    Ok(ExitCode::SUCCESS)
}

/// The job that the command line asks for.
fn arguments() -> Result<Job, Failure> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut arguments = std::env::args_os().skip(1);
    let into = match (arguments.next(), arguments.next()) {
        (None, None) => home.join("src/gen"),
        (Some(name), Some(folder)) if name == "--into" => folder.into(),
        _ => return Err("usage: gen [--into DIR]".into()),
    };
    Ok(Job {
        // The inner folder first: a file is named by the first that it lies in, and whoever has
        // a standard one already knows it by no other name.
        includes: vec![home.join("third_party"), home.to_path_buf()],
        sources: vec![home.join("stoa"), home.join("third_party/grpc")],
        // What an error may carry is known by no request and no answer.
        described: vec![home.join("third_party/google/rpc/error_details.proto")],
        into,
    })
}
