//! Analysis runs of Argo Rollouts: a Rollout names its runs, their values and conditions are in
//! objects of their own, which are listed and watched beside it and put into its row.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::raw::{Raw, items, text, time};
use crate::backend::kubernetes::watch::Project;
use crate::model::release::Check;
use crate::model::{Engine, FeedEvent, Key, Kind, Release, Row, Severity, TargetId};

/// Makes rows of analysis runs that are rows of nothing else: only their checks count.
pub struct Runs(pub TargetId);

impl Project for Runs {
    type Object<'de> = Raw;

    fn version(object: &Raw) -> &str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &Raw) -> Row {
        Row::Release(Box::new(Release {
            key: self.gone(object),
            engine: Engine::ArgoRollouts,
            strategy: "".into(),
            phase: text(&object.status, "/phase").into(),
            message: text(&object.status, "/message").into(),
            severity: Severity::Good,
            waits_for: Box::default(),
            needs_decision: false,
            is_held: false,
            step: None,
            weight: None,
            ready: (0, 0),
            since: time(&object.status, "/startedAt"),
            until: None,
            images: "".into(),
            steps: Box::default(),
            splits: Box::default(),
            checks: items(&object.status, "/metricResults").iter().map(|result| check(&object.spec, result)).collect(),
            revisions: ("".into(), "".into()),
        }))
    }

    fn gone(&mut self, object: &Raw) -> Key {
        object.key(self.0, Kind::Rollout)
    }
}

/// One metric of a run, with what has to hold.
fn check(spec: &Value, result: &Value) -> Check {
    let name = text(result, "/name");
    let metric = items(spec, "/metrics").iter().find(|metric| text(metric, "/name") == name).unwrap_or(&Value::Null);
    let condition = match (text(metric, "/successCondition"), text(metric, "/failureCondition")) {
        ("", "") => text(result, "/message").to_owned(),
        (success, "") => success.to_owned(),
        ("", failure) => format!("fails when {failure}"),
        (success, failure) => format!("{success}, fails when {failure}"),
    };
    let dry = if result.get("dryRun").and_then(Value::as_bool) == Some(true) { " (dry run)" } else { "" };
    Check {
        name: name.into(),
        phase: format!("{}{dry}", text(result, "/phase")).into(),
        values: items(result, "/measurements").iter().filter_map(|m| value(text(m, "/value"))).collect(),
        condition: condition.into(),
    }
}

/// A measured value: a number, or the first of a list of numbers, as Prometheus' vectors are written.
fn value(text: &str) -> Option<f32> {
    text.trim()
        .trim_start_matches('[')
        .split([',', ']', ' '])
        .next()?
        .parse()
        .ok()
        .filter(|value: &f32| value.is_finite())
}

/// Namespace and name of a run.
type Name = (Arc<str>, Arc<str>);

/// Rollouts and the runs that are known.
#[derive(Default)]
struct Joined {
    rollouts: HashMap<Arc<str>, Box<Release>>,
    runs: HashMap<Name, Box<[Check]>>,
}

enum Heard {
    Rollout(FeedEvent),
    Run(FeedEvent),
}

/// The rows of `rollouts` with what `runs` measured. Without runs the rows come as they are.
pub fn joined(
    rollouts: BoxStream<'static, FeedEvent>,
    runs: BoxStream<'static, FeedEvent>,
) -> BoxStream<'static, FeedEvent> {
    let both = stream::select(rollouts.map(Heard::Rollout), runs.map(Heard::Run));
    let mut joined = Joined::default();
    both.map(move |heard| stream::iter(joined.hear(heard))).flatten().boxed()
}

impl Joined {
    fn hear(&mut self, heard: Heard) -> Vec<FeedEvent> {
        match heard {
            Heard::Rollout(FeedEvent::Staged(rows)) => {
                vec![FeedEvent::Staged(rows.into_iter().map(|row| self.rollout(row)).collect())]
            }
            Heard::Rollout(FeedEvent::Upsert(row)) => vec![FeedEvent::Upsert(self.rollout(row))],
            Heard::Rollout(other) => {
                match &other {
                    FeedEvent::Remove(key) => drop(self.rollouts.remove(&key.uid)),
                    FeedEvent::Reset => self.rollouts.clear(),
                    _ => {}
                }
                vec![other]
            }
            Heard::Run(FeedEvent::Staged(rows)) => rows.into_iter().flat_map(|row| self.run(row)).collect(),
            Heard::Run(FeedEvent::Upsert(row)) => self.run(row),
            Heard::Run(FeedEvent::Remove(key)) => {
                self.runs.remove(&(key.namespace, key.name));
                Vec::new()
            }
            Heard::Run(_) => Vec::new(),
        }
    }

