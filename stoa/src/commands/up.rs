//! `stoa up`: the whole shop in one process.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use owo_colors::OwoColorize;
use sql::Database;

use crate::commands::migrate;
use crate::compose::{self, Base, Listeners};
use crate::config::{self, Config, Profile};
use crate::services::SERVICES;
use crate::{data, demo, progress, schema};

/// Runs until it is told to stop.
///
/// # Errors
///
/// A configuration that is refused, a folder in use, a database that cannot be
/// migrated, or a port that is taken.
pub async fn run(config: Config, demo: bool, no_demo: bool) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    super::start_log(&config, "stoa")?;
    check_demo(&config, demo)?;
    let general = &config.general;
    let _lock = data::lock(&general.data)?;
    let files = SERVICES
        .iter()
        .map(|slice| data::lock_database(&config, slice.name));
    let _files: Vec<_> = files.collect::<Result<_, _>>()?;
    let wanted =
        !no_demo && (demo || (general.profile == Profile::Dev && general.bind().is_loopback()));
    let filling = wanted && demo::is_wanted(&general.data)?;
    if filling {
        demo::begin(&general.data)?;
    }
    let base = Base::new(config)?;
    let databases = databases(&base).await?;
    if filling {
        Box::pin(fill(&base, &databases)).await?;
    }
    // A shop that began without them has no demo people, whatever is wanted now.
    let demo = wanted && demo::is_there(&base.config.general.data);
    let parts = compose::everything(&base, &databases)?;
    let listeners = Listeners::bind(&base, 8080, 9090).await?;
    let (public, admin) = listeners.addresses()?;
    let announce = compose::announce_ready(&base, || welcome(public, admin, demo, started));
    let (ended, ()) = tokio::join!(compose::run(&base, parts, listeners), async {
        tokio::select! {
            () = announce => {}
            () = base.draining.cancelled() => {}
        }
    });
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Demo people have a known password: they are for this machine, or for who
/// asks for them in so many words, and never for production.
fn check_demo(config: &Config, demo: bool) -> Result<(), config::Error> {
    if demo && config.general.profile == Profile::Production {
        return Err(config::Error::new("--demo", "is refused in production"));
    }
    Ok(())
}

/// Opens and migrates all databases, side by side.
async fn databases(base: &Base) -> anyhow::Result<Vec<Database>> {
    let bar = progress::bar(SERVICES.len(), "Opening databases");
    let (config, bar_ref) = (&base.config, &bar);
    let opening = SERVICES.iter().map(|slice| async move {
        let db = migrate::open(config, slice.name).await?;
        let state = schema::accepted(&db).await?;
        migrate::up(&db, &state, &config.general.data, migrations::WAIT_MAX).await?;
        bar_ref.inc(1);
        anyhow::Ok(db)
    });
    let databases = futures::future::try_join_all(opening).await?;
    bar.finish_and_clear();
    Ok(databases)
}

async fn fill(base: &Base, databases: &[Database]) -> anyhow::Result<()> {
    let of = |service| {
        let found = databases.iter().find(|db| db.service() == service);
        found.expect("every service has a database")
    };
    let targets = demo::Databases {
        user: of(user::NAME),
        catalog: of(catalog::NAME),
        pricing: of(pricing::NAME),
        inventory: of(inventory::NAME),
    };
    let user: &user::Config = base.config.settings(user::NAME);
    let seeding = demo::seed(
        &base.config.general.data,
        &base.clock,
        targets,
        &user.password,
    );
    Box::pin(seeding).await
}

/// What to do next, on standard output.
fn welcome(public: SocketAddr, admin: SocketAddr, demo: bool, started: Instant) {
    let host = if public.ip().is_loopback() || public.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        public.ip().to_string()
    };
    let at = format!("http://{host}:{}", public.port());
    let colours = std::io::stdout().is_terminal();
    let shop = if colours {
        at.bold().to_string()
    } else {
        at.clone()
    };
    println!(
        "\n  Stoa is ready at {shop}   ({:.1} s)\n",
        started.elapsed().as_secs_f64()
    );
    println!("  Try:");
    println!(
        "    curl '{at}/stoa.catalog.v1.CatalogService/ListProducts?connect=v1&encoding=json&message=%7B%22query%22%3A%22lamp%22%7D'"
    );
    if demo {
        println!(
            "    curl -H 'content-type: application/json' -d '{{\"email\":\"{}\",\"password\":\"{}\"}}' {at}/stoa.user.v1.AuthService/SignIn",
            demo::EMAILS[0],
            demo::PASSWORD
        );
    } else {
        println!(
            "    curl -H 'content-type: application/json' -d '{{\"email\":\"you@example.com\",\"name\":\"You\",\"password\":\"a long one\"}}' {at}/stoa.user.v1.AuthService/SignUp"
        );
    }
    println!("    grpcurl -plaintext {host}:{} list\n", public.port());
    if demo {
        println!(
            "  Sign in as {} with the password {}",
            demo::EMAILS.join(", "),
            demo::PASSWORD
        );
    }
    println!(
        "  Metrics, readiness, build: http://localhost:{}/metrics\n",
        admin.port()
    );
}
