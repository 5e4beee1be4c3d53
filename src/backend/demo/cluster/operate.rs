//! Changes to a simulated cluster.

use std::time::Duration;

use serde_json::json;

use super::pod::Phase;
use super::{Cluster, Load, Rev};
use crate::actions::{Action, Diff, Expectation, Goal, Method, Note, Observation, Plan, Receipt, Risk};
use crate::backend::demo::plans::{change_lines, request};
use crate::backend::demo::spec::{LoadKind, MOST_PODS};
use crate::backend::escape::shell;
use crate::backend::yaml;
use crate::model::{Fault, Key, Kind, RolloutPhase, Stamp};

/// Time allowed for changes that no progress deadline covers.
const ALLOWED: Duration = Duration::from_secs(180);

impl Cluster {
    pub(super) fn plan_for(&self, action: &Action) -> Result<Plan, Fault> {
        let key = action.key();
        if key.kind == Kind::Pod {
            return self.plan_pod(action);
        }
        let load = self.load(key).ok_or_else(|| Fault::Gone { what: key.to_string() })?;
        let mut plan = match action {
            Action::Scale { replicas, .. } if *replicas > MOST_PODS => {
                let what = format!("the simulated cluster has room for {MOST_PODS} pods of a workload");
                return Err(Fault::Invalid { what });
            }
            Action::Scale { replicas, .. } => self.plan_scale(load, *replicas),
            Action::Restart { .. } => self.plan_restart(load),
            Action::Rollback { revision, .. } => self.plan_rollback(load, *revision)?,
            _ => return Err(Fault::Invalid { what: format!("{key} does not take {}", action.verb()) }),
        };
        if !load.spec.manager.is_empty() {
            let note = format!("managed by {}: it may take this back", load.spec.manager);
            plan.notes.push(Note::Warning(note));
        }
        Ok(plan)
    }

    fn plan_base(&self, load: &Load, action: Action, goal: Goal, command: &str) -> Plan {
        let deadline = match load.spec.kind {
            LoadKind::Deployment => Duration::from_secs(load.spec.deadline.max(60)),
            _ => ALLOWED,
        };
        Plan {
            target: self.name.to_string(),
            title: String::new(),
            diff: Vec::new(),
            notes: Vec::new(),
            risk: Risk::Reversible,
            basis: load.version.to_string(),
            changes: Vec::new(),
            expect: Expectation { key: load.key.clone(), goal, within: deadline, generation: None },
            inverse: None,
            command: format!("kubectl --context={} -n {} {command}", shell(&self.name), shell(&load.key.namespace)),
            action,
        }
    }

    fn plan_scale(&self, load: &Load, replicas: u32) -> Plan {
        let key = load.key.clone();
        let command = format!("scale {} --replicas={replicas}", shell(&key.slug()));
        let action = Action::Scale { key: key.clone(), replicas };
        let mut plan = self.plan_base(load, action, Goal::Replicas(replicas), &command);
        plan.title = format!("Scale {key} from {} to {replicas}", load.desired);
        let (removed, added) = (format!("  replicas: {}", load.desired), format!("  replicas: {replicas}"));
        plan.diff = change_lines(&["spec:"], &removed, &added);
        if let Some((low, high)) = load.spec.hpa {
            let text =
                format!("HorizontalPodAutoscaler {} keeps {low} to {high} replicas and will override this", key.name);
            plan.notes.push(Note::Warning(text));
        }
        if replicas == 0 {
            plan.risk = Risk::Disruptive;
            plan.notes.push(Note::Warning("no pod will be left: the service stops".to_owned()));
        }
        plan.changes.push(request(Method::Patch, path(&key, "/scale"), json!({"spec": {"replicas": replicas}})));
        plan.inverse = Some(Action::Scale { key, replicas: load.desired });
        plan
    }

    fn plan_restart(&self, load: &Load) -> Plan {
        let key = load.key.clone();
        let command = format!("rollout restart {}", shell(&key.slug()));
        let mut plan = self.plan_base(load, Action::Restart { key: key.clone() }, Goal::RolledOut, &command);
        plan.title = format!("Restart {key}");
        let annotation = "kubectl.kubernetes.io/restartedAt";
        let added = format!("        {annotation}: <now>");
        plan.diff = change_lines(&["spec:", "  template:", "    metadata:", "      annotations:"], "", &added);
        plan.notes.push(Note::Info(format!("replaces {} pods, a few at a time", load.desired)));
        plan.risk = Risk::Disruptive;
        let meta = json!({"annotations": {annotation: "<now>"}});
        plan.changes.push(request(Method::Patch, path(&key, ""), json!({"spec": {"template": {"metadata": meta}}})));
        plan
    }

    fn plan_rollback(&self, load: &Load, revision: i64) -> Result<Plan, Fault> {
        let key = load.key.clone();
        let live = load.live();
        let target = load.past(revision)?;
        let command = format!("rollout undo {} --to-revision={}", shell(&key.slug()), target.number);
        let action = Action::Rollback { key: key.clone(), revision: target.number };
        let mut plan = self.plan_base(load, action, Goal::RolledOut, &command);
        plan.title = format!("Roll back {key} from revision {} to {}", live.number, target.number);
        let template = super::yaml::template(load, target);
        plan.diff = yaml::diff(&super::yaml::template(load, live), &template)?;
        plan.notes.push(Note::Info(format!("revision {} becomes revision {}", target.number, load.next_number())));
        plan.risk = Risk::Disruptive;
        plan.changes.push(request(Method::Patch, path(&key, ""), json!({"spec": {"template": template}})));
        plan.inverse = Some(Action::Rollback { key, revision: live.number });
        Ok(plan)
    }

