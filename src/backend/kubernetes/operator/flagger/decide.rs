//! What each action means for a Canary as it is now: a pure function.

use serde_json::{Value, json};

use crate::actions::{Action, Goal, Risk};
use crate::backend::kubernetes::Context;
use crate::backend::kubernetes::operator::command;
use crate::backend::kubernetes::operator::release::{Draft, refuse};
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::releases::flagger::Canary;
use crate::backend::kubernetes::releases::raw::{flag, text};
use crate::model::Fault;
use crate::model::time::human_duration;

/// Checks that may pass before something is seen.
const CHECKS: u32 = 4;

struct Decide<'a> {
    context: &'a Context,
    subject: &'a Subject,
    canary: Canary<'a>,
    /// `Canary test/podinfo`.
    name: String,
}

/// The draft of `action`.
///
/// # Errors
/// `Invalid`: why Flagger would not act on it now, and what helps.
pub fn draft(context: &Context, subject: &Subject, canary: Canary<'_>, action: &Action) -> Result<Draft, Fault> {
    let name = format!("Canary {}", subject.place());
    let decide = Decide { context, subject, canary, name };
    match action {
        Action::Promote { .. } => decide.promote(),
        Action::Abort { .. } => decide.abort(),
        Action::Hold { .. } => decide.hold(),
        Action::Resume { .. } => decide.resume(),
        Action::Retry { .. } => decide.retry(),
        other => Err(Fault::Unsupported { what: format!("a Canary has no {}", other.verb()) }),
    }
}

