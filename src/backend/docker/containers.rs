//! Rows of all containers: events first, then the list, then whatever events touch is inspected
//! again. Events are hints; list and inspect are the truth.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep_until, timeout};

use super::engine::Engine;
use super::feed::{LONGEST, events, rest};
use super::inspect::{Event, Inspect, Summary};
use super::past::Past;
use super::rows::row;
use crate::backend::emit::Emitter;
use crate::backend::retry::Pauses;
use crate::model::{EngineContainer, EngineState, Fault, FeedEvent, Health, Row, TargetId};

/// Events of one container that come closer than this cost one inspect.
const COALESCE: Duration = Duration::from_millis(100);
/// How often everything is listed anyway: the engine keeps 256 events and skips slow readers.
const RELIST: Duration = Duration::from_secs(30);
/// Silence that ends the replay of old events.
const REPLAY: Duration = Duration::from_millis(40);
/// Inspects in flight.
const WIDTH: usize = 6;

struct Table {
    engine: Engine,
    target: TargetId,
    out: Emitter<FeedEvent>,
    past: Past,
    rows: HashMap<String, EngineContainer>,
}

/// Runs the feed for ever.
pub async fn run(engine: Engine, target: TargetId, out: Emitter<FeedEvent>) {
    let mut table = Table { engine, target, out, past: Past::default(), rows: HashMap::new() };
    let mut pauses = Pauses::up_to(LONGEST);
    loop {
        let fault = table.follow(&mut pauses).await;
        table.engine.forget().await;
        table.out.lost(fault.clone()).await;
        rest(&mut pauses, &fault).await;
    }
}

impl Table {
    /// One connection, from subscription to its end.
    async fn follow(&mut self, pauses: &mut Pauses) -> Fault {
        let since = self.past.resume();
        let mut stream = match events(&self.engine, None, since).await {
            Ok(stream) => stream,
            Err(fault) => return fault,
        };
        // What the engine remembers comes at once: read before the list, it makes the reasons right from the start.
        while let Ok(next) = timeout(REPLAY, stream.next()).await {
            match next {
                Some(Ok(event)) => self.past.learn(&event),
                Some(Err(fault)) => return fault,
                None => break,
            };
        }
        let mut dirty = BTreeSet::new();
        if let Err(fault) = self.load().await {
            return fault;
        }
        pauses.reset();
        let mut due: Option<Instant> = None;
        let mut relist = Instant::now() + RELIST;
        loop {
            tokio::select! {
                biased;
                event = stream.next() => match event {
                    Some(Ok(event)) => {
                        if self.take(&event).await {
                            dirty.insert(event.actor.id);
                            due.get_or_insert_with(|| Instant::now() + COALESCE);
                        }
                    }
                    Some(Err(fault)) => return fault,
                    None => return Fault::Unreachable { what: "no more events".into(), way_out: String::new() },
                },
                () = sleep_until(due.unwrap_or(relist)), if due.is_some() => {
                    due = None;
                    if let Err(fault) = self.refresh(std::mem::take(&mut dirty)).await {
                        return fault;
                    }
                }
                () = sleep_until(relist) => {
                    relist = Instant::now() + RELIST;
                    match self.compare().await {
                        Ok(changed) => dirty.extend(changed),
                        Err(fault) => return fault,
                    }
                    if dirty.is_empty() {
                        self.out.send(FeedEvent::Alive).await;
                    } else {
                        due.get_or_insert_with(Instant::now);
                    }
                }
            }
        }
    }

    /// Learns from an event; true when its container has to be looked at.
    async fn take(&mut self, event: &Event) -> bool {
        if !self.past.learn(event) {
            return false;
        }
        if event.action == "destroy" {
            self.remove(&event.actor.id).await;
            return false;
        }
        true
    }

    async fn remove(&mut self, id: &str) {
        if let Some(row) = self.rows.remove(id) {
            self.out.send(FeedEvent::Remove(row.key)).await;
        }
    }

