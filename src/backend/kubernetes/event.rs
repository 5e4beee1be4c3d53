//! Events of the core API as rows.

use std::sync::Arc;

use serde::Deserialize;

use super::intern::Interner;
use super::watch::Project;
use super::wire::{Meta, Text, Time, count, or_default};
use crate::model::{ClusterEvent, Key, Kind, Row, TargetId};

/// Makes rows of events.
pub struct Events {
    target: TargetId,
    strings: Interner,
}

impl Events {
    /// For rows of `target`.
    #[must_use]
    pub fn new(target: TargetId) -> Self {
        Self { target, strings: Interner::default() }
    }

    fn event(&mut self, event: &RawEvent<'_>) -> ClusterEvent {
        let about = &event.involved_object;
        let created = event.metadata.created();
        let first = event.first_timestamp.0.or(event.event_time.0).unwrap_or(created);
        let (seen, count) = match &event.series {
            Some(series) => (series.last_observed_time.0, series.count),
            None => (None, event.count),
        };
        let source =
            if event.source.component.is_empty() { &event.reporting_component } else { &event.source.component };
        ClusterEvent {
            key: self.key(&event.metadata),
            warning: &*event.kind == "Warning",
            reason: self.strings.get(&event.reason),
            message: event.message.trim_end().into(),
            object: self.strings.get(&format!("{}/{}", &*about.kind, &*about.name)),
            object_uid: self.strings.get(&about.uid),
            count: count.max(1),
            first,
            last: seen.or(event.last_timestamp.0).or(event.event_time.0).unwrap_or(created),
            source: self.strings.get(source),
        }
    }

    fn key(&mut self, meta: &Meta<'_>) -> Key {
        Key {
            target: self.target,
            kind: Kind::Event,
            namespace: self.strings.get(&meta.namespace),
            name: Arc::from(&*meta.name),
            uid: Arc::from(&*meta.uid),
        }
    }
}

impl Project for Events {
    type Object<'de> = RawEvent<'de>;

    fn version<'a>(object: &'a RawEvent<'_>) -> &'a str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &RawEvent<'_>) -> Row {
        Row::Event(Box::new(self.event(object)))
    }

    fn gone(&mut self, object: &RawEvent<'_>) -> Key {
        self.key(&object.metadata)
    }
}

/// An event as the API server sends it.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct RawEvent<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: Meta<'a>,
    #[serde(rename = "type")]
    kind: Text<'a>,
    reason: Text<'a>,
    message: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    involved_object: Reference<'a>,
    #[serde(deserialize_with = "count")]
    count: u32,
    first_timestamp: Time,
    last_timestamp: Time,
    event_time: Time,
    series: Option<Series>,
    #[serde(deserialize_with = "or_default")]
    source: Origin<'a>,
    reporting_component: Text<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    name: Text<'a>,
    uid: Text<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    #[serde(deserialize_with = "count")]
    count: u32,
    last_observed_time: Time,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Origin<'a> {
    #[serde(borrow)]
    component: Text<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> ClusterEvent {
        let raw: RawEvent<'_> = serde_json::from_str(text).expect("an event decodes");
        Events::new(TargetId(0)).event(&raw)
    }

    #[test]
    fn the_last_time_follows_the_series_then_the_timestamps() {
        let at = |hour: u32| format!("2026-01-02T{hour:02}:00:00Z");
        let cases = [
            (
                format!(
                    r#"{{"series":{{"count":7,"lastObservedTime":"{}"}},"lastTimestamp":"{}","count":2}}"#,
                    at(5),
                    at(4)
                ),
                at(5),
                7,
            ),
            (format!(r#"{{"lastTimestamp":"{}","eventTime":"{}","count":3}}"#, at(4), at(3)), at(4), 3),
            (format!(r#"{{"eventTime":"{}","lastTimestamp":null}}"#, at(3)), at(3), 1),
            (format!(r#"{{"metadata":{{"creationTimestamp":"{}"}},"count":0}}"#, at(2)), at(2), 1),
        ];
        for (text, last, count) in cases {
            let row = event(&text);
            assert_eq!((row.last.rfc3339(), row.count), (last, count), "{text}");
        }
    }

    #[test]
    fn the_reporting_component_stands_in_for_an_empty_source() {
        let row = event(
            r#"{"reportingComponent":"default-scheduler","type":"Warning","involvedObject":{"kind":"Pod","name":"a","uid":"u"}}"#,
        );
        assert_eq!(
            (&*row.source, row.warning, &*row.object, &*row.object_uid),
            ("default-scheduler", true, "Pod/a", "u")
        );
    }
}
