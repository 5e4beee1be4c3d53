//! When to try again: soon, then slower, never in step with others, and at once when the Server
//! feed says that the server is back.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::pulse::Pulse;
use crate::model::Fault;

/// First wait.
const FIRST: Duration = Duration::from_millis(250);
/// Longest wait for a server that does not answer.
const LONGEST: Duration = Duration::from_secs(2);
/// Wait after a refusal: only somebody's change of rights helps.
const REFUSED: Duration = Duration::from_secs(30);
/// Wait after 401: the credentials may have been renewed.
const UNKNOWN_USER: Duration = Duration::from_secs(5);
/// Wait after 429.
const BUSY: Duration = Duration::from_secs(5);

/// Doubling waits.
#[derive(Debug, Clone)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// Things go well again.
    pub fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// How long to wait after `fault`.
    pub fn after(&mut self, fault: &Fault) -> Duration {
        let fixed = match fault {
            Fault::Denied { what, .. } if what.starts_with("401") => UNKNOWN_USER,
            Fault::Denied { .. } | Fault::Unsupported { .. } => REFUSED,
            Fault::Server { what } if what.starts_with("429") => BUSY,
            _ => {
                let wait = self.0;
                self.0 = (wait * 2).min(LONGEST);
                wait
            }
        };
        jittered(fixed)
    }

    /// Waits after `fault`, or until the server is known to be back.
    pub async fn wait(&mut self, fault: &Fault, pulse: &Pulse) {
        let recovery = pulse.recovery();
        tokio::select! {
            () = tokio::time::sleep(self.after(fault)) => {}
            () = recovery => {}
        }
    }
}

/// Between three quarters of `span` and all of it.
#[must_use]
pub fn jittered(span: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 256;
    span.mul_f64(0.75) + span.mul_f64(0.25 / 256.0) * u32::try_from(random).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_two_seconds_and_refusals_wait_long() {
        let mut backoff = Backoff::default();
        let down = Fault::Unreachable { what: "refused".into(), way_out: String::new() };
        let upper = [250, 500, 1000, 2000, 2000].map(Duration::from_millis);
        for limit in upper {
            let wait = backoff.after(&down);
            assert!(wait <= limit && wait >= limit.mul_f64(0.74), "{wait:?} of {limit:?}");
        }
        backoff.reset();
        assert!(backoff.after(&down) <= FIRST);
        let denied = Fault::Denied { what: "pods is forbidden".into(), way_out: String::new() };
        assert!(backoff.after(&denied) > Duration::from_secs(20));
    }
}
