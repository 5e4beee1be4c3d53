//! Usage of every object that was ever measured, with a short history each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::model::{Key, Sample, Stamp, Usage};

/// Samples kept for each object.
pub const HISTORY: usize = 60;

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
