//! Streams written as plain async code: the work runs only while its stream is polled, and
//! dropping the stream drops the work with everything it holds open.

use std::future::Future;

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, stream};

/// Where the work puts the stream's items.
pub struct Emitter<T>(mpsc::Sender<T>);

impl<T> Emitter<T> {
    /// Hands an item over and waits until there is room for the next.
    pub async fn send(&mut self, item: T) {
        // the receiver lives in the same stream as the work, so it cannot be gone while this runs
        let _ = self.0.send(item).await;
    }
}

/// The stream of what `work` sends. It ends when the work returns.
pub fn emit<T, W, F>(work: W) -> BoxStream<'static, T>
where
    T: Send + 'static,
    W: FnOnce(Emitter<T>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(0);
    let work = stream::once(work(Emitter(sender))).filter_map(|()| async { None });
    stream::select(receiver, work).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_the_stream_ends_with_the_work() {
        let stream = emit(|mut out| async move {
            for n in 0..5 {
                out.send(n).await;
            }
        });
        assert_eq!(stream.collect::<Vec<_>>().await, [0, 1, 2, 3, 4]);
    }
}
