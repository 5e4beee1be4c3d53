//! The machine that decides what to ask for next: the same instance again, the end of the one
//! before, or nothing until the pod changes.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::instance::{self, Instance};
use super::pass::{self, Outcome, Request};
use super::resume::Resume;
use crate::backend::emit::{Emitter, feed};
use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::backend::retry::Pauses;
use crate::model::{Fault, FeedEvent, LogRecord, LogSource, Stamp};

/// Lines of the past that a log begins with.
const TAIL: usize = 500;
/// Longest pause between attempts.
const LONGEST: Duration = Duration::from_secs(5);
/// Attempts to read the end of an instance that is gone.
const TRIES: usize = 5;
/// Pause after the server said no.
const DENIED: Duration = Duration::from_secs(30);
/// Length of a watch for the pod's next change, and how late its end may be.
const WATCH: Duration = Duration::from_secs(60);
/// An empty answer that stayed open this long was an empty log.
const EMPTY: Duration = Duration::from_secs(2);

/// The records of `source`, for as long as the stream is polled. It never ends: after the pod is
/// gone a note says so, and nothing more comes.
#[must_use]
pub fn follow(link: Link, source: LogSource) -> BoxStream<'static, FeedEvent> {
    feed(move |out| async move {
        let mut follower = Follower::new(link, source, out);
        if follower.source.previous {
            follower.previous().await;
        } else {
            follower.run().await;
        }
    })
}

struct Follower {
    link: Link,
    source: LogSource,
    out: Emitter<FeedEvent>,
    resume: Resume,
    /// The instance that is followed.
    instance: Option<Instance>,
    /// The instance whose log was read to its end.
    finished: String,
    /// Nothing was read of the instance yet.
    fresh: bool,
    /// The whole log is wanted, not its last lines only.
    whole: bool,
    /// The note said last.
    said: String,
    lost: Option<Fault>,
    pauses: Pauses,
}

impl Follower {
    fn new(link: Link, source: LogSource, out: Emitter<FeedEvent>) -> Self {
        Self {
            link,
            source,
            out,
            resume: Resume::default(),
            instance: None,
            finished: String::new(),
            fresh: false,
            whole: false,
            said: String::new(),
            lost: None,
            pauses: Pauses::up_to(LONGEST),
        }
    }

    async fn run(&mut self) {
        loop {
            let pod = match self.look().await {
                Ok(Some(pod)) => pod,
                Ok(None) => return,
                Err(fault) => {
                    self.fail(fault).await;
                    continue;
                }
            };
            let now = instance::read(&pod, &self.source.container);
            if now.id.is_empty() {
                self.whole = true;
                self.note(format!("waiting to start: {}", now.waiting)).await;
                self.change(&pod).await;
                continue;
            }
            if let Some(old) = self.instance.take().filter(|old| old.id != now.id) {
                self.restarted(&old, &now).await;
            }
            let ended = now.ended.is_some();
            let finished = self.finished == now.id;
            self.instance = Some(now);
            if finished {
                self.rest().await;
                self.change(&pod).await;
            } else {
                self.pass(ended).await;
            }
        }
    }

