//! What Flagger tells in events only: the values of failed checks and why it does not go on. Its
//! events are listed and watched beside its Canaries, and put into their rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::steps::go_duration;
use crate::model::{ClusterEvent, FeedEvent, Release, Row, Stamp};

/// Values that a sparkline shows.
const VALUES: usize = 20;
/// Events that are kept of one Canary, also when the server has forgotten them.
const KEPT: usize = 100;
/// What begins a run: older reasons are of another one.
const BEGINNING: &str = "New revision detected";

/// UID of a Canary.
type Id = Arc<str>;
/// Messages by the time and name of their events.
type Messages = BTreeMap<(Stamp, Arc<str>), Box<str>>;

/// Rows and what was told of them.
#[derive(Default)]
struct Told {
    rows: HashMap<Id, Box<Release>>,
    events: HashMap<Id, Messages>,
}

enum Heard {
    Row(FeedEvent),
    Event(FeedEvent),
}

/// The rows of `canaries` with what `events` tell of them. Without events the rows come as they are.
pub fn told(
    canaries: BoxStream<'static, FeedEvent>,
    events: BoxStream<'static, FeedEvent>,
) -> BoxStream<'static, FeedEvent> {
    let both = stream::select(canaries.map(Heard::Row), events.map(Heard::Event));
    let mut told = Told::default();
    both.map(move |heard| stream::iter(told.hear(heard))).flatten().boxed()
}

impl Told {
    fn hear(&mut self, heard: Heard) -> Vec<FeedEvent> {
        match heard {
            Heard::Row(FeedEvent::Staged(rows)) => {
                vec![FeedEvent::Staged(rows.into_iter().map(|row| self.row(row)).collect())]
            }
            Heard::Row(FeedEvent::Upsert(row)) => vec![FeedEvent::Upsert(self.row(row))],
            Heard::Row(FeedEvent::Remove(key)) => {
                self.rows.remove(&key.uid);
                self.events.remove(&key.uid);
                vec![FeedEvent::Remove(key)]
            }
            Heard::Row(other) => {
                if other == FeedEvent::Reset {
                    self.rows.clear();
                }
                vec![other]
            }
            Heard::Event(FeedEvent::Staged(rows)) => {
                let mut about: Vec<Id> = rows.into_iter().filter_map(|row| self.event(row)).collect();
                about.sort();
                about.dedup();
                about.iter().filter_map(|id| self.again(id)).collect()
            }
            Heard::Event(FeedEvent::Upsert(row)) => {
                self.event(row).and_then(|id| self.again(&id)).into_iter().collect()
            }
            Heard::Event(_) => Vec::new(),
        }
    }

    fn row(&mut self, row: Row) -> Row {
        let Row::Release(row) = row else { return row };
        let shown = self.shown(&row);
        self.rows.insert(row.key.uid.clone(), row);
        Row::Release(shown)
    }

    /// Takes note of an event; gives the Canary it is about.
    fn event(&mut self, row: Row) -> Option<Id> {
        let Row::Event(event) = row else { return None };
        let ClusterEvent { key, message, object_uid, last, .. } = *event;
        if object_uid.is_empty() {
            return None;
        }
        let all = self.events.entry(object_uid.clone()).or_default();
        // an event that is seen again moves to its new time
        all.retain(|(_, name), _| *name != key.name);
        all.insert((last, key.name), message);
        if all.len() > KEPT {
            all.pop_first();
        }
        Some(object_uid)
    }

    fn again(&self, id: &Id) -> Option<FeedEvent> {
        let row = self.rows.get(id)?;
        let shown = self.shown(row);
        (shown != *row).then_some(FeedEvent::Upsert(Row::Release(shown)))
    }

    /// The row with the reason and the values of its run.
    fn shown(&self, row: &Release) -> Box<Release> {
        let mut row = Box::new(row.clone());
        let Some(all) = self.events.get(&row.key.uid) else { return row };
        let begun = all.iter().rposition(|(_, message)| message.starts_with(BEGINNING)).unwrap_or_default();
        let run = || all.values().skip(begun);
        for check in &mut row.checks {
            let values: Vec<f32> = run().filter_map(|message| value(message, &check.name)).collect();
            check.values = values.iter().skip(values.len().saturating_sub(VALUES)).copied().collect();
        }
        let troubled = row.checks.iter().any(|check| &*check.name == "failed checks" && !check.phase.starts_with("0 "));
        if (troubled || &*row.phase == "Failed")
            && let Some(why) = run().rfind(|message| reason(message))
        {
            row.message = if row.message.is_empty() || &*row.phase != "Failed" {
                why.clone()
            } else {
                format!("{} {why}", row.message).into()
            };
        }
        row
    }
}

