//! Flagger: what a Canary says of itself. Its status holds no metric values and no reason for a
//! failed check; those are in its events only.

use std::time::Duration;

use serde_json::Value;

use super::raw::{Raw, condition, flag, items, number, text, time};
use super::steps::go_duration;
use crate::model::release::{Check, Split, Step, StepState};
use crate::model::{Engine, Key, Release, Severity, Stamp};

/// Default of `spec.progressDeadlineSeconds`.
const DEADLINE: u64 = 600;
/// Default of `spec.analysis.interval`.
const INTERVAL: Duration = Duration::from_secs(60);

/// A Canary, read.
#[derive(Clone, Copy)]
pub struct Canary<'a> {
    raw: &'a Raw,
}

impl<'a> Canary<'a> {
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

    /// Its phase; a Canary that Flagger has not seen yet has none.
    #[must_use]
    pub fn phase(self) -> &'a str {
        text(self.status(), "/phase")
    }

    /// `spec.analysis`, or what it was called before version 1.
    #[must_use]
    pub fn analysis(self) -> &'a Value {
        let set = |name| self.spec().get(name).filter(|value| !value.is_null());
        set("analysis").or_else(|| set("canaryAnalysis")).unwrap_or(&Value::Null)
    }

    /// Failed checks that roll it back; 0 counts as 1.
    #[must_use]
    pub fn threshold(self) -> i64 {
        number(self.analysis(), "/threshold").unwrap_or_default().max(1)
    }

    /// Checks that have failed in this run.
    #[must_use]
    pub fn failed(self) -> i64 {
        number(self.status(), "/failedChecks").unwrap_or_default()
    }

    /// Share of traffic that the new version has, in percent.
    #[must_use]
    pub fn weight(self) -> u32 {
        number(self.status(), "/canaryWeight").and_then(|n| u32::try_from(n).ok()).unwrap_or_default()
    }

    /// Time between two checks.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.analysis().get("interval").and_then(go_duration).unwrap_or(INTERVAL)
    }

    /// Time that pods may take to become ready.
    #[must_use]
    pub fn deadline(self) -> Duration {
        let seconds = number(self.spec(), "/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok());
        Duration::from_secs(seconds.filter(|s| *s > 0).unwrap_or(DEADLINE))
    }

    /// Reconciliation is switched off.
    #[must_use]
    pub fn held(self) -> bool {
        flag(self.spec(), "/suspend")
    }

    /// A run is under way in which weights and checks count.
    #[must_use]
    pub fn running(self) -> bool {
        matches!(self.phase(), "Progressing" | "WaitingPromotion")
    }

    /// It failed while promoting, and the new version serves: since version 1.44.
    #[must_use]
    pub fn failed_serving(self) -> bool {
        self.phase() == "Failed" && self.weight() >= 100
    }

    /// Kind and name of its target.
    #[must_use]
    pub fn target(self) -> (&'a str, &'a str) {
        (text(self.spec(), "/targetRef/kind"), text(self.spec(), "/targetRef/name"))
    }

    /// Webhooks of this type.
    pub fn webhooks(self, kind: &str) -> impl Iterator<Item = &'a Value> {
        items(self.analysis(), "/webhooks").iter().filter(move |hook| text(hook, "/type") == kind)
    }

    /// `A/B`, `BlueGreen` or `Canary`, as its analysis makes it.
    #[must_use]
    pub fn strategy(self) -> &'static str {
        let analysis = self.analysis();
        match number(analysis, "/iterations").unwrap_or_default() {
            0 => "Canary",
            _ if !items(analysis, "/match").is_empty() => "A/B",
            _ => "BlueGreen",
        }
    }

    /// The weights it goes through, by `stepWeights`, or by `stepWeight` up to `maxWeight`.
    fn weights(self) -> Vec<i64> {
        let analysis = self.analysis();
        let list: Vec<i64> = items(analysis, "/stepWeights").iter().filter_map(Value::as_i64).collect();
        if !list.is_empty() {
            return list;
        }
        let most = number(analysis, "/maxWeight").filter(|n| (1..=100).contains(n)).unwrap_or(100);
        let Some(step) = number(analysis, "/stepWeight").filter(|n| *n > 0) else { return Vec::new() };
        let mut weights: Vec<i64> = (1..most).map(|n| n * step).take_while(|weight| *weight < most).collect();
        weights.push(most);
        weights
    }

    /// Where it stands among its iterations or weights.
    fn progress(self) -> Option<(u32, u32)> {
        let iterations = number(self.analysis(), "/iterations").unwrap_or_default();
        let (at, of) = if iterations > 0 {
            (number(self.status(), "/iterations").unwrap_or_default(), iterations)
        } else {
            let weights = self.weights();
            let at = weights.iter().filter(|weight| **weight <= i64::from(self.weight())).count();
            (i64::try_from(at).ok()?, i64::try_from(weights.len()).ok()?)
        };
        Some((u32::try_from(at).ok()?, u32::try_from(of).ok().filter(|n| *n > 0)?))
    }

    fn steps(self) -> Box<[Step]> {
        if self.strategy() != "Canary" {
            return Box::default();
        }
        let now = i64::from(self.weight());
        let step = |weight: i64| Step {
            text: format!("weight {weight}").into(),
            state: match weight.cmp(&now) {
                std::cmp::Ordering::Less => StepState::Done,
                std::cmp::Ordering::Equal => StepState::Current,
                std::cmp::Ordering::Greater => StepState::Ahead,
            },
        };
        self.weights().into_iter().map(step).collect()
    }

    /// What it waits for, and whether somebody has to decide.
    fn wait(self) -> (String, bool) {
        let gate = |kind: &str, what: &str| {
            let names: Vec<&str> = self.webhooks(kind).map(|hook| text(hook, "/name")).collect();
            (format!("{what} {}", names.join(", ")).trim_end().to_owned(), true)
        };
        if self.held() {
            return ("resume".to_owned(), true);
        }
        match self.phase() {
            "" | "Initializing" => ("its primary".to_owned(), false),
            "Waiting" => gate("confirm-rollout", "gate"),
            "WaitingPromotion" => gate("confirm-promotion", "gate"),
            "Progressing" if self.failed() > 0 => {
                (format!("checks ({} of {} failed)", self.failed(), self.threshold()), false)
            }
            "Progressing" => ("checks".to_owned(), false),
            "Promoting" => ("the primary's new pods".to_owned(), false),
            "Finalising" => ("the end of the old run".to_owned(), false),
            "Failed" => ("retry".to_owned(), true),
            _ => (String::new(), false),
        }
    }

    fn severity(self, decision: bool) -> Severity {
        match self.phase() {
            "Failed" => Severity::Bad,
            _ if decision => Severity::Warn,
            "Initialized" | "Succeeded" => Severity::Good,
            "Progressing" if self.failed() > 0 => Severity::Warn,
            "Terminating" | "Terminated" => Severity::Done,
            _ => Severity::Busy,
        }
    }

    fn checks(self) -> Box<[Check]> {
        let metric = |metric: &Value| Check {
            name: text(metric, "/name").into(),
            phase: "".into(),
            values: Box::default(),
            condition: range(metric).into(),
        };
        let failed = Check {
            name: "failed checks".into(),
            phase: format!("{} of {}", self.failed(), self.threshold()).into(),
            values: Box::default(),
            condition: Box::default(),
        };
        let metrics = items(self.analysis(), "/metrics").iter().map(metric);
        metrics.chain([failed]).collect()
    }

    fn splits(self) -> Box<[Split]> {
        let (_, target) = self.target();
        if target.is_empty() || self.phase().is_empty() {
            return Box::default();
        }
        let canary = self.weight().min(100);
        let apex = [text(self.spec(), "/service/name"), target].into_iter().find(|n| !n.is_empty()).unwrap_or_default();
        [
            Split { backend: format!("{apex}-primary").into(), weight: 100 - canary },
            Split { backend: format!("{apex}-canary").into(), weight: canary },
        ]
        .into()
    }
}

