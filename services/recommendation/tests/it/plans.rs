//! How the databases carry out what the service asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let migrate = async |db: &sql::Database| migrations::up(db, "recommendation").await;
    let expected = Expected {
        least: 15,
        skip: &[],
        allowed: &[],
    };
    check("recommendation", migrate, expected).await;
}
