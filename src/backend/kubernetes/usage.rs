//! Usage of pods: metrics.k8s.io where it is served, else the kubelets' own summaries through the
//! API server's node proxy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;

use super::access::Ask;
use super::intern::Interner;
use super::link::Link;
use super::metrics::{self, Reading};
use super::paths::of_key;
use super::pulse::Pulse;
use super::retry::Backoff;
use super::summary::{self, Rates};
use super::wire::{Meta, Page, Text, decode, or_default};
use crate::backend::emit::{self, Emitter};
use crate::backend::escape;
use crate::model::{Fault, FeedEvent, Key, Kind, Sample, Scope, Stamp, TargetId};

/// Shortest time between two looks at everything: what measures does not do it more often.
const SLOW: Duration = Duration::from_secs(10);
/// Time between two looks at one pod.
const FAST: Duration = Duration::from_secs(5);
/// Time after which kubelet users look for metrics.k8s.io again, in rounds of [`SLOW`].
const ROUNDS: u32 = 6;
/// How often the pause doubles while nothing can be measured: up to 80 s.
const DOUBLINGS: u32 = 3;
/// Kubelets asked at a time.
const AT_ONCE: usize = 4;

/// Where usage comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// metrics.k8s.io.
    Api,
    /// `/stats/summary` of each kubelet.
    Kubelet,
}

/// Which of the two can be had for `namespace`, or for all when it is empty.
///
/// # Errors
/// `Denied` with the reason why there is none, or any [`Fault`] of a call.
pub async fn find_meter(link: &Link, namespace: &str) -> Result<Meter, Fault> {
    let group = "metrics.k8s.io";
    let missing = match link.get_bytes("/apis/metrics.k8s.io/v1beta1").await {
        Ok(_) => {
            let ask = Ask { verb: "list", group, resource: "pods", subresource: "", namespace, name: "" };
            match ask.answer(link).await {
                Ok(false) => ask.refusal(""),
                _ => return Ok(Meter::Api),
            }
        }
        Err(Fault::Gone { .. }) => format!("{group} is not served"),
        // the aggregation layer answers 503 while its metrics server is down
        Err(Fault::Unreachable { what, .. }) if what.contains("503") || what.contains("unable to handle") => {
            format!("{group} does not work: {what}")
        }
        Err(fault @ Fault::Denied { .. }) => format!("{group}: {fault}"),
        Err(fault) => return Err(fault),
    };
    if kubelet_allowed(link).await {
        return Ok(Meter::Kubelet);
    }
    Err(Fault::Denied {
        what: format!("{missing}, nor may this user get nodes/proxy"),
        way_out: "install metrics-server, or ask for the right to list pods in metrics.k8s.io".into(),
    })
}

async fn kubelet_allowed(link: &Link) -> bool {
    Ask::read("get", "nodes", "proxy", "").answer(link).await.unwrap_or(false)
}

/// Usage of all pods in `scope`.
pub fn all(link: Link, pulse: Pulse, target: TargetId, scope: Scope) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        let mut everything = Everything { link, target, scope, strings: Interner::default(), seen: HashMap::new() };
        let mut backoff = Backoff::default();
        let mut failures = 0;
        loop {
            let recovery = pulse.recovery();
            if let Err(fault) = everything.rounds(&out, &mut failures).await {
                out.lost(fault.clone()).await;
                // a hundred dead kubelets are not to be asked every other second
                let pause = backoff.after(&fault).max(SLOW * (1 << failures.min(DOUBLINGS)));
                failures += 1;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = recovery => {}
                }
            }
        }
    })
}

/// The state of a usage feed.
struct Everything {
    link: Link,
    target: TargetId,
    scope: Scope,
    strings: Interner,
    /// Time of the last sample of each pod.
    seen: HashMap<(Arc<str>, Arc<str>), Stamp>,
}