/// `at least 99`, `at most 500`, or both, of a metric's threshold.
fn range(metric: &Value) -> String {
    let bound = |at: &str| metric.pointer(at).and_then(Value::as_f64);
    match (bound("/thresholdRange/min"), bound("/thresholdRange/max"), bound("/threshold")) {
        (Some(min), Some(max), _) => format!("between {min} and {max}"),
        (Some(min), None, _) => format!("at least {min}"),
        (None, Some(max), _) => format!("at most {max}"),
        // deprecated: a success rate has to reach it, everything else has to stay below it
        (None, None, Some(limit)) if text(metric, "/name") == "request-success-rate" => format!("at least {limit}"),
        (None, None, Some(limit)) => format!("at most {limit}"),
        _ => String::new(),
    }
}

/// The row of a Canary.
#[must_use]
pub fn release(key: Key, raw: &Raw) -> Release {
    let canary = Canary::new(raw);
    let (waits_for, needs_decision) = canary.wait();
    let promoted = condition(canary.status(), "Promoted").map(|c| text(c, "/message")).unwrap_or_default();
    let message = if canary.failed_serving() {
        "promotion failed: the new version is serving".to_owned()
    } else {
        promoted.to_owned()
    };
    let since = time(canary.status(), "/lastTransitionTime");
    Release {
        key,
        engine: Engine::Flagger,
        strategy: canary.strategy().into(),
        phase: canary.phase().into(),
        message: message.into(),
        severity: canary.severity(needs_decision),
        waits_for: waits_for.into(),
        needs_decision,
        is_held: canary.held(),
        step: canary.progress(),
        weight: Some((canary.weight(), None)),
        ready: (0, 0),
        since,
        until: until(canary, since),
        images: "".into(),
        steps: canary.steps(),
        splits: canary.splits(),
        checks: canary.checks(),
        revisions: (
            text(canary.status(), "/lastPromotedSpec").into(),
            text(canary.status(), "/lastAppliedSpec").into(),
        ),
    }
}

/// When the next check is due, while there are checks.
fn until(canary: Canary<'_>, since: Option<Stamp>) -> Option<Stamp> {
    (canary.phase() == "Progressing" && !canary.held()).then(|| since.map(|at| at.plus(canary.interval())))?
}
