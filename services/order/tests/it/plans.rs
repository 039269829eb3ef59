//! How the databases carry out what the service asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let migrate = async |db: &sql::Database| migrations::up(db, "order").await;
    let expected = Expected {
        least: 20,
        skip: &["hot_sku", "awaits", "killed_anywhere"],
        allowed: &[
            (
                r#"FROM "sagas" WHERE*ORDER BY "sagas"."lease_until""#,
                "only what is under way is read, and an index over leases would be written at each step",
            ),
            (r#"FROM "outbox"*"key" = "#, "an order has a few facts"),
        ],
    };
    check("order", migrate, expected).await;
}
