//! The console's work without a terminal, for scripts and reports: the same feeds, the same
//! procedure for changes.

use std::io::Write as _;

pub mod act;
pub mod check;
pub mod rollout;
pub mod snapshot;
pub mod svg;

/// Prints `text` on standard output. A reader that has gone away, as `head` does, is no reason to
/// stop what is under way.
pub fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
