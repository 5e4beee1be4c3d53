//! A simulation on stage: it gets a clock, watchers and an operator, whatever it simulates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

use super::script::{Run, Script};
use crate::actions::{Action, Approved, Change, Expectation, Method, Observation, Plan, Progress, Receipt};
use crate::backend::{Operator, Source};
use crate::model::{
    Fault, Feed, FeedEvent, FeedSpec, Key, LogRecord, LogSource, Revisions, Row, Sample, ServerInfo, Stamp,
};

/// One step of simulated time.
pub const STEP: Duration = Duration::from_millis(500);
/// Cadences of usage: of everything, and of one object.
const SLOW: Duration = Duration::from_secs(5);
const FAST: Duration = Duration::from_secs(1);
/// Round trip of a simulated call.
const ANSWER: Duration = Duration::from_millis(120);
/// Looks without a change after which a watcher says that it is alive.
const QUIET: u32 = 20;
/// Lines of a log that are there when it is opened.
const TAIL: usize = 400;

/// What a simulation can do. All of it is plain computation.
pub trait Sim: Send + 'static {
    /// One [`STEP`] passes; it is `now` after it.
    fn step(&mut self, now: Stamp);
    /// Facts about the server.
    fn server(&self) -> ServerInfo;
    /// Rows of a feed; `None` when this target has none of the kind.
    fn rows(&self, feed: &Feed) -> Option<Vec<Row>>;
    /// Usage for a feed.
    fn samples(&self, feed: &Feed, now: Stamp) -> Vec<Sample>;
    /// The instance a log is of, and its script.
    fn log(&self, source: &LogSource) -> Result<(Run, &Script), Fault>;
    /// An object as YAML.
    fn object(&self, key: &Key) -> Option<String>;
    /// A workload's revisions.
    fn revisions(&self, key: &Key) -> Option<Revisions>;
    /// The object that has this name now.
    fn named(&self, key: &Key) -> Option<Key>;
    /// What an action would do.
    fn plan(&self, action: &Action) -> Result<Plan, Fault>;
    /// Does it.
    fn apply(&mut self, plan: &Plan, now: Stamp) -> Result<Receipt, Fault>;
    /// How an expectation stands.
    fn observe(&self, expect: &Expectation) -> Observation;
}

/// A simulation with its clock.
pub struct Stage<S>(Arc<Mutex<Inner<S>>>);

struct Inner<S> {
    sim: S,
    start: Stamp,
    began: Instant,
    steps: u32,
}

impl<S> Clone for Stage<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Sim> Stage<S> {
    /// It is `start` now.
    pub fn new(sim: S, start: Stamp) -> Self {
        Self(Arc::new(Mutex::new(Inner { sim, start, began: Instant::now(), steps: 0 })))
    }

    /// Lets the time pass that has passed, then calls `look`.
    fn with<R>(&self, look: impl FnOnce(&mut S, Stamp) -> R) -> R {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { sim, start, began, steps } = &mut *inner;
        let elapsed = began.elapsed();
        while STEP * (*steps + 1) <= elapsed {
            *steps += 1;
            sim.step(start.plus(STEP * *steps));
        }
        look(sim, start.plus(elapsed))
    }

    /// A stream of what `look` sees every `period`, beginning now.
    fn every<T: Send + 'static>(
        &self,
        period: Duration,
        look: impl FnMut(&mut S, Stamp) -> Vec<T> + Send + 'static,
    ) -> BoxStream<'static, T> {
        let state = (self.clone(), None::<Interval>, look);
        stream::unfold(state, move |(stage, clock, mut look)| async move {
            let mut clock = clock.unwrap_or_else(|| {
                let mut clock = interval(period);
                clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
                clock
            });
            clock.tick().await;
            let seen = stage.with(&mut look);
            Some((stream::iter(seen), (stage, Some(clock), look)))
        })
        .flatten()
        .boxed()
    }

    fn watch_rows(&self, feed: Feed) -> BoxStream<'static, FeedEvent> {
        let mut known: Option<BTreeMap<Key, Row>> = None;
        let mut quiet = 0;
        self.every(STEP, move |sim, _| {
            let Some(rows) = sim.rows(&feed) else { return unsupported(&mut quiet) };
            let Some(before) = known.as_mut() else {
                known = Some(rows.iter().map(|row| (row.key().clone(), row.clone())).collect());
                return vec![FeedEvent::Reset, FeedEvent::Staged(rows), FeedEvent::Synced];
            };
            let events = difference(before, rows);
            quiet = if events.is_empty() { quiet + 1 } else { 0 };
            alive_when(events, &mut quiet)
        })
    }

    fn watch_log(&self, source: LogSource) -> BoxStream<'static, FeedEvent> {
        let mut place: Option<(u32, Stamp)> = None;
        let mut told: Option<Fault> = None;
        self.every(STEP, move |sim, now| {
            let (run, script) = match sim.log(&source) {
                Ok(found) => found,
                Err(fault) if told.as_ref() == Some(&fault) => return Vec::new(),
                Err(fault) => {
                    told = Some(fault.clone());
                    return vec![FeedEvent::Lost(fault)];
                }
            };
            told = None;
            let mut records = Vec::new();
            let from = match place {
                Some((instance, from)) if instance == run.instance => from,
                Some(_) => {
                    records.push(LogRecord::Note(format!("container restarted, instance {}", run.instance + 1).into()));
                    Stamp(run.started.0 - 1)
                }
                None => Stamp(run.started.0 - 1),
            };
            records.extend(script.between(&run, from, now, TAIL));
            place = Some((run.instance, now));
            if records.is_empty() { Vec::new() } else { vec![FeedEvent::Log(records)] }
        })
    }

    fn watch_changes<T: PartialEq + Clone + Send + 'static>(
        &self,
        key: Key,
        read: fn(&S, &Key) -> Option<T>,
        wrap: fn(T) -> FeedEvent,
    ) -> BoxStream<'static, FeedEvent> {
        let mut known: Option<Option<T>> = None;
        self.every(FAST, move |sim, _| {
            let seen = read(sim, &key);
            if known.as_ref() == Some(&seen) {
                return Vec::new();
            }
            known = Some(seen.clone());
            vec![seen.map_or_else(|| FeedEvent::Lost(Fault::Gone { what: key.to_string() }), wrap)]
        })
    }
}

