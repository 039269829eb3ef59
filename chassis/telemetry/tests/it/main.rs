//! What telemetry writes, read back the way an operator would.

mod lines;
mod metrics;
