//! Pods, in kubectl's words, with usage.

use std::cmp::Ordering;
use std::time::Duration;

use super::Cx;
use super::list::{Cell, Column, ListRow, all_namespaces, always, several_targets};
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Key, Pod, Severity, TargetKind, Usage, quantity};
use crate::theme::Role;
use crate::ui::{Look, spark::spark};
use crate::world::{Table, World};

/// Cells of a row's sparkline.
pub const SPARK: usize = 6;

/// The newest usage of an object; `None` once others of its target were measured a good while later.
#[must_use]
pub fn usage(key: &Key, cx: &Cx) -> Option<Usage> {
    let (at, usage) = cx.world.usage.get(key)?.last()?;
    let newest = cx.world.usage.newest(key.target).unwrap_or(at);
    (at.since(newest) < OUTDATED).then_some(usage)
}

/// How much older than the newest of its target a sample may be to be called current.
const OUTDATED: Duration = Duration::from_secs(60);

/// A cell for a share in percent: amber from 70, red from 90.
#[must_use]
pub fn percent_cell(part: Option<f32>, whole: Option<f64>) -> Cell {
    let Some(percent) = part.zip(whole).and_then(|(p, w)| quantity::percent(f64::from(p), w)) else {
        return Cell::none();
    };
    let role = if percent >= 90.0 {
        Role::Bad
    } else if percent >= 70.0 {
        Role::Warn
    } else {
        Role::Text
    };
    Cell::of(role, format!("{percent:.0}"))
}

/// Compares two values, unknown ones last when the largest come first.
pub fn by_value(a: Option<f32>, b: Option<f32>) -> Ordering {
    a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0))
}

fn or_dash(text: &str) -> Cell {
    if text.is_empty() { Cell::none() } else { Cell::of(Role::Dim, text) }
}

