//! What each action means for a Rollout as it is now: a pure function, so that every phase can be
//! tested. The numbers of the remarks below are those of the hazards that the official plugin leaves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions::{Action, Goal, Risk};
use crate::backend::kubernetes::Context;
use crate::backend::kubernetes::operator::command;
use crate::backend::kubernetes::operator::release::{Draft, refuse};
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::releases::argo::Rollout;
use crate::backend::kubernetes::releases::raw::{number, text};
use crate::model::{Fault, Stamp};

/// Time for the controller to take a change up.
const SOON: Duration = Duration::from_secs(120);
/// Time for weights to move and pods to go.
const WHILE: Duration = Duration::from_secs(300);
/// What the controller's own verdict may lag behind its deadline.
const LAG: Duration = Duration::from_secs(60);
/// Time that a restart may take for each pod.
const EACH: Duration = Duration::from_secs(60);

/// One decision.
struct Decide<'a> {
    context: &'a Context,
    subject: &'a Subject,
    rollout: Rollout<'a>,
    /// `Rollout shop/web`.
    name: String,
}

/// The draft of `action`.
///
/// # Errors
/// `Invalid`: why it makes no sense now, and what does.
pub fn draft(
    context: &Context,
    subject: &Subject,
    rollout: Rollout<'_>,
    action: &Action,
    now: Stamp,
) -> Result<Draft, Fault> {
    let name = format!("Rollout {}", subject.place());
    let decide = Decide { context, subject, rollout, name };
    match action {
        Action::Promote { full: false, .. } => decide.promote(),
        Action::Promote { full: true, .. } => decide.promote_full(),
        Action::Abort { .. } => decide.abort(),
        Action::Retry { .. } => decide.retry(),
        Action::Hold { .. } => decide.hold(),
        Action::Resume { .. } => decide.resume(),
        Action::Restart { .. } => decide.restart(now),
        other => Err(Fault::Unsupported { what: format!("a Rollout has no {}", other.verb()) }),
    }
}

