//! The console's work without a terminal, for scripts and reports: the same feeds, the same
//! procedure for changes.

pub mod act;
pub mod check;
pub mod rollout;
pub mod snapshot;
pub mod svg;
