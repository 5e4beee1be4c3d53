//! What pilothouse knows right now.

pub mod log;
