//! The full object as YAML, again whenever it changes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;

use super::changes::{Change, changes, read, text};
use super::link::Link;
use super::paths::of_key;
use super::pulse::Pulse;
use super::retry::Backoff;
use super::yaml;
use crate::backend::emit::{self, Emitter};
use crate::model::{Fault, FeedEvent, Key};

/// Changes that follow each other this closely are read once.
const SETTLE: Duration = Duration::from_millis(300);

/// The feed.
pub fn feed(link: Link, pulse: Pulse, key: Key) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        let mut backoff = Backoff::default();
        let mut shown = None;
        loop {
            if let Err(fault) = attend(&link, &pulse, &key, &out, &mut backoff, &mut shown).await {
                out.lost(fault.clone()).await;
                // what is shown is stale: the next reading is news even if it is the same
                shown = None;
                backoff.wait(&fault, &pulse).await;
            }
        }
    })
}

async fn attend(
    link: &Link,
    pulse: &Pulse,
    key: &Key,
    out: &Emitter<FeedEvent>,
    backoff: &mut Backoff,
    shown: &mut Option<Arc<str>>,
) -> Result<(), Fault> {
    let (place, path) = of_key(key)?;
    let place = place.named(&key.name);
    let mut loss = std::pin::pin!(pulse.loss());
    let object = read(link, key, &path).await?;
    let version = text(&object, "/metadata/resourceVersion").to_owned();
    show(object, out, shown).await?;
    let mut changes = changes(link, &place, &version).await?;
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            fault = &mut loss => return Err(fault),
        };
        match change {
            Some(Change::Still) => out.send(FeedEvent::Alive).await,
            Some(Change::Changed) => {
                backoff.reset();
                tokio::time::sleep(SETTLE).await;
                show(read(link, key, &path).await?, out, shown).await?;
            }
            None => {
                tokio::time::sleep(SETTLE).await;
                return Ok(());
            }
        }
    }
}

async fn show(object: serde_json::Value, out: &Emitter<FeedEvent>, shown: &mut Option<Arc<str>>) -> Result<(), Fault> {
    let text: Arc<str> = yaml::object(object)?.into();
    if shown.as_ref() == Some(&text) {
        out.send(FeedEvent::Alive).await;
    } else {
        *shown = Some(text.clone());
        out.send(FeedEvent::Object(text)).await;
    }
    Ok(())
}
