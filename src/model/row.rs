//! One row of any table, as feeds carry them.

use super::container::EngineContainer;
use super::event::ClusterEvent;
use super::key::Key;
use super::pod::Pod;
use super::release::Release;
use super::workload::Workload;

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A pod.
    Pod(Box<Pod>),
    /// A Deployment, StatefulSet or DaemonSet.
    Workload(Box<Workload>),
    /// An event.
    Event(Box<ClusterEvent>),
    /// An engine's container.
    Container(Box<EngineContainer>),
    /// A release of a delivery tool.
    Release(Box<Release>),
    /// A namespace: its name is in the key.
    Namespace(Key),
}

impl Row {
    /// Identity of the row.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Pod(row) => &row.key,
            Self::Workload(row) => &row.key,
            Self::Event(row) => &row.key,
            Self::Container(row) => &row.key,
            Self::Release(row) => &row.key,
            Self::Namespace(key) => key,
        }
    }
}
