//! The log of one container, followed through cuts and restarts.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::Sender;

use super::engine::Engine;
use super::feed::{Backoff, events, send};
use super::frames::{Decoder, Item};
use super::inspect::{Event, Inspect};
use super::resume::Resume;
use crate::model::{EngineState, Fault, FeedEvent, LogRecord, LogSource};

/// Lines of the past that are read when a log is opened.
const TAIL: u32 = 500;
/// Silence after which a stream is attached anew: old engines hang after a rotation, and a dead
/// network says nothing.
const SILENCE: Duration = Duration::from_secs(60);

struct Reader {
    engine: Engine,
    source: LogSource,
    tx: Sender<FeedEvent>,
    resume: Resume,
    /// Oldest line that was not complete when the last stream ended.
    pending: Option<i64>,
    /// End of a run that was already noted, by its `FinishedAt`.
    noted: String,
}

/// How a stream ended.
enum End {
    Closed,
    Silent,
    Broken(Fault),
}

/// Runs the feed for ever.
pub async fn run(engine: Engine, source: LogSource, tx: Sender<FeedEvent>) {
    let mut reader = Reader { engine, source, tx, resume: Resume::default(), pending: None, noted: String::new() };
    let mut backoff = Backoff::new(Duration::from_secs(2));
    loop {
        let fault = reader.follow(&mut backoff).await;
        send(&reader.tx, FeedEvent::Lost(fault.clone())).await;
        backoff.wait(&fault).await;
    }
}

impl Reader {
    async fn follow(&mut self, backoff: &mut Backoff) -> Fault {
        match self.attached(backoff).await {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    async fn attached(&mut self, backoff: &mut Backoff) -> Result<std::convert::Infallible, Fault> {
        let id = self.source.key.uid.to_string();
        // Subscribed first: a start between the end of a stream and the next look is not missed.
        let mut watch = events(&self.engine, Some(&id), 0).await?;
        let mut inspect = self.inspect().await?;
        loop {
            let body = self.engine.stream(&self.path()).await?.boxed();
            send(&self.tx, FeedEvent::Alive).await;
            backoff.reset();
            self.resume.reattach();
            let mut decoder = Decoder::new(inspect.config.tty);
            match self.pump(body, &mut decoder).await {
                End::Broken(fault) => return Err(fault),
                End::Silent => continue,
                End::Closed => {}
            }
            let after = self.inspect().await?;
            let same_run = after.state.started_at == inspect.state.started_at;
            if after.state.running && same_run && after.engine_state() != EngineState::Restarting {
                tokio::time::sleep(backoff.step()).await;
                continue;
            }
            self.flush(&mut decoder).await;
            let code = last_exit(&mut watch)?;
            if after.engine_state() == EngineState::Running {
                self.restarted(code.unwrap_or(after.state.exit_code)).await;
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
        format!("/containers/{}/logs?follow=1&stdout=1&stderr=1&timestamps=1&{from}", self.source.key.uid)
    }

    async fn inspect(&self) -> Result<Inspect, Fault> {
        self.engine.get(&format!("/containers/{}/json", self.source.key.uid)).await
    }

    /// Sends lines until the stream ends.
    async fn pump(&mut self, mut body: BoxStream<'static, Result<Bytes, Fault>>, decoder: &mut Decoder) -> End {
        let mut items = Vec::new();
        let end = loop {
            match tokio::time::timeout(SILENCE, body.next()).await {
                Err(_) => break End::Silent,
                Ok(None) => break End::Closed,
                Ok(Some(Err(fault))) => break End::Broken(fault),
                Ok(Some(Ok(chunk))) => {
                    decoder.push(&chunk, &mut items);
                    self.show(&mut items, decoder.pending()).await;
                }
            }
        };
        self.pending = decoder.pending();
        end
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
            send(&self.tx, FeedEvent::Log(records)).await;
        }
    }

    async fn note(&self, text: String) {
        send(&self.tx, FeedEvent::Log(vec![LogRecord::Note(text.into())])).await;
    }

    async fn restarted(&self, code: i64) {
        self.note(format!("container restarted, exit {code}")).await;
    }

    /// The container does not run: says so once and waits until it does.
    async fn ended(
        &mut self,
        after: &Inspect,
        watch: &mut BoxStream<'static, Result<Event, Fault>>,
    ) -> Result<Inspect, Fault> {
        let looping = after.engine_state() == EngineState::Restarting;
        if !looping && self.noted != after.state.finished_at {
            self.noted.clone_from(&after.state.finished_at);
            let text = match after.state.status.as_str() {
                "created" => "container was never started".to_owned(),
                _ => format!("container ended, exit {}", after.state.exit_code),
            };
            self.note(text).await;
        }
        loop {
            match watch.next().await {
                Some(Ok(event)) if event.action == "start" => break,
                Some(Ok(event)) if event.action == "destroy" => {
                    return Err(Fault::Gone { what: format!("container {} was removed", self.source.key.name) });
                }
                Some(Ok(_)) => {}
                Some(Err(fault)) => return Err(fault),
                None => return Err(Fault::Unreachable { what: "no more events".into(), way_out: String::new() }),
            }
        }
        let now = self.inspect().await?;
        if now.state.started_at != after.state.started_at {
            self.restarted(after.state.exit_code).await;
        }
        Ok(now)
    }
}

/// Exit code of the last end among the events that have come.
fn last_exit(watch: &mut BoxStream<'static, Result<Event, Fault>>) -> Result<Option<i64>, Fault> {
    let mut code = None;
    while let Some(next) = watch.next().now_or_never() {
        match next {
            Some(Ok(event)) if event.action == "die" => {
                code = event.actor.attributes.get("exitCode").and_then(|code| code.parse().ok());
            }
            Some(Ok(_)) => {}
            Some(Err(fault)) => return Err(fault),
            None => break,
        }
    }
    Ok(code)
}
