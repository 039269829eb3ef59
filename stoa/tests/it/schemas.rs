//! Two versions of the program on one database: a newer one has changed it
//! while this one serves.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use migrations::LOCK;
use migrations::LockSession;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sql::{Database, Engine};
use testkit::database::TestDatabase;
use testkit::process::Process;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::shop::{Door, STOPS_WITHIN, Shop, binary, stoa};

const READY_MAX: Duration = Duration::from_secs(60);

/// A migrated database of `service` on each engine.
async fn both(service: &'static str) -> [TestDatabase; 2] {
    testkit::database::both(service, async |db| migrations::up(db, service).await).await
}

fn url(db: &TestDatabase) -> String {
    db.config().url.expose_secret().to_owned()
}

async fn write(db: &Database, statements: &[&str]) {
    let txn = db.begin_write().await.expect("it can be written");
    for sql in statements {
        let done = txn.execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    txn.commit().await.expect("it commits");
}

/// What a newer version does: a column more, and a note down to which version
/// that is made for.
async fn plant(db: &Database, table: &str, name: &str, down_to: &str) {
    let column = format!("alter table {table} add column {name} text");
    let note = format!(
        "insert into seaql_migrations (version, applied_at, down_to) values ('{name}', 1, {down_to})"
    );
    write(db, &[&column, &note]).await;
}

async fn notes(db: &Database) -> usize {
    versions(db).await.len()
}

/// The newest change that the database has: before anything is planted, the binary's own.
async fn newest(db: &Database) -> String {
    versions(db).await.pop().expect("there is a schema")
}

async fn versions(db: &Database) -> Vec<String> {
    let backend = db.read().get_database_backend();
    let all = "select version from seaql_migrations order by version";
    let rows = db
        .read()
        .query_all_raw(Statement::from_string(backend, all));
    let rows = rows.await.expect("the notes are there");
    let version = |row: &QueryResult| row.try_get("", "version").expect("a name");
    rows.iter().map(version).collect()
}

/// `stoa serve user`, and where it listens.
struct Serving {
    process: Process,
    public: Door,
    admin: Door,
}

impl Serving {
    async fn start(url: &str, folder: &Path, name: &str) -> Self {
        let data = folder.join("data").display().to_string();
        let fixed = ["serve", "user", "--port", "0", "--admin-port", "0"];
        let arguments = fixed.iter().copied().chain(["--data", &data]);
        let variables = [("STOA_USER__DATABASE_URL", url)];
        let output = folder.join(name);
        let process = Process::start(binary(), arguments, &variables, &output);
        let mut process = process.expect("stoa is a program");
        let find = |output: &str| {
            let line = output.lines().find(|line| line.contains("Serving user"))?;
            serde_json::from_str::<Value>(line).ok()
        };
        let line = process.wait_for(READY_MAX, find).await.expect("it serves");
        let door = |field: &str| {
            let address = line[field].as_str().expect("an address");
            Door::new(format!("http://{address}"))
        };
        let (public, admin) = (door("public"), door("admin"));
        Self {
            process,
            public,
            admin,
        }
    }

    /// Waits until the detail of the schema is as wanted.
    async fn schema(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + READY_MAX;
        loop {
            let detail = self.admin.get("/readyz").await.json();
            let components = detail["components"].as_array();
            let mut schemas = components.into_iter().flatten();
            if let Some(schema) = schemas.find(|it| it["name"] == "schema")
                && wanted(schema)
            {
                return schema.clone();
            }
            assert!(Instant::now() < until, "{detail}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Somebody who needs an answer all the while.
    fn asked_over_and_over(&self) -> Asking {
        let (door, done) = (self.public.clone(), CancellationToken::new());
        let until = done.clone();
        let asker = tokio::spawn(async move {
            let mut answered = 0;
            while !until.is_cancelled() {
                let email = format!("nobody-{answered}@example.test");
                let user = json!({"email": email, "password": "a short sentence"});
                let answer = door.call("user.v1.AuthService/SignIn", user).await;
                // Read from the very table that changes.
                assert_eq!(answer.code(), "unauthenticated", "{:?}", answer.bytes);
                let ready = door.get("/readyz").await.status;
                assert_eq!(ready, StatusCode::OK, "after {answered}");
                answered += 1;
                sleep(Duration::from_millis(20)).await;
            }
            answered
        });
        Asking { done, asker }
    }

    async fn works(&self) {
        for path in ["/readyz", "/healthz"] {
            assert_eq!(self.public.get(path).await.status, StatusCode::OK, "{path}");
        }
        let keys = self.public.call("user.v1.AuthService/GetJwks", json!({}));
        assert_eq!(keys.await.status, StatusCode::OK);
    }
}

struct Asking {
    done: CancellationToken,
    asker: JoinHandle<usize>,
}

impl Asking {
    /// How often it was answered, never with an error.
    async fn stop(self) -> usize {
        self.done.cancel();
        self.asker.await.expect("each answer was right")
    }
}

/// A version serves on while the next one changes its database, and starts
/// again after, if the change was made for it too; it says so in one line.
///
/// row: O-05
#[tokio::test]
async fn a_version_serves_on_beside_a_change_that_was_made_for_it() {
    for db in both("user").await {
        let folder = tempfile::tempdir().expect("temporary folder");
        let url = url(&db);
        let mut serving = Serving::start(&url, folder.path(), "before").await;
        serving.schema(|it| it["ready"] == true).await;
        serving.works().await;
        let asking = serving.asked_over_and_over();
        let own = newest(&db).await;
        plant(&db, "users", "m9998_later", &format!("'{own}'")).await;
        let planted = notes(&db).await;
        let noted = |it: &Value| {
            assert_eq!(it["ready"], true, "{it}");
            it["note"].is_string()
        };
        let told = serving.schema(noted).await.to_string();
        assert!(
            told.contains("m9998_later") && told.contains(&own),
            "{told}"
        );
        serving.works().await;
        let answered = asking.stop().await;
        assert!(answered > 3, "only {answered} were asked");
        let log = serving.process.last_words(STOPS_WITHIN).await;
        let log = log.expect("it stops");
        assert_eq!(
            log.matches("ready: newer than this binary").count(),
            1,
            "{log}"
        );
        assert!(!log.contains("is not ready"), "{log}");

        let mut again = Serving::start(&url, folder.path(), "after").await;
        again.schema(noted).await;
        again.works().await;
        let log = again.process.last_words(STOPS_WITHIN).await;
        let log = log.expect("it stops");
        assert_eq!(
            log.matches("ready: newer than this binary").count(),
            1,
            "{log}"
        );

        let data = folder.path().join("data").display().to_string();
        let variables = [("STOA_USER__DATABASE_URL", url.as_str())];
        let (code, printed) = stoa(&["migrate", "user", "--data", &data], &variables).await;
        assert_eq!(code, 0, "{printed}");
        assert!(printed.contains("newer than this binary"), "{printed}");
        assert_eq!(notes(&db).await, planted);
    }
}

/// A change that was not made for it makes a running version unready, and ends
/// its next start with 78, both versions and what to do.
///
/// row: O-05, X20
#[tokio::test]
async fn a_version_leaves_a_change_alone_that_was_not_made_for_it() {
    for db in both("user").await {
        let folder = tempfile::tempdir().expect("temporary folder");
        let url = url(&db);
        let serving = Serving::start(&url, folder.path(), "output").await;
        serving.schema(|it| it["ready"] == true).await;
        let own = newest(&db).await;
        plant(&db, "users", "m9998_later", &format!("'{own}'")).await;
        plant(&db, "users", "m9999_last", "'m9998_later'").await;
        let planted = notes(&db).await;
        let told = serving.schema(|it| it["ready"] == false).await;
        let cause = told["cause"].as_str().expect("a cause");
        assert!(cause.contains("m9999_last"), "{cause}");
        let answer = serving.public.get("/readyz").await.status;
        assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(serving.public.get("/healthz").await.status, StatusCode::OK);

        let data = folder.path().join("data").display().to_string();
        let refused = async |arguments: &[&str], newer: &str| {
            let all: Vec<&str> = arguments.iter().copied().chain(["--data", &data]).collect();
            let variables = [("STOA_USER__DATABASE_URL", url.as_str())];
            let (code, printed) = stoa(&all, &variables).await;
            assert_eq!(code, 78, "{printed}");
            for wanted in [newer, &own, "0.0.0", "run the newer binary"] {
                assert!(printed.contains(wanted), "{wanted}: {printed}");
            }
        };
        refused(&["migrate", "user"], "m9999_last").await;
        assert_eq!(notes(&db).await, planted);

        // Who went back, or planned it so, is served again without a start.
        let back = "delete from seaql_migrations where version = 'm9999_last'";
        write(&db, &[back]).await;
        serving.schema(|it| it["ready"] == true).await;
        serving.works().await;

        // A start is refused at once. On SQLite nobody else may serve the file meanwhile.
        drop(serving);
        plant(&db, "users", "m9999_once_more", "'m9998_later'").await;
        let serve = ["serve", "user", "--port", "0", "--admin-port", "0"];
        refused(&serve, "m9999_once_more").await;
        assert_eq!(notes(&db).await, planted);
    }
}

/// The whole shop in one process follows the same rule, and so does the
/// auditor.
///
/// row: O-05, X20
#[tokio::test]
async fn the_whole_shop_and_its_auditor_follow_the_same_rule() {
    for db in both("order").await {
        let mut shop = Shop::up_with(&[("STOA_ORDER__DATABASE_URL", url(&db))]).await;
        shop.log().await;
        let own = newest(&db).await;
        plant(&db, "orders", "m9998_later", &format!("'{own}'")).await;
        let planted = notes(&db).await;
        shop.restart().await;
        let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
        let answer = customer.place("LMP-ARC-01", 1, "tok_ok").await;
        assert_eq!(answer.code(), "ok", "{:?}", answer.bytes);
        let log = shop.log().await;
        assert_eq!(
            log.matches("ready: newer than this binary").count(),
            1,
            "{log}"
        );
        let (code, printed) = shop.stoa(&["audit", "--settle", "0"]).await;
        assert_eq!(code, 0, "{printed}");
        assert!(printed.contains("newer than this binary"), "{printed}");

        plant(&db, "orders", "m9999_last", "null").await;
        let up = ["up", "--port", "0", "--admin-port", "0"];
        for arguments in [&up[..], &["audit", "--settle", "0"], &["migrate"]] {
            let (code, printed) = shop.stoa(arguments).await;
            assert_eq!(code, 78, "{arguments:?}: {printed}");
            for wanted in ["m9999_last", &own, "0.0.0"] {
                assert!(printed.contains(wanted), "{wanted}: {printed}");
            }
        }
        assert_eq!(notes(&db).await, planted + 1);
    }
}

/// row: O-05
#[tokio::test]
async fn who_waits_in_vain_for_another_who_migrates_ends_and_says_so() {
    let bare = async |_: &Database| Ok::<_, std::fmt::Error>(());
    let db = testkit::database::postgres("bare", bare).await;
    assert_eq!(db.engine(), Engine::Postgres);
    let other = LockSession::open(&db).expect("this is PostgreSQL");
    assert!(other.try_lock(LOCK).await.expect("it answers"));
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().display().to_string();
    let (url, migrate) = (
        url(&db),
        ["migrate", "user", "--data", &data, "--wait", "1"],
    );
    let variables = [("STOA_USER__DATABASE_URL", url.as_str())];
    let (code, printed) = stoa(&migrate, &variables).await;
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("another program is migrating the database of user"),
        "{printed}"
    );
    other.close().await.expect("it closes");
    let (code, printed) = stoa(&migrate, &variables).await;
    assert_eq!(code, 0, "{printed}");
}
