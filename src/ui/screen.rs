//! One frame: header, panes, hints, overlays. And what the frame needs from the backends.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::layout::{Kinds, Place, SMALLEST, View, frame, places};
use super::overlay::Overlay;
use super::{chrome, text};
use crate::commands;
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Now, TargetKind};
use crate::panes::PaneId;
use crate::state::State;
use crate::theme::Role;
use crate::world::{Freshness, Target};

impl State {
    fn kinds(&self) -> Kinds {
        // a target that was never reached takes a line of the header, not room for panes
        let reached = |t: &Target| !matches!(t.link, Freshness::Failed(_));
        let has = |kind| self.data.world.targets.iter().any(|t| t.meta.kind == kind && reached(t));
        Kinds { kubernetes: has(TargetKind::Kubernetes), docker: has(TargetKind::Docker) }
    }

    fn split(&self, area: Rect) -> (Rect, Vec<Place>, Rect) {
        let lines = chrome::header_height(self.data.world.targets.len(), area.height);
        let (head, body, foot) = frame(area, lines);
        (head, places(self.view, body, self.kinds()), foot)
    }

    /// The pane that a place shows: the one with the keys, or its first.
    fn shown(&self, place: &Place) -> PaneId {
        if place.tabs.contains(&self.focus) {
            return self.focus;
        }
        // a place of details follows what the focused list is about
        match self.focus {
            PaneId::Docker if place.tabs.contains(&PaneId::Metrics) && place.tabs.len() == 4 => PaneId::Metrics,
            _ => place.tabs[0],
        }
    }

    /// Panes in the order in which Tab visits them.
    #[must_use]
    pub fn tab_order(&self) -> Vec<PaneId> {
        let area = Rect::new(0, 0, self.size.width, self.size.height);
        let body = frame(area, chrome::header_height(self.data.world.targets.len(), area.height)).1;
        places(View::Overview, body, self.kinds()).into_iter().flat_map(|place| place.tabs).collect()
    }

    /// Every feed that what is on screen needs.
    #[must_use]
    pub fn needs(&self, now: Now) -> BTreeSet<FeedSpec> {
        let cx = self.data.cx(now);
        let area = Rect::new(0, 0, self.size.width, self.size.height);
        let (_, places, _) = self.split(area);
        let mut needs: BTreeSet<FeedSpec> =
            places.iter().flat_map(|place| self.pane(self.shown(place)).needs(&cx)).collect();
        // the panes beside a list find their objects in these
        if !places.iter().all(|place| place.tabs == [PaneId::Jobs]) {
            needs.extend(self.pane(PaneId::Pods).needs(&cx));
            needs.extend(self.pane(PaneId::Docker).needs(&cx));
        }
        if let Some(key) = &self.choosing {
            needs.insert(FeedSpec { target: key.target, feed: Feed::Revisions(key.clone()) });
        }
        for target in &cx.world.targets {
            needs.insert(FeedSpec { target: target.meta.id, feed: Feed::Server });
            if target.meta.kind == TargetKind::Kubernetes {
                needs.insert(FeedSpec { target: target.meta.id, feed: Feed::Namespaces });
            }
        }
        needs
    }

