//! How the databases carry out what this crate asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let expected = Expected {
        least: 6,
        skip: &["load", "power", "rivals"],
        allowed: &[],
    };
    check("store", crate::tables, expected).await;
}
