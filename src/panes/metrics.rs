//! Usage of the selection over time: CPU, memory, network, block I/O, restarts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::containers::{engine_subject, subject_freshness};
use super::{Ask, Cx, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Key, Kind, Stamp, TargetKind, Usage, quantity};
use crate::theme::Role;
use crate::ui::{Look, spark, text};
use crate::world::Freshness;

/// The metrics pane.
#[derive(Debug)]
pub struct Metrics;

/// One graph.
struct Graph {
    label: &'static str,
    role: Role,
    pick: fn(&Usage) -> Option<f32>,
    show: fn(f32) -> String,
    bound: Option<f32>,
    bound_word: &'static str,
}

fn cores(v: f32) -> String {
    quantity::cores(f64::from(v))
}

fn bytes(v: f32) -> String {
    quantity::bytes(f64::from(v))
}

fn rate(v: f32) -> String {
    format!("{}/s", quantity::bytes(f64::from(v)))
}

/// A limit or request as the bound of a graph.
#[expect(clippy::cast_possible_truncation, reason = "a bound for drawing")]
fn bound(limit: Option<f64>, request: Option<f64>) -> (Option<f32>, &'static str) {
    match (limit, request) {
        (Some(limit), _) => (Some(limit as f32), "limit"),
        (None, Some(request)) => (Some(request as f32), "request"),
        (None, None) => (None, ""),
    }
}

/// The object whose usage is shown, with what it may use.
fn measured(cx: &Cx) -> Option<(Key, crate::model::pod::Resources, crate::model::pod::Resources)> {
    if let Some(row) = engine_subject(cx) {
        return Some((row.key.clone(), crate::model::pod::Resources::default(), row.limits));
    }
    cx.pod().map(|pod| (pod.key.clone(), pod.requests, pod.limits))
}

fn graphs(requests: crate::model::pod::Resources, limits: crate::model::pod::Resources) -> Vec<Graph> {
    let (cpu, cpu_word) = bound(limits.cpu, requests.cpu);
    let (memory, memory_word) = bound(limits.memory, requests.memory);
    let flow = |label, role, pick| Graph { label, role, pick, show: rate, bound: None, bound_word: "" };
    vec![
        Graph { label: "CPU", role: Role::Cpu, pick: |u| u.cpu, show: cores, bound: cpu, bound_word: cpu_word },
        Graph {
            label: "MEM",
            role: Role::Memory,
            pick: |u| u.memory,
            show: bytes,
            bound: memory,
            bound_word: memory_word,
        },
        flow("NET in", Role::Network, |u| u.rx),
        flow("NET out", Role::Network, |u| u.tx),
        flow("BLK rd", Role::Disk, |u| u.read),
        flow("BLK wr", Role::Disk, |u| u.write),
        Graph {
            label: "PIDS",
            role: Role::Text,
            pick: |u| u.pids,
            show: |v| format!("{v:.0}"),
            bound: None,
            bound_word: "",
        },
    ]
}

impl Pane for Metrics {
    fn id(&self) -> PaneId {
        PaneId::Metrics
    }

