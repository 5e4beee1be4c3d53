//! The log of one container, followed through cuts and restarts.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::engine::Engine;
use super::feed::{LONGEST, events, rest};
use super::frames::{Decoder, Item};
use super::inspect::{Event, Inspect};
use super::resume::Resume;
use super::rows::handle;
use crate::backend::emit::Emitter;
use crate::backend::retry::Pauses;
use crate::model::{EngineState, Fault, FeedEvent, LogRecord, LogSource};

/// Lines of the past that are read when a log is opened.
const TAIL: u32 = 500;
/// Silence after which a stream is attached anew: old engines hang after a rotation, and a dead
/// network says nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// How far the event of an end may be behind the end of its log.
const BEHIND: Duration = Duration::from_millis(500);

struct Reader {
    engine: Engine,
    source: LogSource,
    out: Emitter<FeedEvent>,
    resume: Resume,
    /// Oldest line that was not complete when the last stream ended.
    pending: Option<i64>,
    /// End of a run that was already noted, by its `FinishedAt`.
    noted: String,
    /// Exit code of the last end, as its event told: inspect forgets it with the next start.
    exit: Option<i64>,
}

type Watch = BoxStream<'static, Result<Event, Fault>>;

/// How a stream ended.
enum End {
    Closed,
    Silent,
    Broken(Fault),
}

/// Runs the feed for ever.
pub async fn run(engine: Engine, source: LogSource, out: Emitter<FeedEvent>) {
    let mut reader =
        Reader { engine, source, out, resume: Resume::default(), pending: None, noted: String::new(), exit: None };
    let mut pauses = Pauses::up_to(LONGEST);
    loop {
        let fault = reader.follow(&mut pauses).await;
        reader.out.lost(fault.clone()).await;
        rest(&mut pauses, &fault).await;
    }
}

impl Reader {
    async fn follow(&mut self, pauses: &mut Pauses) -> Fault {
        match self.attached(pauses).await {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    async fn attached(&mut self, pauses: &mut Pauses) -> Result<std::convert::Infallible, Fault> {
        let id = handle(&self.source.key);
        // Subscribed first: a start between the end of a stream and the next look is not missed.
        let mut watch = events(&self.engine, Some(&id), 0).await?;
        let mut inspect = self.inspect().await?;
        loop {
            let body = self.engine.stream(&self.path()).await?.boxed();
            self.out.send(FeedEvent::Alive).await;
            pauses.reset();
            self.resume.reattach();
            let mut decoder = Decoder::new(inspect.config.tty);
            match self.pump(body, &mut watch, &mut decoder).await {
                End::Broken(fault) => return Err(fault),
                End::Silent => continue,
                End::Closed => {}
            }
            let after = self.inspect().await?;
            let same_run = after.state.started_at == inspect.state.started_at;
            if after.state.running && same_run && after.engine_state() != EngineState::Restarting {
                tokio::time::sleep(pauses.step()).await;
                continue;
            }
            self.flush(&mut decoder).await;
            if after.engine_state() == EngineState::Running {
                self.restarted(&mut watch).await?;
                inspect = after;
            } else {
                inspect = self.ended(&after, &mut watch).await?;
            }
        }
    }

    fn path(&self) -> String {
        let from = match self.resume.since(self.pending) {
            Some(second) => format!("since={second}"),
            None => format!("tail={TAIL}"),
        };
        format!("/containers/{}/logs?follow=1&stdout=1&stderr=1&timestamps=1&{from}", handle(&self.source.key))
    }

    async fn inspect(&self) -> Result<Inspect, Fault> {
        self.engine.get(&format!("/containers/{}/json", handle(&self.source.key))).await
    }

    /// Sends lines until the stream ends.
    async fn pump(
        &mut self,
        mut body: BoxStream<'static, Result<Bytes, Fault>>,
        watch: &mut Watch,
        decoder: &mut Decoder,
    ) -> End {
        let mut items = Vec::new();
        self.exit = None;
        let mut silent = Instant::now() + SILENCE;
        let end = loop {
            tokio::select! {
                biased;
                event = watch.next() => match next(event) {
                    Ok(event) => self.learn(&event),
                    Err(fault) => break End::Broken(fault),
                },
                part = body.next() => match part {
                    None => break End::Closed,
                    Some(Err(fault)) => break End::Broken(fault),
                    Some(Ok(chunk)) => {
                        decoder.push(&chunk, &mut items);
                        self.show(&mut items, decoder.pending()).await;
                        silent = Instant::now() + SILENCE;
                    }
                },
                () = sleep_until(silent) => break End::Silent,
            }
        };
        self.pending = decoder.pending();
        end
    }

    fn learn(&mut self, event: &Event) {
        if event.action == "die" {
            self.exit = event.actor.attributes.get("exitCode").and_then(|code| code.parse().ok());
        }
    }

    /// A run is over: what has no newline is its last line.
    async fn flush(&mut self, decoder: &mut Decoder) {
        let mut items = Vec::new();
        decoder.finish(&mut items);
        self.pending = None;
        self.show(&mut items, None).await;
    }

    async fn show(&mut self, items: &mut Vec<Item>, pending: Option<i64>) {
        let mut records = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            match item {
                Item::System(text) => records.push(LogRecord::Note(format!("the engine says: {text}").into())),
                Item::Line(line) => {
                    if self.resume.admit(&line, pending) {
                        let text = String::from_utf8_lossy(&line.text).into_owned().into_boxed_str();
                        records.push(LogRecord::Line { at: line.at, stderr: line.stderr, text, cut: line.cut });
                    }
                }
            }
        }
        if !records.is_empty() {
            self.out.send(FeedEvent::Log(records)).await;
        }
    }

    async fn note(&self, text: String) {
        self.out.send(FeedEvent::Log(vec![LogRecord::Note(text.into())])).await;
    }

    /// Notes a restart; the event with the exit code may be a little behind.
    async fn restarted(&mut self, watch: &mut Watch) -> Result<(), Fault> {
        let deadline = Instant::now() + BEHIND;
        while self.exit.is_none() {
            let Ok(event) = timeout_at(deadline, watch.next()).await else { break };
            let event = next(event)?;
            self.learn(&event);
        }
        self.note(match self.exit {
            Some(code) => format!("container restarted, exit {code}"),
            None => "container restarted".to_owned(),
        })
        .await;
        Ok(())
    }

    /// The container does not run: says so once and waits until it does.
    async fn ended(&mut self, after: &Inspect, watch: &mut Watch) -> Result<Inspect, Fault> {
        let looping = after.engine_state() == EngineState::Restarting;
        if !looping && self.noted != after.state.finished_at {
            self.noted.clone_from(&after.state.finished_at);
            let text = match after.engine_state() {
                EngineState::Created => "container was never started".to_owned(),
                _ => format!("container ended, exit {}", after.state.exit_code),
            };
            self.note(text).await;
        }
        self.exit = Some(after.state.exit_code);
        loop {
            let event = next(watch.next().await)?;
            match event.action.as_str() {
                "start" => break,
                "destroy" => {
                    return Err(Fault::Gone { what: format!("container {} was removed", self.source.key.name) });
                }
                _ => self.learn(&event),
            }
        }
        let now = self.inspect().await?;
        if now.state.started_at != after.state.started_at {
            self.restarted(watch).await?;
        }
        Ok(now)
    }
}

fn next(event: Option<Result<Event, Fault>>) -> Result<Event, Fault> {
    event.unwrap_or_else(|| Err(Fault::Unreachable { what: "no more events".into(), way_out: String::new() }))
}
