//! A delivery tool's release in the rollout pane: phase, traffic, steps, analyses.

use super::Cx;
use super::releases::{left, weight};
use super::rollout::{Pen, bar};
use serde_json::{Value, json};

use crate::model::release::{Check, StepState};
use crate::model::{Release, Stamp};
use crate::theme::Role;
use crate::ui::{Look, spark::spark};

/// Draws all of it, as far as there is room.
pub(super) fn view(release: &Release, cx: &Cx, pen: &mut Pen) {
    head(release, cx, pen);
    traffic(release, pen);
    steps(release, pen);
    checks(release, pen);
}

/// The same for scripts.
pub fn json(release: &Release) -> Value {
    json!({
        "object": release.key.slug(), "namespace": &*release.key.namespace, "engine": release.engine.word(),
        "strategy": &*release.strategy, "phase": &*release.phase, "message": &*release.message,
        "waitsFor": &*release.waits_for, "needsDecision": release.needs_decision, "held": release.is_held,
        "step": release.step.map(|(at, of)| json!({"at": at, "of": of})),
        "weight": release.weight.map(|(asked, real)| json!({"asked": asked, "real": real})),
        "ready": release.ready.0, "wanted": release.ready.1, "images": &*release.images,
        "since": release.since.map(Stamp::rfc3339), "until": release.until.map(Stamp::rfc3339),
        "steps": release.steps.iter().map(|s| json!({"text": &*s.text, "state": format!("{:?}", s.state).to_lowercase()}))
            .collect::<Vec<_>>(),
        "splits": release.splits.iter().map(|s| json!({"backend": &*s.backend, "weight": s.weight})).collect::<Vec<_>>(),
        "checks": release.checks.iter().map(|c| json!({
            "name": &*c.name, "phase": &*c.phase, "values": c.values, "condition": &*c.condition,
        })).collect::<Vec<_>>(),
    })
}

fn head(release: &Release, cx: &Cx, pen: &mut Pen) {
    let role = Look::role(release.severity);
    pen.line(&[
        (&format!("{} ", release.phase), role),
        (&format!("{} by {}  ", release.strategy, release.engine.word()), Role::Dim),
        (&release.message, Role::Text),
    ]);
    if !release.waits_for.is_empty() {
        let left = left(release, cx).map(|left| format!(" for {left} more")).unwrap_or_default();
        let role = if release.needs_decision { Role::Warn } else { Role::Text };
        pen.line(&[("waits for ", Role::Dim), (&release.waits_for, role), (&left, Role::Busy)]);
    } else if let Some(left) = left(release, cx) {
        pen.line(&[("time left ", Role::Dim), (&left, Role::Busy)]);
    }
    let (ready, wanted) = release.ready;
    let ascii = pen.ascii();
    pen.line(&[
        ("ready ", Role::Dim),
        (&bar(ready, wanted, 10, ascii), Role::Good),
        (&format!(" {ready}/{wanted}  "), Role::Text),
        (&release.images, Role::Dim),
    ]);
    let (stable, new) = &release.revisions;
    if !stable.is_empty() || !new.is_empty() {
        pen.line(&[("stable ", Role::Dim), (stable, Role::Text), ("  new ", Role::Dim), (new, Role::Busy)]);
    }
}

fn traffic(release: &Release, pen: &mut Pen) {
    let ascii = pen.ascii();
    if let (Some((asked, real)), Some(words)) = (release.weight, weight(release)) {
        let shown = i32::try_from(real.unwrap_or(asked)).unwrap_or(0);
        pen.line(&[
            ("traffic to new ", Role::Dim),
            (&bar(shown, 100, 20, ascii), Role::Busy),
            (&format!(" {words}"), Role::Text),
        ]);
    }
    for split in &release.splits {
        let share = i32::try_from(split.weight).unwrap_or(0);
        pen.line(&[
            (&format!("  {:>3}% ", split.weight), Role::Text),
            (&bar(share, 100, 10, ascii), Role::Network),
            (&format!(" {}", split.backend), Role::Name),
        ]);
    }
}

fn steps(release: &Release, pen: &mut Pen) {
    if release.steps.is_empty() {
        return;
    }
    let (at, of) = release.step.unwrap_or((0, 0));
    pen.line(&[(&format!("STEPS {at}/{of}"), Role::Header)]);
    for step in &release.steps {
        let (mark, role) = match (step.state, pen.ascii()) {
            (StepState::Done, false) => ("✓ ", Role::Good),
            (StepState::Done, true) => ("x ", Role::Good),
            (StepState::Current, false) => ("▶ ", Role::Busy),
            (StepState::Current, true) => ("> ", Role::Busy),
            (StepState::Ahead, _) => ("  ", Role::Dim),
        };
        pen.line(&[(mark, role), (&step.text, role)]);
    }
}

fn checks(release: &Release, pen: &mut Pen) {
    if release.checks.is_empty() {
        return;
    }
    pen.line(&[("CHECKS", Role::Header)]);
    for check in &release.checks {
        let values: Vec<Option<f32>> = check.values.iter().copied().map(Some).collect();
        let graph = spark(&values, values.len().min(20), None, pen.ascii());
        let last = check.values.last().map(|v| format!(" {v} ")).unwrap_or_default();
        pen.line(&[
            (&format!("{:<12} ", check.phase), phase_role(check)),
            (&format!("{} ", check.name), Role::Name),
            (&graph, Role::Cpu),
            (&last, Role::Text),
            (&check.condition, Role::Dim),
        ]);
    }
}

fn phase_role(check: &Check) -> Role {
    match &*check.phase {
        "Successful" | "Succeeded" => Role::Good,
        "Failed" | "Error" => Role::Bad,
        "Inconclusive" => Role::Warn,
        _ => Role::Busy,
    }
}