    fn contexts(&self) -> &'static [Context] {
        &[]
    }

    fn title(&self, cx: &Cx) -> Title {
        let Some((key, ..)) = measured(cx) else { return Title { text: "Metrics".into(), ..Title::default() } };
        let mut detail = key.name.to_string();
        let source = cx.world.target(key.target).and_then(|t| t.server.as_ref()).map(|s| s.metrics.clone());
        if let Some(source) = source.filter(|s| !s.is_empty()) {
            detail.push_str(&format!(" from {source}"));
        }
        let mut freshness = subject_freshness(cx);
        if let Some((at, _)) = cx.world.usage.get(&key).and_then(super::super::world::Series::last) {
            let age = at.since(cx.now.wall).as_secs();
            if age > 90 {
                let fault = cx
                    .world
                    .usage_faults
                    .get(&key.target)
                    .cloned()
                    .unwrap_or_else(|| crate::model::Fault::Unsupported { what: "no newer sample came".into() });
                freshness = Some(Freshness::Stale { since: at, fault });
            }
        }
        Title { text: "Metrics".into(), detail, freshness }
    }

    fn needs(&self, cx: &Cx) -> Vec<FeedSpec> {
        let mut needs = cx.each(TargetKind::Kubernetes, |scope| Feed::Usage(scope.clone()));
        needs.extend(cx.each(TargetKind::Docker, |_| Feed::Usage(None)));
        if let Some((key, ..)) = measured(cx) {
            needs.push(FeedSpec { target: key.target, feed: Feed::UsageOf(key) });
        }
        needs
    }

    fn on(&mut self, _ask: &Ask, _cx: &Cx) -> bool {
        false
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        None
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        let Some((key, requests, limits)) = measured(cx) else {
            text::put(buf, area.x + 1, area.y, "nothing selected", area.width, look.style(Role::Dim));
            return;
        };
        let Some(series) = cx.world.usage.get(&key) else {
            let why = cx.world.usage_faults.get(&key.target).map_or_else(
                || "no sample yet: a new pod is measured after about 15 s, one that does not run never".to_owned(),
                ToString::to_string,
            );
            text::paragraph(
                buf,
                Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area },
                &why,
                look.style(Role::Dim),
            );
            return;
        };
        let restarts = restarts_line(cx);
        let mut graphs = graphs(requests, limits);
        graphs.retain(|g| matches!(g.label, "CPU" | "MEM") || series.points().any(|(_, u)| (g.pick)(&u).is_some()));
        let rows = area.height.saturating_sub(u16::from(restarts.is_some()));
        let count = u16::try_from(graphs.len()).unwrap_or(1).max(1);
        let each = (rows / count).max(1);
        let mut spare = rows.saturating_sub(each * count);
        let mut y = area.y;
        for graph in &graphs {
            if y >= area.y + rows {
                break;
            }
            // the first graphs take the rows that are left over
            let height = each + u16::from(spare > 0);
            spare = spare.saturating_sub(1);
            view_graph(graph, series, look, Rect { y, height, ..area }, buf);
            y += height;
        }
        if let Some((line, role)) = restarts
            && area.height > 1
        {
            text::put(buf, area.x + 1, area.bottom() - 1, &line, area.width.saturating_sub(1), look.style(role));
        }
    }

    fn json(&mut self, cx: &Cx) -> Value {
        let Some((key, requests, limits)) = measured(cx) else { return json!([]) };
        let Some(series) = cx.world.usage.get(&key) else { return json!([]) };
        let points = |pick: fn(&Usage) -> Option<f32>| -> Value {
            series.points().map(|(at, usage)| json!([at.rfc3339(), pick(&usage)])).collect()
        };
        graphs(requests, limits)
            .iter()
            .map(|g| json!({"object": key.slug(), "measure": g.label, "bound": g.bound, "points": points(g.pick)}))
            .collect()
    }
}

fn restarts_line(cx: &Cx) -> Option<(String, Role)> {
    let now = cx.now.wall;
    let (count, last): (u64, Option<Stamp>) = match cx.subject.key.as_ref()?.kind {
        Kind::Container => engine_subject(cx).map(|row| (row.restarts, row.started))?,
        _ => cx.pod().map(|pod| (u64::from(pod.restarts), pod.last_restart))?,
    };
    let role = if count > 0 { Role::Warn } else { Role::Dim };
    let when = last.filter(|_| count > 0).map(|at| format!(", last {} ago", at.age(now))).unwrap_or_default();
    Some((format!("RESTARTS {count}{when}"), role))
}

fn view_graph(graph: &Graph, series: &crate::world::Series, look: &Look, area: Rect, buf: &mut Buffer) {
    let values = series.values(graph.pick);
    let last = values.last().copied().flatten();
    let peak = values.iter().flatten().copied().fold(0.0, f32::max);
    let now = last.map_or_else(|| "-".to_owned(), graph.show);
    let head = format!("{:<7} {now:>8}", graph.label);
    let label_width = 18;
    text::put(buf, area.x + 1, area.y, &head, label_width, look.style(graph.role));
    let mut notes = Vec::new();
    if let Some(bound) = graph.bound {
        let share = last.map(|v| format!("{:.0}% of ", v / bound * 100.0)).unwrap_or_default();
        notes.push((format!("{share}{}", graph.bound_word), Role::Dim));
        notes.push(((graph.show)(bound), Role::Dim));
    } else {
        notes.push((format!("peak {}", (graph.show)(peak)), Role::Dim));
    }
    for (line, (note, role)) in (1u16..area.height).zip(&notes) {
        text::put(buf, area.x + 1, area.y + line, note, label_width, look.style(*role));
    }
    let width = area.width.saturating_sub(label_width + 2);
    // against the bound when usage comes near it, else against its own peak
    let top = graph.bound.filter(|b| peak > b * 0.25).unwrap_or(peak);
    let lines = spark::graph(&values, usize::from(width), usize::from(area.height), top, look.ascii);
    for (row, line) in (0u16..).zip(lines) {
        text::put(buf, area.x + label_width + 1, area.y + row, &line, width, look.style(graph.role));
    }
}
