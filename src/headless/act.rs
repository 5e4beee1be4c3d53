//! `pilothouse act`: plan a change, or carry it out, verify it and say how it ended.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::say;
use crate::actions::{Action, Approved, Consent, Diff, Given, Note, Observation, Plan, Policy, Progress};
use crate::backend::Opened;
use crate::cli::{Act, Output};
use crate::event::{JobEvent, JobId};
use crate::model::{Fault, Key, Kind, Scope, TargetKind};
use crate::runtime::audit::Audit;
use crate::runtime::gateway::{Ending, Report, carry_out};

/// Exit code of a change that did not come true.
pub const EXIT_FAILED: u8 = 1;
/// Exit code of a change that was refused before anything was sent.
pub const EXIT_REFUSED: u8 = 3;

/// Runs it; returns the exit code.
///
/// # Errors
/// A command line that makes no sense.
pub async fn run(act: &Act, opened: &[Opened], scope: &Scope, policy: &Policy, audit: &Audit) -> Result<u8> {
    if !act.plan && !act.yes {
        bail!("say --plan to see what would happen, or --yes to carry it out");
    }
    let (target, action) = parse(act, opened, scope)?;
    let plan = match target.operator.plan(&action).await {
        Ok(plan) => plan,
        Err(Fault::Already { what }) => {
            report_nothing_to_do(act, &action, &what);
            return Ok(0);
        }
        Err(fault) => {
            report_refusal(act, &action, &fault.to_string());
            return Ok(EXIT_REFUSED);
        }
    };
    if act.plan {
        match act.output {
            Output::Text => say(&text(&plan, policy)),
            Output::Json => say(&format!("{:#}\n", plan_json(&plan))),
        }
        return Ok(0);
    }
    if act.output == Output::Text {
        say(&text(&plan, policy));
    }
    let approved = match plan.clone().approve(policy, &Given::Flag) {
        Ok(approved) => approved,
        Err(fault) => {
            report_refusal(act, &action, &fault.to_string());
            return Ok(EXIT_REFUSED);
        }
    };
    let ending = carry(act, target, approved, policy, audit).await;
    match act.output {
        Output::Text => say(&format!("{}: {}\n", ending.verdict, ending.detail)),
        Output::Json => {
            say(&format!(
                "{:#}\n",
                json!({"plan": plan_json(&plan), "verdict": ending.verdict, "detail": ending.detail})
            ));
        }
    }
    Ok(if matches!(ending.verdict, "done" | "sent") { 0 } else { EXIT_FAILED })
}

async fn carry(act: &Act, target: &Opened, approved: Approved, policy: &Policy, audit: &Audit) -> Ending {
    let (out, mut news) = mpsc::channel(64);
    let text = act.output == Output::Text;
    let printer = tokio::spawn(async move {
        while let Some((_, event)) = news.recv().await {
            if let (true, Some(line)) = (text, progress(&event)) {
                say(&format!("  {line}\n"));
            }
        }
    });
    let report = Report { id: JobId(1), out };
    let ending = carry_out(target.operator.as_ref(), approved, policy, audit, !act.no_wait, &report).await;
    drop(report);
    let _ = printer.await;
    ending
}

fn progress(event: &JobEvent) -> Option<String> {
    match event {
        JobEvent::Progress(Progress::Sent(text)) | JobEvent::Observed(Observation::Waiting(text)) => Some(text.clone()),
        _ => None,
    }
}

fn report_refusal(act: &Act, action: &Action, why: &str) {
    match act.output {
        Output::Text => eprintln!("refused: {why}"),
        Output::Json => {
            say(&format!(
                "{:#}\n",
                json!({"action": action.verb(), "object": act.object, "verdict": "refused", "detail": why})
            ));
        }
    }
}

fn report_nothing_to_do(act: &Act, action: &Action, what: &str) {
    match act.output {
        Output::Text => say(&format!("nothing to do: {what}\n")),
        Output::Json => {
            let told = json!({"action": action.verb(), "object": act.object, "verdict": "done", "detail": what});
            say(&format!("{told:#}\n"));
        }
    }
}

