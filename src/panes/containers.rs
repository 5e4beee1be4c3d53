//! The containers of the selected pod: state, reason, last end, probes, image, ports, usage.
//! For a selected engine's container: its facts, one a line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::{Ask, Cx, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::{ContainerState, EngineContainer, FeedSpec, Kind, PodContainer, Stamp, Termination, quantity};
use crate::theme::Role;
use crate::ui::{Look, text};
use crate::world::Freshness;

/// The containers pane. Which container is chosen belongs to the selection, not to it.
#[derive(Debug, Default)]
pub struct Containers {
    offset: usize,
}

/// How an instance ended, in words.
#[must_use]
pub fn termination(t: &Termination, now: Stamp) -> String {
    let mut out = if t.reason.is_empty() { "ended".to_owned() } else { t.reason.to_string() };
    if t.signal != 0 {
        out.push_str(&format!(" signal {}", t.signal));
    } else if t.exit_code != 0 || &*t.reason != "Completed" {
        out.push_str(&format!(" exit {}", t.exit_code));
    }
    if let Some(at) = t.finished {
        out.push_str(&format!(" {} ago", at.age(now)));
    }
    out
}

fn state_cell(container: &PodContainer, now: Stamp) -> (String, Role) {
    match &container.state {
        ContainerState::Unknown => ("Unknown".to_owned(), Role::Dim),
        ContainerState::Waiting { reason, .. } => {
            let trouble = reason.contains("BackOff") || reason.contains("Err") || reason.contains("Invalid");
            (container.state.word().to_owned(), if trouble && !reason.is_empty() { Role::Bad } else { Role::Busy })
        }
        ContainerState::Running { since } => {
            let role = if container.ready { Role::Good } else { Role::Warn };
            let age = since.map(|at| format!(" {}", at.age(now))).unwrap_or_default();
            (format!("Running{age}{}", if container.ready { "" } else { ", not ready" }), role)
        }
        ContainerState::Terminated(t) => (termination(t, now), if t.exit_code == 0 { Role::Done } else { Role::Bad }),
    }
}

/// Facts of an engine's container, label and value.
fn facts(row: &EngineContainer, cx: &Cx) -> Vec<(&'static str, String, Role)> {
    let now = cx.now.wall;
    let mut out = vec![("state", row.state.word().to_owned(), Look::role(row.severity))];
    if !row.why.is_empty() {
        out.push(("why", row.why.to_string(), Look::role(row.severity)));
    }
    out.push(("health", row.health.word().to_owned(), Role::Text));
    if let Some(code) = row.exit_code {
        out.push(("exit code", code.to_string(), if code == 0 { Role::Text } else { Role::Warn }));
    }
    let time =
        |at: Option<Stamp>| at.map_or_else(|| "-".to_owned(), |at| format!("{} ({} ago)", at.rfc3339(), at.age(now)));
    out.push(("started", time(row.started), Role::Text));
    if !row.state.is_up() {
        out.push(("ended", time(row.finished), Role::Text));
    }
    out.push(("restarts", format!("{} (policy {})", row.restarts, or(&row.restart_policy, "no")), Role::Text));
    out.push(("image", row.image.to_string(), Role::Text));
    out.push(("ports", or(&row.ports, "-"), Role::Text));
    if !row.service.is_empty() {
        out.push(("compose", format!("{}/{} #{}", row.key.namespace, row.service, row.number), Role::Text));
    }
    out.push(("id", row.key.uid.chars().take(12).collect(), Role::Dim));
    out
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

impl Containers {
    fn view_pod(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        let Some(pod) = cx.pod() else { return };
        let chosen = cx.container_name();
        let usage = cx.world.usage.get(&pod.key);
        let now = cx.now.wall;
        let mut area = area;
        if !pod.why.is_empty() && area.height > 3 {
            let whole = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            text::put(buf, whole.x, area.y, &pod.why, whole.width, look.style(Look::role(pod.severity)));
            area.y += 1;
            area.height -= 1;
        }
        let height = usize::from(area.height.saturating_sub(1));
        // two lines a container while they fit
        let tall = pod.containers.len() * 2 <= height;
        let each = if tall { 2 } else { 1 };
        let at = pod.containers.iter().position(|c| Some(&c.name) == chosen.as_ref()).unwrap_or(0);
        let fits = (height / each).max(1);
        self.offset = self.offset.min(at).max((at + 1).saturating_sub(fits));
        let name_width = pod.containers.iter().map(|c| text::width(&c.name)).max().unwrap_or(0).clamp(4, 24);
        text::line(
            buf,
            Rect { x: area.x + 3, ..area },
            &[
                (&format!("{:<w$}  ", "NAME", w = usize::from(name_width)), look.style(Role::Header)),
                ("KIND     RST  CPU     MEM    STATE", look.style(Role::Header)),
            ],
        );
        let mut y = area.y + 1;
        for container in pod.containers.iter().skip(self.offset).take(fits) {
            let used = usage.and_then(|s| s.containers.iter().find(|(n, _)| *n == container.name)).map(|(_, u)| u);
            let under = Some(&container.name) == chosen.as_ref();
            if under {
                text::put(buf, area.x, y, if look.ascii { ">" } else { "▌" }, 1, look.style(Role::CursorMark));
            }
            let (state, role) = state_cell(container, now);
            let cpu = used.and_then(|u| u.cpu).map_or_else(|| "-".into(), |v| quantity::cores(f64::from(v)));
            let memory = used.and_then(|u| u.memory).map_or_else(|| "-".into(), |v| quantity::bytes(f64::from(v)));
            let name = text::fit_middle(&container.name, name_width);
            let pad = " ".repeat(usize::from(name_width.saturating_sub(text::width(&name))));
            text::line(
                buf,
                Rect { x: area.x + 3, y, width: area.width.saturating_sub(3), height: 1 },
                &[
                    (&name, look.style(if under { Role::Cursor } else { Role::Name })),
                    (
                        &format!(
                            "{pad}  {:<8} {:>3}  {cpu:<6}  {memory:<6} ",
                            container.role.word(),
                            container.restarts
                        ),
                        look.style(Role::Text),
                    ),
                    (&state, look.style(role)),
                ],
            );
            if tall {
                let mut more = container.image.to_string();
                if &*container.probes != "---" && !container.probes.is_empty() {
                    more.push_str(&format!("  probes {}", container.probes));
                }
                if !container.ports.is_empty() {
                    more.push_str(&format!("  ports {}", container.ports));
                }
                let mut pieces = vec![(more, Role::Dim)];
                if let Some(last) = &container.last {
                    pieces.push((format!("  last: {}", termination(last, now)), Role::Warn));
                }
                if let ContainerState::Waiting { message, .. } = &container.state
                    && !message.is_empty()
                {
                    pieces.insert(0, (format!("{message}  "), Role::Warn));
                }
                let pieces: Vec<(&str, _)> = pieces.iter().map(|(t, r)| (t.as_str(), look.style(*r))).collect();
                text::line(
                    buf,
                    Rect { x: area.x + 5, y: y + 1, width: area.width.saturating_sub(5), height: 1 },
                    &pieces,
                );
            }
            y += u16::try_from(each).unwrap_or(1);
        }
    }

    fn view_engine(cx: &Cx, row: &EngineContainer, look: &Look, area: Rect, buf: &mut Buffer) {
        for (line, (label, value, role)) in (0u16..).zip(facts(row, cx)) {
            if line >= area.height {
                break;
            }
            let at = Rect { x: area.x + 1, y: area.y + line, width: area.width.saturating_sub(2), height: 1 };
            text::line(buf, at, &[(&format!("{label:<10}"), look.style(Role::Dim)), (&value, look.style(role))]);
        }
    }
}

/// The engine's container that the selection is about.
#[must_use]
pub fn engine_subject<'a>(cx: &Cx<'a>) -> Option<&'a EngineContainer> {
    let key = cx.subject.key.as_ref().filter(|key| key.kind == Kind::Container)?;
    cx.world.containers.get(key).or_else(|| cx.world.containers.grave(key))
}