impl Everything {
    /// Measures with the meter there is, until it is time to look for a better one.
    async fn rounds(&mut self, out: &Emitter<FeedEvent>, failures: &mut u32) -> Result<(), Fault> {
        let meter = find_meter(&self.link, self.scope.as_deref().unwrap_or_default()).await?;
        for _ in 0..ROUNDS {
            let (readings, window) = match meter {
                Meter::Api => match self.api().await {
                    // it was taken away: look for another meter
                    Err(Fault::Gone { .. } | Fault::Unreachable { .. }) => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        return Ok(());
                    }
                    other => other?,
                },
                Meter::Kubelet => (self.kubelets().await?, SLOW),
            };
            *failures = 0;
            let samples = self.fresh(readings);
            out.send(if samples.is_empty() { FeedEvent::Alive } else { FeedEvent::Samples(samples) }).await;
            tokio::time::sleep(window.max(SLOW)).await;
        }
        Ok(())
    }

    async fn api(&self) -> Result<(Vec<Reading>, Duration), Fault> {
        let path = metrics::pods(self.scope.as_deref());
        metrics::read(&self.link.get_bytes(&path).await?, &path)
    }

    async fn kubelets(&self) -> Result<Vec<Reading>, Fault> {
        let nodes = nodes(&self.link).await?;
        let answers: Vec<Result<Vec<Reading>, Fault>> = stream::iter(nodes)
            .map(|node| {
                let link = self.link.clone();
                async move {
                    let path = summary::path(&node, true);
                    summary::read(&link.get_bytes(&path).await?, &path)
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut readings = Vec::new();
        let mut first = None;
        for answer in answers {
            match answer {
                Ok(some) => readings.extend(some),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        // one dead node does not hide the others
        match first {
            Some(fault) if readings.is_empty() => Err(fault),
            _ => Ok(readings),
        }
    }

    /// Samples of readings in scope that are newer than the last.
    fn fresh(&mut self, readings: Vec<Reading>) -> Vec<Sample> {
        let mut seen = HashMap::with_capacity(readings.len());
        let mut samples = Vec::with_capacity(readings.len());
        for reading in readings {
            if self.scope.as_deref().is_some_and(|scope| scope != reading.namespace) {
                continue;
            }
            let key = Key {
                target: self.target,
                kind: Kind::Pod,
                namespace: self.strings.get(&reading.namespace),
                name: self.strings.get(&reading.name),
                // metrics.k8s.io does not tell, and a kubelet's differs for static pods
                uid: Arc::from(""),
            };
            let place = (key.namespace.clone(), key.name.clone());
            let news = self.seen.get(&place) != Some(&reading.at);
            seen.insert(place, reading.at);
            if news {
                samples.push(reading.sample(key, &mut self.strings));
            }
        }
        self.seen = seen;
        samples
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Node<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: Meta<'a>,
}

async fn nodes(link: &Link) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/nodes?limit=250&continue={}", escape::url(&next));
        let bytes = link.get_bytes(&path).await?;
        let page: Page<Node<'_>> = decode(&bytes, &path)?;
        names.extend(page.items.iter().map(|node| node.metadata.name.to_string()));
        if page.metadata.next.is_empty() {
            return Ok(names);
        }
        next = page.metadata.next;
    }
}

/// Usage of one pod, with its network where the kubelet may be asked.
pub fn one(link: Link, pulse: Pulse, key: Key) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        let mut backoff = Backoff::default();
        let mut rates = Rates::default();
        let mut strings = Interner::default();
        let mut last = None;
        loop {
            match measure(&link, &key, &mut rates, &mut strings).await {
                Ok(sample) => {
                    backoff.reset();
                    let news = last.replace(sample.at) != Some(sample.at);
                    out.send(if news { FeedEvent::Samples(vec![sample]) } else { FeedEvent::Alive }).await;
                    tokio::time::sleep(FAST).await;
                }
                Err(fault) => {
                    out.lost(fault.clone()).await;
                    tokio::select! {
                        () = backoff.wait(&fault, &pulse) => {}
                        () = tokio::time::sleep(FAST), if matches!(fault, Fault::Gone { .. }) => {}
                    }
                }
            }
        }
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Placed<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    spec: OnNode<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct OnNode<'a> {
    #[serde(borrow)]
    node_name: Text<'a>,
}

async fn measure(link: &Link, key: &Key, rates: &mut Rates, strings: &mut Interner) -> Result<Sample, Fault> {
    match from_kubelet(link, key, rates).await {
        Ok(reading) => Ok(reading.sample(key.clone(), strings)),
        Err(refused @ (Fault::Denied { .. } | Fault::Unsupported { .. })) => {
            let path = metrics::pod(&key.namespace, &key.name);
            match link.get_bytes(&path).await {
                Ok(bytes) => Ok(metrics::read_one(&bytes, &path)?.sample(key.clone(), strings)),
                Err(Fault::Gone { .. } | Fault::Denied { .. }) => Err(refused),
                Err(fault) => Err(fault),
            }
        }
        Err(fault) => Err(fault),
    }
}

async fn from_kubelet(link: &Link, key: &Key, rates: &mut Rates) -> Result<Reading, Fault> {
    let (_, path) = of_key(key)?;
    let bytes = link.get_bytes(&path).await?;
    let pod: Placed<'_> = decode(&bytes, &path)?;
    if pod.spec.node_name.is_empty() {
        return Err(Fault::Gone { what: format!("{key} is not on a node yet: nothing to measure") });
    }
    let path = summary::path(&pod.spec.node_name, false);
    let bytes = link.get_bytes(&path).await?;
    summary::read_one(&bytes, &path, &key.namespace, &key.name, rates)
}
