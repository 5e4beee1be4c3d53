//! Deployments, StatefulSets and DaemonSets with their replicas and rollout state.

use super::Cx;
use super::list::{Cell, Column, ListRow, all_namespaces, always};
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Kind, RolloutPhase, Severity, TargetKind, Workload};
use crate::theme::Role;
use crate::ui::Look;
use crate::world::{Table, World};

fn count(have: i32, want: i32) -> Cell {
    Cell::of(if have < want { Role::Warn } else { Role::Text }, have.to_string())
}

/// The rollout's phase in one or two words.
#[must_use]
pub fn phase(workload: &Workload) -> (&'static str, Role) {
    match workload.rollout().phase {
        RolloutPhase::Complete => ("complete", Role::Good),
        RolloutPhase::Progressing => ("progressing", Role::Busy),
        RolloutPhase::Paused => ("PAUSED", Role::Warn),
        RolloutPhase::Failed => ("DEADLINE EXCEEDED", Role::Bad),
        RolloutPhase::Unwatched => ("OnDelete", Role::Dim),
    }
}

static COLUMNS: &[Column<Workload>] = &[
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
        priority: 1,
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
        title: "READY",
        priority: 0,
        max: 11,
        right: false,
        cell: |row, _| {
            let role = if row.ready < row.desired { Role::Warn } else { Role::Text };
            Cell::of(role, format!("{}/{}", row.ready, row.desired))
        },
        order: Some(|a, b, _| (a.ready - a.desired).cmp(&(b.ready - b.desired))),
        live: false,
        when: always,
    },
    Column {
        title: "UP-TO-DATE",
        priority: 4,
        max: 6,
        right: true,
        cell: |row, _| count(row.updated, row.desired),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "AVAILABLE",
        priority: 5,
        max: 6,
        right: true,
        cell: |row, _| {
            if row.key.kind == Kind::StatefulSet && row.available == 0 && row.ready > 0 {
                Cell::none()
            } else {
                count(row.available, row.desired)
            }
        },
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "ROLLOUT",
        priority: 0,
        max: 24,
        right: false,
        cell: |row, _| {
            let (word, role) = phase(row);
            Cell::of(role, word)
        },
        order: Some(|a, b, _| b.severity().cmp(&a.severity())),
        live: false,
        when: always,
    },
    Column {
        title: "AGE",
        priority: 3,
        max: 6,
        right: true,
        cell: |row, cx| Cell::of(Role::Dim, row.created.age(cx.now.wall)),
        order: Some(|a, b, _| b.created.cmp(&a.created)),
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
        title: "MANAGED BY",
        priority: 7,
        max: 30,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.manager),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "STATUS",
        priority: 10,
        max: 120,
        right: false,
        cell: |row, _| Cell::of(Look::role(row.severity()), row.rollout().text),
        order: None,
        live: false,
        when: always,
    },
];

impl ListRow for Workload {
    const SORT: (usize, bool) = (0, false);

    fn table(world: &World) -> &Table<Self> {
        &world.workloads
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn needs(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Kubernetes, |scope| Feed::Workloads(scope.clone()))
    }

    fn contexts() -> &'static [Context] {
        &[Context::Workloads, Context::List]
    }

    fn severity(&self) -> Severity {
        Self::severity(self)
    }

    fn fields(&self) -> Vec<&str> {
        vec![
            &self.key.namespace,
            &self.key.name,
            self.key.kind.word(),
            self.key.kind.short(),
            &self.images,
            phase(self).0,
        ]
    }

    fn in_scope(&self, cx: &Cx) -> bool {
        cx.scope().as_ref().is_none_or(|namespace| *namespace == self.key.namespace)
    }

    fn empty(cx: &Cx) -> String {
        match cx.scope() {
            Some(namespace) => format!("no workloads in namespace {namespace}; n chooses another"),
            None => "no workloads".to_owned(),
        }
    }
}
