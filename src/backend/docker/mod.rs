//! Docker engines through bollard.
