//! What the loop's wishes become: feeds, plans, changes, the audit log, the clipboard.

pub mod audit;
pub mod clipboard;
pub mod external;
pub mod feeds;
pub mod gateway;
