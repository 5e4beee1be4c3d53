//! Usage of every object that was ever measured, with a short history each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Key, Sample, Stamp, TargetId, Usage};

/// Samples kept for each object.
pub const HISTORY: usize = 60;

/// For how long a close measurement stands for the object.
const CLOSE: Duration = Duration::from_secs(20);

/// The history of one object, oldest first. Ten thousand of these are usual, so a point takes
/// only what most objects are measured by.
#[derive(Debug, Default)]
pub struct Series {
    points: VecDeque<Point>,
    /// What few objects are measured by, point for point; empty while no point has any of it.
    flows: VecDeque<[f32; FLOWS]>,
    /// Its containers now.
    pub containers: Box<[(Arc<str>, Usage)]>,
}

/// Measures beside CPU and memory.
const FLOWS: usize = 5;
/// A measure that is not known.
const UNKNOWN: f32 = f32::NAN;

#[derive(Debug, Clone, Copy)]
struct Point {
    at: Stamp,
    cpu: f32,
    memory: f32,
}

fn pack(value: Option<f32>) -> f32 {
    value.unwrap_or(UNKNOWN)
}

fn unpack(value: f32) -> Option<f32> {
    (!value.is_nan()).then_some(value)
}

impl Series {
    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<(Stamp, Usage)> {
        self.points().next_back()
    }

    /// All samples, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (Stamp, Usage)> {
        self.points.iter().enumerate().map(|(index, point)| {
            let [rx, tx, read, write, pids] = self.flows.get(index).map_or([None; FLOWS], |flows| flows.map(unpack));
            let (cpu, memory) = (unpack(point.cpu), unpack(point.memory));
            (point.at, Usage { cpu, memory, rx, tx, read, write, pids })
        })
    }

    /// One measure over time, oldest first; a missing value stays missing.
    pub fn values(&self, pick: impl Fn(&Usage) -> Option<f32>) -> Vec<Option<f32>> {
        self.points().map(|(_, usage)| pick(&usage)).collect()
    }

    fn push(&mut self, at: Stamp, usage: Usage) {
        if self.points.len() == HISTORY {
            self.points.pop_front();
            self.flows.pop_front();
        }
        let flows = [usage.rx, usage.tx, usage.read, usage.write, usage.pids].map(pack);
        if !self.flows.is_empty() || flows.iter().any(|value| !value.is_nan()) {
            self.flows.resize(self.points.len(), [UNKNOWN; FLOWS]);
            self.flows.push_back(flows);
        }
        self.points.push_back(Point { at, cpu: pack(usage.cpu), memory: pack(usage.memory) });
    }

    fn pop(&mut self) {
        self.points.pop_back();
        self.flows.truncate(self.points.len());
    }
}

/// All series.
#[derive(Debug, Default)]
pub struct UsageStore {
    series: HashMap<Key, Series>,
    newest: HashMap<TargetId, Stamp>,
    generation: u64,
}

impl UsageStore {
    /// The series of this object.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Series> {
        self.series.get(key)
    }

    /// Time of the newest sample of a target.
    #[must_use]
    pub fn newest(&self, target: TargetId) -> Option<Stamp> {
        self.newest.get(&target).copied()
    }

    /// Counts every sample taken in.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes a sample in. One with the time of the last only fills in what that one lacked; an
    /// older one is ignored.
    pub fn take(&mut self, sample: Sample) {
        let newest = self.newest.entry(sample.key.target).or_insert(sample.at);
        *newest = (*newest).max(sample.at);
        let series = self.series.entry(sample.key).or_default();
        match series.last() {
            Some((at, _)) if at > sample.at => return,
            // the slow feed has nothing to add to an object that is measured closely
            Some((at, usage))
                if at < sample.at && at.since(sample.at) < CLOSE && usage.rx.is_some() && sample.usage.rx.is_none() =>
            {
                return;
            }
            Some((at, usage)) if at == sample.at => {
                series.pop();
                series.push(at, merge(usage, sample.usage));
            }
            _ => series.push(sample.at, sample.usage),
        }
        if !sample.containers.is_empty() {
            series.containers = sample.containers;
        }
        self.generation += 1;
    }

    /// Drops the history of an object that is gone.
    pub fn remove(&mut self, key: &Key) {
        self.series.remove(key);
    }
}

fn merge(old: Usage, new: Usage) -> Usage {
    Usage {
        cpu: new.cpu.or(old.cpu),
        memory: new.memory.or(old.memory),
        rx: new.rx.or(old.rx),
        tx: new.tx.or(old.tx),
        read: new.read.or(old.read),
        write: new.write.or(old.write),
        pids: new.pids.or(old.pids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn sample(at: i64, usage: Usage) -> Sample {
        let key =
            Key { target: TargetId(0), kind: Kind::Pod, namespace: "shop".into(), name: "web".into(), uid: "1".into() };
        Sample { key, at: Stamp(at), usage, containers: Box::default() }
    }

    #[test]
    fn what_came_in_comes_out_and_a_late_measure_fills_a_gap() {
        let (lean, full) = (
            Usage { cpu: Some(0.5), ..Usage::default() },
            Usage { memory: Some(7.0), rx: Some(1.0), pids: Some(3.0), ..Usage::default() },
        );
        let mut store = UsageStore::default();
        for (at, usage) in [(1, lean), (2, lean), (2, full), (1, full)] {
            store.take(sample(at, usage));
        }
        let series = store.get(&sample(0, lean).key).expect("a series");
        let merged = Usage { cpu: Some(0.5), ..full };
        assert_eq!(series.points().collect::<Vec<_>>(), [(Stamp(1), lean), (Stamp(2), merged)]);
    }

    #[test]
    fn a_closely_measured_object_has_no_holes_from_the_slow_feed() {
        let close = Usage { cpu: Some(1.0), rx: Some(5.0), ..Usage::default() };
        let slow = Usage { cpu: Some(2.0), ..Usage::default() };
        let mut store = UsageStore::default();
        for (at, usage) in [(1000, close), (4000, slow), (6000, close), (31_000, slow)] {
            store.take(sample(at, usage));
        }
        let series = store.get(&sample(0, close).key).expect("a series");
        let at: Vec<i64> = series.points().map(|(at, _)| at.0).collect();
        assert_eq!(at, [1000, 6000, 31_000], "after a while the slow feed is all there is");
    }

    #[test]
    fn the_oldest_samples_go_first() {
        let mut store = UsageStore::default();
        for at in (0..i64::try_from(HISTORY).expect("small") + 2).map(|n| n * 30_000) {
            let rx = (at > 90_000).then_some(1.0);
            store.take(sample(at, Usage { rx, ..Usage::default() }));
        }
        let series = store.get(&sample(0, Usage::default()).key).expect("a series");
        let points: Vec<_> = series.points().collect();
        assert_eq!((points.len(), points[0].0), (HISTORY, Stamp(60_000)));
        assert_eq!(points.iter().filter(|(_, usage)| usage.rx.is_none()).count(), 2);
    }
}
