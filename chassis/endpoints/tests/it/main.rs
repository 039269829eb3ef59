//! Replicas that come, go and cannot be reached.

mod changes;
mod etcd;
mod picks;
mod registry;
