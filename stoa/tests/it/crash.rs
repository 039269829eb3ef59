//! `kill -9` in the middle of checkouts: every order a customer was told of ends, once, and
//! nothing is forgotten.
//!
//! Customers order ten at a time, each under a key of their own; at a random moment the shop, or
//! one of its processes, dies and is started again; who got no answer asks again under the same
//! key. What was told is held against the databases by `stoa audit`. A run prints one line of
//! JSON; `just crash --help` runs other numbers, shapes and databases, and the sabotaged forms.

pub mod customer;
pub mod journal;
mod orders;
pub mod plan;
mod sabotage;
pub mod system;
mod trial;
mod verdict;

use plan::{Engine, Plan, Sabotage, Shape};
use trial::run;

fn plan(shape: Shape, database: Engine) -> Plan {
    Plan {
        trials: 100,
        seed: None,
        database,
        shape,
        sabotage: None,
        clients: 10,
    }
}

/// row: E9, R-01, R-02, I1, I2, I3, I6, I8, I9, S-16, X1, X16
#[tokio::test]
async fn one_process_on_sqlite_survives_kill_9() {
    let verdict = run(plan(Shape::Up, Engine::Sqlite)).await;
    assert!(verdict.broken.is_empty(), "{:#?}", verdict.broken);
    assert!(verdict.under_way.len() >= 9);
}

/// The shape is chosen by chance, and printed.
///
/// row: E9, E13, R-01, R-02
#[tokio::test]
async fn the_shop_on_postgresql_survives_kill_9() {
    let shape = match clock::Clock::system().random::<1>() {
        [byte] if byte % 2 == 0 => Shape::Up,
        _ => Shape::Split,
    };
    let verdict = run(plan(shape, Engine::Postgres)).await;
    assert!(verdict.broken.is_empty(), "{:#?}", verdict.broken);
}

async fn is_red_without(sabotage: Sabotage, trials: usize, database: Engine) {
    let verdict = run(Plan {
        trials,
        sabotage: Some(sabotage),
        ..plan(Shape::Up, database)
    })
    .await;
    let is_wanted = |line: &String| {
        let mut wanted = sabotage.breaks().iter();
        wanted.any(|wanted| line.starts_with(wanted))
    };
    assert!(
        verdict.broken.iter().any(is_wanted),
        "{sabotage:?} went unnoticed: {:#?}",
        verdict.broken
    );
}

/// row: I8, R-02, S-16
#[tokio::test]
async fn answers_that_are_forgotten_turn_the_trial_red() {
    is_red_without(Sabotage::Keys, 30, Engine::Sqlite).await;
}

/// row: I3, R-02
#[tokio::test]
async fn sagas_in_memory_alone_turn_the_trial_red() {
    is_red_without(Sabotage::Saga, 30, Engine::Sqlite).await;
}

/// row: I9, R-02
#[tokio::test]
async fn answers_before_the_disk_has_them_turn_the_trial_red() {
    is_red_without(Sabotage::Disk, 30, Engine::Sqlite).await;
}

/// Books of which every order was refused are easily balanced.
///
/// row: R-02
#[tokio::test]
async fn a_trial_in_which_nobody_can_pay_is_red() {
    for database in [Engine::Sqlite, Engine::Postgres] {
        is_red_without(Sabotage::Declined, 20, database).await;
    }
}

/// A death that meets no order proves nothing about orders.
///
/// row: R-02
#[tokio::test]
async fn a_trial_whose_deaths_disturb_nobody_is_red() {
    for database in [Engine::Sqlite, Engine::Postgres] {
        is_red_without(Sabotage::Idle, 20, database).await;
    }
}

/// `just crash ARGUMENTS`: a trial of any size.
#[tokio::test]
#[ignore = "run by hand: just crash --help"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's size is no configuration of the product"
)]
async fn by_hand() {
    let arguments = std::env::var("CRASH").unwrap_or_default();
    let verdict = run(Plan::read(&arguments)).await;
    let red = !verdict.broken.is_empty();
    assert_eq!(
        red,
        verdict.plan.sabotage.is_some(),
        "{:#?}",
        verdict.broken
    );
}