    /// Reads the pod; `None` after its end was noted.
    async fn look(&mut self) -> Result<Option<Value>, Fault> {
        let key = &self.source.key;
        let path = format!("/api/v1/namespaces/{}/pods/{}", escape::url(&key.namespace), escape::url(&key.name));
        let pod: Value = match self.link.get(&path).await {
            Ok(pod) => pod,
            Err(Fault::Gone { .. }) if !key.uid.is_empty() => {
                self.note("ended: the pod was deleted".to_owned()).await;
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if self.source.key.uid.is_empty() {
            self.source.key.uid = uid.into();
        }
        if *self.source.key.uid != *uid {
            self.note("ended: the pod was deleted, another one has its name now".to_owned()).await;
            return Ok(None);
        }
        if self.source.container.is_empty() {
            self.source.container = instance::default_container(&pod).into();
        }
        Ok(Some(pod))
    }

    /// One answer about the current instance.
    async fn pass(&mut self, ended: bool) {
        let mut query = "follow=true".to_owned();
        if self.resume.since().is_none() && !self.whole {
            query = format!("{query}&tailLines={TAIL}");
        }
        let begun = Instant::now();
        match self.read(&query, !self.fresh, ended).await {
            Ok(outcome) => {
                if outcome.records > 0 {
                    self.pauses.reset();
                    self.fresh = false;
                    self.said.clear();
                } else if ended && outcome.clean {
                    self.finished = self.instance.as_ref().map_or_else(String::new, |i| i.id.clone());
                } else {
                    self.whole |= begun.elapsed() >= EMPTY;
                    self.pause().await;
                }
            }
            Err(Fault::Invalid { what }) if what.contains("is waiting to start") => {
                self.note(what).await;
                self.pause().await;
            }
            // the pod or its log went away in between: the next look tells which
            Err(Fault::Gone { .. }) => self.pause().await,
            Err(fault) => self.fail(fault).await,
        }
    }

    async fn read(&mut self, query: &str, gaps: bool, last: bool) -> Result<Outcome, Fault> {
        let key = &self.source.key;
        let mut path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true&{query}",
            escape::url(&key.namespace),
            escape::url(&key.name),
            escape::url(&self.source.container)
        );
        if let Some(since) = self.resume.since() {
            path = format!("{path}&sinceTime={}", Stamp(since.saturating_mul(1_000)).rfc3339());
        }
        let request = Request { path: &path, gaps, last };
        pass::read(&self.link, request, &mut self.resume, &mut self.lost, &self.out).await
    }

    /// A new instance has come: first the end of the old one, then what happened, then the new.
    async fn restarted(&mut self, old: &Instance, now: &Instance) {
        if self.finished != old.id && !self.drained(old, now).await {
            self.gap("the end of the container's earlier instance cannot be had".to_owned()).await;
        }
        let unseen = now.restarts - old.restarts - 1;
        if unseen > 0 {
            self.gap(format!("{unseen} instances of the container came and went: their logs cannot be had")).await;
        }
        let how = now.before.as_ref().map_or("how the last one ended is not known", |(_, how)| how.as_str());
        self.said.clear();
        self.note(format!("container restarted: {how}, restart {}", now.restarts)).await;
        self.fresh = true;
        self.whole = true;
        self.pauses.reset();
    }

    /// Reads what is left of the instance before; false when that was not possible for certain.
    async fn drained(&mut self, old: &Instance, now: &Instance) -> bool {
        let is_before = |instance: &Instance| instance.before.as_ref().is_some_and(|(id, _)| *id == old.id);
        if !is_before(now) {
            return false;
        }
        for _ in 0..TRIES {
            match self.read("previous=true", true, true).await {
                Ok(Outcome { records: 0, clean: true }) => {
                    // had it been restarted again meanwhile, that was another instance's log
                    let Ok(Some(pod)) = self.look().await else { return false };
                    return is_before(&instance::read(&pod, &self.source.container));
                }
                Ok(_) => {}
                Err(fault) if fault.is_passing() => self.pause().await,
                Err(_) => return false,
            }
        }
        false
    }

    /// Says that the instance has ended and what is waited for.
    async fn rest(&mut self) {
        let Some(now) = &self.instance else { return };
        let how = now.ended.clone().unwrap_or_default();
        if now.over || now.waiting.is_empty() {
            self.note(format!("ended: {how}")).await;
        } else {
            // the message counts the back-off and would be another one each time
            let reason = now.waiting.split(':').next().unwrap_or_default();
            let text = format!("waiting to restart after {how}: {reason}");
            self.note(text).await;
        }
    }

    /// The previous instance's log, once.
    async fn previous(&mut self) {
        let mut how = None;
        loop {
            let result = match self.look().await {
                Ok(Some(pod)) => {
                    let seen = instance::read(&pod, &self.source.container);
                    how = seen.before.map(|(_, how)| how).or(seen.ended).or(how);
                    self.read("previous=true", true, true).await
                }
                Ok(None) => return,
                Err(fault) => Err(fault),
            };
            match result {
                Ok(Outcome { clean: true, .. }) => {
                    let how = how.unwrap_or_else(|| "the previous instance's log is complete".to_owned());
                    self.note(format!("ended: {how}")).await;
                    return;
                }
                Ok(_) => self.pause().await,
                Err(Fault::Invalid { what }) => {
                    self.note(what).await;
                    return;
                }
                Err(fault) => self.fail(fault).await,
            }
        }
    }

    /// Waits until the pod changes, for a minute at most.
    async fn change(&mut self, pod: &Value) {
        let key = &self.source.key;
        let version = pod.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        let path = format!(
            "/api/v1/namespaces/{}/pods?fieldSelector=metadata.name%3D{}&watch=true&resourceVersion={version}\
             &timeoutSeconds={}",
            escape::url(&key.namespace),
            escape::url(&key.name),
            WATCH.as_secs()
        );
        if let Ok(events) = self.link.watch::<Value>(&path).await {
            let mut events = Box::pin(events);
            if let Ok(Some(Ok(_))) = timeout(WATCH + EMPTY, events.next()).await {
                self.pauses.reset();
                return;
            }
        }
        self.pause().await;
    }

    async fn note(&mut self, text: String) {
        if self.said != text {
            self.said.clone_from(&text);
            self.out.send(FeedEvent::Log(vec![LogRecord::Note(text.into())])).await;
        }
    }

    async fn gap(&mut self, text: String) {
        self.out.send(FeedEvent::Log(vec![LogRecord::Gap(text.into())])).await;
    }

    /// Reports a fault once, and waits before the next attempt.
    async fn fail(&mut self, fault: Fault) {
        let denied = matches!(fault, Fault::Denied { .. });
        if self.lost.as_ref() != Some(&fault) {
            self.lost = Some(fault.clone());
            self.out.send(FeedEvent::Lost(fault)).await;
        }
        if denied { sleep(DENIED).await } else { self.pause().await }
    }

    async fn pause(&mut self) {
        sleep(self.pauses.step()).await;
    }
}
