//! What a pod asks for and may use, by the rule of Kubernetes' `PodRequests` and `PodLimits`:
//! the larger of what runs together at the end and of what each init container needs beside the
//! sidecars before it, plus overhead; amounts for the pod as a whole override the sums.

use super::wire::{Amounts, Container, ContainerStatus, RawPod};
use super::wire::{Resources as Wire, Spec};
use crate::model::pod::Resources;

/// Requests and limits in force for `container`: the kubelet's word after a resize, else the spec's.
pub fn in_force(container: &Container<'_>, status: Option<&ContainerStatus<'_>>) -> Wire {
    let spec = container.resources;
    let Some(actual) = status.and_then(|status| status.resources) else { return spec };
    let pick = |actual: Amounts, spec: Amounts| Amounts {
        cpu: if actual.cpu.0.is_some() { actual.cpu } else { spec.cpu },
        memory: if actual.memory.0.is_some() { actual.memory } else { spec.memory },
    };
    Wire { requests: pick(actual.requests, spec.requests), limits: pick(actual.limits, spec.limits) }
}

/// As the model holds it.
pub fn amounts(amounts: Amounts) -> Resources {
    Resources { cpu: amounts.cpu.0, memory: amounts.memory.0 }
}

/// Requests of the pod.
pub fn requests(pod: &RawPod<'_>) -> Resources {
    let total = |part: fn(Amounts) -> Option<f64>| {
        let sum = peak(pod, |resources| part(resources.requests)).map(|(sum, _)| sum);
        let whole = part(pod.spec.resources.requests).or(sum);
        match (whole, part(pod.spec.overhead)) {
            (Some(whole), overhead) => Some(whole + overhead.unwrap_or_default()),
            (None, overhead) => overhead,
        }
    };
    Resources { cpu: total(|a| a.cpu.0), memory: total(|a| a.memory.0) }
}

/// Limits of the pod; a part is `None` unless everything that keeps running has one.
pub fn limits(pod: &RawPod<'_>) -> Resources {
    let total = |part: fn(Amounts) -> Option<f64>| {
        let sum = peak(pod, |resources| part(resources.limits)).and_then(|(sum, complete)| complete.then_some(sum));
        let whole = part(pod.spec.resources.limits).or(sum)?;
        Some(whole + part(pod.spec.overhead).unwrap_or_default())
    };
    Resources { cpu: total(|a| a.cpu.0), memory: total(|a| a.memory.0) }
}

/// The most that is needed at once, and whether all that keeps running states an amount.
fn peak(pod: &RawPod<'_>, part: impl Fn(Wire) -> Option<f64>) -> Option<(f64, bool)> {
    let Spec { init_containers, containers, .. } = &pod.spec;
    let status = |list: &[ContainerStatus<'_>], name: &str| list.iter().position(|s| &*s.name == name);
    let mut sidecars = 0.0;
    let mut init_peak: f64 = 0.0;
    let (mut any, mut complete) = (false, true);
    for container in init_containers {
        let list = &pod.status.init_container_statuses;
        let amount = part(in_force(container, status(list, &container.name).and_then(|i| list.get(i))));
        any |= amount.is_some();
        if container.is_sidecar() {
            complete &= amount.is_some();
            sidecars += amount.unwrap_or_default();
            init_peak = init_peak.max(sidecars);
        } else {
            init_peak = init_peak.max(sidecars + amount.unwrap_or_default());
        }
    }
    let mut main = sidecars;
    for container in containers {
        let list = &pod.status.container_statuses;
        let amount = part(in_force(container, status(list, &container.name).and_then(|i| list.get(i))));
        any |= amount.is_some();
        complete &= amount.is_some();
        main += amount.unwrap_or_default();
    }
    any.then_some((main.max(init_peak), complete))
}
