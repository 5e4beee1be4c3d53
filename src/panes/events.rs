//! Events, newest first; those of the selection when one of its kind is chosen.

use super::Cx;
use super::list::{Cell, Column, ListRow, all_namespaces, always};
use crate::input::Context;
use crate::model::{ClusterEvent, Feed, FeedSpec, Severity, TargetKind};
use crate::theme::Role;
use crate::world::{Table, World};

static COLUMNS: &[Column<ClusterEvent>] = &[
    Column {
        title: "LAST",
        priority: 0,
        max: 7,
        right: true,
        cell: |row, cx| Cell::of(Role::Dim, row.last.age(cx.now.wall)),
        order: Some(|a, b, _| a.last.cmp(&b.last)),
        live: false,
        when: always,
    },
    Column {
        title: "TYPE",
        priority: 3,
        max: 8,
        right: false,
        cell: |row, _| if row.warning { Cell::of(Role::Warn, "Warning") } else { Cell::of(Role::Dim, "Normal") },
        order: Some(|a, b, _| b.warning.cmp(&a.warning)),
        live: false,
        when: always,
    },
    Column {
        title: "REASON",
        priority: 0,
        max: 26,
        right: false,
        cell: |row, _| Cell::of(if row.warning { Role::Warn } else { Role::Text }, &*row.reason),
        order: Some(|a, b, _| a.reason.cmp(&b.reason)),
        live: false,
        when: always,
    },
    Column {
        title: "NAMESPACE",
        priority: 0,
        max: 20,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.key.namespace),
        order: None,
        live: false,
        when: all_namespaces,
    },
    Column {
        title: "OBJECT",
        priority: 1,
        max: 40,
        right: false,
        cell: |row, _| Cell::of(Role::Name, &*row.object),
        order: Some(|a, b, _| a.object.cmp(&b.object)),
        live: false,
        when: always,
    },
    Column {
        title: "COUNT",
        priority: 2,
        max: 6,
        right: true,
        cell: |row, _| Cell::text(row.count.to_string()),
        order: Some(|a, b, _| a.count.cmp(&b.count)),
        live: false,
        when: always,
    },
    Column {
        title: "MESSAGE",
        priority: 0,
        max: 400,
        right: false,
        cell: |row, _| Cell::text(&*row.message),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "SOURCE",
        priority: 10,
        max: 30,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.source),
        order: None,
        live: false,
        when: always,
    },
];

impl ListRow for ClusterEvent {
    const SORT: (usize, bool) = (0, true);

    fn table(world: &World) -> &Table<Self> {
        &world.events
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn needs(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Kubernetes, |scope| Feed::Events(scope.clone()))
    }

    fn contexts() -> &'static [Context] {
        &[Context::List]
    }

    fn severity(&self) -> Severity {
        if self.warning { Severity::Warn } else { Severity::Good }
    }

    fn fields(&self) -> Vec<&str> {
        vec![&self.key.namespace, &self.object, &self.reason, &self.message]
    }

    fn in_scope(&self, cx: &Cx) -> bool {
        cx.scope().as_ref().is_none_or(|namespace| *namespace == self.key.namespace)
    }

    fn empty(_cx: &Cx) -> String {
        "no events (a server keeps them for an hour)".to_owned()
    }
}
