//! Argo Rollouts: what a Rollout says of itself, read in the order that its own tools read it.

use std::time::Duration;

use serde_json::Value;

use super::raw::{Raw, condition, count, flag, images, items, number, text, time};
use super::steps::{go_duration, words};
use crate::model::release::{Check, Split, Step, StepState};
use crate::model::{Engine, Key, Release, Severity, Stamp};

/// Default of `spec.progressDeadlineSeconds`.
const DEADLINE: u64 = 600;

/// A Rollout, read.
#[derive(Clone, Copy)]
pub struct Rollout<'a> {
    raw: &'a Raw,
}

/// What a Rollout waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// In words, empty when it does not wait.
    pub text: String,
    /// Nothing goes on until somebody decides.
    pub decision: bool,
    /// When it goes on, or fails, by itself.
    pub until: Option<Stamp>,
}

impl<'a> Rollout<'a> {
    /// Reads `raw`.
    #[must_use]
    pub const fn new(raw: &'a Raw) -> Self {
        Self { raw }
    }

    /// `spec`.
    #[must_use]
    pub const fn spec(self) -> &'a Value {
        &self.raw.spec
    }

    /// `status`.
    #[must_use]
    pub const fn status(self) -> &'a Value {
        &self.raw.status
    }

    /// `spec.strategy.canary`, when that is its strategy.
    #[must_use]
    pub fn canary(self) -> Option<&'a Value> {
        self.spec().pointer("/strategy/canary").filter(|value| !value.is_null())
    }

    /// `spec.strategy.blueGreen`, when that is its strategy.
    #[must_use]
    pub fn blue_green(self) -> Option<&'a Value> {
        self.spec().pointer("/strategy/blueGreen").filter(|value| !value.is_null())
    }

    /// Steps of the canary.
    #[must_use]
    pub fn steps(self) -> &'a [Value] {
        items(self.spec(), "/strategy/canary/steps")
    }

    /// Index of the current step: the number of steps when all are done.
    #[must_use]
    pub fn index(self) -> usize {
        let index = number(self.status(), "/currentStepIndex").unwrap_or_default();
        usize::try_from(index).unwrap_or_default().min(self.steps().len())
    }

    /// The controller has seen this generation. Version 0.8 wrote a hash, which says nothing.
    #[must_use]
    pub fn observed(self) -> bool {
        seen(text(self.status(), "/observedGeneration"), self.raw.metadata.generation)
    }

    /// The controller has seen the workload that `spec.workloadRef` names.
    #[must_use]
    pub fn workload_observed(self) -> bool {
        if self.spec().get("workloadRef").is_none_or(Value::is_null) {
            return true;
        }
        let wanted = self.raw.metadata.annotations.workload_generation.parse().ok();
        seen(text(self.status(), "/workloadObservedGeneration"), wanted)
    }

    /// The controller's reasons to pause.
    #[must_use]
    pub fn pauses(self) -> &'a [Value] {
        items(self.status(), "/pauseConditions")
    }

    /// The controller pauses it.
    #[must_use]
    pub fn controller_paused(self) -> bool {
        flag(self.status(), "/controllerPause")
    }

    /// Its pause was lifted and the controller has not gone on yet: whoever promotes now skips a step.
    #[must_use]
    pub fn unpausing(self) -> bool {
        self.controller_paused() && self.pauses().is_empty()
    }

    /// Somebody holds it by `spec.paused`.
    #[must_use]
    pub fn held(self) -> bool {
        flag(self.spec(), "/paused")
    }

    /// It was aborted.
    #[must_use]
    pub fn aborted(self) -> bool {
        flag(self.status(), "/abort")
    }

    /// A full promotion is under way.
    #[must_use]
    pub fn promoting(self) -> bool {
        flag(self.status(), "/promoteFull")
    }

    /// The newest revision is the stable one.
    #[must_use]
    pub fn promoted(self) -> bool {
        let stable = text(self.status(), "/stableRS");
        !stable.is_empty() && stable == text(self.status(), "/currentPodHash")
    }

    /// Phase and message as its own tools derive them.
    #[must_use]
    pub fn phase(self) -> (&'a str, &'a str) {
        if !self.observed() {
            return ("Progressing", "waiting for rollout spec update to be observed");
        }
        if self.unpausing() {
            return ("Progressing", "waiting for rollout to unpause");
        }
        if !self.workload_observed() {
            return ("Progressing", "waiting for rollout spec update to be observed for the reference workload");
        }
        match text(self.status(), "/phase") {
            "" => ("Progressing", text(self.status(), "/message")),
            phase => (phase, text(self.status(), "/message")),
        }
    }

    /// `2/5`, or nothing when it has no steps.
    #[must_use]
    pub fn progress(self) -> Option<(u32, u32)> {
        let of = u32::try_from(self.steps().len()).ok().filter(|n| *n > 0)?;
        Some((u32::try_from(self.index()).unwrap_or(of), of))
    }

    /// Step and number of steps in words: ` at step 2/5`, or nothing.
    #[must_use]
    pub fn place(self) -> String {
        self.progress().map_or_else(String::new, |(at, of)| format!(" at step {at}/{of}"))
    }

    /// The running analysis or experiment that the current step waits for, in words.
    #[must_use]
    pub fn examination(self) -> Option<String> {
        let runs = [
            "/canary/currentStepAnalysisRunStatus",
            "/blueGreen/prePromotionAnalysisRunStatus",
            "/blueGreen/postPromotionAnalysisRunStatus",
        ];
        let mut runs = runs.iter().filter_map(|at| self.status().pointer(at));
        if let Some(run) = runs.find(|run| matches!(text(run, "/status"), "Running" | "Pending")) {
            return Some(format!("analysis {}", text(run, "/name")));
        }
        let step = self.steps().get(self.index())?;
        if step.get("experiment").is_some() {
            return Some(format!("experiment {}", text(self.status(), "/canary/currentExperiment")).trim_end().into());
        }
        step.get("plugin").map(|plugin| format!("plugin {}", text(plugin, "/name")))
    }

    /// What it waits for.
    #[must_use]
    pub fn wait(self) -> Wait {
        let (phase, message) = self.phase();
        let on = |text: &str, decision: bool| Wait { text: text.to_owned(), decision, until: None };
        if !self.observed() || self.unpausing() || !self.workload_observed() {
            return on("its controller", false);
        }
        if self.aborted() {
            return on("retry or rollback", true);
        }
        if message.starts_with("InvalidSpec") {
            return on("a valid spec", true);
        }
        if self.held() {
            return on("resume", true);
        }
        if let Some(pause) = self.pauses().first() {
            return self.pause(pause);
        }
        if phase != "Progressing" {
            return Wait::default();
        }
        if let Some(text) = self.examination() {
            return on(&text, false);
        }
        if !matches!(message, "more replicas need to be updated" | "updated replicas are still becoming available") {
            return on(message, false);
        }
        let since = condition(self.status(), "Progressing").and_then(|c| time(c, "/lastUpdateTime"));
        let deadline = number(self.spec(), "/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok());
        let until = since.map(|at| at.plus(Duration::from_secs(deadline.unwrap_or(DEADLINE))));
        Wait { text: "new pods".to_owned(), decision: false, until }
    }

    /// What ends a pause of the controller.
    fn pause(self, pause: &Value) -> Wait {
        let lasts = match text(pause, "/reason") {
            "CanaryPauseStep" => {
                self.steps().get(self.index()).and_then(|step| step.pointer("/pause/duration")).and_then(go_duration)
            }
            "BlueGreenPause" => {
                let settings = self.blue_green().filter(|all| all.get("autoPromotionEnabled") != Some(&false.into()));
                let seconds = settings.and_then(|all| number(all, "/autoPromotionSeconds"));
                seconds.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0).map(Duration::from_secs)
            }
            reason @ ("InconclusiveAnalysisRun" | "InconclusiveExperiment") => {
                let what = if reason == "InconclusiveExperiment" { "experiment" } else { "analysis" };
                let text = format!("a decision: the {what} is inconclusive");
                return Wait { text, decision: true, until: None };
            }
            _ => None,
        };
        match (lasts, time(pause, "/startTime")) {
            (Some(lasts), Some(start)) => {
                Wait { text: "the end of the pause".to_owned(), decision: false, until: Some(start.plus(lasts)) }
            }
            _ => Wait { text: "promotion".to_owned(), decision: true, until: None },
        }
    }

    /// The weight that the steps ask for, in percent; `None` without steps.
    #[must_use]
    pub fn asked(self) -> Option<u32> {
        let steps = self.steps();
        if steps.is_empty() {
            return None;
        }
        if self.aborted() {
            return Some(0);
        }
        if self.index() >= steps.len() {
            return Some(100);
        }
        let last = steps.get(..=self.index())?.iter().rev().find_map(|step| number(step, "/setWeight"));
        Some(self.percent(last.unwrap_or_default()))
    }

    /// A weight as a share of what all weights sum up to.
    fn percent(self, weight: i64) -> u32 {
        let total = number(self.spec(), "/strategy/canary/trafficRouting/maxTrafficWeight").filter(|n| *n > 0);
        u32::try_from((weight * 100 / total.unwrap_or(100)).clamp(0, 100)).unwrap_or_default()
    }

    /// Asked and real share of traffic; without a router the real one is the pods' and not known here.
    fn weight(self) -> Option<(u32, Option<u32>)> {
        let asked = self.asked()?;
        let routed = self.spec().pointer("/strategy/canary/trafficRouting").is_some_and(|value| !value.is_null());
        let real = match number(self.status(), "/canary/weights/canary/weight") {
            _ if self.index() >= self.steps().len() && !self.aborted() => Some(asked),
            _ if !routed => None,
            Some(real) => Some(self.percent(real)),
            None => Some(asked),
        };
        Some((asked, real))
    }

    fn splits(self) -> Box<[Split]> {
        if let Some(weights) = self.status().pointer("/canary/weights").filter(|value| !value.is_null()) {
            let of = |value: &Value| {
                let hash = text(value, "/podTemplateHash");
                let backend = [text(value, "/serviceName"), hash].into_iter().find(|name| !name.is_empty())?;
                let weight = self.percent(number(value, "/weight").unwrap_or_default());
                Some(Split { backend: backend.into(), weight })
            };
            let named = ["stable", "canary"].into_iter().filter_map(|name| weights.get(name));
            return named.chain(items(weights, "/additional")).filter_map(of).collect();
        }
        match (
            self.blue_green().map(|all| text(all, "/activeService")),
            text(self.status(), "/blueGreen/activeSelector"),
        ) {
            (Some(service), hash) if !hash.is_empty() => {
                [Split { backend: format!("{service} -> {hash}").into(), weight: 100 }].into()
            }
            _ => Box::default(),
        }
    }

    fn checks(self) -> Box<[Check]> {
        let runs = [
            "/canary/currentStepAnalysisRunStatus",
            "/canary/currentBackgroundAnalysisRunStatus",
            "/blueGreen/prePromotionAnalysisRunStatus",
            "/blueGreen/postPromotionAnalysisRunStatus",
        ];
        let run = |value: &Value, phase: &str| Check {
            name: text(value, "/name").into(),
            phase: text(value, phase).into(),
            values: Box::default(),
            condition: text(value, "/message").into(),
        };
        let runs = runs.into_iter().filter_map(|at| self.status().pointer(at)).filter(|v| !v.is_null());
        let plugins = items(self.status(), "/canary/stepPluginStatuses");
        runs.map(|value| run(value, "/status")).chain(plugins.iter().map(|value| run(value, "/phase"))).collect()
    }

    fn since(self, phase: &str) -> Option<Stamp> {
        let changed = |kind| condition(self.status(), kind).and_then(|c| time(c, "/lastTransitionTime"));
        if self.aborted() {
            return time(self.status(), "/abortedAt");
        }
        let pause = self.pauses().first().and_then(|pause| time(pause, "/startTime"));
        match phase {
            "Healthy" => changed("Healthy").or_else(|| changed("Completed")),
            "Paused" => pause.or_else(|| changed("Paused")),
            _ => changed("Progressing"),
        }
    }

    fn marked_steps(self) -> Box<[Step]> {
        let (at, rests) = (self.index(), self.aborted());
        let step = |(index, step): (usize, &Value)| Step {
            text: words(step).into(),
            state: match index.cmp(&at) {
                _ if rests => StepState::Ahead,
                std::cmp::Ordering::Less => StepState::Done,
                std::cmp::Ordering::Equal => StepState::Current,
                std::cmp::Ordering::Greater => StepState::Ahead,
            },
        };
        self.steps().iter().enumerate().map(step).collect()
    }
}

