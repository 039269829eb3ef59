//! `stoa user`: accounts made on the machine that has the database, without
//! signing in. The way to the first admin.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::Context;
use call::Role;
use clock::Clock;
use user::AccountSpec;

use crate::commands::migrate;
use crate::config::Config;
use crate::schema;

/// Creates an account with these roles, the password from standard input.
///
/// # Errors
///
/// An unknown role, an account that sign-up would refuse, an e-mail address
/// that is taken, or a database that is not there or not migrated.
pub async fn create(
    config: &Config,
    email: &str,
    name: Option<&str>,
    roles: &[String],
) -> anyhow::Result<ExitCode> {
    let mut parsed = vec![Role::Customer];
    for name in roles {
        let known = || Role::ALL.map(Role::as_str).join(", ");
        let role =
            Role::parse(name).with_context(|| format!("`{name}` is no role: {}", known()))?;
        if !parsed.contains(&role) {
            parsed.push(role);
        }
    }
    let password = password()?;
    let db = migrate::open_there(config, user::NAME, "make a user in").await?;
    schema::usable(&db).await?;
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default());
    let account = AccountSpec {
        name,
        email,
        roles: &parsed,
        password: &password,
    };
    let settings: &user::Config = config.settings(user::NAME);
    let id = user::create_account(&db, &Clock::system(), &settings.password, &account)
        .await
        .context("cannot create the account")?;
    db.close().await.context("cannot close the database")?;
    println!("{id}");
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input.
fn password() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Password (8 to 128 characters, shown as you type): ");
    }
    let mut line = String::new();
    input
        .lock()
        .read_line(&mut line)
        .context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
