//! What the Server feed knows of the connection, shared with the other feeds of the same target:
//! they need not wait for their own timeouts to notice that a server is gone, or back.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::Fault;

/// Shared by all feeds of a target.
#[derive(Clone, Default)]
pub struct Pulse(Arc<watch::Sender<Beat>>);

/// What is known.
#[derive(Default)]
struct Beat {
    /// How the server was lost; `None` while it answers, as far as is known.
    lost: Option<Fault>,
    /// How often it came back.
    recoveries: u64,
}

/// The Server feed's side; when it is dropped nobody knows any more.
pub struct Prober(Pulse);

impl Pulse {
    /// The probing side.
    #[must_use]
    pub fn prober(&self) -> Prober {
        Prober(self.clone())
    }

    /// Waits for the next loss from now on.
    pub fn loss(&self) -> impl Future<Output = Fault> + Send + use<> {
        let mut beat = self.0.subscribe();
        async move {
            while beat.changed().await.is_ok() {
                if let Some(fault) = beat.borrow_and_update().lost.clone() {
                    return fault;
                }
            }
            std::future::pending().await
        }
    }

    /// Waits until the server has come back after this call.
    pub fn recovery(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut beat = self.0.subscribe();
        let before = beat.borrow_and_update().recoveries;
        async move {
            if beat.wait_for(|beat| beat.recoveries > before).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Prober {
    /// The server is lost. True when that is news.
    pub fn lose(&self, fault: &Fault) -> bool {
        self.0.0.send_if_modified(|beat| {
            let news = beat.lost.is_none();
            if news {
                beat.lost = Some(fault.clone());
            }
            news
        })
    }

    /// The server answers. True when that is news.
    pub fn recover(&self) -> bool {
        self.0.0.send_if_modified(|beat| {
            let news = beat.lost.take().is_some();
            beat.recoveries += u64::from(news);
            news
        })
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.recover();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn fault() -> Fault {
        Fault::Timeout { what: "readyz".into(), seconds: 2 }
    }

    #[test]
    fn a_loss_is_told_once_and_only_while_it_is_new() {
        let pulse = Pulse::default();
        let prober = pulse.prober();
        let waiting = pulse.loss();
        assert!(prober.lose(&fault()));
        assert!(!prober.lose(&fault()));
        assert_eq!(waiting.now_or_never(), Some(fault()));
        assert_eq!(pulse.loss().now_or_never(), None);
    }

    #[test]
    fn recovery_needs_a_loss_first() {
        let pulse = Pulse::default();
        let prober = pulse.prober();
        let waiting = pulse.recovery();
        assert!(!prober.recover());
        assert!(prober.lose(&fault()));
        drop(prober);
        assert_eq!(waiting.now_or_never(), Some(()));
        assert_eq!(pulse.recovery().now_or_never(), None);
    }
}
