//! `google.protobuf`, as far as the contract uses it, with the JSON of the
//! protobuf JSON mapping. pbjson-types prints timestamps with `+00:00` where
//! the mapping says `Z`, so Timestamp is ours, and pbjson takes no integer with a point or an
//! exponent, so what reads numbers is.

mod number;
mod timestamp;

pub use number::Number;
pub use pbjson_types::{Duration, Empty};
pub use timestamp::Timestamp;
