//! Log records as they travel from a backend to the log store.

use std::sync::Arc;

use super::key::Key;

/// Which log is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogSource {
    /// The pod or the engine's container.
    pub key: Key,
    /// Container of the pod; empty for an engine's container.
    pub container: Arc<str>,
    /// The previous instance instead of the current one (Kubernetes).
    pub previous: bool,
}

/// One thing to append to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRecord {
    /// A line as the container wrote it, without its newline; invalid UTF-8 already replaced.
    /// The text is untrusted and may hold control characters: only the store may pass it on.
    Line {
        /// Nanoseconds since 1970 by the server's clock, when it sent one.
        at: Option<i64>,
        /// Written to standard error, where the server tells.
        stderr: bool,
        /// The text, at most [`MAX_LINE`] bytes.
        text: Box<str>,
        /// Bytes that were cut off its end.
        cut: u32,
    },
    /// Lines may be missing here, and why.
    Gap(Box<str>),
    /// Something about the stream itself, such as a new container instance.
    Note(Box<str>),
}

/// Longest text kept of one line, in bytes.
pub const MAX_LINE: usize = 256 * 1024;
