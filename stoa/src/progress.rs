//! Progress of long work, for whoever watches the terminal; silent elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `steps` steps, drawn on standard error when that is a terminal.
pub fn bar(steps: usize, doing: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner:.cyan} {msg:<28} {bar:24.cyan/dim} {pos}/{len}")
            .unwrap_or_else(|_wrong_template| ProgressStyle::default_bar());
    let bar = ProgressBar::new(steps as u64)
        .with_style(style)
        .with_message(doing);
    bar.enable_steady_tick(Duration::from_millis(80));
    bar
}
