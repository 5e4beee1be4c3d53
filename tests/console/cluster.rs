//! A cluster that says what a test tells it to say, and nothing else.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::{BoxStream, iter, pending};
use pilothouse::backend::{Opened, Source};
use pilothouse::model::{Feed, FeedEvent, FeedSpec, Pod, Row, ServerInfo};

use crate::fake::opened;

/// Lists these pods at once and hands on what is sent later.
struct Fake {
    pods: Vec<Row>,
    later: Mutex<Option<UnboundedReceiver<FeedEvent>>>,
}

/// A cluster of these pods; what is sent into the channel comes from its pod feed.
pub fn cluster(pods: Vec<Pod>) -> (Opened, UnboundedSender<FeedEvent>) {
    let (out, later) = unbounded();
    let pods = pods.into_iter().map(|pod| Row::Pod(Box::new(pod))).collect();
    (opened(Arc::new(Fake { pods, later: Mutex::new(Some(later)) })), out)
}

impl Source for Fake {
    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        let list = |rows: Vec<Row>| iter([FeedEvent::Reset, FeedEvent::Staged(rows), FeedEvent::Synced]);
        match spec.feed {
            Feed::Server => {
                let info = ServerInfo { version: "v1.33.2".into(), ..ServerInfo::default() };
                iter([FeedEvent::Server(Box::new(info))]).chain(pending()).boxed()
            }
            Feed::Pods(_) => {
                let later = self.later.lock().expect("the channel").take();
                let later = later.map_or_else(|| pending().boxed(), StreamExt::boxed);
                list(self.pods.clone()).chain(later).chain(pending()).boxed()
            }
            Feed::Workloads(_) | Feed::Events(_) | Feed::Namespaces => list(Vec::new()).chain(pending()).boxed(),
            _ => pending().boxed(),
        }
    }
}
