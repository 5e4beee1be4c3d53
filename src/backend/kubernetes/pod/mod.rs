//! Pods as rows.

mod resources;
mod status;
mod why;
mod wire;

use std::fmt::Write as _;
use std::sync::Arc;

use super::intern::Interner;
use super::watch::Project;
use super::wire::Meta;
use crate::model::pod::Pod;
use crate::model::{ContainerState, Key, Kind, PodContainer, Role, Row, TargetId, Termination};

use self::status::Columns;
use self::wire::{Container, ContainerStatus, RawPod, State, Terminated};

/// Makes rows of pods.
pub struct Pods {
    target: TargetId,
    strings: Interner,
}

impl Pods {
    /// For rows of `target`.
    #[must_use]
    pub fn new(target: TargetId) -> Self {
        Self { target, strings: Interner::default() }
    }

    fn pod(&mut self, pod: &RawPod<'_>) -> Pod {
        let columns = Columns::of(pod);
        let (severity, why) = why::judge(pod, &columns);
        let meta = &pod.metadata;
        let owner = meta.controller().map(|owner| format!("{}/{}", &*owner.kind, &*owner.name)).unwrap_or_default();
        let revision =
            if meta.labels.template_hash.is_empty() { &meta.labels.revision_hash } else { &meta.labels.template_hash };
        Pod {
            key: self.key(meta),
            status: self.strings.get(&columns.status),
            severity,
            ready: columns.ready,
            total: columns.total,
            restarts: columns.restarts,
            last_restart: columns.last_restart.filter(|_| columns.restarts > 0),
            created: meta.created(),
            node: self.strings.get(&pod.spec.node_name),
            ip: Arc::from(&*pod.status.pod_ip),
            workload: self.workload(meta),
            owner: self.strings.get(&owner),
            revision: self.strings.get(revision),
            requests: resources::requests(pod),
            limits: resources::limits(pod),
            containers: self.containers(pod),
            why: why.into(),
        }
    }

    fn key(&mut self, meta: &Meta<'_>) -> Key {
        Key {
            target: self.target,
            kind: Kind::Pod,
            namespace: self.strings.get(&meta.namespace),
            name: Arc::from(&*meta.name),
            uid: Arc::from(&*meta.uid),
        }
    }

    /// The controller; a ReplicaSet named after its template hash belongs to a Deployment.
    fn workload(&mut self, meta: &Meta<'_>) -> Option<(Kind, Arc<str>)> {
        let owner = meta.controller()?;
        let (kind, name) = match &*owner.kind {
            "ReplicaSet" => {
                let hash = &*meta.labels.template_hash;
                let name = owner.name.strip_suffix(hash).filter(|_| !hash.is_empty())?;
                (Kind::Deployment, name.strip_suffix('-')?)
            }
            "StatefulSet" => (Kind::StatefulSet, &*owner.name),
            "DaemonSet" => (Kind::DaemonSet, &*owner.name),
            "Job" => (Kind::Job, &*owner.name),
            _ => return None,
        };
        Some((kind, self.strings.get(name)))
    }

    fn containers(&mut self, pod: &RawPod<'_>) -> Box<[PodContainer]> {
        let (spec, status) = (&pod.spec, &pod.status);
        let inits = spec.init_containers.iter().map(|c| {
            let role = if c.is_sidecar() { Role::Sidecar } else { Role::Init };
            (role, c, &status.init_container_statuses)
        });
        let mains = spec.containers.iter().map(|c| (Role::Main, c, &status.container_statuses));
        let debug =
            spec.ephemeral_containers.iter().map(|c| (Role::Ephemeral, c, &status.ephemeral_container_statuses));
        inits
            .chain(mains)
            .chain(debug)
            .map(|(role, container, list)| {
                self.container(role, container, list.iter().find(|status| *status.name == *container.name))
            })
            .collect()
    }

    fn container(
        &mut self,
        role: Role,
        container: &Container<'_>,
        status: Option<&ContainerStatus<'_>>,
    ) -> PodContainer {
        let resources = resources::in_force(container, status);
        let probe = |set: bool, letter: char| if set { letter } else { '-' };
        let probes: String = [
            probe(container.liveness_probe, 'L'),
            probe(container.readiness_probe, 'R'),
            probe(container.startup_probe, 'S'),
        ]
        .iter()
        .collect();
        PodContainer {
            name: self.strings.get(&container.name),
            role,
            image: self.strings.get(&container.image),
            state: status.map_or(ContainerState::Unknown, |status| self.state(&status.state)),
            ready: status.is_some_and(ContainerStatus::is_ready),
            restarts: status.map_or(0, |status| status.restart_count),
            last: status.and_then(|status| status.last_state.terminated.as_ref()).map(|end| self.termination(end)),
            probes: self.strings.get(&probes),
            ports: self.strings.get(&ports(container)),
            requests: resources::amounts(resources.requests),
            limits: resources::amounts(resources.limits),
        }
    }

    fn state(&mut self, state: &State<'_>) -> ContainerState {
        if let Some(running) = &state.running {
            ContainerState::Running { since: running.started_at.0 }
        } else if let Some(end) = &state.terminated {
            ContainerState::Terminated(self.termination(end))
        } else if let Some(wait) = &state.waiting {
            ContainerState::Waiting { reason: self.strings.get(&wait.reason), message: (*wait.message).into() }
        } else {
            ContainerState::Unknown
        }
    }

    fn termination(&mut self, end: &Terminated<'_>) -> Termination {
        Termination {
            exit_code: end.exit_code.unwrap_or_default(),
            signal: end.signal.unwrap_or_default(),
            reason: self.strings.get(&end.reason),
            message: (*end.message).into(),
            finished: end.finished_at.0,
        }
    }
}

impl Project for Pods {
    type Object<'de> = RawPod<'de>;

    fn version<'a>(object: &'a RawPod<'_>) -> &'a str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &RawPod<'_>) -> Row {
        Row::Pod(Box::new(self.pod(object)))
    }

    fn gone(&mut self, object: &RawPod<'_>) -> Key {
        self.key(&object.metadata)
    }
}

fn ports(container: &Container<'_>) -> String {
    let mut text = String::new();
    for port in &container.ports {
        if !text.is_empty() {
            text.push(',');
        }
        if !port.name.is_empty() {
            let _ = write!(text, "{}:", &*port.name);
        }
        let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
        let _ = write!(text, "{}/{protocol}", port.number);
    }
    text
}

#[cfg(test)]
mod tests;
