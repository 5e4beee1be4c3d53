//! Following a container's log for as long as its pod exists, over lost connections, rotations and
//! restarts, without losing or repeating a line unless it is said so.

mod follow;
mod instance;
mod lines;
mod pass;
mod resume;

pub use follow::follow;
