//! The database goes away, or a service, and comes back.

mod bouncer;
mod peer;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use sea_orm::ConnectionTrait;
use testkit::process::Process;
use tokio::time::{Instant, sleep};

use crate::crash::customer::{Checkout, Visit};
use crate::crash::journal::Journal;
use crate::crash::plan::{Engine, Shape};
use crate::crash::system::{System, databases};
use crate::shop::{Door, binary, stoa};

const SKUS: [&str; 2] = ["MUG-STR-01", "LMP-ARC-02"];
/// From the loss of the database to "not ready".
const NOTICED_MAX: Duration = Duration::from_secs(2);
/// From its return to service.
const BACK_MAX: Duration = Duration::from_secs(5);
/// How long it is away.
const AWAY: Duration = Duration::from_secs(15);

/// What became of a shop whose database went away.
struct Times {
    noticed: Duration,
    back: Duration,
}

/// PostgreSQL stops dead under load and comes back; then every connection is cut. Who was
/// ordering meanwhile asks again under the same key, and all promises hold.
///
/// row: R-13, I9, O7, O8
#[tokio::test]
async fn the_shop_outlives_its_database() {
    let system = System::start(Shape::Up, Engine::Postgres, &[]).await;
    under_load(system, async |system, door| {
        system.server().stop_immediately();
        let noticed = until_ready(door, StatusCode::SERVICE_UNAVAILABLE).await;
        alive_for(door, AWAY).await;
        system.server().start().await;
        let back = until_ready(door, StatusCode::OK).await;
        sleep(Duration::from_secs(1)).await;
        cut_connections(&system.server().url("postgres")).await;
        sleep(Duration::from_secs(1)).await;
        let restored = until_ready(door, StatusCode::OK).await;
        println!("after a cut of all connections back after {restored:?}");
        assert!(restored <= BACK_MAX, "{restored:?}");
        Times { noticed, back }
    })
    .await;
}

/// The same with a pooler in between, which is restarted.
///
/// row: R-13, I9, O7, O8
#[tokio::test]
async fn the_shop_outlives_its_pooler() {
    let Some(program) = bouncer::program() else {
        println!("NOT RUN: R-13's pgbouncer: there is none on this machine (Debian: pgbouncer)");
        return;
    };
    let server = testkit::postgres::durable().await;
    let mut bouncer = bouncer::Bouncer::start(program, &server).await;
    let variables = databases(&server).await.into_iter();
    let variables: Vec<_> = variables
        .map(|(name, url)| (name, bouncer.url(&url)))
        .collect();
    let system = System::on(Shape::Up, server, &variables).await;
    under_load(system, async |_, door| {
        let restart = bouncer.restart(Duration::from_secs(3));
        let watch = async {
            let noticed = until_ready(door, StatusCode::SERVICE_UNAVAILABLE).await;
            alive_for(door, Duration::from_secs(1)).await;
            noticed
        };
        let (noticed, ()) = tokio::join!(watch, restart);
        let back = until_ready(door, StatusCode::OK).await;
        Times { noticed, back }
    })
    .await;
}

/// Lets people order while something happens to the database, and holds it against the limits.
async fn under_load(mut system: System, happens: impl AsyncFnOnce(&mut System, &Door) -> Times) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let journal = Journal::new(folder.path());
    let door = system.door().clone();
    let customer = door.sign_in("customer@stoa.test", "stoa-demo").await;
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let visit = Visit {
        customer: &customer,
        journal: &journal,
        patience: Duration::from_secs(60),
    };
    let load = join_all((0..4).map(|_| async {
        let mut broken = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let checkout = Checkout {
                number,
                sku: SKUS[number % SKUS.len()].to_owned(),
                quantity: 1,
                method: "tok_ok",
                cancel: false,
            };
            broken.extend(visit.make(&checkout).await.broken);
            sleep(Duration::from_millis(50)).await;
        }
        broken
    }));
    let outage = async {
        sleep(Duration::from_secs(1)).await;
        let times = happens(&mut system, &door).await;
        sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
        times
    };
    let begun = Instant::now();
    let (broken, Times { noticed, back }) = tokio::join!(load, outage);
    println!(
        "not ready after {noticed:?}, back after {back:?}; {} checkouts, the last ended after {:?}",
        next.into_inner(),
        begun.elapsed()
    );
    assert_eq!(broken.concat(), Vec::<String>::new());
    assert!(noticed <= NOTICED_MAX, "not ready only after {noticed:?}");
    assert!(back <= BACK_MAX, "back only after {back:?}");
    let history = journal.history().display().to_string();
    let arguments = ["audit", "--settle", "20", "--history", &history];
    let (code, printed) = system.stoa(&arguments).await;
    assert_eq!(code, 0, "{printed}");
}

/// Liveness does not ask the database.
async fn alive_for(door: &Door, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        assert_eq!(door.get("/healthz").await.status, StatusCode::OK);
        sleep(Duration::from_millis(100)).await;
    }
}

/// How long it takes until readiness answers so.
async fn until_ready(door: &Door, wanted: StatusCode) -> Duration {
    let begun = Instant::now();
    while door.get("/readyz").await.status != wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "never {wanted}");
        sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn cut_connections(url: &str) {
    let admin = sea_orm::Database::connect(url).await.expect("it is back");
    let statement = "select pg_terminate_backend(pid) from pg_stat_activity \
        where pid <> pg_backend_pid() and datname like '%\\_db'";
    let cut = admin.execute_unprepared(statement).await;
    cut.expect("a superuser may");
    admin.close().await.expect("it closes");
}

/// A target that starts before its database waits for it, alive.
///
/// row: O11, R-13
#[tokio::test]
async fn a_target_waits_for_a_database_that_is_not_there_yet() {
    let mut server = testkit::postgres::durable().await;
    let all = databases(&server).await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().display().to_string();
    let mut variables: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    variables.push(("STOA_DATA", &data));
    let (code, printed) = stoa(&["migrate"], &variables).await;
    assert_eq!(code, 0, "{printed}");
    server.stop_immediately();

    let arguments = ["serve", "user", "--port", "0", "--admin-port", "0"];
    let output = folder.path().join("output");
    let mut process =
        Process::start(binary(), arguments, &variables, &output).expect("stoa is a program");
    let address = process.wait_for(Duration::from_secs(30), |output| {
        let line = output.lines().find(|line| line.contains("Serving user"))?;
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["public"].as_str().map(str::to_owned)
    });
    let address = address.await.expect("it serves without a database");
    let door = Door::new(format!("http://{address}"));
    let waiting = Instant::now();
    while waiting.elapsed() < Duration::from_secs(3) {
        assert_eq!(door.get("/healthz").await.status, StatusCode::OK);
        let ready = door.get("/readyz").await.status;
        assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
        sleep(Duration::from_millis(200)).await;
    }
    server.start().await;
    let back = until_ready(&door, StatusCode::OK).await;
    assert!(back <= BACK_MAX, "ready only {back:?} after its database");
    assert!(process.is_running());
}