    fn rollout(&mut self, row: Row) -> Row {
        let Row::Release(row) = row else { return row };
        let shown = self.shown(&row);
        self.rollouts.insert(row.key.uid.clone(), row);
        Row::Release(shown)
    }

    /// Takes note of a run; gives the rows of the Rollouts that name it.
    fn run(&mut self, row: Row) -> Vec<FeedEvent> {
        let Row::Release(run) = row else { return Vec::new() };
        let Key { namespace, name, .. } = run.key;
        self.runs.insert((namespace.clone(), name.clone()), run.checks);
        let names = |row: &Release| row.key.namespace == namespace && row.checks.iter().any(|check| check.name == name);
        let shown = self.rollouts.values().filter(|row| names(row)).map(|row| self.shown(row));
        shown.map(|row| FeedEvent::Upsert(Row::Release(row))).collect()
    }

    /// The row with the metrics of a run after the run itself.
    fn shown(&self, row: &Release) -> Box<Release> {
        let mut shown = Box::new(row.clone());
        let with = |check: &Check| {
            let metrics = self.runs.get(&(row.key.namespace.clone(), check.name.clone()));
            let metrics = metrics.into_iter().flatten().cloned();
            std::iter::once(check.clone()).chain(metrics).collect::<Vec<_>>()
        };
        shown.checks = row.checks.iter().flat_map(with).collect();
        shown
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::argo;
    use super::*;

    fn run(values: &[&str]) -> Row {
        let measurements: Vec<Value> = values.iter().map(|value| json!({"value": value})).collect();
        Runs(TargetId(0)).row(&Raw::of(&json!({
            "metadata": {"namespace": "shop", "name": "web-run", "uid": "r"},
            "spec": {"metrics": [{"name": "errors", "successCondition": "result < 5", "failureCondition": "result > 9"}]},
            "status": {"phase": "Running", "metricResults": [
                {"name": "errors", "phase": "Running", "dryRun": true, "measurements": measurements}]},
        })))
    }

    fn rollout() -> Row {
        let raw = Raw::of(&json!({
            "metadata": {"namespace": "shop", "name": "web", "uid": "u"},
            "status": {"canary": {"currentStepAnalysisRunStatus": {"name": "web-run", "status": "Running"}}},
        }));
        Row::Release(Box::new(argo::release(raw.key(TargetId(0), Kind::Rollout), &raw)))
    }

    fn checks(events: &[FeedEvent]) -> Vec<(&str, &str, &[f32], &str)> {
        let Some(FeedEvent::Upsert(Row::Release(row))) = events.last() else { panic!("{events:?}") };
        row.checks.iter().map(|c| (&*c.name, &*c.phase, &*c.values, &*c.condition)).collect()
    }

    #[test]
    fn a_rollout_has_the_values_of_its_runs_whichever_is_heard_first() {
        let alone = ("web-run", "Running", [].as_slice(), "");
        let condition = "result < 5, fails when result > 9";
        let mut joined = Joined::default();
        let heard = joined.hear(Heard::Rollout(FeedEvent::Upsert(rollout())));
        assert_eq!(checks(&heard), [alone]);
        let heard = joined.hear(Heard::Run(FeedEvent::Upsert(run(&["1", "2.5"]))));
        assert_eq!(checks(&heard), [alone, ("errors", "Running (dry run)", &[1.0, 2.5], condition)]);
        let heard = joined.hear(Heard::Rollout(FeedEvent::Upsert(rollout())));
        assert_eq!(checks(&heard), [alone, ("errors", "Running (dry run)", &[1.0, 2.5], condition)]);
    }

    #[test]
    fn measured_values_are_numbers_or_lists_of_them() {
        for (text, want) in
            [("0.99", Some(0.99)), ("[0.99,1]", Some(0.99)), ("[]", None), ("NaN", None), ("true", None), ("", None)]
        {
            assert_eq!(value(text), want, "{text}");
        }
    }
}