/// `observed` counts as seen when it is not a number, or not behind.
fn seen(observed: &str, wanted: Option<i64>) -> bool {
    match (observed.parse::<i64>(), wanted) {
        (Ok(observed), Some(wanted)) => observed >= wanted,
        _ => true,
    }
}

/// The row of a Rollout.
#[must_use]
pub fn release(key: Key, raw: &Raw) -> Release {
    let rollout = Rollout::new(raw);
    let (phase, message) = rollout.phase();
    let wait = rollout.wait();
    let severity = match phase {
        "Healthy" => Severity::Good,
        "Degraded" => Severity::Bad,
        _ if wait.decision => Severity::Warn,
        _ => Severity::Busy,
    };
    let strategy = match (rollout.canary(), rollout.blue_green()) {
        (Some(_), _) => "Canary",
        (_, Some(_)) => "BlueGreen",
        _ => "",
    };
    Release {
        key,
        engine: Engine::ArgoRollouts,
        strategy: strategy.into(),
        phase: phase.into(),
        message: message.into(),
        severity,
        waits_for: wait.text.into(),
        needs_decision: wait.decision,
        is_held: rollout.spec().get("paused").and_then(Value::as_bool).unwrap_or(false),
        step: rollout.progress(),
        weight: rollout.weight(),
        ready: (
            count(rollout.status(), "/readyReplicas"),
            number(rollout.spec(), "/replicas").and_then(|n| i32::try_from(n).ok()).unwrap_or(1),
        ),
        since: rollout.since(phase),
        until: wait.until,
        images: rollout.spec().get("template").map(images).unwrap_or_default().into(),
        steps: rollout.marked_steps(),
        splits: rollout.splits(),
        checks: rollout.checks(),
        revisions: (text(rollout.status(), "/stableRS").into(), text(rollout.status(), "/currentPodHash").into()),
    }
}
