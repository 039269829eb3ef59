//! What turns events and numbers into output: log lines, metrics, and the trace
//! context that travels in headers.
//!
//! It knows nothing of what is logged or counted, beyond names and help texts.
//! It reads no environment and makes no randomness: the composition root hands
//! both in.

pub mod log;
pub mod metrics;
pub mod redact;
pub mod trace;

pub use log::{AccessLine, CallIds, Config, Format, flush, init, within};
pub use trace::{TRACEPARENT, TraceContext};
