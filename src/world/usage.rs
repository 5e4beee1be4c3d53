//! Usage of every object that was ever measured, with a short history each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Key, Sample, Stamp, Usage};

/// Samples kept for each object.
pub const HISTORY: usize = 60;

/// For how long a close measurement stands for the object.
const CLOSE: Duration = Duration::from_secs(20);

/// The history of one object.
#[derive(Debug, Default)]
pub struct Series {
    /// Oldest first.
    pub points: VecDeque<(Stamp, Usage)>,
    /// Its containers now.
    pub containers: Box<[(Arc<str>, Usage)]>,
}

impl Series {
    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<(Stamp, Usage)> {
        self.points.back().copied()
    }

    /// One measure over time, oldest first; a missing value stays missing.
    pub fn values(&self, pick: impl Fn(&Usage) -> Option<f32>) -> Vec<Option<f32>> {
        self.points.iter().map(|(_, usage)| pick(usage)).collect()
    }
}

/// All series.
#[derive(Debug, Default)]
pub struct UsageStore {
    series: HashMap<Key, Series>,
    generation: u64,
}

impl UsageStore {
    /// The series of this object.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Series> {
        self.series.get(key)
    }

    /// Counts every sample taken in.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes a sample in. One with the time of the last only fills in what that one lacked; an
    /// older one is ignored.
    pub fn take(&mut self, sample: Sample) {
        let series = self.series.entry(sample.key).or_default();
        match series.points.back_mut() {
            Some((at, _)) if *at > sample.at => return,
            // the slow feed has nothing to add to an object that is measured closely
            Some((at, usage)) if usage.rx.is_some() && sample.usage.rx.is_none() && at.since(sample.at) < CLOSE => {
                return;
            }
            Some((at, usage)) if *at == sample.at => *usage = merge(*usage, sample.usage),
            _ => {
                if series.points.len() == HISTORY {
                    series.points.pop_front();
                }
                series.points.push_back((sample.at, sample.usage));
            }
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
    use crate::model::{Kind, TargetId};

    fn sample(at: i64, cpu: Option<f32>, rx: Option<f32>) -> Sample {
        let key =
            Key { target: TargetId(0), kind: Kind::Pod, namespace: "n".into(), name: "p".into(), uid: "u".into() };
        Sample { key, at: Stamp(at), usage: Usage { cpu, rx, ..Usage::default() }, containers: Box::default() }
    }

    fn points(samples: &[Sample]) -> Vec<(i64, Option<f32>, Option<f32>)> {
        let mut store = UsageStore::default();
        for s in samples {
            store.take(s.clone());
        }
        let series = store.get(&samples[0].key).expect("a series");
        series.points.iter().map(|(at, u)| (at.0, u.cpu, u.rx)).collect()
    }

    #[test]
    fn the_same_moment_is_completed_and_an_older_one_ignored() {
        let all = [sample(1000, Some(1.0), None), sample(1000, None, Some(5.0)), sample(500, Some(9.0), None)];
        assert_eq!(points(&all), [(1000, Some(1.0), Some(5.0))]);
    }

    #[test]
    fn a_closely_measured_object_has_no_holes_from_the_slow_feed() {
        let all =
            [sample(1000, Some(1.0), Some(5.0)), sample(4000, Some(2.0), None), sample(6000, Some(3.0), Some(6.0))];
        assert_eq!(points(&all).len(), 2);
        let all = [sample(1000, Some(1.0), Some(5.0)), sample(31_000, Some(2.0), None)];
        assert_eq!(points(&all).len(), 2, "after a while the slow feed is all there is");
    }

    #[test]
    fn the_history_is_bounded() {
        let all: Vec<Sample> = (0..200).map(|n| sample(n * 1000, Some(1.0), None)).collect();
        let points = points(&all);
        assert_eq!((points.len(), points[0].0), (HISTORY, 140_000));
    }
}