    /// The full listing.
    async fn load(&mut self) -> Result<(), Fault> {
        let list: Vec<Summary> = self.engine.get("/containers/json?all=1").await?;
        self.out.send(FeedEvent::Reset).await;
        let engine = self.engine.clone();
        let mut parts = stream::iter(list)
            .map(|summary| inspect(engine.clone(), summary.id))
            .buffer_unordered(WIDTH)
            .ready_chunks(32)
            .boxed();
        let mut rows = HashMap::new();
        while let Some(part) = parts.next().await {
            let now = self.engine.now();
            let mut staged = Vec::with_capacity(part.len());
            for (id, found) in part {
                if let Some(inspect) = found? {
                    let row = row(self.target, &inspect, &mut self.past, now);
                    staged.push(Row::Container(Box::new(row.clone())));
                    rows.insert(id, row);
                }
            }
            self.out.send(FeedEvent::Staged(staged)).await;
        }
        self.rows = rows;
        let rows = &self.rows;
        self.past.keep(|id| rows.contains_key(id));
        self.out.send(FeedEvent::Synced).await;
        Ok(())
    }

    /// Inspects `ids` and sends what changed.
    async fn refresh(&mut self, ids: BTreeSet<String>) -> Result<(), Fault> {
        let engine = self.engine.clone();
        let found: Vec<_> =
            stream::iter(ids).map(|id| inspect(engine.clone(), id)).buffer_unordered(WIDTH).collect().await;
        let now = self.engine.now();
        for (id, found) in found {
            let Some(inspect) = found? else {
                self.remove(&id).await;
                continue;
            };
            let row = row(self.target, &inspect, &mut self.past, now);
            if self.rows.get(&id) != Some(&row) {
                self.rows.insert(id, row.clone());
                self.out.send(FeedEvent::Upsert(Row::Container(Box::new(row)))).await;
            }
        }
        Ok(())
    }

    /// Lists everything, removes what is gone, and returns what differs or has words that age.
    async fn compare(&mut self) -> Result<Vec<String>, Fault> {
        let list: Vec<Summary> = self.engine.get("/containers/json?all=1").await?;
        let there: HashSet<&str> = list.iter().map(|summary| summary.id.as_str()).collect();
        let gone: Vec<String> = self.rows.keys().filter(|id| !there.contains(id.as_str())).cloned().collect();
        for id in gone {
            self.remove(&id).await;
        }
        let rows = &self.rows;
        self.past.keep(|id| rows.contains_key(id));
        let now = self.engine.now();
        let stale = |summary: &Summary| match self.rows.get(&summary.id) {
            None => true,
            Some(row) => differs(row, summary) || self.past.of(&summary.id).is_some_and(|life| life.is_fresh(now)),
        };
        Ok(list.iter().filter(|summary| stale(summary)).map(|summary| summary.id.clone()).collect())
    }
}

/// True when a list entry says something else than the row.
fn differs(row: &EngineContainer, summary: &Summary) -> bool {
    let name = summary.names.iter().any(|name| name.trim_start_matches('/') == &*row.key.name);
    EngineState::parse(&summary.state) != row.state || health_in(&summary.status) != row.health || !name
}

/// Health as a list's status text shows it, `Up 3 minutes (healthy)`.
fn health_in(status: &str) -> Health {
    match status.rsplit_once('(').map(|(_, tail)| tail.trim_end_matches(')')) {
        Some("healthy") => Health::Healthy,
        Some("unhealthy") => Health::Unhealthy,
        Some("health: starting") => Health::Starting,
        _ => Health::None,
    }
}

/// A container in full; `None` when it is gone.
async fn inspect(engine: Engine, id: String) -> (String, Result<Option<Inspect>, Fault>) {
    let found = match engine.get::<Inspect>(&format!("/containers/{id}/json")).await {
        Ok(inspect) => Ok(Some(inspect)),
        Err(Fault::Gone { .. }) => Ok(None),
        Err(fault) => Err(fault),
    };
    (id, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_read_from_the_status_text() {
        let cases = [
            ("Up 3 minutes (healthy)", Health::Healthy),
            ("Up 3 minutes (unhealthy)", Health::Unhealthy),
            ("Up 1 second (health: starting)", Health::Starting),
            ("Up 3 minutes (Paused)", Health::None),
            ("Exited (137) 2 hours ago", Health::None),
            ("", Health::None),
        ];
        for (status, want) in cases {
            assert_eq!(health_in(status), want, "{status}");
        }
    }
}