impl Pane for Containers {
    fn id(&self) -> PaneId {
        PaneId::Containers
    }

    fn contexts(&self) -> &'static [Context] {
        &[Context::Containers, Context::List]
    }

    fn title(&self, cx: &Cx) -> Title {
        let detail = engine_subject(cx)
            .map(|row| row.key.name.to_string())
            .or_else(|| cx.pod().map(|pod| pod.key.name.to_string()))
            .unwrap_or_default();
        Title { text: "Containers".into(), detail, freshness: subject_freshness(cx) }
    }

    fn needs(&self, _cx: &Cx) -> Vec<FeedSpec> {
        Vec::new()
    }

    fn on(&mut self, _ask: &Ask, _cx: &Cx) -> bool {
        false
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        cx.container_name().map(|name| name.to_string()).or_else(|| engine_subject(cx).map(|r| r.key.uid.to_string()))
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        if let Some(row) = engine_subject(cx) {
            Self::view_engine(cx, row, look, area, buf);
        } else if cx.pod().is_some() {
            self.view_pod(cx, look, area, buf);
        } else {
            text::put(buf, area.x + 1, area.y, "nothing selected", area.width, look.style(Role::Dim));
        }
    }

    fn json(&mut self, cx: &Cx) -> Value {
        if let Some(row) = engine_subject(cx) {
            return facts(row, cx).into_iter().map(|(k, v, _)| (k.to_owned(), Value::from(v))).collect();
        }
        let Some(pod) = cx.pod() else { return json!([]) };
        pod.containers
            .iter()
            .map(|c| {
                json!({
                    "name": &*c.name, "kind": c.role.word(), "image": &*c.image, "state": state_cell(c, cx.now.wall).0,
                    "ready": c.ready, "restarts": c.restarts, "probes": &*c.probes, "ports": &*c.ports,
                    "last": c.last.as_ref().map(|t| termination(t, cx.now.wall)),
                })
            })
            .collect()
    }
}

/// Freshness of the table that the selection's row stands in.
#[must_use]
pub fn subject_freshness(cx: &Cx) -> Option<Freshness> {
    let key = cx.subject.key.as_ref()?;
    let of_target = |feeds: Vec<(&FeedSpec, &Freshness)>| {
        super::list::worst(feeds.into_iter().filter(|(spec, _)| spec.target == key.target).map(|(_, f)| f))
    };
    match key.kind {
        Kind::Pod => of_target(cx.world.pods.feeds().collect()),
        Kind::Container => of_target(cx.world.containers.feeds().collect()),
        _ => of_target(cx.world.workloads.feeds().collect()),
    }
}
