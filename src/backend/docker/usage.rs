//! Usage feeds: all running containers by single samples at a slow pace, one container by the
//! engine's own stream at one a second.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep_until};

use super::engine::Engine;
use super::feed::{LONGEST, lines, rest};
use super::inspect::Summary;
use super::rows::{handle, key};
use super::stats::{Counters, Stats};
use crate::backend::emit::Emitter;
use crate::backend::retry::Pauses;
use crate::model::{Fault, FeedEvent, Key, Sample, TargetId};

/// Least and longest time from round to round over all containers.
const SLOW: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));
/// Time from round to round for each container in it: a sample costs engine 20.10 about 2.5 ms of
/// CPU, and watching must not cost it more than 2 % of a core.
const EACH: Duration = Duration::from_millis(150);
/// Time between the first two rounds, since rates need two; and the least pause after any.
const FIRST: Duration = Duration::from_secs(1);
/// Samples in flight. Engine 20.10 answers a one-shot only at its collector's next tick, a second
/// apart: few in flight would stretch a round of 50 containers to 13 s, and cost the engine no less.
const WIDTH: usize = 64;
/// Longest silence of a stats stream.
const SILENCE: Duration = Duration::from_secs(20);

/// Runs [`Feed::Usage`](crate::model::Feed::Usage) for ever.
pub async fn all(engine: Engine, target: TargetId, out: Emitter<FeedEvent>) {
    let mut before: HashMap<String, Counters> = HashMap::new();
    let mut pauses = Pauses::up_to(LONGEST);
    let mut pause = FIRST;
    loop {
        let begun = Instant::now();
        match round(&engine, target, &mut before).await {
            Ok(samples) => {
                pauses.reset();
                let next = (EACH * u32::try_from(samples.len()).unwrap_or(u32::MAX)).clamp(SLOW.0, SLOW.1);
                let event = if samples.is_empty() { FeedEvent::Alive } else { FeedEvent::Samples(samples) };
                out.send(event).await;
                sleep_until((begun + pause).max(Instant::now() + FIRST)).await;
                pause = next;
            }
            Err(fault) => {
                out.lost(fault.clone()).await;
                rest(&mut pauses, &fault).await;
            }
        }
    }
}

/// One sample of every running container.
async fn round(
    engine: &Engine,
    target: TargetId,
    before: &mut HashMap<String, Counters>,
) -> Result<Vec<Sample>, Fault> {
    let list: Vec<Summary> = engine.get("/containers/json").await?;
    let found: Vec<_> = stream::iter(list)
        .map(|summary| async move {
            let path = format!("/containers/{}/stats?stream=false&one-shot=true", summary.id);
            let stats = engine.get::<Stats>(&path).await;
            (summary, stats)
        })
        .buffer_unordered(WIDTH)
        .collect()
        .await;
    let mut now = HashMap::with_capacity(found.len());
    let mut samples = Vec::with_capacity(found.len());
    for (summary, stats) in found {
        let stats = match stats {
            Ok(stats) => stats,
            // It ended between the list and now, or its own statistics fail; the others still count.
            Err(Fault::Gone { .. } | Fault::Conflict { .. } | Fault::Server { .. }) => continue,
            Err(fault) => return Err(fault),
        };
        let (Some(at), Some(counters)) = (stats.at(), stats.counters()) else { continue };
        let name = summary.names.first().map_or("", String::as_str);
        let project = summary.labels.get("com.docker.compose.project").map_or("", String::as_str);
        let usage = counters.usage(before.get(&summary.id));
        samples.push(Sample { key: key(target, &summary.id, name, project), at, usage, containers: Box::default() });
        now.insert(summary.id, counters);
    }
    *before = now;
    Ok(samples)
}

/// Runs [`Feed::UsageOf`](crate::model::Feed::UsageOf) for ever.
pub async fn one(engine: Engine, key: Key, out: Emitter<FeedEvent>) {
    let mut pauses = Pauses::up_to(Duration::from_secs(5));
    loop {
        let fault = follow(&engine, &key, &out, &mut pauses).await;
        out.lost(fault.clone()).await;
        rest(&mut pauses, &fault).await;
    }
}

async fn follow(engine: &Engine, key: &Key, out: &Emitter<FeedEvent>, pauses: &mut Pauses) -> Fault {
    let body = match engine.stream(&format!("/containers/{}/stats?stream=true", handle(key))).await {
        Ok(body) => body,
        Err(fault) => return fault,
    };
    pauses.reset();
    let mut frames = Box::pin(lines(body));
    let mut before: Option<Counters> = None;
    loop {
        let frame = match tokio::time::timeout(SILENCE, frames.next()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(fault))) => return fault,
            Ok(None) => {
                let what = format!("the engine ended the statistics of {}", key.name);
                return Fault::Unreachable { what, way_out: String::new() };
            }
            Err(_) => {
                return Fault::Timeout { what: format!("statistics of {}", key.name), seconds: SILENCE.as_secs() };
            }
        };
        let Ok(stats) = serde_json::from_slice::<Stats>(&frame) else { continue };
        let counters = stats.counters();
        match (stats.at(), counters) {
            (Some(at), Some(now)) => {
                let usage = now.usage(before.as_ref());
                let sample = Sample { key: key.clone(), at, usage, containers: Box::default() };
                out.send(FeedEvent::Samples(vec![sample])).await;
            }
            _ => out.send(FeedEvent::Alive).await,
        }
        before = counters;
    }
}