    fn plan_pod(&self, action: &Action) -> Result<Plan, Fault> {
        let key = action.key();
        let pod = self.pod(key).ok_or_else(|| Fault::Gone { what: key.to_string() })?;
        let load = &self.loads[pod.load];
        let command = format!("delete {}", shell(&key.slug()));
        let mut plan = self.plan_base(load, action.clone(), Goal::Gone, &command);
        plan.expect = Expectation { key: key.clone(), goal: Goal::Gone, within: ALLOWED, generation: None };
        plan.basis = key.uid.to_string();
        plan.title = format!("Delete {key}");
        plan.diff = vec![Diff::Removed(key.slug())];
        plan.notes.push(Note::Info(format!("{} makes a new one", load.key)));
        plan.risk = Risk::Disruptive;
        plan.changes.push(request(Method::Delete, path(key, ""), json!({"preconditions": {"uid": *key.uid}})));
        Ok(plan)
    }

    pub(super) fn apply_plan(&mut self, plan: &Plan, now: Stamp) -> Result<Receipt, Fault> {
        let key = plan.action.key();
        let gone = || Fault::Gone { what: key.to_string() };
        if let Action::Delete { .. } = plan.action {
            let at = self.pods.iter().position(|pod| pod.key == *key).ok_or_else(gone)?;
            self.terminate(at, now);
            return Ok(Receipt::default());
        }
        let fresh = self.dice.suffix(10);
        let load = self.loads.iter_mut().find(|load| load.key == *key).ok_or_else(gone)?;
        if load.version.to_string() != plan.basis {
            return Err(Fault::Conflict { what: key.to_string() });
        }
        // a rollout that lies ahead will not come over somebody's change
        if load.rollout_at.take().is_some() {
            load.revisions.pop();
        }
        let number = load.next_number();
        match plan.action {
            Action::Scale { replicas, .. } => {
                load.desired = replicas;
                load.version += 1;
            }
            Action::Restart { .. } => {
                let cause = "restart".into();
                let rev = Rev {
                    number,
                    hash: fresh.into(),
                    cause,
                    created: now,
                    restarted: Some(now),
                    ..load.live().clone()
                };
                load.revisions.push(rev);
                load.begin_rollout(now);
            }
            Action::Rollback { revision, .. } => {
                let rev = Rev { number, ..load.past(revision)?.clone() };
                load.revisions.retain(|old| old.number != revision);
                load.revisions.push(rev);
                load.begin_rollout(now);
            }
            _ => return Err(Fault::Invalid { what: format!("{key} does not take {}", plan.action.verb()) }),
        }
        load.generation += 1;
        Ok(Receipt { generation: Some(load.generation), version: Some(load.version.to_string()) })
    }

    pub(super) fn observed(&self, expect: &Expectation) -> Observation {
        let key = &expect.key;
        if expect.goal == Goal::Gone {
            return match self.pod(key) {
                None => Observation::Met(format!("{key} is gone")),
                Some(pod) if pod.phase == Phase::Terminating => Observation::Waiting(format!("{key} is terminating")),
                Some(_) => Observation::Waiting(format!("{key} is still there")),
            };
        }
        let Some(index) = self.loads.iter().position(|load| load.key == *key) else {
            return Observation::Contradicted(format!("{key} was deleted"));
        };
        let row = self.workload_row(index);
        if expect.generation.is_some_and(|generation| row.generation.1 < generation) {
            return Observation::Waiting(format!("waiting for the controller of {key} to see the change"));
        }
        match expect.goal {
            Goal::Replicas(wanted) => {
                let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
                if row.desired != wanted {
                    Observation::Contradicted(format!("something else set replicas to {}", row.desired))
                } else if row.current == wanted && row.ready == wanted {
                    Observation::Met(format!("{wanted} of {wanted} replicas are ready"))
                } else {
                    Observation::Waiting(format!("{} of {wanted} replicas are ready, {} exist", row.ready, row.current))
                }
            }
            Goal::RolledOut => {
                let status = row.rollout();
                match status.phase {
                    RolloutPhase::Complete => Observation::Met(status.text),
                    RolloutPhase::Failed => Observation::Contradicted(status.text),
                    _ => Observation::Waiting(status.text),
                }
            }
            _ => Observation::Contradicted(format!("{key} cannot come to this")),
        }
    }
}

impl Load {
    /// The number the next revision gets.
    fn next_number(&self) -> i64 {
        self.live().number + 1
    }

    /// The revision `number`, 0 for the one before the live one.
    fn past(&self, number: i64) -> Result<&Rev, Fault> {
        let live = self.live().number;
        let mut older = self.revisions.iter().rev().filter(|rev| rev.number < live);
        let found = if number == 0 { older.next() } else { self.revisions.iter().find(|rev| rev.number == number) };
        match found {
            Some(rev) if rev.number == live => {
                Err(Fault::Invalid { what: format!("{} is at revision {live} already", self.key) })
            }
            Some(rev) if rev.number < live => Ok(rev),
            _ if number == 0 => Err(Fault::Invalid { what: format!("{} has no earlier revision", self.key) }),
            _ => Err(Fault::Gone { what: format!("revision {number} of {}", self.key) }),
        }
    }
}

fn path(key: &Key, sub: &str) -> String {
    let (group, plural) = match key.kind {
        Kind::Deployment => ("apis/apps/v1", "deployments"),
        Kind::StatefulSet => ("apis/apps/v1", "statefulsets"),
        Kind::DaemonSet => ("apis/apps/v1", "daemonsets"),
        _ => ("api/v1", "pods"),
    };
    format!("/{group}/namespaces/{}/{plural}/{}{sub}", key.namespace, key.name)
}
