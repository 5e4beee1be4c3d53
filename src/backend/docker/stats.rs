//! The engine's stats as amounts and rates: the formulas of `docker stats` (docker/cli
//! `cli/command/container/stats_helpers.go`), applied to two samples of our own.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::inspect::{moment, nanos};
use crate::model::{Stamp, Usage};

/// `GET /containers/{id}/stats`, in part.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Stats {
    read: String,
    #[serde(rename = "cpu_stats")]
    cpu: Cpu,
    #[serde(rename = "memory_stats")]
    memory: Memory,
    networks: Option<BTreeMap<String, Network>>,
    #[serde(rename = "blkio_stats")]
    blkio: Blkio,
    #[serde(rename = "pids_stats")]
    pids: Pids,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Cpu {
    #[serde(rename = "cpu_usage")]
    time: CpuUsage,
    system_cpu_usage: Option<u64>,
    online_cpus: Option<u64>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct CpuUsage {
    total_usage: u64,
    percpu_usage: Option<Vec<u64>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Memory {
    usage: Option<u64>,
    stats: Option<BTreeMap<String, u64>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Network {
    rx_bytes: u64,
    tx_bytes: u64,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Blkio {
    io_service_bytes_recursive: Option<Vec<BlkioEntry>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct BlkioEntry {
    op: String,
    value: u64,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Pids {
    current: Option<u64>,
}

/// Counters of one container at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counters {
    /// When, by the engine's clock, in nanoseconds.
    read: i64,
    cpu: u64,
    system: Option<u64>,
    online: u64,
    rx: Option<u64>,
    tx: Option<u64>,
    blk_read: Option<u64>,
    blk_write: Option<u64>,
    memory: Option<u64>,
    pids: Option<u64>,
}

impl Stats {
    /// The sample's time; `None` for the frames of containers that do not run (year 1).
    #[must_use]
    pub fn at(&self) -> Option<Stamp> {
        moment(&self.read)
    }

    /// Its counters, `None` when the container does not run.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        self.at()?;
        let network = |pick: fn(&Network) -> u64| self.networks.as_ref().map(|all| all.values().map(pick).sum());
        let block = |op: u8| {
            let entries = self.blkio.io_service_bytes_recursive.as_ref()?;
            let ours = entries
                .iter()
                .filter(|entry| entry.op.as_bytes().first().is_some_and(|first| first.to_ascii_lowercase() == op));
            Some(ours.map(|entry| entry.value).sum())
        };
        let cores = self.cpu.time.percpu_usage.as_ref().map_or(0, Vec::len) as u64;
        Some(Counters {
            read: nanos(&self.read),
            cpu: self.cpu.time.total_usage,
            system: self.cpu.system_cpu_usage.filter(|system| *system > 0),
            online: self.cpu.online_cpus.filter(|online| *online > 0).unwrap_or(cores),
            rx: network(|one| one.rx_bytes),
            tx: network(|one| one.tx_bytes),
            blk_read: block(b'r'),
            blk_write: block(b'w'),
            memory: self.without_cache(),
            pids: self.pids.current,
        })
    }

    /// Usage without the page cache that can be dropped at once: `total_inactive_file` on cgroup
    /// v1, `inactive_file` on v2, nothing to subtract on Podman.
    fn without_cache(&self) -> Option<u64> {
        let usage = self.memory.usage?;
        let stats = self.memory.stats.as_ref();
        let cache = |name: &str| stats.and_then(|stats| stats.get(name)).copied().filter(|cache| *cache < usage);
        let has_v1 = stats.is_some_and(|stats| stats.contains_key("total_inactive_file"));
        let cache = if has_v1 { cache("total_inactive_file") } else { cache("inactive_file") };
        Some(usage - cache.unwrap_or(0))
    }
}

impl Counters {
    /// Amounts now, and rates since `before`. Counters that went back mean a new run: no rate.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    pub fn usage(&self, before: Option<&Self>) -> Usage {
        let before = before.filter(|before| before.read < self.read && before.cpu <= self.cpu);
        let seconds = before.map(|before| (self.read - before.read) as f64 / 1e9);
        let rate = |now: Option<u64>, then: Option<Option<u64>>| {
            let grown = now?.checked_sub(then??)?;
            Some((grown as f64 / seconds?) as f32)
        };
        Usage {
            cpu: before.map(|before| self.cores(before) as f32),
            memory: self.memory.map(|bytes| bytes as f32),
            rx: rate(self.rx, before.map(|b| b.rx)),
            tx: rate(self.tx, before.map(|b| b.tx)),
            read: rate(self.blk_read, before.map(|b| b.blk_read)),
            write: rate(self.blk_write, before.map(|b| b.blk_write)),
            pids: self.pids.map(|count| count as f32),
        }
    }

    /// Cores used: CPU time over the machine's CPU time times its CPUs, or over wall time where
    /// the machine's is not told.
    #[allow(clippy::cast_precision_loss)]
    fn cores(&self, before: &Self) -> f64 {
        let used = (self.cpu - before.cpu) as f64;
        let machine = match (self.system, before.system) {
            (Some(now), Some(then)) if now > then && self.online > 0 => Some((now - then) as f64 / self.online as f64),
            _ => None,
        };
        used / machine.unwrap_or((self.read - before.read) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(text: &str) -> Counters {
        serde_json::from_str::<Stats>(text).unwrap().counters().unwrap()
    }

    /// Two frames of one container, as recorded, and what `docker stats` makes of the second.
    fn pair(first: &str, second: &str) -> Usage {
        counters(second).usage(Some(&counters(first)))
    }

    macro_rules! fixture {
        ($name:literal) => {
            include_str!(concat!("../../../tests/fixtures/docker/stats_", $name, ".json"))
        };
    }

    fn near(got: Option<f32>, want: f32) {
        let got = got.expect("a value");
        assert!((got - want).abs() <= want.abs() * 1e-5 + 1e-6, "{got} instead of {want}");
    }

    #[test]
    fn cgroup_v1_subtracts_the_hierarchys_inactive_file() {
        let usage = pair(fixture!("v1_a"), fixture!("v1_b"));
        near(usage.cpu, 0.5);
        near(usage.memory, 60_000_000.0);
        near(usage.rx, 1_000.0);
        near(usage.tx, 300.0);
        near(usage.read, 4_096.0);
        near(usage.write, 8_192.0);
        near(usage.pids, 3.0);
    }

    #[test]
    fn cgroup_v2_subtracts_inactive_file_and_has_lower_case_ops() {
        let usage = pair(fixture!("v2_a"), fixture!("v2_b"));
        near(usage.cpu, 1.5);
        near(usage.memory, 90_000_000.0);
        near(usage.read, 2_048.0);
        near(usage.write, 0.0);
    }

    #[test]
    fn podman_has_no_cache_and_no_machine_time() {
        let usage = pair(fixture!("podman_a"), fixture!("podman_b"));
        near(usage.cpu, 0.25);
        near(usage.memory, 12_000_000.0);
        near(usage.rx, 200.0);
        assert_eq!(usage.read, None);
    }

    #[test]
    fn a_first_sample_and_a_new_run_have_amounts_but_no_rates() {
        let first = counters(fixture!("v1_a"));
        let usage = first.usage(None);
        assert_eq!((usage.cpu, usage.rx), (None, None));
        assert!(usage.memory.is_some());
        let back = Counters { cpu: first.cpu - 1, read: first.read + 1, ..first };
        assert_eq!(back.usage(Some(&first)).cpu, None);
    }

    #[test]
    fn a_stopped_container_gives_no_sample() {
        let stopped = r#"{"read":"0001-01-01T00:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":0}},"id":"x"}"#;
        assert_eq!(serde_json::from_str::<Stats>(stopped).unwrap().counters(), None);
        assert_eq!(serde_json::from_str::<Stats>("{}").unwrap().counters(), None);
    }
}
