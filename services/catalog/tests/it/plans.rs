//! How the databases carry out what the service asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let migrate = async |db: &sql::Database| migrations::up(db, "catalog").await;
    let expected = Expected {
        least: 20,
        skip: &["awaits"],
        allowed: &[(
            r#"ORDER BY "found"."score""#,
            "what is found is ranked by what the query finds in it",
        )],
    };
    check("catalog", migrate, expected).await;
}
