//! `google.protobuf`, as far as the contract uses it, with the JSON of the
//! protobuf JSON mapping. pbjson-types prints timestamps with `+00:00` where
//! the mapping says `Z`, so Timestamp is ours.

mod timestamp;

pub use pbjson_types::{Duration, Empty};
pub use timestamp::Timestamp;
