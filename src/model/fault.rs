//! What can go wrong with a server, in terms the screen can act on.

use thiserror::Error;

/// A failed call or a lost stream. The text is made for people: it says what happened and,
/// where one is known, the way out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The kubeconfig, docker context or address cannot be used as it is.
    #[error("{what}{}", hint(.way_out))]
    Config { what: String, way_out: String },
    /// Nothing answers: refused, no route, name unknown, TLS failed.
    #[error("{what}{}", hint(.way_out))]
    Unreachable { what: String, way_out: String },
    /// The server knows us and says no (HTTP 401, 403, or a socket's permission bits).
    #[error("{what}{}", hint(.way_out))]
    Denied { what: String, way_out: String },
    /// The object changed since it was read (HTTP 409, or a failed precondition).
    #[error("changed by someone else: {what}")]
    Conflict { what: String },
    /// The object is not there (any more).
    #[error("not found: {what}")]
    Gone { what: String },
    /// No answer in time.
    #[error("no answer within {seconds} s: {what}")]
    Timeout { what: String, seconds: u64 },
    /// The request makes no sense to the server or to us.
    #[error("{what}")]
    Invalid { what: String },
    /// What is asked for is so already.
    #[error("nothing to do: {what}")]
    Already { what: String },
    /// The server does not have this (an API group, metrics, a log driver that cannot be read).
    #[error("{what}")]
    Unsupported { what: String },
    /// The server failed.
    #[error("server error: {what}")]
    Server { what: String },
    /// Held back here: read-only.
    #[error("{what}")]
    ReadOnly { what: String },
}

fn hint(way_out: &str) -> String {
    if way_out.is_empty() { String::new() } else { format!(" - {way_out}") }
}

impl Fault {
    /// One word for strips and columns.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Config { .. } => "misconfigured",
            Self::Unreachable { .. } => "unreachable",
            Self::Denied { .. } => "denied",
            Self::Conflict { .. } => "conflict",
            Self::Gone { .. } => "gone",
            Self::Timeout { .. } => "timeout",
            Self::Invalid { .. } => "invalid",
            Self::Already { .. } => "nothing to do",
            Self::Unsupported { .. } => "unsupported",
            Self::Server { .. } => "server error",
            Self::ReadOnly { .. } => "read-only",
        }
    }

    /// True when asking again later can help without anybody changing anything here.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. } | Self::Server { .. } | Self::Conflict { .. })
    }
}
