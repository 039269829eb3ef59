//! The contract: every message, service and fact of Stoa, as generated from
//! the .proto files beside this folder, and what belongs to it by nature.
//!
//! Owns the generated code, `google.protobuf`'s JSON, and validation by the
//! rules in the contract. Deliberately has no transport, no limits and no
//! opinion on errors: those are the edge's; and no arithmetic: sums of money
//! are those of `money`.
//!
//! The module tree mirrors the packages without their `stoa`:
//! `stoa.order.v1` is [`order::v1`].

pub mod fact;
mod money;
pub mod server;
pub mod validate;
pub mod wkt;

pub use fact::Fact;
pub use server::{Directs, Limited, Mount, Mounted};
pub use validate::{Validate, Violation};

/// The contract's FileDescriptorSet, imports and custom options included.
///
/// Feed these very bytes to a descriptor pool: a set that went through prost
/// has lost its options.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");

include!("gen/packages.rs");
