//! Generates the Rust side of the contract: `cargo run -p proto --example gen`.
//!
//! Without arguments it reads this crate's .proto files and rewrites
//! `src/gen`. Another contract (the official conformance suite's, say) is
//! generated with `--from DIR --into DIR --runtime proto --wkt crate::wkt`.
//! The everyday build runs none of this: what comes out is checked in.

mod compile;
mod extras;
mod null;
mod pattern;
mod reading;
mod rules;

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
    /// The folder that receives one .rs file per package, and `descriptors.bin`.
    pub into: PathBuf,
    /// The Rust path of this crate, as the generated code has to name it.
    pub runtime: String,
    /// The Rust path of the module that holds google.protobuf.
    pub wkt: String,
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

/// The job that the command line asks for; this crate's own by default.
fn arguments() -> Result<Job, Failure> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut job = Job {
        includes: vec![home.to_path_buf(), home.join("third_party")],
        sources: vec![home.join("stoa"), home.join("third_party/grpc")],
        into: home.join("src/gen"),
        runtime: "crate".into(),
        wkt: "crate::wkt".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--from" => {
                job.includes = vec![value.clone().into()];
                job.sources = vec![value.into()];
            }
            "--into" => job.into = value.into(),
            "--runtime" => job.runtime = value,
            "--wkt" => job.wkt = value,
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    Ok(job)
}
