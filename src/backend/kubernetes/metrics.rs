//! The metrics.k8s.io API: averages over a window, without network.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::intern::Interner;
use super::wire::{Meta, Page, Quantity, Text, Time, decode, or_default};
use crate::backend::escape;
use crate::model::{Fault, Key, Sample, Stamp, Usage};

/// One pod's usage, from whichever meter.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// When it was measured, by the server's clock.
    pub at: Stamp,
    /// The pod as a whole.
    pub usage: Usage,
    /// Its containers.
    pub containers: Vec<(String, Usage)>,
}

impl Reading {
    /// The sample for `key`.
    pub fn sample(self, key: Key, strings: &mut Interner) -> Sample {
        let containers: Box<[(Arc<str>, Usage)]> =
            self.containers.into_iter().map(|(name, usage)| (strings.get(&name), usage)).collect();
        Sample { key, at: self.at, usage: self.usage, containers }
    }
}

/// Path of the list in `namespace`, or of all.
#[must_use]
pub fn pods(namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", escape::url(namespace)),
        None => "/apis/metrics.k8s.io/v1beta1/pods".to_owned(),
    }
}

/// Path of one pod's.
#[must_use]
pub fn pod(namespace: &str, name: &str) -> String {
    format!("{}/{}", pods(Some(namespace)), escape::url(name))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodMetrics<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: Meta<'a>,
    timestamp: Time,
    window: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<ContainerMetrics<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerMetrics<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    usage: Amounts,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct Amounts {
    cpu: Quantity,
    memory: Quantity,
}

/// The readings of a list, and the shortest window among them.
///
/// # Errors
/// `Server`: unreadable answer.
pub fn read(bytes: &[u8], path: &str) -> Result<(Vec<Reading>, Duration), Fault> {
    let page: Page<PodMetrics<'_>> = decode(bytes, path)?;
    let window = page.items.iter().filter_map(|item| seconds(&item.window)).min().unwrap_or_default();
    Ok((page.items.iter().map(reading).collect(), window))
}

/// The reading of one pod.
///
/// # Errors
/// `Server`: unreadable answer.
pub fn read_one(bytes: &[u8], path: &str) -> Result<Reading, Fault> {
    decode(bytes, path).map(|item: PodMetrics<'_>| reading(&item))
}

#[allow(clippy::cast_possible_truncation)]
fn reading(item: &PodMetrics<'_>) -> Reading {
    let usage = |amounts: Amounts| Usage {
        cpu: amounts.cpu.0.map(|cores| cores as f32),
        memory: amounts.memory.0.map(|bytes| bytes as f32),
        ..Usage::default()
    };
    let containers: Vec<(String, Usage)> =
        item.containers.iter().map(|container| (container.name.to_string(), usage(container.usage))).collect();
    let sum = |part: fn(&Amounts) -> Option<f64>| {
        let known: Vec<f64> = item.containers.iter().filter_map(|container| part(&container.usage)).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() as f32)
    };
    Reading {
        namespace: item.metadata.namespace.to_string(),
        name: item.metadata.name.to_string(),
        at: item.timestamp.0.unwrap_or_default(),
        usage: Usage { cpu: sum(|a| a.cpu.0), memory: sum(|a| a.memory.0), ..Usage::default() },
        containers,
    }
}

/// A Go duration of hours, minutes and seconds such as `1m15.02s`, in whole seconds rounded up.
fn seconds(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, tail) = rest.split_at(end);
        let unit = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (word, after) = tail.split_at(unit);
        total += number.parse::<f64>().ok()?
            * match word {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = after;
    }
    Duration::try_from_secs_f64(f64::ceil(total)).ok().filter(|window| !window.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_sums_and_its_window() {
        let list = br#"{"kind":"PodMetricsList","metadata":{},"items":[{"metadata":{"name":"web","namespace":"shop"},
            "timestamp":"2026-08-22T10:00:05Z","window":"15.02s","containers":[
            {"name":"a","usage":{"cpu":"250m","memory":"1Ki"}},{"name":"b","usage":{"cpu":"250000000n","memory":"3Ki"}}]}]}"#;
        let (readings, window) = read(list, "/x").expect("a list");
        let [web] = readings.as_slice() else { panic!("{readings:?}") };
        assert_eq!((web.usage.cpu, web.usage.memory, web.usage.rx), (Some(0.5), Some(4096.0), None));
        assert_eq!((web.containers.len(), window), (2, Duration::from_secs(16)));
    }

    #[test]
    fn what_is_not_measured_is_not_zero() {
        let reading = read_one(br#"{"metadata":{"name":"a"},"containers":[]}"#, "/x").expect("an object");
        assert_eq!(reading.usage, Usage::default());
    }

    #[test]
    fn windows_read_as_go_writes_them() {
        assert_eq!(seconds("1m0s"), Some(Duration::from_secs(60)));
        assert_eq!(seconds("30s"), Some(Duration::from_secs(30)));
        assert_eq!(seconds("1h0m0.5s"), Some(Duration::from_secs(3601)));
        for bad in ["", "5", "x", "5y"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