impl Decide<'_> {
    fn patched(&self, draft: &mut Draft, patch: &Value, subresource: &str) {
        let slug = command::slug(&self.subject.key);
        let text = patch.to_string();
        let mut words = vec!["patch", &slug, "--type=merge", "-p", &text];
        if subresource.is_empty() {
            draft.spec = Some(patch.clone());
        } else {
            words.extend(["--subresource", subresource]);
            draft.status = Some(patch.clone());
        }
        draft.command = command::kubectl(self.context, &self.subject.key, &words);
    }

    /// Refuses unless a run is under way that Flagger would act on.
    fn under_way(&self, verb: &str) -> Result<(), Fault> {
        let (canary, name) = (self.canary, &self.name);
        if canary.held() {
            return refuse(format!("{name} is held: Flagger does nothing with it until it is resumed"));
        }
        if canary.running() {
            return Ok(());
        }
        match canary.phase() {
            "Waiting" => {
                let gates: Vec<&str> = canary.webhooks("confirm-rollout").map(|hook| text(hook, "/url")).collect();
                let gates = gates.join(", ");
                refuse(if verb == "abort" {
                    format!(
                        "{name} waits at its start gate ({gates}): nothing is deployed yet, revert its target instead"
                    )
                } else {
                    format!("{name} waits at its start gate, which no promotion passes: open it ({gates})")
                })
            }
            "Failed" => refuse(format!("{name} has failed: there is nothing to {verb}; retry it")),
            "Promoting" | "Finalising" => refuse(format!("{name} is being promoted already")),
            "" | "Initializing" => refuse(format!("{name} is still being initialized: there is nothing to {verb}")),
            phase => refuse(format!("{name} is {phase}: no release is under way, there is nothing to {verb}")),
        }
    }

    fn promote(&self) -> Result<Draft, Fault> {
        let (canary, name) = (self.canary, &self.name);
        self.under_way("promote")?;
        if flag(canary.spec(), "/skipAnalysis") {
            return refuse(format!("{name} skips its analysis already: it is promoted at its next check"));
        }
        let title = format!("Promote {name} at weight {}", canary.weight());
        let within = canary.deadline() + canary.interval() * CHECKS;
        let mut draft = Draft::new(title, Goal::FullyPromoted, within);
        draft.risk = Risk::Disruptive;
        draft.change("spec.skipAnalysis", &false, &true);
        self.patched(&mut draft, &json!({"spec": {"skipAnalysis": true}}), "");
        draft.warn("skips all checks that are left, and the promotion gate");
        draft.warn(
            "skipAnalysis stays on: no later release is analysed until the canary is resumed after this promotion",
        );
        self.when(&mut draft);
        if canary.failed() > 0 {
            draft.warn(format!("{} of {} checks have failed in this run", canary.failed(), canary.threshold()));
        }
        draft.inverse = Some(Action::Resume { key: self.subject.key.clone() });
        Ok(draft)
    }

    fn abort(&self) -> Result<Draft, Fault> {
        let (canary, name) = (self.canary, &self.name);
        self.under_way("abort")?;
        let title = format!("Roll back {name} at weight {}", canary.weight());
        let mut draft = Draft::new(title, Goal::Aborted, canary.interval() * CHECKS + canary.interval());
        draft.risk = Risk::Disruptive;
        let threshold = canary.threshold();
        draft.change("status.failedChecks", &canary.failed(), &threshold);
        self.patched(&mut draft, &json!({"status": {"failedChecks": threshold}}), "status");
        draft.info("traffic goes back to the primary and the canary is scaled to zero");
        draft.info("if its pods are not ready, it waits for them and fails by itself at its progress deadline");
        let hooks: Vec<&str> = canary.webhooks("rollback").map(|hook| text(hook, "/url")).collect();
        if !hooks.is_empty() {
            draft.info(format!("its rollback gate does the same: {}", hooks.join(", ")));
        }
        draft.warn("a check that ends in this moment may overwrite it: then roll back again");
        self.when(&mut draft);
        draft.inverse = Some(Action::Retry { key: self.subject.key.clone() });
        Ok(draft)
    }

    fn when(&self, draft: &mut Draft) {
        draft.info(format!("takes effect at the next check, every {}", human_duration(self.canary.interval())));
    }

    fn hold(&self) -> Result<Draft, Fault> {
        let (canary, name) = (self.canary, &self.name);
        if canary.held() {
            return refuse(format!("{name} is held already"));
        }
        let mut draft = Draft::new(format!("Hold {name}"), Goal::Held, canary.interval());
        draft.change("spec.suspend", &false, &true);
        self.patched(&mut draft, &json!({"spec": {"suspend": true}}), "");
        draft.info(format!("weights stay as they are (canary {}%); nothing is checked meanwhile", canary.weight()));
        draft.inverse = Some(Action::Resume { key: self.subject.key.clone() });
        Ok(draft)
    }

    /// What is known of a retry before its target is: the rest is its own affair.
    fn retry(&self) -> Result<Draft, Fault> {
        let (canary, name) = (self.canary, &self.name);
        if canary.held() {
            return refuse(format!("{name} is held: Flagger does nothing with it until it is resumed"));
        }
        if canary.phase() != "Failed" {
            return refuse(format!("{name} is {}, it has not failed: there is nothing to retry", canary.phase()));
        }
        // a retry has begun when it is no longer failed
        let mut draft = Draft::new(format!("Retry {name}"), Goal::Promoted, canary.interval() * CHECKS);
        draft.risk = Risk::Disruptive;
        draft.warn("what made it fail may make it fail again");
        if canary.failed_serving() {
            draft.warn("it failed while it was promoted, and the new version is serving");
        }
        draft.inverse = Some(Action::Abort { key: self.subject.key.clone() });
        Ok(draft)
    }

    /// Ends a hold; without one, ends the skipping of analyses that a promotion left on.
    fn resume(&self) -> Result<Draft, Fault> {
        let (canary, name) = (self.canary, &self.name);
        if canary.held() {
            let mut draft = Draft::new(format!("Resume {name}"), Goal::Resumed, canary.interval() * CHECKS);
            draft.change("spec.suspend", &true, &false);
            self.patched(&mut draft, &json!({"spec": {"suspend": false}}), "");
            draft.inverse = Some(Action::Hold { key: self.subject.key.clone() });
            return Ok(draft);
        }
        if !flag(canary.spec(), "/skipAnalysis") {
            return refuse(format!("{name} is not held"));
        }
        let mut draft = Draft::new(format!("Analyse releases of {name} again"), Goal::Resumed, canary.interval());
        draft.change("spec.skipAnalysis", &true, &false);
        self.patched(&mut draft, &json!({"spec": {"skipAnalysis": false}}), "");
        if canary.running() {
            draft.warn("the release under way is analysed from here on, and not promoted at once");
        }
        Ok(draft)
    }
}
