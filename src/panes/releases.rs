//! Releases under way, waiting and finished, whatever delivers them: those that need a human first.

use std::cmp::Ordering;

use super::Cx;
use super::list::{Cell, Column, ListRow, all_namespaces, always, several_targets};
use crate::input::Context;
use crate::model::{Engine, Feed, FeedSpec, Release, Severity, TargetKind};
use crate::theme::Role;
use crate::ui::Look;
use crate::world::{Table, World};

/// Waiting for a decision first, then the worse, then what is under way, then what is done.
fn by_need(a: &Release, b: &Release, _: &Cx) -> Ordering {
    let need = |r: &Release| (!r.needs_decision, std::cmp::Reverse(r.severity), std::cmp::Reverse(r.since));
    need(a).cmp(&need(b))
}

fn step(row: &Release) -> Cell {
    row.step.map_or_else(Cell::none, |(at, of)| Cell::text(format!("{at}/{of}")))
}

/// `20%` as asked for, `20% (18%)` when the real share differs.
#[must_use]
pub fn weight(row: &Release) -> Option<String> {
    row.weight.map(|(asked, real)| match real {
        Some(real) if real != asked => format!("{asked}% (real {real}%)"),
        _ => format!("{asked}%"),
    })
}

/// Time until a pause or deadline ends by itself, or that it has passed.
#[must_use]
pub fn left(row: &Release, cx: &Cx) -> Option<String> {
    let until = row.until?;
    let left = until.0 - cx.now.wall.0;
    Some(if left <= 0 { "passed".into() } else { cx.now.wall.age(until) })
}

static COLUMNS: &[Column<Release>] = &[
    Column {
        title: "NAMESPACE",
        priority: 0,
        max: 24,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.key.namespace),
        order: Some(|a, b, _| a.key.namespace.cmp(&b.key.namespace)),
        live: false,
        when: all_namespaces,
    },
    Column {
        title: "KIND",
        priority: 2,
        max: 11,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, row.key.kind.short()),
        order: Some(|a, b, _| a.key.kind.cmp(&b.key.kind)),
        live: false,
        when: always,
    },
    Column {
        title: "NAME",
        priority: 0,
        max: 253,
        right: false,
        cell: |row, _| Cell::of(Role::Name, &*row.key.name),
        order: Some(|a, b, _| a.key.name.cmp(&b.key.name)),
        live: false,
        when: always,
    },
    Column {
        title: "PHASE",
        priority: 0,
        max: 22,
        right: false,
        cell: |row, _| Cell::of(Look::role(row.severity), &*row.phase),
        order: Some(by_need),
        live: false,
        when: always,
    },
    Column {
        title: "STEP",
        priority: 1,
        max: 7,
        right: true,
        cell: |row, _| step(row),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "WEIGHT",
        priority: 1,
        max: 16,
        right: true,
        cell: |row, _| weight(row).map_or_else(Cell::none, Cell::text),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "READY",
        priority: 1,
        max: 9,
        right: false,
        cell: |row, _| {
            let (ready, wanted) = row.ready;
            // a Canary does not count the pods of its target
            if row.engine == Engine::Flagger && wanted == 0 {
                return Cell::none();
            }
            Cell::of(if ready < wanted { Role::Warn } else { Role::Text }, format!("{ready}/{wanted}"))
        },
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "FOR",
        priority: 3,
        max: 7,
        right: true,
        cell: |row, cx| row.since.map_or_else(Cell::none, |at| Cell::of(Role::Dim, at.age(cx.now.wall))),
        order: Some(|a, b, _| b.since.cmp(&a.since)),
        live: false,
        when: always,
    },
    Column {
        title: "LEFT",
        priority: 2,
        max: 7,
        right: true,
        cell: |row, cx| left(row, cx).map_or_else(Cell::none, |text| Cell::of(Role::Busy, text)),
        order: Some(|a, b, _| a.until.is_none().cmp(&b.until.is_none()).then(a.until.cmp(&b.until))),
        live: false,
        when: always,
    },
    Column {
        title: "WAITS FOR",
        priority: 1,
        max: 60,
        right: false,
        cell: |row, _| Cell::of(if row.needs_decision { Role::Warn } else { Role::Text }, &*row.waits_for),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "BY",
        priority: 5,
        max: 14,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, row.engine.word()),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "IMAGES",
        priority: 6,
        max: 60,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.images),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "MESSAGE",
        priority: 4,
        max: 160,
        right: false,
        cell: |row, _| Cell::text(&*row.message),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "TARGET",
        priority: 3,
        max: 24,
        right: false,
        cell: |row, cx| cx.world.target(row.key.target).map_or_else(Cell::none, |t| Cell::of(Role::Dim, &*t.meta.name)),
        order: None,
        live: false,
        when: several_targets,
    },
];

impl ListRow for Release {
    const SORT: (usize, bool) = (3, false);

    fn table(world: &World) -> &Table<Self> {
        &world.releases
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn needs(cx: &Cx) -> Vec<FeedSpec> {
        let mut needs = cx.each(TargetKind::Kubernetes, |scope| Feed::Releases(scope.clone()));
        needs.extend(cx.each(TargetKind::Kubernetes, |scope| Feed::Workloads(scope.clone())));
        needs
    }

    fn contexts() -> &'static [Context] {
        &[Context::Releases, Context::List]
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    fn fields(&self) -> Vec<&str> {
        vec![
            &self.key.namespace,
            &self.key.name,
            self.key.kind.word(),
            self.key.kind.short(),
            &self.phase,
            &self.waits_for,
            self.engine.word(),
            &self.images,
        ]
    }

    fn in_scope(&self, cx: &Cx) -> bool {
        cx.scope().as_ref().is_none_or(|namespace| *namespace == self.key.namespace)
    }

    fn empty(cx: &Cx) -> String {
        match cx.scope() {
            Some(namespace) => format!("no releases in namespace {namespace}; n chooses another"),
            None => "no releases".to_owned(),
        }
    }
}
