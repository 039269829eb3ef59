//! The yardstick is right, too: once per key, and nothing is left half done.

use super::*;
use crate::tables;

/// Stops an order after each of its commits, as a crash would, and lets the next start finish it.
async fn crash_after_each_commit(books: impl Books) -> u64 {
    let all = 0..7;
    for commits in all.clone() {
        let key = format!("stopped after {}", commits + 1);
        let order = books.accept(order(), key).await.expect("accept");
        stop_after(&books, order, commits).await.expect("commits");
    }
    for order in books.unfinished().await.expect("read what is left") {
        assert!(finish(&books, order).await.expect("finish").confirmed);
    }
    let left = books.unfinished().await.expect("read what is left");
    assert!(left.is_empty(), "{left:?}");
    for commits in all.clone() {
        let key = format!("stopped after {}", commits + 1);
        let again = books.accept(order(), key).await.expect("accept");
        assert!(finish(&books, again).await.expect("finish").confirmed);
    }
    all.count() as u64
}

async fn stop_after(books: &impl Books, mut order: Order, commits: usize) -> anyhow::Result<()> {
    let moved = |status, step, transaction| Move {
        status,
        step,
        transaction,
    };
    let mut transaction = String::new();
    for commit in 0..commits {
        match commit {
            0 => assert!(books.reserve(&order).await?),
            1 => {
                let to = moved("PENDING", Step::Charge, None);
                books.mark(&order, to).await?;
                order.step = Step::Charge;
            }
            2 => transaction = books.provide(&order).await?,
            3 => books.charge(&order, &transaction).await?,
            4 => {
                let to = moved("PAID", Step::Commit, Some(transaction.clone()));
                books.mark(&order, to).await?;
                order.step = Step::Commit;
            }
            _ => books.commit(&order).await?,
        }
    }
    Ok(())
}

fn order() -> Order {
    Order {
        id: Uuid::new_v4(),
        customer: Uuid::new_v4(),
        sku: "SKU-007".into(),
        quantity: 1,
        step: Step::Reserve,
        confirmed: false,
    }
}

#[tokio::test]
async fn a_crash_between_commits_leaves_nothing_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    tables::create_sqlite(folder.path()).expect("tables");
    let books = sqlite::Books::open(folder.path()).expect("files");
    let confirmed = crash_after_each_commit(books).await;
    let place = tables::Place::Folder(folder.path());
    let checked = place.check(&tables::EFFECTS, confirmed).await;
    checked.expect("effects");
}

#[tokio::test]
async fn a_crash_between_commits_leaves_nothing_on_postgres() {
    let server = testkit::postgres::durable().await;
    tables::create_postgres(&server).await.expect("tables");
    let origin = tables::origin_of(&server).expect("a URL");
    let books = postgres::Books::open(&origin).await.expect("databases");
    let confirmed = crash_after_each_commit(books).await;
    let place = tables::Place::Server(&server);
    let checked = place.check(&tables::EFFECTS, confirmed).await;
    checked.expect("effects");
}
