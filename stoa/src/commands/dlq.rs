//! `stoa dlq`: what the consumers of a running process failed at, and another chance for it.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use http::Method;
use uuid::Uuid;

use crate::admin::Admin;
use crate::cli::{AsAdmin, DlqCommand};
use crate::config::Config;
use crate::dead_letters::{Aside, Redrive, Redriven, SetAside};

/// Lists, shows or redrives dead letters of the process whose admin listener is configured.
///
/// # Errors
///
/// Nobody answers there, or there is no such dead letter.
pub async fn run(config: &Config, command: DlqCommand) -> anyhow::Result<ExitCode> {
    match command {
        DlqCommand::List { json, admin } => {
            let listed = ask(config, admin, "/dead-letters").await?;
            match json {
                true => println!("{}", serde_json::to_string(&listed.aside)?),
                false => print(&listed.aside),
            }
            if listed.more {
                eprintln!("stoa: more wait aside than are shown; `dlq show ID` finds each");
            }
        }
        DlqCommand::Show { event_id, admin } => {
            let path = format!("/dead-letters?id={event_id}");
            let SetAside { aside, .. } = ask(config, admin, &path).await?;
            ensure!(
                !aside.is_empty(),
                "no fact with the id {event_id} waits aside"
            );
            for shown in aside {
                println!("{}", serde_json::to_string_pretty(&shown)?);
            }
        }
        DlqCommand::Redrive {
            event_ids,
            all,
            group,
            admin,
        } => {
            let admin = Admin::new(config, admin.token_file);
            let which = serde_json::to_vec(&Redrive {
                group,
                event_ids: event_ids.clone(),
            })?;
            let Redriven { redriven } = admin.ask(Method::PUT, "/dead-letters", which).await?;
            if redriven == 0 && !all {
                let ids: Vec<String> = event_ids.iter().map(Uuid::to_string).collect();
                bail!("no dead letter has the id {}", ids.join(" or "));
            }
            println!("{redriven} tried again");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(config: &Config, admin: AsAdmin, path: &str) -> anyhow::Result<SetAside> {
    let admin = Admin::new(config, admin.token_file);
    admin.ask(Method::GET, path, Vec::new()).await
}

fn print(all: &[Aside]) {
    if all.is_empty() {
        println!("nothing waits aside: no dead letters");
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "event id", "consumer", "what", "about", "tries", "next try", "cause",
    ]);
    for shown in all {
        let text = |name: &str| shown.fact[name].as_str().unwrap_or_default().to_owned();
        table.add_row([
            text("eventId"),
            format!("{}/{}", shown.service, shown.group),
            text("eventType"),
            text("key"),
            shown.tries.to_string(),
            match shown.next_at {
                Some(at) => at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
                None => "none: a dead letter".to_owned(),
            },
            shown.cause.clone(),
        ]);
    }
    println!("{table}");
}
