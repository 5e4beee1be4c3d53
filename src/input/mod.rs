//! From keys to commands: what a key is called, and what it means where.

pub mod chord;
pub mod keymap;

pub use chord::Chord;
pub use keymap::{Binding, Context, Keymap, KeymapError};
