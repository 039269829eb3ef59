//! Calls to a peer in another process: over which connections they go, and what holds whom up.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by a panic"
)]

mod answers;
mod ends;
mod failing;
mod full;
mod replicas;
mod server;
mod silent;
mod steps;
mod storm;
mod windows;
