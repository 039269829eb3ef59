//! The command line: what it refuses, and what it leaves behind.

use std::io::Write;
use std::process::{Command, Stdio};

use prost_reflect::DescriptorPool;
use sea_orm::ConnectionTrait;
use sql::{Config, Database};

use crate::shop::{Shop, binary, stoa};

/// row: X20, E15
#[tokio::test]
async fn a_wrong_configuration_ends_with_78_and_the_key() {
    for (arguments, variables, named) in [
        (&["up"][..], &[("STOA_PRT", "8080")][..], "prt"),
        (&["up", "--port", "many"], &[], "port"),
        (&["serve", "order"], &[], "peers."),
        (
            &["serve", "user"],
            &[("STOA_PROFILE", "production")],
            "page_key_file",
        ),
        (
            &["up"],
            &[("STOA_USER__SESSION_DAYS", "0")],
            "user.session_days",
        ),
        (
            &["up"],
            &[("STOA_ORDER__OUTCOME_WAIT_MS", "9999999")],
            "order.outcome_wait_ms",
        ),
        (
            &["audit"],
            &[("STOA_ORDER__DATABASE_URL", "mysql://a:hunter2@b/c")],
            "order.database_url",
        ),
        (
            &["migrate"],
            &[("STOA_USER__DATABASE_URL", "sqlite::memory:")],
            "user.database_url",
        ),
        (
            &["serve", "user"],
            &[("STOA_USER__DATABASE_URL", "postgres://a:hunter2#@b/c")],
            "user.database_url",
        ),
    ] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let data = folder.path().join("data").display().to_string();
        let all: Vec<&str> = arguments.iter().copied().chain(["--data", &data]).collect();
        let (code, printed) = stoa(&all, variables).await;
        assert_eq!(code, 78, "{arguments:?} {variables:?}: {printed}");
        assert!(printed.contains(named), "{named} is not named: {printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

/// Looking makes nothing that the next start would take for a shop.
///
/// row: X13, X2
#[tokio::test]
async fn where_nothing_is_there_is_nothing_to_audit_and_it_stays_so() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let shown = data.display().to_string();
    let own = format!("sqlite:{shown}/mine.db");
    let own = [("STOA_USER__DATABASE_URL", own.as_str())];
    for (variables, key, file) in [
        (&[][..], "configuration: data ", "user.db"),
        (&own, "configuration: user.database_url ", "mine.db"),
    ] {
        let (code, printed) = stoa(&["audit", "--data", &shown], variables).await;
        assert_eq!(code, 78, "{printed}");
        for said in [key, file, "nothing to audit"] {
            assert!(printed.contains(said), "{said}: {printed}");
        }
        let made = std::fs::read_dir(&data).expect("a folder").count();
        assert_eq!(made, 0, "{printed}");
    }
}

/// row: X2
#[tokio::test]
async fn demo_people_are_promised_where_they_are() {
    let mut shop = Shop::up_without_demo().await;
    shop.process.kill();
    shop.restart().await; // which would like some, and comes too late
    let printed = shop.process.output();
    assert!(!printed.contains("stoa-demo"), "{printed}");
}

/// row: P16
#[test]
fn the_contract_is_exported_as_it_is_served() {
    let output = Command::new(binary())
        .args(["export", "descriptors"])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    assert_eq!(output.stdout, proto::DESCRIPTORS);
    let pool = DescriptorPool::decode(output.stdout.as_slice()).expect("it is a descriptor set");
    assert!(
        pool.get_service_by_name("stoa.order.v1.OrderService")
            .is_some()
    );
}

/// row: X23
#[tokio::test]
async fn the_first_admin_comes_from_the_command_line() {
    let shop = Shop::up_without_demo().await;
    let create = |email: &str, role: &str, password: &str| {
        let mut child = Command::new(binary())
            .args(["user", "create", "--email", email, "--role", role, "--data"])
            .arg(&shop.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut input = child.stdin.take().expect("it was piped");
        writeln!(input, "{password}").expect("it reads");
        drop(input);
        child.wait_with_output().expect("it ends")
    };
    let made = create("root@example.test", "admin", "a short sentence");
    assert!(made.status.success(), "{made:?}");
    let admin = shop
        .door
        .sign_in("root@example.test", "a short sentence")
        .await;
    assert_eq!(String::from_utf8_lossy(&made.stdout).trim(), admin.id);
    let users = serde_json::json!({"name": "", "email": "new@example.test", "roles": ["support"]});
    let answer = admin
        .door
        .call("user.v1.UserService/CreateUser", users)
        .await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
    for (email, role, password) in [
        ("root@example.test", "admin", "a short sentence"),
        ("other@example.test", "king", "a short sentence"),
        ("other@example.test", "admin", "short"),
        ("nobody", "admin", "a short sentence"),
    ] {
        assert!(
            !create(email, role, password).status.success(),
            "{email} {role}"
        );
    }
}

/// A time is typed in one way, whichever command takes it.
///
/// row: X2, X8
#[tokio::test]
async fn every_command_reads_times_alike() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().display().to_string();
    let run = async |arguments: &[&str]| {
        let all = [&["--data", &*data][..], arguments].concat();
        stoa(&all, &[]).await
    };
    for wait in ["20s", "20", "1m 500ms"] {
        let (code, printed) = run(&["migrate", "--wait", wait]).await;
        assert_eq!(code, 0, "{wait}: {printed}");
        let (code, printed) = run(&["audit", "--settle", wait]).await;
        assert_eq!(code, 0, "{wait}: {printed}");
    }
    for typed in ["soon", "-1s", "", "20 s s"] {
        for arguments in [
            &["migrate", "--wait", typed][..],
            &["audit", "--settle", typed],
            &["fault", "set", "user", "--for", typed],
            &["fault", "set", "user", "--delay", typed],
        ] {
            let (code, printed) = run(arguments).await;
            assert_eq!(code, 2, "{arguments:?}: {printed}");
            let told = printed.contains("`20s`") || typed.starts_with('-');
            assert!(told, "{arguments:?}: {printed}");
        }
    }
}

/// row: X2
#[tokio::test]
async fn two_processes_never_share_a_data_folder() {
    let shop = Shop::up().await;
    let (code, printed) = shop.stoa(&["up", "--port", "0", "--admin-port", "0"]).await;
    assert_eq!(code, 78, "{printed}");
    let holder = format!("in use by another stoa (process {})", shop.process.id());
    assert!(printed.contains(&holder), "{printed}");
}

/// row: X20
#[tokio::test]
async fn a_database_newer_than_the_binary_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().display().to_string();
    let (code, printed) = stoa(&["migrate", "--data", &data], &[]).await;
    assert_eq!(code, 0, "{printed}");
    let order = folder.path().join("order.db");
    let db = Database::connect("order", &Config::sqlite(&order))
        .await
        .expect("the file is there");
    let txn = db.begin_write().await.expect("nobody else writes");
    txn.execute_unprepared(
        "insert into seaql_migrations (version, applied_at) values ('m9999_later', 0)",
    )
    .await
    .expect("the table is there");
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
    for arguments in [
        &["up", "--port", "0", "--admin-port", "0"][..],
        &["migrate"],
    ] {
        let all: Vec<&str> = arguments.iter().copied().chain(["--data", &data]).collect();
        let (code, printed) = stoa(&all, &[]).await;
        assert_eq!(code, 78, "{printed}");
        assert!(
            printed.contains("m9999_later") && printed.contains("0.0.0"),
            "{printed}"
        );
    }
}

