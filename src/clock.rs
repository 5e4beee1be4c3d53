//! The only place that reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::model::{Now, Stamp};

/// A clock started with the program. Its monotonic part follows tokio's time, which tests pause.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    fixed: Option<Stamp>,
}

impl Clock {
    /// A clock that tells the real time.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now(), fixed: None }
    }

    /// A clock whose wall time begins at `wall` and advances with the monotonic one.
    #[must_use]
    pub fn fixed(wall: Stamp) -> Self {
        Self { start: Instant::now(), fixed: Some(wall) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Now {
        let tick = self.start.elapsed();
        let wall = self.fixed.map_or_else(wall, |begin| begin.plus(tick));
        Now { wall, tick }
    }
}

/// The wall clock.
#[must_use]
pub fn wall() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
