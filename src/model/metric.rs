//! What something uses right now, and its recent past in a ring.

use std::sync::Arc;

use super::key::Key;
use super::time::Stamp;

/// Amounts used at one point in time. `None` means not known, which is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Cores.
    pub cpu: Option<f32>,
    /// Working set in bytes.
    pub memory: Option<f32>,
    /// Bytes a second received.
    pub rx: Option<f32>,
    /// Bytes a second sent.
    pub tx: Option<f32>,
    /// Bytes a second read from block devices.
    pub read: Option<f32>,
    /// Bytes a second written to block devices.
    pub write: Option<f32>,
    /// Processes.
    pub pids: Option<f32>,
}

/// One measurement of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What was measured.
    pub key: Key,
    /// When, by the server's clock.
    pub at: Stamp,
    /// The object as a whole.
    pub usage: Usage,
    /// Its containers, for a pod.
    pub containers: Box<[(Arc<str>, Usage)]>,
}
