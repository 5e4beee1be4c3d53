//! A container in full as YAML. Environment values are where people keep passwords: they never
//! leave this file.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::engine::Engine;
use super::feed::{LONGEST, events, rest};
use super::rows::handle;
use crate::backend::emit::Emitter;
use crate::backend::retry::Pauses;
use crate::backend::yaml;
use crate::model::{Fault, FeedEvent, Key};

/// How often it is read anyway.
const AGAIN: Duration = Duration::from_secs(30);
/// Events that come closer than this cost one read.
const COALESCE: Duration = Duration::from_millis(100);

/// Runs the feed for ever.
pub async fn run(engine: Engine, key: Key, out: Emitter<FeedEvent>) {
    let mut pauses = Pauses::up_to(LONGEST);
    let mut last: Option<Arc<str>> = None;
    loop {
        let fault = follow(&engine, &key, &out, &mut pauses, &mut last).await;
        out.lost(fault.clone()).await;
        rest(&mut pauses, &fault).await;
    }
}

async fn follow(
    engine: &Engine,
    key: &Key,
    out: &Emitter<FeedEvent>,
    pauses: &mut Pauses,
    last: &mut Option<Arc<str>>,
) -> Fault {
    let mut stream = match events(engine, Some(&handle(key)), 0).await {
        Ok(stream) => stream,
        Err(fault) => return fault,
    };
    // After Lost, and at the start, the object is sent even when it is the same.
    *last = None;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            event = stream.next() => match event {
                Some(Ok(_)) => due = due.min(Instant::now() + COALESCE),
                Some(Err(fault)) => return fault,
                None => return Fault::Unreachable { what: "no more events".into(), way_out: String::new() },
            },
            () = sleep_until(due) => {
                due = Instant::now() + AGAIN;
                let text = match engine.get::<Value>(&format!("/containers/{}/json", handle(key))).await {
                    Ok(value) => match shown(value) {
                        Ok(text) => text,
                        Err(fault) => return fault,
                    },
                    Err(fault) => return fault,
                };
                pauses.reset();
                if last.as_ref() == Some(&text) {
                    out.send(FeedEvent::Alive).await;
                } else {
                    *last = Some(Arc::clone(&text));
                    out.send(FeedEvent::Object(text)).await;
                }
            }
        }
    }
}

/// The object as YAML with its environment masked.
fn shown(mut value: Value) -> Result<Arc<str>, Fault> {
    mask(&mut value);
    yaml::text(&value).map(Arc::from)
}

fn mask(value: &mut Value) {
    let Some(entries) = value.pointer_mut("/Config/Env").and_then(Value::as_array_mut) else { return };
    for entry in entries {
        let name = entry.as_str().and_then(|text| text.split_once('=')).map(|(name, _)| name.to_owned());
        if let Some(name) = name {
            *entry = Value::String(format!("{name}=<hidden>"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn environment_values_are_hidden_and_the_rest_is_kept_in_order() {
        let object = json!({"Id": "c", "Name": "/web", "Config": {"Env": ["TOKEN=a=b", "EMPTY="], "Tty": false}});
        let text = shown(object).unwrap();
        assert!(!text.contains("a=b"), "{text}");
        assert!(text.contains("TOKEN=<hidden>") && text.contains("EMPTY=<hidden>"), "{text}");
        assert!(text.find("Id").unwrap() < text.find("Name").unwrap());
    }

    #[test]
    fn an_object_without_environment_is_shown_as_it_is() {
        assert!(shown(json!({"Config": {"Env": null}})).unwrap().contains("Env"));
    }
}
