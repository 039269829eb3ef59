//! The user service through its real router, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod app;

mod access;
mod awaits;
mod block_user;
mod change_password;
mod create_account;
mod create_user;
mod delete_user;
mod demo;
mod get_jwks;
mod get_profile;
mod get_user;
mod housekeeping;
mod known_devices;
mod list_users;
mod plans;
mod refresh;
mod reset_password;
mod sessions;
mod set_password;
mod sign_in;
mod sign_out;
mod sign_up;
mod standing;
mod update_user;
mod watch_user_updates;
