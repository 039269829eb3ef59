//! Replicas that come, go and cannot be reached.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by a panic"
)]

mod changes;
mod etcd;
mod picks;
mod registry;