    /// Draws a frame; returns where the text cursor stands.
    pub fn draw(&mut self, now: Now, area: Rect, buf: &mut Buffer) -> Option<Position> {
        if area.width < SMALLEST.width || area.height < SMALLEST.height {
            let message =
                format!("{}x{} is too small: {}x{} needed", area.width, area.height, SMALLEST.width, SMALLEST.height);
            text::paragraph(buf, area, &message, self.look.style(Role::Warn));
            return None;
        }
        let (head, places, foot) = self.split(area);
        let mut look = self.look.clone();
        chrome::header(&self.data.cx(now), &look, head, buf);
        if self.is_welcome() {
            self.welcome(Rect { y: head.bottom(), height: foot.y - head.bottom(), ..area }, buf);
        } else {
            for place in &places {
                let id = self.shown(place);
                let focused = id == self.focus;
                look.focused = focused;
                let (pane, cx) = self.pane_cx(id, now);
                // a list settles its order before its title counts it
                pane.derive(&cx);
                let title = pane.title(&cx);
                let inside = chrome::pane(&cx, &look, place.area, &place.tabs, id, &title, focused, buf);
                pane.view(&cx, &look, inside, buf);
            }
        }
        let keys = self.hints(now);
        let running = self.data.jobs.running().count();
        chrome::footer(&look, foot, &self.notices, running, &keys, buf);
        let mut overlays = std::mem::take(&mut self.overlays);
        let mut caret = None;
        if let Some(Overlay::Confirm(confirm)) = overlays.last_mut() {
            confirm.show(now.tick);
        }
        for overlay in &mut overlays {
            caret = overlay.view(&self.data.cx(now), &look, area, buf);
        }
        self.overlays = overlays;
        if look.ascii {
            to_ascii(buf);
        }
        caret
    }

    /// True when no target was ever reached: there is nothing to show but the way out.
    #[must_use]
    pub fn is_welcome(&self) -> bool {
        self.data.world.targets.iter().all(|t| matches!(t.link, Freshness::Failed(_)))
    }

    fn welcome(&self, area: Rect, buf: &mut Buffer) {
        let lines = [
            ("Nothing to watch yet.", Role::Title),
            ("", Role::Text),
            (
                "Kubernetes: set KUBECONFIG, copy a kubeconfig to ~/.kube/config, or use --kubeconfig and --context.",
                Role::Text,
            ),
            (
                "Docker: start the engine, set DOCKER_HOST, or use -H; /var/run/docker.sock and the rootless,",
                Role::Text,
            ),
            ("Docker Desktop and Podman sockets are tried.", Role::Text),
            ("", Role::Text),
            ("The lines above say what was tried. Everything is tried again by itself.", Role::Text),
            ("", Role::Text),
            ("d opens a simulated world to try everything on, q quits.", Role::Key),
        ];
        let top = area.y + area.height.saturating_sub(8) / 2;
        let mut y = top;
        for (line, role) in lines {
            let inside =
                Rect { x: area.x + 4, y, width: area.width.saturating_sub(8), height: area.bottom().saturating_sub(y) };
            y += text::paragraph(buf, inside, line, self.look.style(role)).max(1);
        }
    }

    /// Keys for the hint line: what is special here first.
    fn hints(&self, now: Now) -> Vec<(String, String)> {
        let object = self.object(now);
        let forbidden = |spec: &commands::Spec| {
            let deed = spec.deed.zip(object.as_ref());
            deed.is_some_and(|(deed, key)| commands::refusal(self, deed, key).is_some())
        };
        let mut out: Vec<(String, String)> = Vec::new();
        for context in self.contexts() {
            for (chord, binding) in self.keymap.section(context) {
                let Some(spec) = commands::find(&binding.command).filter(|spec| !spec.hint.is_empty()) else {
                    continue;
                };
                if forbidden(spec) || (spec.changes && self.data.settings.policy.read_only) {
                    continue;
                }
                if context == Context::Global && out.len() > 14 {
                    break;
                }
                if !out.iter().any(|(_, hint)| hint == spec.hint) {
                    out.push((chord.to_string(), spec.hint.to_owned()));
                }
            }
        }
        let important = |hint: &str| match hint {
            "keys" => 0,
            "command" => 1,
            _ => 2,
        };
        let changes = |hint: &str| commands::find(hint).is_some_and(|spec| spec.changes);
        out.sort_by_key(|(_, hint)| (important(hint) + usize::from(!changes(hint)), ()));
        out
    }
}

/// Replaces the glyphs that are drawn here; what came from a server stays as it is.
fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let plain = match cell.symbol() {
            "…" => "~",
            "▁" | "▂" | "▃" | "░" => ".",
            "▄" | "▅" => "-",
            "▆" | "▇" => "=",
            "█" => "#",
            _ => continue,
        };
        cell.set_symbol(plain);
    }
}
