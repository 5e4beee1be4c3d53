//! From what is needed to running streams: one task for each distinct spec, shared by all panes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::backend::Source;
use crate::model::{Feed, FeedEvent, FeedSpec, TargetId};

/// How long a list stays watched after its last pane went.
const LINGER_LIST: Duration = Duration::from_secs(60);
/// How long a log, an object or a history does.
const LINGER: Duration = Duration::from_secs(5);

/// All running streams.
pub struct Feeds {
    sources: Vec<Arc<dyn Source>>,
    running: BTreeMap<FeedSpec, Running>,
    out: mpsc::Sender<(FeedSpec, FeedEvent)>,
}

struct Running {
    _task: AbortOnDropHandle<()>,
    idle_since: Option<Duration>,
}

impl Feeds {
    /// No streams yet; sources are indexed by target id.
    #[must_use]
    pub const fn new(sources: Vec<Arc<dyn Source>>, out: mpsc::Sender<(FeedSpec, FeedEvent)>) -> Self {
        Self { sources, running: BTreeMap::new(), out }
    }

    /// The source of a target.
    #[must_use]
    pub fn source(&self, target: TargetId) -> Option<&Arc<dyn Source>> {
        self.sources.get(usize::from(target.0))
    }

    /// Begins all streams of a target anew, at once: something has changed that makes trying worth it.
    pub fn restart(&mut self, target: TargetId) {
        self.running.retain(|spec, _| spec.target != target);
    }

    /// Another target's source, of the next id.
    pub fn add(&mut self, source: Arc<dyn Source>) {
        self.sources.push(source);
    }

    /// Starts what is newly wanted and ends what has not been for long enough. Returns what ended.
    pub fn want(&mut self, wanted: &BTreeSet<FeedSpec>, now: Duration) -> Vec<FeedSpec> {
        for spec in wanted {
            match self.running.get_mut(spec) {
                Some(running) => running.idle_since = None,
                None => self.start(spec),
            }
        }
        let mut ended = Vec::new();
        self.running.retain(|spec, running| {
            if wanted.contains(spec) {
                return true;
            }
            let since = *running.idle_since.get_or_insert(now);
            let replaced = wanted.iter().any(|other| replaces(other, spec));
            let stays = !replaced && now.saturating_sub(since) < linger(&spec.feed);
            if !stays {
                ended.push(spec.clone());
            }
            stays
        });
        ended
    }

    fn start(&mut self, spec: &FeedSpec) {
        let Some(source) = self.sources.get(usize::from(spec.target.0)) else { return };
        let mut stream = source.watch(spec);
        let (out, own) = (self.out.clone(), spec.clone());
        let task = tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                if out.send((own.clone(), event)).await.is_err() {
                    return;
                }
            }
        });
        self.running.insert(spec.clone(), Running { _task: AbortOnDropHandle::new(task), idle_since: None });
    }
}

/// True when `new` lists the same kind of rows of the same target as `old` in another scope.
fn replaces(new: &FeedSpec, old: &FeedSpec) -> bool {
    new.target == old.target
        && matches!(
            (&new.feed, &old.feed),
            (Feed::Pods(_), Feed::Pods(_))
                | (Feed::Workloads(_), Feed::Workloads(_))
                | (Feed::Events(_), Feed::Events(_))
                | (Feed::Usage(_), Feed::Usage(_))
        )
}

const fn linger(feed: &Feed) -> Duration {
    match feed {
        Feed::Log(_) | Feed::Object(_) | Feed::Revisions(_) | Feed::UsageOf(_) => LINGER,
        _ => LINGER_LIST,
    }
}