/// The target and the object that `KIND/NAME` means.
///
/// # Errors
/// When it means none, or no single target has such things.
pub fn object<'a>(text: &str, opened: &'a [Opened], scope: &Scope) -> Result<(&'a Opened, Key)> {
    let Some((kind_word, name)) = text.split_once('/') else {
        bail!("\"{text}\": expected KIND/NAME, such as deploy/web or ctr/redis");
    };
    let Some(kind) = Kind::parse(kind_word) else { bail!("\"{kind_word}\" is no kind of object known here") };
    let wanted = if kind == Kind::Container { TargetKind::Docker } else { TargetKind::Kubernetes };
    let mut fitting = opened.iter().filter(|target| target.meta.kind == wanted);
    let Some(target) = fitting.next() else { bail!("no target that has a {}", kind.word()) };
    if fitting.next().is_some() {
        bail!("several targets are open: choose one with --context or --docker");
    }
    let namespace = match (kind, scope) {
        (Kind::Container, _) => "".into(),
        (_, Some(namespace)) => namespace.clone(),
        (_, None) => "default".into(),
    };
    // an empty UID means: whichever object has this name now
    let key = Key { target: target.meta.id, kind, namespace, name: name.into(), uid: "".into() };
    Ok((target, key))
}

/// The target and the action that the words mean.
fn parse<'a>(act: &Act, opened: &'a [Opened], scope: &Scope) -> Result<(&'a Opened, Action)> {
    let (target, key) = object(&act.object, opened, scope)?;
    let kind = key.kind;
    let action = match act.action.as_str() {
        "scale" => match act.replicas {
            Some(replicas) => Action::Scale { key, replicas },
            None => bail!("scale needs --replicas N"),
        },
        "restart" => Action::Restart { key },
        "rollback" | "undo" => Action::Rollback { key, revision: act.revision.unwrap_or(0) },
        "promote" => Action::Promote { key, full: act.full },
        "abort" => Action::Abort { key },
        "hold" => Action::Hold { key },
        "resume" => Action::Resume { key },
        "retry" => Action::Retry { key },
        "delete" | "remove" => Action::Delete { key },
        "stop" => Action::Stop { key },
        "start" => Action::Start { key },
        "pause" => Action::Pause { key },
        "unpause" => Action::Unpause { key },
        other => {
            bail!(
                "no action \"{other}\": there are scale, restart, rollback, promote, abort, hold, resume, retry, delete, stop, start, pause, unpause"
            )
        }
    };
    if !action.fits() {
        bail!("{} does not apply to a {}", action.verb(), kind.word());
    }
    Ok((target, action))
}

/// The plan for people.
fn text(plan: &Plan, policy: &Policy) -> String {
    let mut out = format!("{}\ntarget: {}\nrisk: {:?}\n", plan.title, plan.target, plan.risk);
    for note in &plan.notes {
        match note {
            Note::Info(line) => out.push_str(&format!("note: {line}\n")),
            Note::Warning(line) => out.push_str(&format!("WARNING: {line}\n")),
        }
    }
    for diff in &plan.diff {
        match diff {
            Diff::Same(line) => out.push_str(&format!("  {line}\n")),
            Diff::Removed(line) => out.push_str(&format!("- {line}\n")),
            Diff::Added(line) => out.push_str(&format!("+ {line}\n")),
        }
    }
    out.push_str(&format!("command: {}\n", plan.command));
    if let Consent::Refused(fault) = plan.consent(policy) {
        out.push_str(&format!("refused: {fault}\n"));
    }
    clean_lines(&out)
}

/// Every line made harmless for a terminal.
fn clean_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(crate::model::text::clean).collect();
    lines.join("\n") + "\n"
}

fn plan_json(plan: &Plan) -> Value {
    let key = plan.action.key();
    json!({
        "action": plan.action.verb(), "kind": key.kind.word(), "namespace": &*key.namespace, "name": &*key.name,
        "uid": &*key.uid, "target": plan.target, "title": plan.title, "risk": plan.risk, "basis": plan.basis,
        "notes": plan.notes, "diff": plan.diff, "changes": plan.changes, "command": plan.command,
        "undo": plan.inverse.as_ref().map(Action::verb),
    })
}
