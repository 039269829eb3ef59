//! Generates the conformance suite's messages and service from its own protos, into a
//! folder that the server under test includes: `conformance_gen PROTOS OUT`.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

const FILES: [&str; 3] = ["config", "server_compat", "service"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(protos), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: conformance_gen PROTOS OUT".into());
    };
    if std::env::var_os("PROTOC").is_none() {
        // protoc is found by an environment variable, which only a new process can be given.
        let status = Command::new(std::env::current_exe()?)
            .args([&protos, &out])
            .env("PROTOC", protoc_bin_vendored::protoc_bin_path()?)
            .status()?;
        return status
            .success()
            .then_some(())
            .ok_or_else(|| "generation failed".into());
    }
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    std::fs::create_dir_all(&out)?;
    let files = FILES.map(|name| protos.join(format!("connectrpc/conformance/v1/{name}.proto")));
    connectrpc_axum_build::compile_protos(&files, std::slice::from_ref(&protos))
        .out_dir(&out)
        .extern_module("google.protobuf", "crate::wkt")
        .with_pbjson_config(|config| {
            config.ignore_unknown_fields();
        })
        .with_tonic()
        .compile()?;
    // The crate also wants its own descriptors, for the paths of streaming rpcs.
    let descriptors = Command::new(protoc_bin_vendored::protoc_bin_path()?)
        .arg("--include_imports")
        .arg(format!(
            "--descriptor_set_out={}",
            out.join("descriptors.bin").display()
        ))
        .arg(format!("--proto_path={}", protos.display()))
        .args(files)
        .status()?;
    descriptors
        .success()
        .then_some(())
        .ok_or_else(|| "protoc failed".into())
}
