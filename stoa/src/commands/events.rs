//! `stoa events`: what the services of a running process tell.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use form_urlencoded::Serializer;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::admin::{Admin, Away};
use crate::cli::FactsWanted;
use crate::config::Config;
use crate::facts::Facts;

/// How soon a process that is away is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Told {
    facts: Vec<Value>,
    next: BTreeMap<String, String>,
    lost: Vec<String>,
}

/// Prints each fact as a line of JSON, those of a service in its order, until it is stopped or nobody reads. A process
/// that is away for a while is asked again, and what it told meanwhile is not missed.
///
/// # Errors
///
/// An unknown topic; nobody answers when it begins, or what is asked for is refused.
pub async fn tail(config: &Config, tail: FactsWanted) -> anyhow::Result<ExitCode> {
    if let Err(said) = Facts::new()?.named(&tail.topics) {
        bail!(said);
    }
    let admin = Admin::new(config, tail.admin.token_file.clone());
    let mut next = BTreeMap::new();
    let mut away = false;
    let mut hears = false;
    loop {
        let told: Told = match admin
            .ask(Method::GET, &page(&tail, &next), Vec::new())
            .await
        {
            Ok(told) => told,
            Err(error) if next.is_empty() || !error.is::<Away>() => return Err(error),
            Err(error) => {
                if !away {
                    eprintln!("stoa: {error:#}; it is asked again and again");
                }
                away = true;
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            }
        };
        if away {
            eprintln!("stoa: it answers again");
            away = false;
        }
        for service in &told.lost {
            eprintln!(
                "stoa: what {service} told after that place is gone, or its database is another: \
                 it is heard from its beginning"
            );
        }
        if !hears {
            let services: Vec<&str> = told.next.keys().map(String::as_str).collect();
            eprintln!("stoa: hearing {}; Ctrl-C ends", services.join(", "));
            hears = true;
        }
        if !print(&told.facts)? {
            return Ok(ExitCode::SUCCESS);
        }
        next = told.next;
    }
}

/// The page that comes after these places.
fn page(tail: &FactsWanted, next: &BTreeMap<String, String>) -> String {
    let mut query = Serializer::new(String::new());
    for topic in &tail.topics {
        query.append_pair("topic", topic);
    }
    for (service, place) in next {
        query.append_pair("after", &format!("{service}:{place}"));
    }
    if tail.from_beginning {
        query.append_pair("begin", "");
    }
    // The first answer says where it begins, and comes at once.
    if !next.is_empty() {
        query.append_pair("wait", "3");
    }
    format!("/facts?{}", query.finish())
}

/// Prints them; false if nobody reads.
fn print(facts: &[Value]) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let mut print = || {
        for fact in facts {
            writeln!(out, "{fact}")?;
        }
        out.flush()
    };
    match print() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}
