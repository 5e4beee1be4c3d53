//! The kubelet's `/stats/summary` through the API server's node proxy: the only place without
//! further installation that knows a pod's network.

use serde::Deserialize;

use super::metrics::Reading;
use super::wire::{Text, Time, decode, or_default};
use crate::backend::escape;
use crate::model::{Fault, Stamp, Usage};

/// Path of `node`'s summary; a `brief` one has neither network nor disks and costs the kubelet less.
#[must_use]
pub fn path(node: &str, brief: bool) -> String {
    let query = if brief { "?only_cpu_and_memory=true" } else { "" };
    format!("/api/v1/nodes/{}/proxy/stats/summary{query}", escape::url(node))
}

/// Counters of the last reading, for rates over the kubelet's own times.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    last: Option<(Stamp, u64, u64)>,
    rates: (Option<f32>, Option<f32>),
}

impl Rates {
    /// Bytes a second received and sent since the counters before these. A counter that went back
    /// belongs to another network namespace: no rate then. The same time again gives the same rates.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn take(&mut self, at: Stamp, rx: u64, tx: u64) -> (Option<f32>, Option<f32>) {
        if let Some((then, rx_then, tx_then)) = self.last {
            if at == then {
                return self.rates;
            }
            let seconds = (at.0 - then.0) as f64 / 1000.0;
            let rate = |now: u64, before: u64| {
                (seconds > 0.0).then(|| now.checked_sub(before)).flatten().map(|d| (d as f64 / seconds) as f32)
            };
            self.rates = (rate(rx, rx_then), rate(tx, tx_then));
        }
        self.last = Some((at, rx, tx));
        self.rates
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Summary<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pods: Vec<PodStats<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodStats<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pod_ref: PodRef<'a>,
    #[serde(deserialize_with = "or_default")]
    cpu: Cpu,
    #[serde(deserialize_with = "or_default")]
    memory: Memory,
    network: Option<Network>,
    #[serde(rename = "process_stats", deserialize_with = "or_default")]
    processes: Processes,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<ContainerStats<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodRef<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    namespace: Text<'a>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default, rename_all = "camelCase")]
struct Cpu {
    time: Time,
    usage_nano_cores: Option<u64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default, rename_all = "camelCase")]
struct Memory {
    time: Time,
    working_set_bytes: Option<u64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default, rename_all = "camelCase")]
