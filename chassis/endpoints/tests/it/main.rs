//! Replicas that come, go and cannot be reached.

mod changes;
mod picks;
mod registry;
