//! Several kinds in one stream with one listing: Deployments, StatefulSets and DaemonSets, and
//! whatever releases are made of.

use futures::stream::{self, BoxStream, SelectAll, StreamExt};

use super::link::Link;
use super::paths::Place;
use super::pulse::Pulse;
use super::watch::Watcher;
use super::workload::Workloads;
use crate::backend::emit::{self, Emitter};
use crate::model::{Fault, FeedEvent, Kind, Scope, TargetId};

const KINDS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Where one of the kinds stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Not listed yet.
    Waiting,
    /// Its rows are arriving.
    Listing,
    /// All its rows are here.
    Listed,
    /// It cannot be had.
    Refused,
}

/// What to do with an event of one of the kinds.
#[derive(Debug, PartialEq)]
enum Step {
    /// Pass it on.
    Pass,
    /// Keep it to ourselves.
    Drop,
    /// Pass it on, then say that the listing is complete.
    Complete,
    /// Say that the listing is complete, then pass it on.
    CompleteFirst,
    /// List all of them anew: one of them began again, and the rows of the others must not go.
    Restart,
}

/// The merged listing.
struct Parts(Vec<Part>);

impl Parts {
    fn new(count: usize) -> Self {
        Self(vec![Part::Waiting; count])
    }

    fn settled(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Listed | Part::Refused)) && self.0.contains(&Part::Listed)
    }

    fn take(&mut self, index: usize, event: &FeedEvent) -> Step {
        let before = self.settled();
        let Some(part) = self.0.get_mut(index) else { return Step::Drop };
        match event {
            FeedEvent::Reset if *part == Part::Waiting || (*part == Part::Refused && !before) => {
                *part = Part::Listing;
                Step::Drop
            }
            FeedEvent::Reset => Step::Restart,
            FeedEvent::Synced => {
                *part = Part::Listed;
                if self.settled() { Step::Complete } else { Step::Drop }
            }
            FeedEvent::Lost(Fault::Denied { .. } | Fault::Unsupported { .. }) => {
                if *part == Part::Waiting {
                    *part = Part::Refused;
                }
                if self.settled() && !before { Step::CompleteFirst } else { Step::Pass }
            }
            _ => Step::Pass,
        }
    }
}

/// The stream of all three in `scope`.
pub fn workloads(link: Link, pulse: Pulse, target: TargetId, scope: Scope) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        loop {
            let mut all = open(&link, &pulse, target, &scope);
            merge(&mut all, KINDS.len(), &out).await;
        }
    })
}

/// Events of one kind, with its number.
pub type Tagged = BoxStream<'static, (usize, FeedEvent)>;

fn open(link: &Link, pulse: &Pulse, target: TargetId, scope: &Scope) -> SelectAll<Tagged> {
    let one = |(index, kind): (usize, Kind)| {
        let (link, pulse, place) = (link.clone(), pulse.clone(), Place::of(kind, scope));
        emit::feed(move |out| async move {
            match place {
                Ok(place) => Watcher::new(link, pulse, place, Workloads::new(target, kind), out).run().await,
                Err(fault) => out.lost(fault).await,
            }
        })
        .map(move |event| (index, event))
        .boxed()
    };
    stream::select_all(KINDS.into_iter().enumerate().map(one))
}

/// Passes events of `count` kinds on until all of them have to be listed anew.
pub async fn merge(all: &mut SelectAll<Tagged>, count: usize, out: &Emitter<FeedEvent>) {
    let mut parts = Parts::new(count);
    let mut begun = false;
    while let Some((index, event)) = all.next().await {
        let step = parts.take(index, &event);
        if !begun && parts.0.contains(&Part::Listing) {
            begun = true;
            out.send(FeedEvent::Reset).await;
        }
        match step {
            Step::Drop => {}
            Step::Pass => out.send(event).await,
            Step::Complete => out.send(FeedEvent::Synced).await,
            Step::CompleteFirst => {
                out.send(FeedEvent::Synced).await;
                out.send(event).await;
            }
            Step::Restart => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> FeedEvent {
        FeedEvent::Lost(Fault::Denied { what: "daemonsets".into(), way_out: String::new() })
    }

    #[tokio::test]
    async fn one_listing_is_made_of_three_and_a_denied_one_does_not_hold_it_up() {
        let script = [
            (0, FeedEvent::Reset),
            (2, denied()),
            (1, FeedEvent::Reset),
            (0, FeedEvent::Synced),
            (1, FeedEvent::Synced),
            (0, FeedEvent::Alive),
            (2, denied()),
            (0, FeedEvent::Reset),
            (0, FeedEvent::Alive),
        ];
        let got: Vec<FeedEvent> = emit::feed(|out| async move {
            let mut all = stream::select_all([stream::iter(script).boxed()]);
            merge(&mut all, 3, &out).await;
            out.send(FeedEvent::Samples(Vec::new())).await;
        })
        .take_while(|event| std::future::ready(*event != FeedEvent::Samples(Vec::new())))
        .collect()
        .await;
        let want = [FeedEvent::Reset, denied(), FeedEvent::Synced, FeedEvent::Alive, denied()];
        assert_eq!(got, want);
    }

    #[test]
    fn the_last_answer_completes_the_listing_even_if_it_is_a_refusal() {
        let mut parts = Parts(vec![Part::Listed, Part::Listed, Part::Waiting]);
        assert_eq!(parts.take(2, &denied()), Step::CompleteFirst);
        assert_eq!(parts.take(2, &FeedEvent::Reset), Step::Restart);
        let mut none = Parts(vec![Part::Refused, Part::Refused, Part::Waiting]);
        assert_eq!(none.take(2, &denied()), Step::Pass);
    }
}
