//! The rollout of the selection's workload: kubectl's words, old and new side by side, the
//! deadline, conditions, and the revisions it can go back to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::containers::subject_freshness;
use super::delivery;
use super::workloads::phase;
use super::{Ask, Cx, Motion, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Key, Pod, Revision, RolloutPhase, Severity, Workload};
use crate::theme::Role;
use crate::ui::{Look, text};

/// The rollout pane.
#[derive(Debug, Default)]
pub struct Rollout {
    /// Number of the revision under the cursor.
    cursor: Option<i64>,
    about: Option<Key>,
}

impl Rollout {
    fn at(&self, list: &[Revision]) -> usize {
        self.cursor.and_then(|number| list.iter().position(|r| r.number == number)).unwrap_or(0)
    }
}

/// Revisions of the selection's workload, newest first.
#[must_use]
pub fn revisions<'a>(cx: &Cx<'a>) -> &'a [Revision] {
    cx.workload().and_then(|w| cx.world.revisions.get(&w.key)).and_then(|f| f.value.as_ref()).map_or(&[], |r| &r.list)
}

/// Writes one line at `y` if there is room, and moves on.
pub(super) struct Pen<'a> {
    area: Rect,
    y: u16,
    look: &'a Look,
    buf: &'a mut Buffer,
}

impl Pen<'_> {
    /// Writes one line.
    pub(super) fn line(&mut self, pieces: &[(&str, Role)]) {
        if self.y >= self.area.bottom() {
            return;
        }
        let styled: Vec<(&str, _)> = pieces.iter().map(|(t, r)| (*t, self.look.style(*r))).collect();
        text::line(self.buf, Rect { y: self.y, height: 1, ..self.area }, &styled);
        self.y += 1;
    }

    /// Writes a sentence over as many lines as it takes.
    pub(super) fn sentence(&mut self, lead: &str, text: &str, role: Role) {
        let used = text::put(self.buf, self.area.x, self.y, lead, self.area.width, self.look.style(Role::Dim));
        if self.y >= self.area.bottom() {
            return;
        }
        let area = Rect {
            x: self.area.x + used,
            y: self.y,
            width: self.area.width.saturating_sub(used),
            height: self.area.bottom() - self.y,
        };
        self.y += text::paragraph(self.buf, area, text, self.look.style(role)).clamp(1, area.height);
    }

    /// True when only ASCII can be shown.
    pub(super) fn ascii(&self) -> bool {
        self.look.ascii
    }

    fn left(&self) -> u16 {
        self.area.bottom().saturating_sub(self.y)
    }
}

/// A bar of `width` cells: done, then under way, then missing.
pub(super) fn bar(done: i32, of: i32, width: usize, ascii: bool) -> String {
    let (full, empty) = if ascii { ('#', '.') } else { ('█', '░') };
    let of = usize::try_from(of.max(1)).unwrap_or(1);
    let done = usize::try_from(done.max(0)).unwrap_or(0).min(of) * width / of;
    (0..width).map(|i| if i < done { full } else { empty }).collect()
}

/// What stands in the new pods' way, in one sentence.
fn stuck(workload: &Workload, new_hash: &str, cx: &Cx) -> Option<String> {
    let worst = cx
        .world
        .pods_of(&workload.key)
        .filter(|p| new_hash.is_empty() || &*p.revision == new_hash)
        .max_by_key(|p| p.severity)
        .filter(|p| p.severity >= Severity::Warn)?;
    let why = if worst.why.is_empty() { &*worst.status } else { &*worst.why };
    Some(format!("{}: {why}", worst.key.name))
}

fn side(revision: &Revision, cx: &Cx, workload: &Workload) -> (String, String) {
    let count = revision.replicas.map_or_else(
        || {
            let pods = || cx.pods_of_workload(workload).filter(|p| p.revision == revision.hash);
            format!("{} pods, {} ready", pods().count(), pods().filter(|p| p.ready == p.total).count())
        },
        |(want, have, ready)| format!("{ready}/{want} ready, {have} pods"),
    );
    (format!("rev {} {}", revision.number, short(&revision.hash)), count)
}

fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