/// row: X13, I1, I2, I3
#[tokio::test]
async fn the_auditor_finds_what_somebody_changed_by_hand() {
    let mut shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let answer = customer.place("LMP-ARC-01", 1, "tok_ok").await;
    assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
    shop.process.terminate();
    shop.process
        .wait(std::time::Duration::from_secs(25))
        .await
        .expect("it stops");
    for (service, statement, undo, id) in [
        (
            "inventory",
            "update reservations set state = 'released'",
            "update reservations set state = 'committed'",
            "I1",
        ),
        (
            "payment",
            "update ledger_entries set minor_units = minor_units + 1 where line = 1",
            "update ledger_entries set minor_units = minor_units - 1 where line = 1",
            "I2",
        ),
        (
            "order",
            "update orders set status = 1",
            "update orders set status = 3",
            "I3",
        ),
    ] {
        change(&shop, service, statement).await;
        let (code, printed) = shop.stoa(&["audit", "--settle", "0"]).await;
        assert_eq!(code, 1, "{statement}: {printed}");
        assert!(
            printed.contains(&format!("\n{id}: ")),
            "{statement}: {printed}"
        );
        change(&shop, service, undo).await;
    }
    let (code, printed) = shop.stoa(&["audit", "--settle", "0"]).await;
    assert_eq!(code, 0, "{printed}");
}

async fn change(shop: &Shop, service: &'static str, statement: &str) {
    let file = shop.data.join(format!("{service}.db"));
    let db = Database::connect(service, &Config::sqlite(&file))
        .await
        .expect("the file is there");
    let txn = db.begin_write().await.expect("nobody else writes");
    let changed = txn
        .execute_unprepared(statement)
        .await
        .expect("the statement is right");
    assert!(changed.rows_affected() > 0, "{statement}");
    txn.commit().await.expect("it commits");
    db.close().await.expect("it closes");
}
