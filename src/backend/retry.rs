//! When to try again: soon, then slower, and never in step with others.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// First pause.
const FIRST: Duration = Duration::from_millis(250);

/// Pauses that double up to a longest one.
#[derive(Debug, Clone)]
pub struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// Pauses up to `longest`.
    #[must_use]
    pub const fn up_to(longest: Duration) -> Self {
        Self { next: FIRST, longest }
    }

    /// Things go well again.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait now.
    pub fn step(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        jittered(now)
    }
}

/// Between three quarters of `span` and all of it, so that many do not come back all at once.
#[must_use]
pub fn jittered(span: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 256;
    span.mul_f64(0.75) + span.mul_f64(0.25 / 256.0) * u32::try_from(random).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_the_longest_and_begin_anew() {
        let mut pauses = Pauses::up_to(Duration::from_secs(2));
        for limit in [250, 500, 1000, 2000, 2000].map(Duration::from_millis) {
            let pause = pauses.step();
            assert!(pause <= limit && pause >= limit.mul_f64(0.74), "{pause:?} of {limit:?}");
        }
        pauses.reset();
        assert!(pauses.step() <= FIRST);
    }
}