/// True for a message that says why a run does not go on.
fn reason(message: &str) -> bool {
    message.starts_with("Halt ") || message.contains(" failed: ") || message.contains("query failed")
}

/// The value of the check `name` that `message` tells of, in percent, in milliseconds, or in its own unit.
fn value(message: &str, name: &str) -> Option<f32> {
    let (_, said) = message.split_once(" advancement ")?;
    let word = match name {
        "request-success-rate" => "success rate",
        "request-duration" => "request duration",
        other => other,
    };
    let text = said.strip_prefix(word)?.strip_prefix(' ')?.split(' ').next()?;
    if name == "request-duration" {
        let seconds = go_duration(&text.into())?.as_secs_f32();
        return Some(seconds * 1000.0);
    }
    text.trim_end_matches('%').parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Raw, flagger};
    use super::*;
    use crate::model::{Key, Kind, TargetId};

    fn row(phase: &str, failed: u32) -> FeedEvent {
        let raw = Raw::of(&json!({
            "metadata": {"namespace": "test", "name": "podinfo", "uid": "c"},
            "spec": {"analysis": {"threshold": 5, "metrics": [
                {"name": "request-success-rate"}, {"name": "request-duration"}, {"name": "error 5xx"}]}},
            "status": {"phase": phase, "failedChecks": failed},
        }));
        FeedEvent::Upsert(Row::Release(Box::new(flagger::release(raw.key(TargetId(0), Kind::Canary), &raw))))
    }

    fn event(name: &str, at: i64, message: &str) -> Row {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Event,
            namespace: "test".into(),
            name: name.into(),
            uid: name.into(),
        };
        Row::Event(Box::new(ClusterEvent {
            key,
            warning: true,
            reason: "Synced".into(),
            message: message.into(),
            object: "Canary/podinfo".into(),
            object_uid: "c".into(),
            count: 1,
            first: Stamp(at),
            last: Stamp(at),
            source: "flagger".into(),
        }))
    }

    fn release(events: &[FeedEvent]) -> &Release {
        match events.last() {
            Some(FeedEvent::Upsert(Row::Release(row))) => row,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reasons_and_values_of_the_run_come_into_the_row_whichever_is_heard_first() {
        let mut told = Told::default();
        let old = event("a", 1, "Halt podinfo.test advancement success rate 1.00% < 99%");
        let heard = told.hear(Heard::Event(FeedEvent::Staged(vec![
            event("c", 3, "Halt podinfo.test advancement success rate 69.17% < 99%"),
            event("b", 2, "New revision detected! Scaling up podinfo.test"),
            old,
        ])));
        assert_eq!(heard, [], "there is no row yet");
        let heard = told.hear(Heard::Row(row("Progressing", 1)));
        let shown = release(&heard);
        assert_eq!(&*shown.message, "Halt podinfo.test advancement success rate 69.17% < 99%");
        assert_eq!(&*shown.checks[0].values, [69.17], "the run before does not count");

        let next = event("d", 4, "Halt podinfo.test advancement request duration 1.5s > 500ms");
        let heard = told.hear(Heard::Event(FeedEvent::Upsert(next)));
        let shown = release(&heard);
        assert_eq!(&*shown.checks[1].values, [1500.0]);
        assert_eq!(&*shown.message, "Halt podinfo.test advancement request duration 1.5s > 500ms");
    }

    #[test]
    fn a_failure_has_its_reason_and_a_run_that_goes_well_has_none() {
        let mut told = Told::default();
        told.hear(Heard::Row(row("Failed", 5)));
        let halt = event("a", 1, "Halt podinfo.test advancement error 5xx 7.25 > 5");
        let heard = told.hear(Heard::Event(FeedEvent::Upsert(halt)));
        let shown = release(&heard);
        assert_eq!(&*shown.message, "Halt podinfo.test advancement error 5xx 7.25 > 5");
        assert_eq!(&*shown.checks[2].values, [7.25]);
        let heard = told.hear(Heard::Row(row("Progressing", 0)));
        assert_eq!(&*release(&heard).message, "");
    }

    #[test]
    fn values_are_read_as_flagger_writes_them() {
        for (message, name, want) in [
            ("Halt a.b advancement success rate 69.17% < 99%", "request-success-rate", Some(69.17)),
            ("Halt a.b advancement request duration 1.20s > 0.5s", "request-duration", Some(1200.0)),
            ("Halt a.b advancement request duration 750ms > 500ms", "request-duration", Some(750.0)),
            ("Halt a.b advancement not-found 12.50 > 5", "not-found", Some(12.5)),
            ("Halt a.b advancement not-found 12.50 > 5", "found", None),
            ("Halt a.b advancement waiting for approval gate", "request-success-rate", None),
            ("Advance a.b canary weight 20", "request-success-rate", None),
        ] {
            assert_eq!(value(message, name), want, "{message}");
        }
    }
}
