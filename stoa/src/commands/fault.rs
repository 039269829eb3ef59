//! `stoa fault`: makes rpcs of a running process fail on purpose.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use http::Method;
use serde::Deserialize;

use crate::admin::Admin;
use crate::cli::FaultCommand;
use crate::config::Config;
use crate::faults::{FaultWish, Shown};

/// Sets, lists or takes back faults of the process whose admin listener is configured.
///
/// # Errors
///
/// Nobody answers there, or what was asked for is refused.
pub async fn run(config: &Config, command: FaultCommand) -> anyhow::Result<ExitCode> {
    match command {
        FaultCommand::Set { wish, token_file } => {
            let body = serde_json::to_vec(&FaultWish::from(wish))?;
            let admin = Admin::new(config, token_file);
            let set: Vec<Shown> = admin.ask(Method::PUT, "/faults", body).await?;
            print(&set);
        }
        FaultCommand::List { json, token_file } => {
            let admin = Admin::new(config, token_file);
            let set: Vec<Shown> = admin.ask(Method::GET, "/faults", Vec::new()).await?;
            match json {
                true => println!("{}", serde_json::to_string(&set)?),
                false => print(&set),
            }
        }
        FaultCommand::Clear { rpc, token_file } => {
            let admin = Admin::new(config, token_file);
            let mut path = "/faults".to_owned();
            if let Some(rpc) = &rpc {
                let mut query = form_urlencoded::Serializer::new(String::new());
                path = format!("/faults?{}", query.append_pair("rpc", rpc).finish());
            }
            let Cleared { cleared } = admin.ask(Method::DELETE, &path, Vec::new()).await?;
            if let Some(rpc) = rpc.filter(|_| cleared == 0) {
                // Most likely misspelt: what was to end goes on.
                let set: Vec<Shown> = admin.ask(Method::GET, "/faults", Vec::new()).await?;
                print(&set);
                bail!("no fault is set for {rpc:?}");
            }
            println!("{cleared} taken back");
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Cleared {
    cleared: usize,
}

fn print(set: &[Shown]) {
    if set.is_empty() {
        println!("no faults are set");
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "rpc",
        "what happens",
        "of its calls",
        "for",
        "met",
    ]);
    for shown in set {
        let left = Duration::from_secs(shown.seconds_left);
        table.add_row([
            shown.rpc.clone(),
            shown.harm.clone(),
            format!("{} %", shown.percent),
            humantime::format_duration(left).to_string(),
            shown.met.to_string(),
        ]);
    }
    println!("{table}");
}
