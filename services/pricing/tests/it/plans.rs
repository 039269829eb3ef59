//! How the databases carry out what the service asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let migrate = async |db: &sql::Database| migrations::up(db, "pricing").await;
    let expected = Expected {
        least: 18,
        skip: &["awaits"],
        allowed: &[(
            r#"INSERT INTO "untold_prices"*SELECT"#,
            "a migration does it once, of all prices",
        )],
    };
    check("pricing", migrate, expected).await;
}
