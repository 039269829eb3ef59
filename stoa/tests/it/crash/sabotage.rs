//! Protections taken away, to see that the harness notices.
//!
//! Each acts in the databases, where the protection itself acts, so the program needs no switch
//! that could be left on.

use std::path::Path;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, Query};

use super::plan::{Engine, Sabotage};
use super::system::System;

/// A trigger after which no sealed answer is found again.
const FORGET_ON_SQLITE: [&str; 1] = ["create trigger forget after update of answer \
    on idempotency_keys begin delete from idempotency_keys where subject = new.subject \
    and method = new.method and key = new.key; end"];
const FORGET_ON_POSTGRES: [&str; 2] = [
    "create function forget() returns trigger language plpgsql as $$ begin \
     delete from idempotency_keys where subject = new.subject and method = new.method \
     and key = new.key; return null; end $$",
    "create trigger forget after update of answer on idempotency_keys \
     for each row execute function forget()",
];

impl Sabotage {
    /// Before the first checkout.
    pub async fn begin(self, system: &System, engine: Engine) {
        let statements: &[&str] = match (self, engine) {
            (Self::Keys, Engine::Sqlite) => &FORGET_ON_SQLITE,
            (Self::Keys, Engine::Postgres) => &FORGET_ON_POSTGRES,
            (Self::Disk, Engine::Postgres) => panic!("`disk` is for SQLite"),
            _ => return,
        };
        let store = system.open("order").await;
        let txn = store.begin_write().await.expect("the database is there");
        for statement in statements {
            txn.execute_unprepared(statement).await.expect("it is SQL");
        }
        txn.commit().await.expect("it commits");
        store.close().await.expect("it closes");
    }

    /// Before a round, when nothing moves.
    pub fn remember(self, system: &System) {
        if self == Self::Disk {
            for (file, copy) in order_files(&system.file("order")) {
                copy_or_remove(&file, &copy);
            }
        }
    }

    /// While the process is dead.
    pub async fn at_death(self, system: &System) {
        match self {
            Self::Keys | Self::Declined | Self::Idle => {}
            Self::Disk => {
                for (file, copy) in order_files(&system.file("order")) {
                    copy_or_remove(&copy, &file);
                }
            }
            Self::Saga => forget_sagas(system).await,
        }
    }
}

/// A database is a file with two companions.
fn order_files(file: &Path) -> [(std::path::PathBuf, std::path::PathBuf); 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let of = |name: &str| file.with_file_name(format!("{name}{suffix}"));
        (of("order.db"), of("order-before.db"))
    })
}

fn copy_or_remove(from: &Path, to: &Path) {
    if from.exists() {
        std::fs::copy(from, to).expect("the data folder is ours");
    } else if to.exists() {
        std::fs::remove_file(to).expect("the data folder is ours");
    }
}

async fn forget_sagas(system: &System) {
    let store = system.open("order").await;
    let mut update = Query::update();
    update.table(Alias::new("sagas")).value(
        Alias::new("lease_until"),
        Expr::value(None::<chrono::DateTime<chrono::Utc>>),
    );
    let txn = store.begin_write().await.expect("nobody else writes");
    txn.execute(&update).await.expect("the table is there");
    txn.commit().await.expect("it commits");
    store.close().await.expect("it closes");
}