struct Network {
    time: Time,
    rx_bytes: Option<u64>,
    tx_bytes: Option<u64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct Processes {
    process_count: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerStats<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    cpu: Cpu,
    #[serde(deserialize_with = "or_default")]
    memory: Memory,
}

/// Readings of all pods of a summary.
///
/// # Errors
/// `Server`: unreadable answer.
pub fn read(bytes: &[u8], path: &str) -> Result<Vec<Reading>, Fault> {
    let summary: Summary<'_> = decode(bytes, path)?;
    Ok(summary.pods.iter().map(reading).collect())
}

/// The reading of one pod, with network rates.
///
/// # Errors
/// `Server`: unreadable answer; `Gone` when the kubelet does not measure that pod (yet).
pub fn read_one(bytes: &[u8], path: &str, namespace: &str, name: &str, rates: &mut Rates) -> Result<Reading, Fault> {
    let summary: Summary<'_> = decode(bytes, path)?;
    let found = summary.pods.iter().find(|pod| &*pod.pod_ref.name == name && &*pod.pod_ref.namespace == namespace);
    let pod =
        found.ok_or_else(|| Fault::Gone { what: format!("the kubelet has no measurement of {namespace}/{name}") })?;
    let mut reading = reading(pod);
    if let Some(Network { time: Time(Some(at)), rx_bytes: Some(rx), tx_bytes: Some(tx) }) = pod.network {
        (reading.usage.rx, reading.usage.tx) = rates.take(at, rx, tx);
    }
    Ok(reading)
}

#[allow(clippy::cast_precision_loss)]
fn usage(cpu: Cpu, memory: Memory) -> Usage {
    Usage {
        cpu: cpu.usage_nano_cores.map(|nano| nano as f32 / 1e9),
        memory: memory.working_set_bytes.map(|bytes| bytes as f32),
        ..Usage::default()
    }
}

#[allow(clippy::cast_precision_loss)]
fn reading(pod: &PodStats<'_>) -> Reading {
    let own = usage(pod.cpu, pod.memory);
    // some kubelets count no processes and say 0
    let pids = pod.processes.process_count.filter(|count| *count > 0).map(|count| count as f32);
    let mut whole = Usage { pids, ..Usage::default() };
    let containers: Vec<(String, Usage)> =
        pod.containers.iter().map(|c| (c.name.to_string(), usage(c.cpu, c.memory))).collect();
    let sum =
        |part: fn(&Usage) -> Option<f32>| containers.iter().filter_map(|(_, usage)| part(usage)).reduce(|a, b| a + b);
    // the sum of its containers, as kubectl top and metrics.k8s.io have it; the pod's own figure
    // holds its sandbox too
    whole.cpu = sum(|usage| usage.cpu).or(own.cpu);
    whole.memory = sum(|usage| usage.memory).or(own.memory);
    let times = pod.containers.iter().flat_map(|c| [c.cpu.time.0, c.memory.time.0]);
    Reading {
        namespace: pod.pod_ref.namespace.to_string(),
        name: pod.pod_ref.name.to_string(),
        at: times.chain([pod.cpu.time.0, pod.memory.time.0]).flatten().max().unwrap_or_default(),
        usage: whole,
        containers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(second: u32, rx: u64, tx: u64) -> String {
        format!(
            r#"{{"pods":[{{"podRef":{{"name":"web","namespace":"shop","uid":"u"}},
            "cpu":{{"time":"2026-01-01T00:00:{second:02}Z","usageNanoCores":250000000}},
            "memory":{{"time":"2026-01-01T00:00:{second:02}Z","workingSetBytes":4096}},
            "network":{{"time":"2026-01-01T00:00:{second:02}Z","name":"eth0","rxBytes":{rx},"txBytes":{tx}}},
            "process_stats":{{"process_count":3}},
            "containers":[{{"name":"a","cpu":{{"usageNanoCores":1000000000}},"memory":null}}]}}]}}"#
        )
    }

    fn read_web(text: &str, rates: &mut Rates) -> Usage {
        read_one(text.as_bytes(), "/x", "shop", "web", rates).expect("web is measured").usage
    }

    #[test]
    fn rates_follow_the_kubelets_own_times() {
        let mut rates = Rates::default();
        let first = read_web(&summary(0, 1000, 50), &mut rates);
        // CPU is that of its containers, memory the pod's own where they have none
        assert_eq!((first.cpu, first.memory, first.pids, first.rx), (Some(1.0), Some(4096.0), Some(3.0), None));
        let second = read_web(&summary(10, 6000, 150), &mut rates);
        assert_eq!((second.rx, second.tx), (Some(500.0), Some(10.0)));
        let again = read_web(&summary(10, 6000, 150), &mut rates);
        assert_eq!((again.rx, again.tx), (Some(500.0), Some(10.0)));
        let reset = read_web(&summary(20, 10, 1000), &mut rates);
        assert_eq!((reset.rx, reset.tx), (None, Some(85.0)));
    }

    #[test]
    fn containers_stand_in_for_a_pod_without_sums() {
        let text = r#"{"pods":[{"podRef":{"name":"a","namespace":"b"},"containers":[
            {"name":"x","cpu":{"time":"2026-01-01T00:00:09Z","usageNanoCores":500000000}},{"name":"y"}]}]}"#;
        let [pod] = &read(text.as_bytes(), "/x").expect("a summary")[..] else { panic!("one pod") };
        assert_eq!((pod.usage.cpu, pod.usage.memory), (Some(0.5), None));
        assert_eq!(pod.at.rfc3339(), "2026-01-01T00:00:09Z");
    }

    #[test]
    fn a_pod_the_kubelet_does_not_know_is_not_zero() {
        let fault = read_one(b"{}", "/x", "shop", "web", &mut Rates::default()).expect_err("nothing there");
        assert!(matches!(fault, Fault::Gone { .. }));
    }
}
