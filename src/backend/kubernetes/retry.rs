//! How long to wait after which fault, and not at all once the Server feed says that the server is
//! back.

use std::time::Duration;

use super::pulse::Pulse;
use crate::backend::retry::Pauses;
use crate::model::Fault;

pub use crate::backend::retry::jittered;

/// Longest wait for a server that does not answer.
const LONGEST: Duration = Duration::from_secs(2);
/// Wait after a refusal: only somebody's change of rights helps.
const REFUSED: Duration = Duration::from_secs(30);
/// Wait after 401: the credentials may have been renewed.
const UNKNOWN_USER: Duration = Duration::from_secs(5);
/// Wait after 429.
const BUSY: Duration = Duration::from_secs(5);

/// Waits by fault; doubling ones for a server that does not answer.
#[derive(Debug, Clone)]
pub struct Backoff(Pauses);

impl Default for Backoff {
    fn default() -> Self {
        Self(Pauses::up_to(LONGEST))
    }
}

impl Backoff {
    /// Things go well again.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// How long to wait after `fault`.
    pub fn after(&mut self, fault: &Fault) -> Duration {
        let fixed = match fault {
            Fault::Denied { what, .. } if what.starts_with("401") => UNKNOWN_USER,
            Fault::Denied { .. } | Fault::Unsupported { .. } => REFUSED,
            Fault::Server { what } if what.starts_with("429") => BUSY,
            _ => return self.0.step(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_wait_long() {
        let denied = Fault::Denied { what: "pods is forbidden".into(), way_out: String::new() };
        assert!(Backoff::default().after(&denied) > Duration::from_secs(20));
        let down = Fault::Unreachable { what: "refused".into(), way_out: String::new() };
        assert!(Backoff::default().after(&down) < Duration::from_secs(1));
    }
}
