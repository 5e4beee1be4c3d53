//! Containers of Docker engines.

use super::Cx;
use super::list::{Cell, Column, ListRow, always, several_targets};
use super::pods::{SPARK, by_value, percent_cell};
use crate::input::Context;
use crate::model::{EngineContainer, EngineState, Feed, FeedSpec, Health, Severity, TargetKind, Usage, quantity};
use crate::theme::Role;
use crate::ui::{Look, spark::spark};
use crate::world::{Table, World};

/// `running`, `exited 137`, … with its health.
fn state(row: &EngineContainer) -> Cell {
    let mut text = row.state.word().to_owned();
    if let (EngineState::Exited | EngineState::Dead, Some(code)) = (row.state, row.exit_code) {
        text.push_str(&format!(" {code}"));
    }
    Cell::of(Look::role(row.severity), text)
}

/// The newest usage of a container that has processes.
fn usage(row: &EngineContainer, cx: &Cx) -> Option<Usage> {
    if row.state.is_up() { super::pods::usage(&row.key, cx) } else { None }
}

fn uptime(row: &EngineContainer, cx: &Cx) -> Cell {
    match (row.state.is_up(), row.started, row.finished) {
        (true, Some(at), _) => Cell::text(at.age(cx.now.wall)),
        (false, _, Some(at)) => Cell::of(Role::Dim, format!("{} ago", at.age(cx.now.wall))),
        _ => Cell::none(),
    }
}

static COLUMNS: &[Column<EngineContainer>] = &[
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
        title: "PROJECT/SERVICE",
        priority: 5,
        max: 28,
        right: false,
        cell: |row, _| match (row.key.namespace.is_empty(), row.service.is_empty()) {
            (true, true) => Cell::none(),
            _ => Cell::of(Role::Dim, format!("{}/{}", row.key.namespace, row.service)),
        },
        order: Some(|a, b, _| (&a.key.namespace, &a.service, a.number).cmp(&(&b.key.namespace, &b.service, b.number))),
        live: false,
        when: always,
    },
    Column {
        title: "STATE",
        priority: 0,
        max: 20,
        right: false,
        cell: |row, _| state(row),
        order: Some(|a, b, _| b.severity.cmp(&a.severity)),
        live: false,
        when: always,
    },
    Column {
        title: "HEALTH",
        priority: 2,
        max: 10,
        right: false,
        cell: |row, _| {
            let role = match row.health {
                Health::None => Role::Dim,
                Health::Starting => Role::Busy,
                Health::Healthy => Role::Good,
                Health::Unhealthy => Role::Bad,
            };
            Cell::of(role, row.health.word())
        },
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "UP",
        priority: 1,
        max: 10,
        right: true,
        cell: uptime,
        order: Some(|a, b, _| b.started.cmp(&a.started)),
        live: false,
        when: always,
    },
    Column {
        title: "RST",
        priority: 2,
        max: 5,
        right: true,
        cell: |row, _| Cell::of(if row.restarts > 0 { Role::Warn } else { Role::Dim }, row.restarts.to_string()),
        order: Some(|a, b, _| a.restarts.cmp(&b.restarts)),
        live: false,
        when: always,
    },
    Column {
        title: "CPU%",
        priority: 1,
        max: 6,
        right: true,
        cell: |row, cx| {
            usage(row, cx).and_then(|u| u.cpu).map_or_else(Cell::none, |v| Cell::text(format!("{:.1}", v * 100.0)))
        },
        order: Some(|a, b, cx| by_value(usage(a, cx).and_then(|u| u.cpu), usage(b, cx).and_then(|u| u.cpu))),
        live: true,
        when: always,
    },
    Column {
        title: "TREND",
        priority: 4,
        max: 6,
        right: false,
        cell: |row, cx| {
            let values = cx.world.usage.get(&row.key).map(|s| s.values(|u| u.cpu)).unwrap_or_default();
            Cell::of(Role::Cpu, spark(&values, SPARK, None, false))
        },
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "MEM",
        priority: 1,
        max: 7,
        right: true,
        cell: |row, cx| {
            usage(row, cx).and_then(|u| u.memory).map_or_else(Cell::none, |v| Cell::text(quantity::bytes(f64::from(v))))
        },
        order: Some(|a, b, cx| by_value(usage(a, cx).and_then(|u| u.memory), usage(b, cx).and_then(|u| u.memory))),
        live: true,
        when: always,
    },
    Column {
        title: "%L",
        priority: 3,
        max: 5,
        right: true,
        cell: |row, cx| percent_cell(usage(row, cx).and_then(|u| u.memory), row.limits.memory),
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "PORTS",
        priority: 7,
        max: 40,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.ports),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "IMAGE",
        priority: 6,
        max: 40,
        right: false,
        cell: |row, _| Cell::of(Role::Dim, &*row.image),
        order: Some(|a, b, _| a.image.cmp(&b.image)),
        live: false,
        when: always,
    },
    Column {
        title: "WHY",
        priority: 4,
        max: 60,
        right: false,
        cell: |row, _| Cell::of(Look::role(row.severity), &*row.why),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "HOST",
        priority: 10,
        max: 24,
        right: false,
        cell: |row, cx| cx.world.target(row.key.target).map_or_else(Cell::none, |t| Cell::of(Role::Dim, &*t.meta.name)),
        order: None,
        live: false,
        when: several_targets,
    },
];

impl ListRow for EngineContainer {
    const SORT: (usize, bool) = (0, false);

    fn table(world: &World) -> &Table<Self> {
        &world.containers
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn needs(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Docker, |_| Feed::Containers)
    }

    fn extras(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Docker, |_| Feed::Usage(None))
    }

    fn contexts() -> &'static [Context] {
        &[Context::Docker, Context::List]
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    fn fields(&self) -> Vec<&str> {
        vec![&self.key.name, &self.key.namespace, &self.service, &self.image, self.state.word(), self.health.word()]
    }

    fn in_scope(&self, _cx: &Cx) -> bool {
        true
    }

    fn empty(cx: &Cx) -> String {
        if cx.world.targets.iter().any(|t| t.meta.kind == TargetKind::Docker) {
            "no containers on this engine".to_owned()
        } else {
            "no Docker engine: use -H or set DOCKER_HOST".to_owned()
        }
    }
}
