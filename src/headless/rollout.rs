//! `pilothouse rollouts` and `pilothouse rollout`: where releases stand, for people and for CI.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::act::object;
use super::say;
use crate::backend::{Opened, yaml};
use crate::cli::{Output, RolloutVerb};
use crate::clock;
use crate::model::text::clean;
use crate::model::{
    Feed, FeedEvent, FeedSpec, Key, Kind, Release, Revisions, RolloutPhase, Row, Scope, Severity, TargetKind,
};
use crate::world::native_release;

/// Longest wait for a first answer.
const WAIT: Duration = Duration::from_secs(15);

/// Prints all releases in scope, those that need a human first.
///
/// # Errors
/// When no cluster is open or one cannot be read.
pub async fn list(opened: &[Opened], scope: &Scope, output: Output) -> Result<u8> {
    let mut rows: Vec<(String, Release)> = Vec::new();
    for target in opened.iter().filter(|target| target.meta.kind == TargetKind::Kubernetes) {
        for feed in [Feed::Workloads(scope.clone()), Feed::Releases(scope.clone())] {
            for row in listed(target, feed).await? {
                let release = match row {
                    Row::Workload(row) => native_release(&row),
                    Row::Release(row) => *row,
                    _ => continue,
                };
                rows.push((target.meta.name.to_string(), release));
            }
        }
    }
    rows.sort_by(|(_, a), (_, b)| {
        let need = |r: &Release| (!r.needs_decision, std::cmp::Reverse(r.severity));
        need(a).cmp(&need(b)).then_with(|| a.key.cmp(&b.key))
    });
    match output {
        Output::Json => say(&format!("{:#}\n", rows.iter().map(|(target, r)| as_json(target, r)).collect::<Value>())),
        Output::Text => say(&table(&rows)),
    }
    Ok(0)
}

/// All rows of one listing.
async fn listed(target: &Opened, feed: Feed) -> Result<Vec<Row>> {
    let mut stream = target.source.watch(&FeedSpec { target: target.meta.id, feed });
    let deadline = Instant::now() + WAIT;
    let mut rows = Vec::new();
    loop {
        match timeout_at(deadline, stream.next()).await {
            Ok(Some(FeedEvent::Staged(staged))) => rows.extend(staged),
            Ok(Some(FeedEvent::Upsert(row))) => rows.push(row),
            Ok(Some(FeedEvent::Synced)) => return Ok(rows),
            Ok(Some(FeedEvent::Lost(fault))) => bail!("{}: {fault}", target.meta.name),
            Ok(Some(_)) => {}
            Ok(None) => bail!("{}: the listing ended", target.meta.name),
            Err(_) => bail!("{}: no answer within {} s", target.meta.name, WAIT.as_secs()),
        }
    }
}

fn as_json(target: &str, release: &Release) -> Value {
    let mut value = crate::panes::delivery::json(release);
    if let Some(object) = value.as_object_mut() {
        object.insert("target".into(), target.into());
        object.insert("severity".into(), format!("{:?}", release.severity).to_lowercase().into());
    }
    value
}

fn table(rows: &[(String, Release)]) -> String {
    let now = clock::wall();
    let mut cells =
        vec![["NAMESPACE", "OBJECT", "PHASE", "STEP", "WEIGHT", "READY", "FOR", "WAITS FOR"].map(str::to_owned)];
    for (_, row) in rows {
        cells.push([
            row.key.namespace.to_string(),
            row.key.slug(),
            row.phase.to_string(),
            row.step.map_or_else(|| "-".into(), |(at, of)| format!("{at}/{of}")),
            crate::panes::releases::weight(row).unwrap_or_else(|| "-".into()),
            format!("{}/{}", row.ready.0, row.ready.1),
            row.since.map_or_else(|| "-".into(), |at| at.age(now)),
            row.waits_for.to_string(),
        ]);
    }
    columns(&cells)
}

/// Cells under each other, as kubectl prints them.
fn columns<const N: usize>(cells: &[[String; N]]) -> String {
    let width = |column: usize| cells.iter().map(|row| crate::ui::text::width(&row[column])).max().unwrap_or(0);
    let widths: Vec<u16> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&clean(cell));
            line.extend(std::iter::repeat_n(' ', usize::from(width.saturating_sub(crate::ui::text::width(cell))) + 3));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// How far a release is, for an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Done,
    Going,
    Failed,
}

/// Runs `rollout VERB OBJECT`; exit codes: 0 done, 1 failed, 4 still under way.
///
/// # Errors
/// An object that is not there, or a server that cannot be read.
pub async fn run(opened: &[Opened], scope: &Scope, verb: &RolloutVerb) -> Result<u8> {
    match verb {
        RolloutVerb::Status { object: name, watch } => {
            let (target, key) = object(name, opened, scope)?;
            status(target, &key, *watch).await
        }
        RolloutVerb::History { object: name } => {
            let (target, key) = object(name, opened, scope)?;
            say(&history(&revisions(target, &key).await?));
            Ok(0)
        }
        RolloutVerb::Diff { object: name, revision } => {
            let (target, key) = object(name, opened, scope)?;
            say(&diff(&revisions(target, &key).await?, *revision)?);
            Ok(0)
        }
    }
}

