//! Changes to a simulated engine.

use std::time::Duration;

use serde_json::Value;

use super::Engine;
use crate::actions::{Action, Expectation, Goal, Method, Note, Observation, Plan, Receipt, Risk};
use crate::backend::demo::plans::{change_lines, request};
use crate::backend::demo::spec::Outcome;
use crate::backend::escape::shell;
use crate::model::{EngineState, Fault, Stamp};

const ALLOWED: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn plan_for(&self, action: &Action) -> Result<Plan, Fault> {
        let key = action.key().clone();
        let container = self.find(&key)?;
        let name = &key.name;
        let (word, after, goal, risk, inverse) = match action {
            Action::Restart { .. } => ("restart", EngineState::Running, Goal::Running, Risk::Disruptive, None),
            Action::Stop { .. } => {
                let inverse = Some(Action::Start { key: key.clone() });
                ("stop", EngineState::Exited, Goal::Stopped, Risk::Disruptive, inverse)
            }
            Action::Start { .. } => {
                let inverse = Some(Action::Stop { key: key.clone() });
                ("start", EngineState::Running, Goal::Running, Risk::Reversible, inverse)
            }
            Action::Pause { .. } => {
                let inverse = Some(Action::Unpause { key: key.clone() });
                ("pause", EngineState::Paused, Goal::Paused, Risk::Reversible, inverse)
            }
            Action::Unpause { .. } => {
                let inverse = Some(Action::Pause { key: key.clone() });
                ("unpause", EngineState::Running, Goal::Running, Risk::Reversible, inverse)
            }
            Action::Delete { .. } => ("rm", EngineState::Removing, Goal::Gone, Risk::Irreversible, None),
            _ => return Err(Fault::Invalid { what: format!("{key} does not take {}", action.verb()) }),
        };
        self.check(action)?;
        let verb = if word == "rm" { "remove" } else { word };
        let title = format!("{}{} {key}", verb[..1].to_ascii_uppercase(), &verb[1..]);
        let (before, after) = (format!("state: {}", container.state.word()), format!("state: {}", after.word()));
        let mut notes = Vec::new();
        if goal == Goal::Gone {
            notes.push(Note::Warning("its log and its writable layer go with it".to_owned()));
        }
        if goal == Goal::Stopped && !matches!(container.spec.restart.as_str(), "" | "no") {
            notes.push(Note::Info(format!("restart policy {} does not start it again", container.spec.restart)));
        }
        let (method, path) = match action {
            Action::Delete { .. } => (Method::Delete, format!("/containers/{}", key.uid)),
            _ => (Method::Post, format!("/containers/{}/{word}", key.uid)),
        };
        Ok(Plan {
            action: action.clone(),
            target: self.name.to_string(),
            title,
            diff: change_lines(&[&format!("container {name}:")], &format!("  {before}"), &format!("  {after}")),
            notes,
            risk,
            basis: container.run.started.rfc3339(),
            changes: vec![request(method, path, Value::Null)],
            expect: Expectation { key: key.clone(), goal, within: ALLOWED, generation: None },
            inverse,
            command: format!("docker --context={} {word} {}", shell(&self.name), shell(name)),
        })
    }

    /// Whether the container's state takes the action.
    fn check(&self, action: &Action) -> Result<(), Fault> {
        let container = self.find(action.key())?;
        let state = container.state;
        let fits = match action {
            Action::Start { .. } => !state.is_up(),
            Action::Stop { .. } => state.is_up(),
            Action::Pause { .. } => state == EngineState::Running,
            Action::Unpause { .. } => state == EngineState::Paused,
            Action::Delete { .. } => !state.is_up(),
            _ => true,
        };
        if fits {
            return Ok(());
        }
        let hint = if matches!(action, Action::Delete { .. }) { ": stop it first" } else { "" };
        Err(Fault::Invalid { what: format!("{} is {}{hint}", action.key(), state.word()) })
    }

    pub(super) fn apply_plan(&mut self, plan: &Plan, now: Stamp) -> Result<Receipt, Fault> {
        let key = plan.action.key();
        if self.find(key)?.run.started.rfc3339() != plan.basis {
            return Err(Fault::Conflict { what: key.to_string() });
        }
        self.check(&plan.action)?;
        if matches!(plan.action, Action::Delete { .. }) {
            self.containers.retain(|container| container.key != *key);
            return Ok(Receipt::default());
        }
        let Some(container) = self.containers.iter_mut().find(|container| container.key == *key) else {
            return Err(Fault::Gone { what: key.to_string() });
        };
        match plan.action {
            Action::Stop { .. } => container.end(0, false, now),
            Action::Pause { .. } => {
                container.state = EngineState::Paused;
                container.frozen = now;
            }
            Action::Unpause { .. } => container.state = EngineState::Running,
            _ => {
                // what had ended or was frozen on purpose runs once somebody starts it
                if matches!(container.spec.outcome, Outcome::Exited | Outcome::Paused) {
                    container.spec.outcome = Outcome::Runs;
                }
                container.begin(now);
            }
        }
        Ok(Receipt { generation: Some(i64::from(container.run.instance)), version: None })
    }

    pub(super) fn observed(&self, expect: &Expectation) -> Observation {
        let key = &expect.key;
        let Ok(container) = self.find(key) else {
            return if expect.goal == Goal::Gone {
                Observation::Met(format!("{key} is removed"))
            } else {
                Observation::Contradicted(format!("{key} was removed"))
            };
        };
        let state = container.state;
        let fresh = expect.generation.is_none_or(|wanted| i64::from(container.run.instance) >= wanted);
        let met = match expect.goal {
            Goal::Running => state == EngineState::Running && fresh,
            Goal::Stopped => !state.is_up(),
            Goal::Paused => state == EngineState::Paused,
            _ => false,
        };
        let text = format!("{key} is {}", state.word());
        let since = container.run.ended.unwrap_or(Stamp(0));
        if met {
            Observation::Met(text)
        } else if expect.goal == Goal::Running && fresh && state == EngineState::Exited && since > container.run.started
        {
            Observation::Contradicted(format!("{text} with exit code {}", container.exit_code))
        } else {
            Observation::Waiting(text)
        }
    }
}
