//! The progress of a command on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// How often a bar is drawn though nothing came to pass.
const TICK: Duration = Duration::from_millis(200);

/// A bar with this template; hidden where nobody would see it. Without a length, nobody knows when it is full.
pub(crate) fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The templates are constants; were one wrong, the default would do.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}