impl Decide<'_> {
    fn plugin(&self, words: &[&str]) -> String {
        let all: Vec<&str> = words.iter().copied().chain([&*self.subject.key.name]).collect();
        command::argo(self.context, &self.subject.key, &all)
    }

    /// Refuses while the controller is behind: what it does with a change now is not what is shown.
    fn settled(&self) -> Result<(), Fault> {
        let name = &self.name;
        if !self.rollout.observed() || !self.rollout.workload_observed() {
            // hazard 5: a full promotion that comes before the new revision is lost
            return refuse(format!("the controller has not yet seen the last change of {name}: wait a moment"));
        }
        if self.rollout.promoting() {
            return refuse(format!("{name} is being promoted in full already"));
        }
        Ok(())
    }

    fn promote(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        self.settled()?;
        if rollout.aborted() {
            // hazard 2
            return refuse(format!("{name} was aborted: promoting it would change nothing; retry it or roll it back"));
        }
        if rollout.unpausing() {
            // hazard 1
            return refuse(format!(
                "{name} was promoted a moment ago and is about to go on: promoting it again would skip a step"
            ));
        }
        let mut draft = Draft::new(format!("Promote {name}{}", rollout.place()), Goal::Promoted, SOON);
        draft.command = self.plugin(&["promote"]);
        if rollout.pauses().is_empty() {
            self.promote_unpaused(&mut draft)?;
        } else {
            self.promote_paused(&mut draft);
        }
        if rollout.held() {
            draft.change("spec.paused", &true, &false);
            draft.spec = Some(json!({"spec": {"paused": false}}));
        }
        Ok(draft)
    }

    /// Lifts the controller's pause; an inconclusive step would pause again at once, so it is left behind.
    fn promote_paused(&self, draft: &mut Draft) {
        let rollout = self.rollout;
        let reason = rollout.pauses().first().map_or("", |pause| text(pause, "/reason"));
        draft.change("status.pauseConditions", &reason, &"none");
        let run = text(rollout.status(), "/canary/currentStepAnalysisRunStatus/status");
        if rollout.canary().is_some() && run == "Inconclusive" && rollout.controller_paused() {
            let next = rollout.index() + 1;
            draft.change("status.currentStepIndex", &rollout.index(), &next);
            draft.warn("the analysis of this step was inconclusive: promoting takes it as passed");
            draft.risk = Risk::Disruptive;
            draft.status = Some(json!({"status": {
                "pauseConditions": null, "controllerPause": false, "currentStepIndex": next}}));
            return;
        }
        if rollout.blue_green().is_some() {
            draft.info("the active Service goes over to the new version at once");
            draft.risk = Risk::Disruptive;
        }
        draft.status = Some(json!({"status": {"pauseConditions": null}}));
    }

    /// Nothing pauses it: the plugin skips the current step.
    fn promote_unpaused(&self, draft: &mut Draft) -> Result<(), Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        let steps = rollout.steps();
        let Some(step) = steps.get(rollout.index()).filter(|_| rollout.canary().is_some() && !rollout.promoted())
        else {
            if rollout.held() {
                return Ok(());
            }
            return refuse(if rollout.promoted() {
                format!("{name} is at its newest revision: there is nothing to promote")
            } else {
                format!("{name} is not paused and has no step left to skip: there is nothing to promote")
            });
        };
        let next = rollout.index() + 1;
        draft.change("status.currentStepIndex", &rollout.index(), &next);
        let what = rollout.examination().map_or_else(|| step.to_string(), |running| format!("the running {running}"));
        draft.warn(format!("it is not paused at a step: this skips {what}"));
        if rollout.held() {
            draft.warn("to let it go on without skipping anything, resume it");
        }
        draft.risk = Risk::Disruptive;
        draft.status = Some(json!({"status": {"pauseConditions": null, "currentStepIndex": next}}));
        Ok(())
    }

    fn promote_full(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        self.settled()?;
        let title = format!("Promote {name} in full{}", rollout.place());
        let mut draft = Draft::new(title, Goal::FullyPromoted, self.deadline());
        draft.command = self.plugin(&["promote", "--full"]);
        draft.risk = Risk::Disruptive;
        if rollout.promoted() {
            if !rollout.held() {
                return refuse(format!("{name} is at its newest revision: there is nothing to promote"));
            }
        } else {
            draft.change("status.promoteFull", &false, &true);
            draft.status = Some(json!({"status": {"promoteFull": true}}));
            draft.warn("skips all steps, pauses and analyses that are left");
        }
        if rollout.aborted() {
            // hazard 3
            draft.warn("it was aborted: this takes the abort back and ships the version that was aborted");
            let why = text(rollout.status(), "/message");
            if !why.is_empty() {
                draft.warn(format!("it was aborted because: {why}"));
            }
            draft.risk = Risk::Irreversible;
        }
        if rollout.held() {
            draft.change("spec.paused", &true, &false);
            draft.spec = Some(json!({"spec": {"paused": false}}));
        }
        Ok(draft)
    }

    fn abort(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        if rollout.aborted() && !rollout.promoting() {
            return refuse(format!("{name} is aborted already: retry it or roll it back"));
        }
        if rollout.promoted() && rollout.observed() {
            return refuse(format!(
                "{name} is fully promoted: its controller would take an abort back; roll it back instead"
            ));
        }
        let mut draft = Draft::new(format!("Abort {name}{}", rollout.place()), Goal::Aborted, WHILE);
        draft.command = self.plugin(&["abort"]);
        draft.risk = Risk::Disruptive;
        draft.change("status.abort", &false, &true);
        draft.status = Some(json!({"status": {"abort": true}}));
        if rollout.promoting() {
            // hazard 4: the plugin leaves promoteFull, and the abort is ignored
            draft.change("status.promoteFull", &true, &false);
            draft.warn("it is being promoted in full: that is stopped with it, which the official abort does not do");
            draft.status = Some(json!({"status": {"abort": true, "promoteFull": false}}));
        }
        draft.info(self.traffic());
        if let Some(running) = rollout.examination() {
            draft.info(format!("the running {running} is stopped"));
        }
        draft.info("its template stays at the new version: it is Degraded until somebody retries it or rolls it back");
        if text(rollout.status(), "/stableRS").is_empty() {
            draft.warn("there is no stable version yet that could take over");
        }
        draft.inverse = Some(Action::Retry { key: self.subject.key.clone() });
        Ok(draft)
    }

    /// What an abort does to traffic and pods.
    fn traffic(&self) -> String {
        let rollout = self.rollout;
        let strategy = rollout.canary().or_else(|| rollout.blue_green()).unwrap_or(&Value::Null);
        let delay = match number(strategy, "/abortScaleDownDelaySeconds") {
            Some(0) => "its pods stay".to_owned(),
            other => format!("its pods go {} s later", other.unwrap_or(30)),
        };
        if rollout.blue_green().is_some() {
            let active = text(rollout.status(), "/blueGreen/activeSelector");
            return if active == text(rollout.status(), "/currentPodHash") {
                format!("the active Service goes back to the stable version at once; of the new one, {delay}")
            } else {
                format!("the active Service stays on the stable version; of the new one, {delay}")
            };
        }
        let routed = strategy.get("trafficRouting").is_some_and(|value| !value.is_null());
        match (routed, strategy.get("dynamicStableScale").and_then(Value::as_bool)) {
            (false, _) => "pods of the new version are replaced by stable ones, and traffic follows them".to_owned(),
            (true, Some(true)) => {
                format!("traffic goes back to the stable version as its pods are scaled up; of the new one, {delay}")
            }
            (true, _) => format!("all traffic goes back to the stable version at once; of the new one, {delay}"),
        }
    }

    fn retry(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        if !rollout.aborted() {
            return refuse(format!("{name} is not aborted: there is nothing to retry"));
        }
        let mut draft = Draft::new(format!("Retry {name}"), Goal::Resumed, SOON);
        draft.command = self.plugin(&["retry", "rollout"]);
        draft.change("status.abort", &true, &false);
        draft.status = Some(json!({"status": {"abort": false}}));
        // hazard 10
        draft.warn("it begins again at its first step, with new analyses: what made it fail may make it fail again");
        draft.risk = Risk::Disruptive;
        draft.inverse = Some(Action::Abort { key: self.subject.key.clone() });
        Ok(draft)
    }

    fn hold(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        if rollout.held() {
            return refuse(format!("{name} is held already"));
        }
        if rollout.aborted() {
            return refuse(format!("{name} was aborted: there is nothing to hold"));
        }
        if rollout.promoted() && rollout.observed() {
            return refuse(format!("{name} is fully promoted: there is nothing to hold"));
        }
        let mut draft = Draft::new(format!("Hold {name}{}", rollout.place()), Goal::Held, SOON);
        draft.command = self.plugin(&["pause"]);
        draft.change("spec.paused", &false, &true);
        draft.spec = Some(json!({"spec": {"paused": true}}));
        draft.info("weights and pods stay as they are; scaling still works");
        draft.inverse = Some(Action::Resume { key: self.subject.key.clone() });
        Ok(draft)
    }

    fn resume(&self) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        if !rollout.held() {
            let wait = rollout.wait();
            return refuse(match wait.text.as_str() {
                "promotion" | "the end of the pause" => {
                    format!("{name} is not held: it waits for {}; promote it to go on now", wait.text)
                }
                _ => format!("{name} is not held"),
            });
        }
        let mut draft = Draft::new(format!("Resume {name}{}", rollout.place()), Goal::Resumed, SOON);
        let patch = json!({"spec": {"paused": false}});
        let slug = command::slug(&self.subject.key);
        let words = ["patch", &slug, "--type=merge", "-p", &patch.to_string()];
        draft.command = command::kubectl(self.context, &self.subject.key, &words);
        draft.change("spec.paused", &true, &false);
        draft.spec = Some(patch);
        if !rollout.pauses().is_empty() {
            draft.info("it stays in the pause of its current step: promote it to end that as well");
        }
        draft.inverse = Some(Action::Hold { key: self.subject.key.clone() });
        Ok(draft)
    }

    fn restart(&self, now: Stamp) -> Result<Draft, Fault> {
        let (rollout, name) = (self.rollout, &self.name);
        let pods = number(rollout.status(), "/replicas").unwrap_or_default();
        let each = EACH * u32::try_from(pods.clamp(0, 1_440)).unwrap_or_default();
        let mut draft = Draft::new(format!("Restart {name} ({pods} pods)"), Goal::Running, WHILE + each);
        draft.command = self.plugin(&["restart"]);
        draft.risk = Risk::Disruptive;
        let at = now.rfc3339();
        let before = text(rollout.spec(), "/restartAt");
        let shown = if before.is_empty() { "none" } else { before };
        draft.change("spec.restartAt", &shown, &at);
        draft.spec = Some(json!({"spec": {"restartAt": at}}));
        // hazard 9
        draft.info("pods are evicted, within their disruption budgets, stable ones first; no new revision is made");
        if self.subject.replicas() <= 1 {
            draft.warn("there is one pod: nothing serves until its successor is ready");
        }
        if !before.is_empty() && before != text(rollout.status(), "/restartedAt") {
            draft.warn(format!("the restart of {before} has not finished: this one takes its place"));
        }
        draft.info("a change of the template while it restarts cancels the restart");
        Ok(draft)
    }

    fn deadline(&self) -> Duration {
        let seconds = number(self.rollout.spec(), "/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok());
        Duration::from_secs(seconds.filter(|s| *s < 86_400).unwrap_or(600)) + LAG
    }
}
