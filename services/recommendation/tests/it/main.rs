//! The recommendation service at its rpcs: through the real edge, on SQLite and on PostgreSQL, told what
//! it knows by the outboxes of others.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod app;
mod forgetting;
mod get_recommendations;
mod get_suggestions;
mod hearing;
mod plans;
