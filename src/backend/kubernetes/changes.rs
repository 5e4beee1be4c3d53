//! "Something changed": watches that only say that it is time to read again.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use kube::core::WatchEvent;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::link::Link;
use super::paths::Place;
use crate::model::{Fault, Key};

/// Seconds that one watch may stay open.
const WATCH: u64 = 290;
/// Time between two looks where watching is not allowed.
const POLL: Duration = Duration::from_secs(5);

/// What a watch said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something is different.
    Changed,
    /// Nothing is.
    Still,
}

/// Changes of `place` after `version`. Ends when it has to be opened anew; where the server does
/// not let us watch it says `Changed` once, after a while.
///
/// # Errors
/// Any [`Fault`] but `Denied`.
pub async fn changes(link: &Link, place: &Place, version: &str) -> Result<BoxStream<'static, Change>, Fault> {
    match link.watch::<IgnoredAny>(&place.watch(version, WATCH)).await {
        Ok(events) => Ok(events
            .take_while(|event| {
                std::future::ready(matches!(event, Ok(event) if !matches!(event, WatchEvent::Error(_))))
            })
            .map(|event| match event {
                Ok(WatchEvent::Bookmark(_)) => Change::Still,
                _ => Change::Changed,
            })
            .boxed()),
        Err(Fault::Denied { .. }) => Ok(stream::once(async {
            tokio::time::sleep(POLL).await;
            Change::Changed
        })
        .boxed()),
        Err(Fault::Gone { .. }) => Ok(stream::empty().boxed()),
        Err(fault) => Err(fault),
    }
}

/// The object of `key`, which must still be that very object.
///
/// # Errors
/// `Gone` when it is not there, or another of its name is; any other [`Fault`] of a call.
pub async fn read(link: &Link, key: &Key, path: &str) -> Result<Value, Fault> {
    let object: Value = link.get(path).await?;
    let uid = text(&object, "/metadata/uid");
    if key.uid.is_empty() || *uid == *key.uid {
        return Ok(object);
    }
    Err(Fault::Gone { what: format!("{key} was deleted; another of the same name is there now") })
}

/// The string at `pointer`, or nothing.
#[must_use]
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