static COLUMNS: &[Column<Pod>] = &[
    Column {
        title: "NAMESPACE",
        priority: 0,
        max: 24,
        right: false,
        cell: |pod, _| Cell::of(Role::Dim, &*pod.key.namespace),
        order: Some(|a, b, _| a.key.namespace.cmp(&b.key.namespace)),
        live: false,
        when: all_namespaces,
    },
    Column {
        title: "NAME",
        priority: 0,
        max: 253,
        right: false,
        cell: |pod, _| Cell::of(Role::Name, &*pod.key.name),
        order: Some(|a, b, _| a.key.name.cmp(&b.key.name)),
        live: false,
        when: always,
    },
    Column {
        title: "READY",
        priority: 0,
        max: 7,
        right: false,
        cell: |pod, _| {
            let role = if pod.ready < pod.total && pod.severity > Severity::Done { Role::Warn } else { Role::Text };
            Cell::of(role, format!("{}/{}", pod.ready, pod.total))
        },
        order: Some(|a, b, _| (a.ready, a.total).cmp(&(b.ready, b.total))),
        live: false,
        when: always,
    },
    Column {
        title: "STATUS",
        priority: 0,
        max: 32,
        right: false,
        cell: |pod, _| Cell::of(Look::role(pod.severity), &*pod.status),
        order: Some(|a, b, _| b.severity.cmp(&a.severity).then_with(|| a.status.cmp(&b.status))),
        live: false,
        when: always,
    },
    Column {
        title: "RESTARTS",
        priority: 1,
        max: 8,
        right: true,
        cell: |pod, _| Cell::of(if pod.restarts == 0 { Role::Dim } else { Role::Warn }, pod.restarts.to_string()),
        order: Some(|a, b, _| a.restarts.cmp(&b.restarts)),
        live: false,
        when: always,
    },
    Column {
        title: "LAST",
        priority: 5,
        max: 7,
        right: true,
        cell: |pod, cx| {
            let last = pod.last_restart.filter(|_| pod.restarts > 0);
            last.map_or_else(|| Cell::of(Role::Dim, ""), |at| Cell::of(Role::Warn, at.age(cx.now.wall)))
        },
        order: Some(|a, b, _| a.last_restart.cmp(&b.last_restart)),
        live: false,
        when: always,
    },
    Column {
        title: "CPU",
        priority: 1,
        max: 7,
        right: true,
        cell: |pod, cx| {
            usage(&pod.key, cx)
                .and_then(|u| u.cpu)
                .map_or_else(Cell::none, |v| Cell::text(quantity::cores(f64::from(v))))
        },
        order: Some(|a, b, cx| by_value(usage(&a.key, cx).and_then(|u| u.cpu), usage(&b.key, cx).and_then(|u| u.cpu))),
        live: true,
        when: always,
    },
    Column {
        title: "%R",
        priority: 6,
        max: 5,
        right: true,
        cell: |pod, cx| percent_cell(usage(&pod.key, cx).and_then(|u| u.cpu), pod.requests.cpu),
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "%L",
        priority: 5,
        max: 5,
        right: true,
        cell: |pod, cx| percent_cell(usage(&pod.key, cx).and_then(|u| u.cpu), pod.limits.cpu),
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "TREND",
        priority: 2,
        max: 6,
        right: false,
        cell: |pod, cx| {
            let values = cx.world.usage.get(&pod.key).map(|s| s.values(|u| u.cpu)).unwrap_or_default();
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
        cell: |pod, cx| {
            usage(&pod.key, cx)
                .and_then(|u| u.memory)
                .map_or_else(Cell::none, |v| Cell::text(quantity::bytes(f64::from(v))))
        },
        order: Some(|a, b, cx| {
            by_value(usage(&a.key, cx).and_then(|u| u.memory), usage(&b.key, cx).and_then(|u| u.memory))
        }),
        live: true,
        when: always,
    },
    Column {
        title: "%R",
        priority: 6,
        max: 5,
        right: true,
        cell: |pod, cx| percent_cell(usage(&pod.key, cx).and_then(|u| u.memory), pod.requests.memory),
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "%L",
        priority: 4,
        max: 5,
        right: true,
        cell: |pod, cx| percent_cell(usage(&pod.key, cx).and_then(|u| u.memory), pod.limits.memory),
        order: None,
        live: true,
        when: always,
    },
    Column {
        title: "AGE",
        priority: 0,
        max: 6,
        right: true,
        cell: |pod, cx| Cell::of(Role::Dim, pod.created.age(cx.now.wall)),
        order: Some(|a, b, _| b.created.cmp(&a.created)),
        live: false,
        when: always,
    },
    Column {
        title: "NODE",
        priority: 3,
        max: 24,
        right: false,
        cell: |pod, _| or_dash(&pod.node),
        order: Some(|a, b, _| a.node.cmp(&b.node)),
        live: false,
        when: always,
    },
    Column {
        title: "OWNER",
        priority: 10,
        max: 40,
        right: false,
        cell: |pod, _| or_dash(&pod.owner),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "IP",
        priority: 11,
        max: 40,
        right: false,
        cell: |pod, _| or_dash(&pod.ip),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "WHY",
        priority: 5,
        max: 80,
        right: false,
        cell: |pod, _| Cell::of(Look::role(pod.severity), &*pod.why),
        order: None,
        live: false,
        when: always,
    },
    Column {
        title: "TARGET",
        priority: 3,
        max: 24,
        right: false,
        cell: |pod, cx| cx.world.target(pod.key.target).map_or_else(Cell::none, |t| Cell::of(Role::Dim, &*t.meta.name)),
        order: None,
        live: false,
        when: several_targets,
    },
];

impl ListRow for Pod {
    const SORT: (usize, bool) = (0, false);

    fn table(world: &World) -> &Table<Self> {
        &world.pods
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn needs(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Kubernetes, |scope| Feed::Pods(scope.clone()))
    }

    fn extras(cx: &Cx) -> Vec<FeedSpec> {
        cx.each(TargetKind::Kubernetes, |scope| Feed::Usage(scope.clone()))
    }

    fn contexts() -> &'static [Context] {
        &[Context::Pods, Context::List]
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    fn fields(&self) -> Vec<&str> {
        vec![&self.key.namespace, &self.key.name, &self.status, &self.node, &self.owner]
    }

    fn in_scope(&self, cx: &Cx) -> bool {
        cx.scope().as_ref().is_none_or(|namespace| *namespace == self.key.namespace)
    }

    fn empty(cx: &Cx) -> String {
        if !cx.world.targets.iter().any(|t| t.meta.kind == TargetKind::Kubernetes) {
            return "no cluster: set KUBECONFIG or use --context".to_owned();
        }
        match cx.scope() {
            Some(namespace) => format!("no pods in namespace {namespace}; n chooses another"),
            None => "no pods".to_owned(),
        }
    }
}