impl<'a> Cx<'a> {
    fn pods_of_workload(&self, workload: &'a Workload) -> impl Iterator<Item = &'a Pod> {
        self.pods_of(&workload.key)
    }
}

impl Rollout {
    fn view_head(workload: &Workload, list: &[Revision], cx: &Cx, pen: &mut Pen) {
        let (word, role) = phase(workload);
        let status = workload.rollout();
        pen.line(&[(word, role)]);
        pen.sentence("", &status.text, Role::Text);
        let ascii = pen.look.ascii;
        let show = |label: &str, have: i32| {
            (format!("{label} "), bar(have, workload.desired, 6, ascii), format!(" {have}/{}  ", workload.desired))
        };
        let (a, b, c) =
            (show("updated", workload.updated), show("ready", workload.ready), show("available", workload.available));
        pen.line(&[
            (&a.0, Role::Dim),
            (&a.1, Role::Busy),
            (&a.2, Role::Text),
            (&b.0, Role::Dim),
            (&b.1, Role::Good),
            (&b.2, Role::Text),
            (&c.0, Role::Dim),
            (&c.1, Role::Good),
            (&c.2, Role::Text),
        ]);
        if let Some(at) = workload.deadline_at() {
            let left = (at.0 - cx.now.wall.0) / 1000;
            let (line, role) = if left >= 0 {
                (
                    format!(
                        "deadline in {}",
                        crate::model::time::human_duration(std::time::Duration::from_secs(left.unsigned_abs()))
                    ),
                    Role::Busy,
                )
            } else {
                ("deadline passed".to_owned(), Role::Bad)
            };
            pen.line(&[(&line, role)]);
        }
        let new = list.iter().find(|r| r.current);
        if status.phase != RolloutPhase::Complete || workload.severity() >= Severity::Warn {
            let hash = new.map_or("", |r| &r.hash);
            if let Some(why) = stuck(workload, hash, cx) {
                pen.sentence("stuck on ", &why, Role::Bad);
            }
        }
        let old = list.iter().find(|r| !r.current && r.replicas.is_none_or(|(_, have, _)| have > 0));
        if let Some(new) = new {
            let (name, count) = side(new, cx, workload);
            pen.line(&[
                ("new ", Role::Busy),
                (&format!("{name:<18} {count:<20} "), Role::Text),
                (&new.images, Role::Dim),
            ]);
        }
        if let Some(old) = old.filter(|_| status.phase != RolloutPhase::Complete) {
            let (name, count) = side(old, cx, workload);
            pen.line(&[
                ("old ", Role::Dim),
                (&format!("{name:<18} {count:<20} "), Role::Text),
                (&old.images, Role::Dim),
            ]);
        }
        if !workload.manager.is_empty() {
            pen.line(&[("managed by ", Role::Dim), (&workload.manager, Role::Warn)]);
        }
    }

    fn view_conditions(workload: &Workload, cx: &Cx, pen: &mut Pen) {
        for condition in &workload.conditions {
            if pen.left() <= 3 {
                return;
            }
            let good = match &*condition.kind {
                "ReplicaFailure" => &*condition.status == "False",
                _ => &*condition.status == "True",
            };
            let age = condition.updated.map(|at| at.age(cx.now.wall)).unwrap_or_default();
            pen.line(&[
                (&format!("{}={} ", condition.kind, condition.status), if good { Role::Good } else { Role::Warn }),
                (&format!("{} {age} ", condition.reason), Role::Text),
                (&condition.message, Role::Dim),
            ]);
        }
    }

    fn view_history(&self, list: &[Revision], cx: &Cx, pen: &mut Pen) {
        if pen.left() < 2 || list.is_empty() {
            return;
        }
        pen.line(&[("  REV  CREATED  PODS    IMAGES / CHANGE-CAUSE", Role::Header)]);
        let at = self.at(list);
        let fits = usize::from(pen.left());
        let offset = (at + 1).saturating_sub(fits);
        for (index, revision) in list.iter().enumerate().skip(offset).take(fits) {
            let mark = if index == at { if pen.look.ascii { ">" } else { "▌" } } else { " " };
            let pods = revision.replicas.map_or_else(|| "-".to_owned(), |(_, have, ready)| format!("{ready}/{have}"));
            let here = if revision.current { "*" } else { " " };
            pen.line(&[
                (mark, Role::CursorMark),
                (
                    &format!("{here}{:<4} {:<8} {pods:<7} ", revision.number, revision.created.age(cx.now.wall)),
                    Role::Text,
                ),
                (&revision.images, Role::Name),
                ("  ", Role::Text),
                (&revision.cause, Role::Dim),
            ]);
        }
    }
}

impl Pane for Rollout {
    fn id(&self) -> PaneId {
        PaneId::Rollout
    }

