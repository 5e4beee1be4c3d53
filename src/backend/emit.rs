//! Streams written as plain async code: the work runs only while its stream is polled, so nothing
//! is spawned and dropping the stream drops the work with everything it holds open.

use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::model::{Fault, FeedEvent};

/// Items that may wait before the work does.
const ROOM: usize = 32;

/// Where the work puts the stream's items. Clones put them into the same stream.
#[derive(Clone)]
pub struct Emitter<T>(mpsc::Sender<T>);

impl<T> Emitter<T> {
    /// Hands `item` over, waiting for room. The receiver lives in the same stream as the work, so
    /// it is never gone while that runs.
    pub async fn send(&self, item: T) {
        let _ = self.0.send(item).await;
    }
}

impl Emitter<FeedEvent> {
    /// Says that the feed broke, or cannot be had.
    pub async fn lost(&self, fault: Fault) {
        self.send(FeedEvent::Lost(fault)).await;
    }
}

/// The stream of what `work` sends. It ends when the work returns.
pub fn emit<T, W, F>(work: W) -> BoxStream<'static, T>
where
    T: Send + 'static,
    W: FnOnce(Emitter<T>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ROOM);
    let work = stream::once(work(Emitter(sender))).filter_map(|()| async { None });
    stream::select(ReceiverStream::new(receiver), work).boxed()
}

/// The feed of what `work` sends. It stays open, silent, when the work returns.
pub fn feed<W, F>(work: W) -> BoxStream<'static, FeedEvent>
where
    W: FnOnce(Emitter<FeedEvent>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    emit(work).chain(stream::pending()).boxed()
}

/// A feed that a target does not have: says `what` is missing, once.
#[must_use]
pub fn unsupported(what: &str) -> BoxStream<'static, FeedEvent> {
    let fault = Fault::Unsupported { what: what.to_owned() };
    stream::iter([FeedEvent::Lost(fault)]).chain(stream::pending()).boxed()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_the_stream_ends_with_the_work() {
        let stream = emit(|out| async move {
            for n in 0..100 {
                out.send(n).await;
            }
        });
        assert_eq!(stream.collect::<Vec<_>>().await, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_feed_outlives_its_work() {
        let mut feed = feed(|out| async move { out.send(FeedEvent::Alive).await });
        assert_eq!(feed.next().await, Some(FeedEvent::Alive));
        assert_eq!(feed.next().now_or_never(), None);
    }
}
