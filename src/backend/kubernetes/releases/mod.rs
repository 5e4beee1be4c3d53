//! Releases of delivery tools: which of them a server has is found out, and again every minute,
//! since one may be installed or removed while we look.

pub mod argo;
pub mod flagger;
pub mod raw;
mod runs;
mod steps;
mod told;

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;

use super::event::Events;
use super::link::Link;
use super::paths::Place;
use super::pulse::Pulse;
use super::retry::Backoff;
use super::together::{Tagged, merge};
use super::watch::{Project, Watcher};
use super::wire::or_default;
use crate::backend::emit::{self, Emitter};
use crate::model::{Fault, FeedEvent, Key, Kind, Row, Scope, TargetId};

pub use raw::Raw;

/// Time between two looks at what the server has.
const EVERY: Duration = Duration::from_secs(60);
/// The tools' groups, with the resource that has to be in it: Argo CD shares a group with Argo Rollouts.
const TOOLS: [(Kind, &str, &str); 2] = [
    (Kind::Rollout, "/apis/argoproj.io/v1alpha1", "rollouts"),
    (Kind::Canary, "/apis/flagger.app/v1beta1", "canaries"),
];

/// `APIResourceList`, as far as it matters.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "or_default")]
    resources: Vec<Resource>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

/// Makes rows of one kind of release.
struct Releases {
    target: TargetId,
    kind: Kind,
}

impl Project for Releases {
    type Object<'de> = Raw;

    fn version(object: &Raw) -> &str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &Raw) -> Row {
        let key = self.gone(object);
        Row::Release(Box::new(match self.kind {
            Kind::Canary => flagger::release(key, object),
            _ => argo::release(key, object),
        }))
    }

    fn gone(&mut self, object: &Raw) -> Key {
        object.key(self.target, self.kind)
    }
}

/// The stream of all releases in `scope`; empty and complete where no tool is installed.
pub fn feed(link: Link, pulse: Pulse, target: TargetId, scope: Scope) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        let mut backoff = Backoff::default();
        loop {
            let served = match served(&link).await {
                Ok(served) => served,
                Err(fault) => {
                    out.lost(fault.clone()).await;
                    backoff.wait(&fault, &pulse).await;
                    continue;
                }
            };
            backoff.reset();
            tokio::select! {
                () = follow(&link, &pulse, target, &scope, &served, &out) => {}
                () = changed(&link, &served) => {}
            }
        }
    })
}

/// Which tools the server has.
async fn served(link: &Link) -> Result<Vec<Kind>, Fault> {
    let mut kinds = Vec::new();
    for (kind, path, plural) in TOOLS {
        match link.get::<Resources>(path).await {
            Ok(list) if list.resources.iter().any(|resource| resource.name == plural) => kinds.push(kind),
            Ok(_) | Err(Fault::Gone { .. }) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(kinds)
}

/// Waits until the server has something else than `known`; one that does not answer has not changed.
async fn changed(link: &Link, known: &[Kind]) {
    loop {
        tokio::time::sleep(EVERY).await;
        if served(link).await.is_ok_and(|now| now != known) {
            return;
        }
    }
}

/// Passes on the rows of `served`; never ends, for the next look comes from outside.
async fn follow(
    link: &Link,
    pulse: &Pulse,
    target: TargetId,
    scope: &Scope,
    served: &[Kind],
    out: &Emitter<FeedEvent>,
) {
    if served.is_empty() {
        out.send(FeedEvent::Reset).await;
        out.send(FeedEvent::Synced).await;
        loop {
            tokio::time::sleep(EVERY).await;
            out.send(FeedEvent::Alive).await;
        }
    }
    loop {
        let one = |(index, kind): (usize, Kind)| -> Tagged {
            let rows = watched(link, pulse, Place::of(kind, scope), Releases { target, kind });
            let rows = if kind == Kind::Canary {
                let place = Place::of(Kind::Event, scope).map(|events| events.about("Canary"));
                told::told(rows, watched(link, pulse, place, Events::new(target)))
            } else {
                let place = Place::analysis_runs(scope);
                runs::joined(rows, watched(link, pulse, Ok(place), runs::Runs(target)))
            };
            rows.map(move |event| (index, event)).boxed()
        };
        let mut all = stream::select_all(served.iter().copied().enumerate().map(one));
        merge(&mut all, served.len(), out).await;
    }
}

/// Rows of one collection.
fn watched<P: Project>(
    link: &Link,
    pulse: &Pulse,
    place: Result<Place, Fault>,
    project: P,
) -> BoxStream<'static, FeedEvent> {
    let (link, pulse) = (link.clone(), pulse.clone());
    emit::feed(move |out| async move {
        match place {
            Ok(place) => Watcher::new(link, pulse, place, project, out).run().await,
            Err(fault) => out.lost(fault).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::model::Release;
    use crate::model::release::{Step, StepState};

    fn facts(row: &Release) -> Value {
        let step = |step: &Step| {
            let mark = match step.state {
                StepState::Done => "done",
                StepState::Current => "now",
                StepState::Ahead => "ahead",
            };
            format!("{mark}: {}", step.text)
        };
        json!({
            "strategy": &*row.strategy,
            "phase": &*row.phase,
            "message": &*row.message,
            "severity": format!("{:?}", row.severity),
            "waits_for": &*row.waits_for,
            "needs_decision": row.needs_decision,
            "step": row.step.map(|(at, of)| format!("{at}/{of}")),
            "weight": row.weight,
            "ready": format!("{}/{}", row.ready.0, row.ready.1),
            "since": row.since.map(crate::model::Stamp::rfc3339),
            "until": row.until.map(crate::model::Stamp::rfc3339),
            "images": &*row.images,
            "steps": row.steps.iter().map(step).collect::<Vec<_>>(),
            "splits": row.splits.iter().map(|s| format!("{} {}%", s.backend, s.weight)).collect::<Vec<_>>(),
            "checks": row.checks.iter().map(|c| format!("{} {} {}", c.name, c.phase, c.condition).trim().to_owned())
                .collect::<Vec<_>>(),
            "revisions": [&*row.revisions.0, &*row.revisions.1],
        })
    }

    #[test]
    fn every_release_of_the_folder_reads_as_expected() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes/releases");
        let mut cases = 0;
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("a readable entry").path();
            let case: Value = serde_json::from_slice(&fs::read(&path).expect("a readable file")).expect("JSON");
            let kind = Kind::parse(case["object"]["kind"].as_str().expect("a kind")).expect("a known kind");
            let raw: Raw = serde_json::from_str(&case["object"].to_string()).expect("a release decodes");
            let Row::Release(row) = (Releases { target: TargetId(0), kind }).row(&raw) else { panic!("a release") };
            let got = facts(&row);
            let expect = case["expect"].as_object().expect("an object of expectations");
            assert!(expect.contains_key("phase"), "{}: states no phase", path.display());
            for (name, want) in expect {
                assert_eq!(&got[name], want, "{}: {name}", path.display());
            }
            cases += 1;
        }
        assert!(cases >= 20, "only {cases} cases in {}", folder.display());
    }

    #[test]
    fn an_empty_object_decodes() {
        for kind in [Kind::Rollout, Kind::Canary] {
            let raw: Raw = serde_json::from_str("{}").expect("an empty release decodes");
            let Row::Release(row) = (Releases { target: TargetId(0), kind }).row(&raw) else { panic!("a release") };
            assert_eq!(row.key.kind, kind);
        }
    }
}
