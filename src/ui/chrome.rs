//! The frame around the panes: targets with their health, titles, borders, hints, notices.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::overlay::border;
use super::{Look, text};
use crate::model::{TargetKind, time::human_duration};
use crate::panes::list::title_word;
use crate::panes::{Cx, PaneId, Title};
use crate::state::Notice;
use crate::theme::Role;
use crate::world::{Freshness, Target};

/// How fresh something is, in a word and a role.
#[must_use]
pub fn freshness(freshness: &Freshness, cx: &Cx) -> (String, Role) {
    match freshness {
        Freshness::Waiting => ("connecting…".into(), Role::Busy),
        Freshness::Loading => ("loading…".into(), Role::Busy),
        Freshness::Live => ("live".into(), Role::Good),
        Freshness::Stale { since, fault } => {
            (format!("STALE {} ({})", human_duration(since.since(cx.now.wall)), fault.word()), Role::Bad)
        }
        Freshness::Failed(fault) => (fault.word().to_uppercase(), Role::Bad),
    }
}

/// Lines that the header takes.
#[must_use]
pub fn header_height(targets: usize, screen: u16) -> u16 {
    let lines = u16::try_from(targets.max(1)).unwrap_or(u16::MAX);
    lines.min(if screen < 20 { 1 } else { 3 })
}

/// The header: one line a target.
pub fn header(cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
    let targets = &cx.world.targets;
    let dim = look.style(Role::Dim);
    if targets.is_empty() {
        text::line(buf, area, &[("pilothouse", look.style(Role::Title)), ("  no target", dim)]);
        return;
    }
    let rows = usize::from(area.height);
    for (row, target) in (0u16..).zip(targets.iter().take(rows)) {
        let line = Rect { y: area.y + row, height: 1, ..area };
        let lead = if row == 0 { "pilothouse " } else { "           " };
        let mut x = line.x + text::put(buf, line.x, line.y, lead, line.width, look.style(Role::Title));
        if row == 0 && cx.settings.demo {
            x += text::put(buf, x, line.y, " DEMO ", 6, look.style(Role::Demo)) + 1;
        }
        let hidden = targets.len().saturating_sub(rows);
        let mut pieces = target_line(target, cx);
        if row + 1 == area.height && hidden > 0 {
            pieces.push((format!("  +{hidden} more targets (t)"), Role::Warn));
        }
        let mut reserve = 0;
        if row == 0 {
            let (word, role) =
                if cx.settings.policy.read_only { ("read-only", Role::Good) } else { ("read-write", Role::Dim) };
            let clock = format!("{word} {}Z", cx.now.wall.clock().get(..5).unwrap_or_default());
            let width = text::width(&clock);
            if line.width > width + 60 {
                reserve = width + 1;
                text::put(buf, line.right() - width, line.y, &clock, width, look.style(role));
            } else {
                pieces.insert(0, (format!("{} ", if cx.settings.policy.read_only { "RO" } else { "RW" }), role));
            }
        }
        let styled: Vec<(&str, Style)> = pieces.iter().map(|(t, r)| (t.as_str(), look.style(*r))).collect();
        text::line(buf, Rect { x, width: line.right().saturating_sub(x + reserve), ..line }, &styled);
    }
}

fn target_line(target: &Target, cx: &Cx) -> Vec<(String, Role)> {
    let (kind, scope) = match target.meta.kind {
        TargetKind::Kubernetes => {
            ("k8s", cx.scope().as_ref().map_or_else(|| " ns:all".to_owned(), |ns| format!(" ns:{ns}")))
        }
        TargetKind::Docker => ("docker", String::new()),
    };
    let (word, role) = freshness(&target.link, cx);
    let mut pieces = vec![
        (format!("{kind} "), Role::Dim),
        (target.meta.name.to_string(), Role::Name),
        (scope, Role::Title),
        (format!(" {word}"), role),
    ];
    if let Some(server) = &target.server {
        let user = if server.user.is_empty() { String::new() } else { format!(" as {}", server.user) };
        pieces.push((format!("  {}{user}", server.version), Role::Dim));
    }
    match &target.link {
        Freshness::Failed(fault) | Freshness::Stale { fault, .. } => pieces.push((format!("  {fault}"), Role::Warn)),
        _ => {}
    }
    pieces
}

/// A pane's border with its tabs and title; returns its inside.
pub fn pane(
    cx: &Cx,
    look: &Look,
    area: Rect,
    tabs: &[PaneId],
    shown: PaneId,
    title: &Title,
    focused: bool,
    buf: &mut Buffer,
) -> Rect {
    let style = look.style(if focused { Role::BorderFocus } else { Role::Border });
    border(look, area, style, buf);
    let right = area.right().saturating_sub(2);
    let mut x = area.x + 2;
    for tab in tabs {
        let active = *tab == shown;
        let style = match (active, focused) {
            (true, true) => look.style(Role::TitleFocus),
            (true, false) => look.style(Role::Title),
            (false, _) => look.style(Role::Dim),
        };
        let name = if active { title.text.as_str() } else { title_word(*tab) };
        x += text::put(buf, x, area.y, &format!(" {name} "), right.saturating_sub(x), style);
    }
    let state = title.freshness.as_ref().map(|f| freshness(f, cx));
    let state = state.filter(|(word, _)| word != "live" || area.width > 50);
    let reserve = state.as_ref().map_or(0, |(word, _)| text::width(word) + 3);
    if !title.detail.is_empty() && x + 2 < right.saturating_sub(reserve) {
        let room = right.saturating_sub(x + reserve);
        text::put(buf, x, area.y, &text::fit(&format!(" {} ", title.detail), room), room, look.style(Role::Dim));
    }
    if let Some((word, role)) = state {
        let word = format!(" {word} ");
        let width = text::width(&word);
        if x + width < right {
            text::put(buf, right - width, area.y, &word, width, look.style(role));
        }
    }
    Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
}

/// The last line: the newest notice, else keys.
pub fn footer(
    look: &Look,
    area: Rect,
    notices: &[Notice],
    running: usize,
    keys: &[(String, String)],
    buf: &mut Buffer,
) {
    let mut x = area.x;
    if running > 0 {
        let word = format!(" {running} running ");
        x += text::put(buf, x, area.y, &word, area.width, look.style(Role::Busy)) + 1;
    }
    if let Some(notice) = notices.last() {
        let role = if notice.bad { Role::Bad } else { Role::Good };
        text::put(buf, x, area.y, &notice.text, area.right().saturating_sub(x), look.style(role));
        return;
    }
    for (key, what) in keys {
        let room = area.right().saturating_sub(x);
        if room < text::width(key) + text::width(what) + 3 {
            break;
        }
        let capital = key.len() == 1 && key.chars().all(|c| c.is_ascii_uppercase());
        x += text::put(buf, x, area.y, key, room, look.style(if capital { Role::Warn } else { Role::Key }));
        x += text::put(buf, x, area.y, &format!(" {what}  "), area.right().saturating_sub(x), look.style(Role::Hint));
    }
}
