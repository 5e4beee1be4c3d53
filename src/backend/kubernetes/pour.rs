//! A stream made by an async function that sends into it: the stream drives the function, so
//! dropping the stream ends all its work and nothing runs on its own.

use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::model::{Fault, FeedEvent};

/// Events that may wait before the producer does.
const ROOM: usize = 64;

/// Where a producer puts its events.
#[derive(Clone)]
pub struct Pour(mpsc::Sender<FeedEvent>);

impl Pour {
    /// Hands `event` over, waiting for room. Nobody listens only while the stream is being dropped.
    pub async fn send(&self, event: FeedEvent) {
        let _ = self.0.send(event).await;
    }

    /// Says that the stream broke.
    pub async fn lost(&self, fault: Fault) {
        self.send(FeedEvent::Lost(fault)).await;
    }
}

/// The stream of what `make` sends. When its future ends the stream stays open, silent.
pub fn pour<F, W>(make: F) -> BoxStream<'static, FeedEvent>
where
    F: FnOnce(Pour) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ROOM);
    let work = stream::once(make(Pour(sender))).filter_map(|()| std::future::pending());
    stream::select(ReceiverStream::new(receiver), work).boxed()
}