/// Told once; after that nothing is left to say.
fn unsupported(quiet: &mut u32) -> Vec<FeedEvent> {
    *quiet += 1;
    let fault = Fault::Unsupported { what: "this target has nothing of the kind".to_owned() };
    if *quiet == 1 { vec![FeedEvent::Lost(fault)] } else { Vec::new() }
}

fn alive_when(events: Vec<FeedEvent>, quiet: &mut u32) -> Vec<FeedEvent> {
    if *quiet < QUIET {
        return events;
    }
    *quiet = 0;
    vec![FeedEvent::Alive]
}

fn difference(before: &mut BTreeMap<Key, Row>, rows: Vec<Row>) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    let mut now = BTreeMap::new();
    for row in rows {
        if before.remove(row.key()).as_ref() != Some(&row) {
            events.push(FeedEvent::Upsert(row.clone()));
        }
        now.insert(row.key().clone(), row);
    }
    events.extend(before.keys().cloned().map(FeedEvent::Remove));
    *before = now;
    events
}

impl<S: Sim> Source for Stage<S> {
    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        let feed = spec.feed.clone();
        match spec.feed.clone() {
            Feed::Server => {
                let mut known = false;
                self.every(SLOW, move |sim, _| {
                    let first = !std::mem::replace(&mut known, true);
                    vec![if first { FeedEvent::Server(Box::new(sim.server())) } else { FeedEvent::Alive }]
                })
            }
            Feed::Namespaces
            | Feed::Pods(_)
            | Feed::Workloads(_)
            | Feed::Releases(_)
            | Feed::Events(_)
            | Feed::Containers => self.watch_rows(feed),
            Feed::Usage(_) => self.every(SLOW, move |sim, now| vec![FeedEvent::Samples(sim.samples(&feed, now))]),
            Feed::UsageOf(_) => self.every(FAST, move |sim, now| vec![FeedEvent::Samples(sim.samples(&feed, now))]),
            Feed::Log(source) => self.watch_log(source),
            Feed::Object(key) => self.watch_changes(key, S::object, |text| FeedEvent::Object(text.into())),
            Feed::Revisions(key) => self.watch_changes(key, S::revisions, |list| FeedEvent::Revisions(Box::new(list))),
        }
    }
}

impl<S: Sim> Operator for Stage<S> {
    fn plan(&self, action: &Action) -> BoxFuture<'static, Result<Plan, Fault>> {
        let (stage, action) = (self.clone(), action.clone());
        async move {
            sleep(ANSWER).await;
            if !action.fits() {
                return Err(Fault::Invalid { what: format!("{} does not take {}", action.key(), action.verb()) });
            }
            stage.with(|sim, _| {
                let key = action.key();
                if !key.uid.is_empty() {
                    return sim.plan(&action);
                }
                let named = sim.named(key).ok_or_else(|| Fault::Gone { what: key.to_string() })?;
                sim.plan(&action.with_key(named))
            })
        }
        .boxed()
    }

    fn execute(&self, approved: Approved) -> BoxStream<'static, Progress> {
        let stage = self.clone();
        async move {
            sleep(ANSWER).await;
            let plan = approved.plan();
            let progress = match stage.with(|sim, now| sim.apply(plan, now)) {
                Ok(receipt) => {
                    let sent = plan.changes.iter().map(|change| Progress::Sent(request(change)));
                    sent.chain([Progress::Done(receipt)]).collect()
                }
                Err(fault) => vec![Progress::Failed(fault)],
            };
            stream::iter(progress)
        }
        .flatten_stream()
        .boxed()
    }

    fn observe(&self, expect: &Expectation) -> BoxStream<'static, Observation> {
        let expect = expect.clone();
        let mut deadline = None;
        let mut told = None;
        let looks = self.every(STEP, move |sim, now| {
            let end = *deadline.get_or_insert(now.plus(expect.within));
            let seen = match sim.observe(&expect) {
                Observation::Waiting(text) if now >= end => Observation::Overdue(text),
                other => other,
            };
            if told.as_ref() == Some(&seen) {
                return Vec::new();
            }
            told = Some(seen.clone());
            if matches!(seen, Observation::Waiting(_)) { vec![Some(seen)] } else { vec![Some(seen), None] }
        });
        looks.take_while(|seen| std::future::ready(seen.is_some())).filter_map(std::future::ready).boxed()
    }
}

fn request(change: &Change) -> String {
    let method = match change.method {
        Method::Patch => "PATCH",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Delete => "DELETE",
    };
    format!("{method} {}", change.path)
}
