//! Everything `update` may ask of the runtime.

use crate::actions::{Action, Approved};
use crate::event::JobId;
use crate::model::TargetId;

/// A wish.
#[derive(Debug)]
pub enum Effect {
    /// Work out a plan for this action.
    Plan(JobId, Action),
    /// Record the intent, execute, verify, record the outcome.
    Run(JobId, Box<Approved>),
    /// Put this text on the user's clipboard (OSC 52).
    Copy(String),
    /// Stop as a shell's job control wants it.
    Suspend,
    /// Give the terminal to the login command of this target.
    Login(TargetId),
    /// Start the simulated world beside the other targets.
    OpenDemo,
    /// End.
    Quit,
}

/// Wishes, in order.
pub type Effects = Vec<Effect>;
