//! The pure domain: what pilothouse knows about clusters and engines, as compact rows.
//!
//! Nothing here performs I/O or reads a clock; backends project what servers say into these
//! types and everything above reads them. See the crate docs for the direction of imports.

pub mod container;
pub mod event;
pub mod fault;
pub mod feed;
pub mod key;
pub mod log;
pub mod metric;
pub mod pod;
pub mod quantity;
pub mod release;
pub mod revision;
pub mod row;
pub mod server;
pub mod severity;
pub mod target;
pub mod text;
pub mod time;
pub mod workload;

pub use container::{EngineContainer, EngineState, Health};
pub use event::ClusterEvent;
pub use fault::Fault;
pub use feed::{Feed, FeedEvent, FeedSpec, Scope};
pub use key::{Key, Kind};
pub use log::{LogRecord, LogSource};
pub use metric::{Sample, Usage};
pub use pod::{ContainerState, Pod, PodContainer, Role, Termination};
pub use release::{Engine, Release};
pub use revision::{Revision, Revisions};
pub use row::Row;
pub use server::{Access, Deed, ServerInfo};
pub use severity::Severity;
pub use target::{TargetId, TargetKind, TargetMeta};
pub use time::{Now, Stamp};
pub use workload::{Condition, RolloutPhase, RolloutStatus, Workload};