    fn contexts(&self) -> &'static [Context] {
        &[Context::Rollout, Context::List]
    }

    fn title(&self, cx: &Cx) -> Title {
        let about = cx.release().map(|r| &r.key).or_else(|| cx.workload().map(|w| &w.key));
        let detail = about.map(Key::slug).unwrap_or_default();
        Title { text: "Rollout".into(), detail, freshness: about.and_then(|_| subject_freshness(cx)) }
    }

    fn needs(&self, cx: &Cx) -> Vec<FeedSpec> {
        let mut needs = cx.each(crate::model::TargetKind::Kubernetes, |scope| Feed::Workloads(scope.clone()));
        needs.extend(cx.each(crate::model::TargetKind::Kubernetes, |scope| Feed::Releases(scope.clone())));
        if let Some(workload) = cx.workload() {
            needs.push(FeedSpec { target: workload.key.target, feed: Feed::Revisions(workload.key.clone()) });
        }
        needs
    }

    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool {
        let Ask::Move(motion) = ask else { return false };
        let list = revisions(cx);
        self.about = cx.workload().map(|w| w.key.clone());
        let to = motion.apply(self.at(list), list.len(), 10);
        self.cursor = list.get(to).map(|r| r.number);
        *motion != Motion::Left && *motion != Motion::Right
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        cx.workload().map(|w| w.rollout().text)
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        if let Some(release) = cx.release() {
            delivery::view(release, cx, &mut Pen { area: inner, y: inner.y, look, buf });
            return;
        }
        let Some(workload) = cx.workload() else {
            let message = match &cx.subject.key {
                None => "nothing selected",
                Some(key) if key.kind == crate::model::Kind::Container => {
                    "an engine's container has no rollout; X stops or starts it, R restarts it"
                }
                Some(_) => "no Deployment, StatefulSet or DaemonSet owns this pod",
            };
            text::paragraph(buf, inner, message, look.style(Role::Dim));
            return;
        };
        if self.about.as_ref() != Some(&workload.key) {
            self.about = Some(workload.key.clone());
            self.cursor = None;
        }
        let list = revisions(cx);
        let mut pen = Pen { area: inner, y: inner.y, look, buf };
        Self::view_head(workload, list, cx, &mut pen);
        Self::view_conditions(workload, cx, &mut pen);
        let fault = cx.world.revisions.get(&workload.key).and_then(|f| f.fault.as_ref());
        if let Some(fault) = fault {
            pen.line(&[("revisions: ", Role::Dim), (&fault.to_string(), Role::Warn)]);
        }
        self.view_history(list, cx, &mut pen);
    }

    fn json(&mut self, cx: &Cx) -> Value {
        if let Some(release) = cx.release() {
            return delivery::json(release);
        }
        let Some(workload) = cx.workload() else { return Value::Null };
        let status = workload.rollout();
        json!({
            "object": workload.key.slug(), "namespace": &*workload.key.namespace, "phase": phase(workload).0,
            "status": status.text, "desired": workload.desired, "updated": workload.updated, "ready": workload.ready,
            "available": workload.available,
            "conditions": workload.conditions.iter().map(|c| json!({
                "type": &*c.kind, "status": &*c.status, "reason": &*c.reason, "message": &*c.message,
            })).collect::<Vec<_>>(),
            "revisions": revisions(cx).iter().map(|r| json!({
                "revision": r.number, "name": &*r.name, "current": r.current, "images": &*r.images,
                "changeCause": &*r.cause, "created": r.created.rfc3339(),
            })).collect::<Vec<_>>(),
        })
    }
}
