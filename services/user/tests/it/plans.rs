//! How the databases carry out what the service asks of them.

use testkit::plans::{Expected, check};

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let migrate = async |db: &sql::Database| migrations::up(db, "user").await;
    let expected = Expected {
        least: 28,
        skip: &["awaits"],
        allowed: &[
            (
                r#""sessions"*ORDER BY "sessions"."created_at""#,
                "an account has some fifty sessions",
            ),
            (r#"FROM "signing_keys""#, "there are two or three keys"),
            (r#"FROM "outbox"*"key" = "#, "an account has a few facts"),
        ],
    };
    check("user", migrate, expected).await;
}