async fn status(target: &Opened, key: &Key, watch: bool) -> Result<u8> {
    let scope = Some(key.namespace.clone());
    let feed =
        if matches!(key.kind, Kind::Rollout | Kind::Canary) { Feed::Releases(scope) } else { Feed::Workloads(scope) };
    let mut stream = target.source.watch(&FeedSpec { target: target.meta.id, feed });
    let (mut said, mut seen) = (String::new(), false);
    let deadline = Instant::now() + WAIT;
    loop {
        // once the object is seen, silence is only that nothing changes
        let event = if seen { stream.next().await } else { timeout_at(deadline, stream.next()).await.unwrap_or(None) };
        let rows = match event {
            Some(FeedEvent::Staged(rows)) => rows,
            Some(FeedEvent::Upsert(row)) => vec![row],
            Some(FeedEvent::Remove(gone)) if gone.name == key.name && gone.kind == key.kind => {
                bail!("object has been deleted")
            }
            Some(FeedEvent::Synced) if !seen => bail!("{} is not there", key.slug()),
            Some(FeedEvent::Lost(fault)) if !seen || !fault.is_passing() => bail!("{fault}"),
            Some(_) => continue,
            None => bail!("no answer within {} s", WAIT.as_secs()),
        };
        let fits = |row: &Row| row.key().kind == key.kind && row.key().name == key.name;
        let Some(row) = rows.iter().find(|row| fits(row)) else { continue };
        seen = true;
        let (text, stand) = stand(row);
        if text != said {
            say(&format!("{}\n", clean(&text)));
            said = text;
        }
        match stand {
            Stand::Done => return Ok(0),
            Stand::Failed => return Ok(1),
            Stand::Going if !watch => return Ok(4),
            Stand::Going => {}
        }
    }
}

/// The sentence about a row, and how far it is.
fn stand(row: &Row) -> (String, Stand) {
    match row {
        Row::Workload(workload) => {
            let status = workload.rollout();
            let stand = match status.phase {
                RolloutPhase::Complete | RolloutPhase::Unwatched => Stand::Done,
                RolloutPhase::Failed => Stand::Failed,
                RolloutPhase::Progressing | RolloutPhase::Paused => Stand::Going,
            };
            (status.text, stand)
        }
        Row::Release(release) => {
            let mut text = release.phase.to_string();
            for part in [&release.message, &release.waits_for] {
                if !part.is_empty() {
                    let _ = write!(text, " - {part}");
                }
            }
            let stand = match release.severity {
                Severity::Good | Severity::Done => Stand::Done,
                Severity::Bad => Stand::Failed,
                Severity::Busy | Severity::Warn => Stand::Going,
            };
            (text, stand)
        }
        _ => (String::new(), Stand::Going),
    }
}

async fn revisions(target: &Opened, key: &Key) -> Result<Revisions> {
    // the feed wants the object itself, not only its name
    let scope = Some(key.namespace.clone());
    let feed = if key.kind == Kind::Rollout { Feed::Releases(scope) } else { Feed::Workloads(scope) };
    let rows = listed(target, feed).await?;
    let found = rows.iter().map(Row::key).find(|k| k.kind == key.kind && k.name == key.name);
    let Some(key) = found.cloned() else { bail!("{} is not there", key.slug()) };
    let mut stream = target.source.watch(&FeedSpec { target: target.meta.id, feed: Feed::Revisions(key) });
    let deadline = Instant::now() + WAIT;
    loop {
        match timeout_at(deadline, stream.next()).await {
            Ok(Some(FeedEvent::Revisions(revisions))) => return Ok(*revisions),
            Ok(Some(FeedEvent::Lost(fault))) => bail!("{fault}"),
            Ok(Some(_)) => {}
            _ => bail!("no revisions within {} s", WAIT.as_secs()),
        }
    }
}

fn history(revisions: &Revisions) -> String {
    let now = clock::wall();
    let mut cells = vec![["REVISION", "CREATED", "CURRENT", "IMAGES", "CHANGE-CAUSE"].map(str::to_owned)];
    for revision in revisions.list.iter().rev() {
        cells.push([
            revision.number.to_string(),
            revision.created.age(now),
            if revision.current { "*".into() } else { String::new() },
            revision.images.to_string(),
            if revision.cause.is_empty() { "<none>".into() } else { revision.cause.to_string() },
        ]);
    }
    columns(&cells)
}

/// The difference from the current template to that of `revision`, 0 for the one before.
fn diff(revisions: &Revisions, revision: i64) -> Result<String> {
    let Some(current) = revisions.list.iter().find(|r| r.current) else { bail!("no revision is the current one") };
    let chosen = match revision {
        0 => revisions.list.iter().find(|r| !r.current),
        number => revisions.list.iter().find(|r| r.number == number),
    };
    let Some(chosen) = chosen else { bail!("unable to find specified revision {revision} in history") };
    let mut out = format!("--- revision {}\n+++ revision {}\n", current.number, chosen.number);
    for line in yaml::diff_text(&current.template, &chosen.template) {
        let (mark, text) = match &line {
            crate::actions::Diff::Same(text) => (' ', text),
            crate::actions::Diff::Removed(text) => ('-', text),
            crate::actions::Diff::Added(text) => ('+', text),
        };
        let _ = writeln!(out, "{mark}{}", clean(text));
    }
    Ok(out)
}
