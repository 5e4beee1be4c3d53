//! Everything that can happen to the program.

use crate::actions::{Observation, Plan, Progress};
use crate::model::{Fault, FeedEvent, FeedSpec};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A key, a paste, a resize, a mouse event.
    Input(crossterm::event::Event),
    /// A feed delivered.
    Feed(FeedSpec, FeedEvent),
    /// An action came further.
    Job(JobId, JobEvent),
    /// A second passed.
    Tick,
    /// The operating system asks.
    Signal(Signal),
}

/// Number of an action under way, unique in one run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// What happened to an action.
#[derive(Debug)]
pub enum JobEvent {
    /// The plan is ready.
    Planned(Box<Plan>),
    /// There can be no plan.
    Refused(Fault),
    /// Execution came further.
    Progress(Progress),
    /// Verification saw something.
    Observed(Observation),
    /// The audit log could not be written: nothing was sent.
    NotRecorded(Fault),
}

/// What the operating system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End (SIGTERM, SIGHUP, SIGINT).
    End,
    /// Stop, as job control wants it (SIGTSTP).
    Stop,
    /// Back from being stopped (SIGCONT).
    Continue,
}
