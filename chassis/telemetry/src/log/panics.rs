//! Panics as log lines: what is printed by default no machine reads, and it names no request.

use std::panic::{self, PanicHookInfo};

/// Logs every panic of this process from now on, in place of printing it: what it said and
/// where, in the span it happened in, and so under the correlation id of its request.
pub fn log_panics() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or("it said nothing");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(cause = said, place, "A panic: {said}");
}
