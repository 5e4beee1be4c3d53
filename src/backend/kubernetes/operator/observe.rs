//! Verification: a watch on the one object (and, for rollouts, on its new pods) that lives through
//! lost connections until the time allowed has passed.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::history::{self, REVISION};
use super::subject::{Subject, collection};
use super::verdict::Verdict;
use crate::actions::{Expectation, Goal, Observation};
use crate::backend::emit::{Emitter, emit};
use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::model::{Fault, Key, Kind};

/// Length of one watch, after which the object is listed anew: a lost server cannot hide for longer.
const WATCH: Duration = Duration::from_secs(60);
/// What a watch may be late before its connection counts as dead.
const LATE: Duration = Duration::from_secs(10);
/// Pause before a broken watch is opened again.
const PAUSE: Duration = Duration::from_secs(1);

type Events = BoxStream<'static, Result<WatchEvent<Value>, Fault>>;

/// Watches until the expectation holds, is contradicted, or its time has passed.
#[must_use]
pub fn observe(link: Link, expect: Expectation) -> BoxStream<'static, Observation> {
    emit(move |out: Emitter<Observation>| async move {
        let within = expect.within;
        let mut watch = Watch { link, expect: expect.clone(), verdict: Verdict::new(expect), start: Instant::now() };
        let overdue = timeout(within, watch.run(&out)).await.is_err();
        if overdue {
            let seconds = within.as_secs();
            out.send(Observation::Overdue(format!("not within {seconds} s: {}", watch.verdict.missing()))).await;
        }
    })
}

struct Watch {
    link: Link,
    expect: Expectation,
    verdict: Verdict,
    start: Instant,
}

impl Watch {
    async fn run(&mut self, out: &Emitter<Observation>) {
        loop {
            match self.session(out).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(fault @ (Fault::Denied { .. } | Fault::Config { .. })) => {
                    out.send(Observation::Overdue(format!("cannot be verified: {fault}"))).await;
                    return;
                }
                Err(Fault::Gone { .. }) => sleep(PAUSE).await,
                Err(fault) => {
                    if let Some(said) = self.verdict.waiting(format!("{fault}; still watching")) {
                        out.send(said).await;
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// One list and one watch; true when there is nothing left to see.
    async fn session(&mut self, out: &Emitter<Observation>) -> Result<bool, Fault> {
        let list = format!(
            "{}?fieldSelector=metadata.name%3D{}",
            collection(&self.expect.key)?,
            escape::url(&self.expect.key.name)
        );
        let (mut items, version) = self.list(&list).await?;
        let mut object = items.pop();
        if self.judge(object.as_ref(), out).await {
            return Ok(true);
        }
        let mut objects = self.watch(&list, &version).await?;
        let mut pods = self.pods(object.as_ref()).await;
        let limit = Instant::now() + WATCH + LATE;
        loop {
            let due = self.verdict.due().map_or(limit, |due| self.start + due).min(limit);
            tokio::select! {
                event = objects.next() => {
                    let Some(event) = event.transpose()? else { return Ok(false) };
                    let before = object.as_ref().map(revision);
                    match event {
                        WatchEvent::Added(now) | WatchEvent::Modified(now) => object = Some(now),
                        WatchEvent::Deleted(_) => object = None,
                        WatchEvent::Bookmark(_) => continue,
                        WatchEvent::Error(_) => return Ok(false),
                    }
                    if object.as_ref().map(revision) != before {
                        pods = self.pods(object.as_ref()).await;
                    }
                }
                Some(event) = pods.next() => match event {
                    Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => self.verdict.pod(&pod, self.start.elapsed()),
                    Ok(WatchEvent::Deleted(pod)) => self.verdict.forget(&pod),
                    _ => {}
                },
                () = sleep_until(due) => {
                    if Instant::now() >= limit {
                        return Ok(false);
                    }
                }
            }
            if self.judge(object.as_ref(), out).await {
                return Ok(true);
            }
        }
    }

    /// Passes on what there is to say now; true when it was the last.
    async fn judge(&mut self, object: Option<&Value>, out: &Emitter<Observation>) -> bool {
        let hopeless = self.verdict.hopeless(self.start.elapsed());
        let Some(said) = hopeless.or_else(|| self.verdict.object(object)) else { return false };
        let last = !matches!(said, Observation::Waiting(_));
        out.send(said).await;
        last
    }

    async fn list(&self, path: &str) -> Result<(Vec<Value>, String), Fault> {
        let mut list: Value = self.link.get(path).await?;
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
        let items = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
        Ok((items, version))
    }

    async fn watch(&self, list: &str, version: &str) -> Result<Events, Fault> {
        let seconds = WATCH.as_secs();
        let path = format!("{list}&watch=true&resourceVersion={version}&timeoutSeconds={seconds}");
        Ok(self.link.watch::<Value>(&path).await?.boxed())
    }

    /// The pods of the workload's newest revision, as a watch that begins with those that are
    /// there. Pods that may not be seen are none: the rollout is judged without them.
    async fn pods(&mut self, object: Option<&Value>) -> Events {
        self.verdict.forget_all();
        let none = || stream::pending().boxed();
        let Some(object) = object.filter(|_| self.expect.goal == Goal::RolledOut) else { return none() };
        let Ok(Some(list)) = self.new_pods(object).await else { return none() };
        let Ok((items, version)) = self.list(&list).await else { return none() };
        let Ok(watch) = self.watch(&list, &version).await else { return none() };
        let known = stream::iter(items.into_iter().map(|pod| Ok(WatchEvent::Added(pod))));
        known.chain(watch).chain(stream::pending()).boxed()
    }

    /// The path that lists pods of the newest revision; `None` while the controller has not made it.
    async fn new_pods(&self, object: &Value) -> Result<Option<String>, Fault> {
        let number = |at: &str| object.pointer(at).and_then(Value::as_i64);
        if number("/status/observedGeneration") < number("/metadata/generation") {
            return Ok(None);
        }
        let key: &Key = &self.expect.key;
        let subject = Subject { key: key.clone(), object: object.clone(), path: String::new() };
        let label = if key.kind == Kind::Deployment { history::HASH } else { "controller-revision-hash" };
        let newest = match subject.text("/status/updateRevision") {
            "" => history::list(&self.link, &subject).await?.pop().map(|r| r.hash),
            name => Some(name.to_owned()),
        };
        let Some(hash) = newest.filter(|h| !h.is_empty()) else { return Ok(None) };
        let selector = history::selector(subject.object.pointer("/spec/selector").unwrap_or(&Value::Null));
        let selector = escape::url(&format!("{selector},{label}={hash}"));
        Ok(Some(format!("/api/v1/namespaces/{}/pods?labelSelector={selector}", escape::url(&key.namespace))))
    }
}

/// What changes when the controller has taken up a new template.
fn revision(object: &Value) -> (Option<i64>, String) {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let annotation = object.pointer("/metadata/annotations").and_then(|a| a.get(REVISION)).and_then(Value::as_str);
    let named = format!("{}{}", annotation.unwrap_or_default(), text("/status/updateRevision"));
    (object.pointer("/status/observedGeneration").and_then(Value::as_i64), named)
}
