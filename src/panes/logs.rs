//! The log of the selected container: a live tail that can be scrolled, searched and filtered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use serde_json::{Value, json};

use super::containers::engine_subject;
use super::{Ask, Cx, Motion, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::text::{Colour, SgrStyle, Styled, window, wrap};
use crate::model::{Feed, FeedSpec, Kind, LogSource, Stamp};
use crate::theme::Role;
use crate::ui::{Look, text};
use crate::world::Freshness;
use crate::world::log::{Direction, LineKind, LogBuffer, LogLine, LogView, Matcher, Syntax};

/// Columns of `HH:MM:SS.mmm `.
const STAMP: u16 = 13;

/// The log pane.
#[derive(Debug)]
pub struct Logs {
    /// Number of the lowest visible line; `None` follows the end.
    anchor: Option<u64>,
    wrap: bool,
    timestamps: bool,
    previous: bool,
    column: usize,
    page: usize,
    search: String,
    matcher: Option<Matcher>,
    complaint: Option<String>,
    filter: String,
    view: Option<LogView>,
    source: Option<LogSource>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            anchor: None,
            wrap: false,
            timestamps: true,
            previous: false,
            column: 0,
            page: 1,
            search: String::new(),
            matcher: None,
            complaint: None,
            filter: String::new(),
            view: None,
            source: None,
        }
    }
}

/// The lines that are let through, by place.
struct Lines<'a> {
    buffer: &'a LogBuffer,
    view: Option<&'a LogView>,
}

impl Lines<'_> {
    fn len(&self) -> usize {
        self.view.map_or_else(|| self.buffer.len(), LogView::len)
    }

    fn number(&self, index: usize) -> Option<u64> {
        match self.view {
            Some(view) => view.get(index),
            None => (index < self.buffer.len()).then(|| self.buffer.first_number() + index as u64),
        }
    }

    fn index_of(&self, number: u64) -> usize {
        match self.view {
            Some(view) => view.index_of(number),
            None => usize::try_from(number.saturating_sub(self.buffer.first_number())).unwrap_or(usize::MAX),
        }
    }
}

impl Logs {
    /// The log that the selection is about.
    fn wanted(&self, cx: &Cx) -> Option<LogSource> {
        if let Some(row) = engine_subject(cx) {
            return Some(LogSource { key: row.key.clone(), container: "".into(), previous: false });
        }
        let pod = cx.pod()?;
        Some(LogSource { key: pod.key.clone(), container: cx.container_name()?, previous: self.previous })
    }

    /// Another log starts at its end, unfiltered lines seen anew.
    fn turn_to(&mut self, source: Option<LogSource>) {
        if self.source != source {
            self.anchor = None;
            self.column = 0;
            self.view = self.view.take().map(|view| LogView::new(view.matcher().clone()));
            self.source = source;
        }
    }

    fn with_lines<R>(&mut self, cx: &Cx, f: impl FnOnce(&mut Self, &Lines) -> R) -> Option<R> {
        self.turn_to(self.wanted(cx));
        let buffer = &cx.world.logs.get(self.source.as_ref()?)?.buffer;
        let mut view = self.view.take();
        if let Some(view) = &mut view {
            view.update(buffer);
        }
        let result = f(self, &Lines { buffer, view: view.as_ref() });
        self.view = view;
        Some(result)
    }

    fn step(&mut self, motion: Motion, cx: &Cx) {
        match motion {
            Motion::Left => self.column = self.column.saturating_sub(16),
            Motion::Right => self.column += 16,
            Motion::Bottom => self.anchor = None,
            _ => {
                self.with_lines(cx, |pane, lines| {
                    let last = lines.len().saturating_sub(1);
                    let at = pane.anchor.map_or(last, |number| lines.index_of(number).min(last));
                    let to = match motion {
                        // the top shows a full page
                        Motion::Top => pane.page.saturating_sub(1).min(last),
                        _ => motion.apply(at, lines.len(), pane.page).max(pane.page.saturating_sub(1).min(last)),
                    };
                    pane.anchor = if to >= last && motion != Motion::Up { None } else { lines.number(to) };
                });
            }
        }
    }

    fn look_for(&mut self, cx: &Cx, direction: Direction, from_end: bool) -> bool {
        let Some(matcher) = self.matcher.clone() else { return false };
        self.with_lines(cx, |pane, lines| {
            let buffer = lines.buffer;
            let end = buffer.next_number().saturating_sub(1);
            let here = pane.anchor.unwrap_or(end);
            let from = match (direction, from_end) {
                (_, true) => end,
                (Direction::Forward, _) => here + 1,
                (Direction::Backward, _) => here.saturating_sub(1),
            };
            let found = buffer.find(&matcher, from, direction);
            if let Some(number) = found {
                pane.anchor = Some(number);
            }
            found.is_some()
        })
        .unwrap_or(false)
    }
}

/// A pattern in slashes is a regular expression, anything else is taken as it is.
fn pattern(text: &str) -> Result<Matcher, String> {
    let (body, syntax) = match text.strip_prefix('/').and_then(|t| t.strip_suffix('/')) {
        Some(body) if !body.is_empty() => (body, Syntax::Regex),
        _ => (text, Syntax::Text),
    };
    Matcher::new(body, syntax).map_err(|e| e.to_string())
}

fn to_style(style: SgrStyle, base: Style) -> Style {
    let color = |c: Colour| match c {
        Colour::Ansi(n) | Colour::Indexed(n) => Color::Indexed(n),
        Colour::Rgb(r, g, b) => Color::Rgb(r, g, b),
    };
    let mut out = base;
    if let Some(fg) = style.fg {
        out = out.fg(color(fg));
    }
    if let Some(bg) = style.bg {
        out = out.bg(color(bg));
    }
    for (on, modifier) in [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.reverse, Modifier::REVERSED),
        (style.strike, Modifier::CROSSED_OUT),
    ] {
        if on {
            out = out.add_modifier(modifier);
        }
    }
    out
}

/// Draws the bytes `range` of a styled line at `x`.
fn put_styled(
    styled: &Styled,
    range: std::ops::Range<usize>,
    hits: &[std::ops::Range<usize>],
    base: Style,
    look: &Look,
    area: Rect,
    buf: &mut Buffer,
) {
    let mut cuts = vec![range.start, range.end];
    for span in &styled.spans {
        cuts.extend([span.start, span.start + span.len]);
    }
    for hit in hits {
        cuts.extend([hit.start, hit.end]);
    }
    cuts.retain(|at| range.contains(at) || *at == range.end);
    cuts.sort_unstable();
    cuts.dedup();
    let mut x = area.x;
    for pair in cuts.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let Some(piece) = styled.text.get(from..to) else { continue };
        let span = styled.spans.iter().find(|s| s.start <= from && from < s.start + s.len);
        let style = if hits.iter().any(|h| h.start <= from && from < h.end) {
            look.style(Role::Match)
        } else if span.is_some_and(|s| s.defused) {
            look.style(Role::Defused)
        } else {
            span.map_or(base, |s| to_style(s.style, base))
        };
        x += text::put(buf, x, area.y, piece, area.right().saturating_sub(x), style);
    }
}

/// The rows of one line: byte ranges of its text.
fn rows(styled: &Styled, wrapped: bool, column: usize, width: u16) -> Vec<std::ops::Range<usize>> {
    if wrapped {
        let mut rows = wrap(&styled.text, usize::from(width.max(1)));
        if rows.is_empty() {
            rows.push(0..0);
        }
        rows
    } else {
        vec![window(&styled.text, column, usize::from(width)).range]
    }
}

impl Logs {
    fn view_line(&self, line: &LogLine, look: &Look, area: Rect, below: u16, buf: &mut Buffer) -> u16 {
        let stamp = if self.timestamps { STAMP } else { 0 };
        let base = match line.kind {
            LineKind::Gap => look.style(Role::Warn),
            LineKind::Note => look.style(Role::Busy),
            LineKind::Line if line.stderr => look.style(Role::Text).add_modifier(Modifier::ITALIC),
            LineKind::Line => look.style(Role::Text),
        };
        let styled = line.styled();
        let width = area.width.saturating_sub(stamp);
        let rows = rows(&styled, self.wrap, self.column, width);
        let hits: Vec<_> = self.matcher.iter().flat_map(|m| m.spans(&styled.text).collect::<Vec<_>>()).collect();
        let taken = u16::try_from(rows.len()).unwrap_or(u16::MAX).min(below);
        let first = rows.len() - usize::from(taken);
        for (offset, range) in (0u16..).zip(&rows[first..]) {
            let y = area.y + below - taken + offset;
            if stamp > 0
                && first == 0
                && offset == 0
                && let Some(at) = line.at
            {
                let at = at / 1_000_000;
                let shown = format!("{}.{:03}", Stamp(at).clock(), at.rem_euclid(1000));
                text::put(buf, area.x, y, &shown, stamp, look.style(Role::Timestamp));
            }
            let row = Rect { x: area.x + stamp, y, width, height: 1 };
            put_styled(&styled, range.clone(), &hits, base, look, row, buf);
            if line.cut > 0 && range.end == styled.text.len() {
                let note = format!("…(+{} B)", line.cut);
                let x = row.right().saturating_sub(text::width(&note));
                text::put(buf, x, y, &note, text::width(&note), look.style(Role::Warn));
            }
        }
        taken
    }

    fn state_words(&self, lines: &Lines) -> String {
        let mut out = String::new();
        if self.anchor.is_none() {
            out.push_str(" following");
        } else {
            let at = self.anchor.map_or(0, |n| lines.index_of(n) + 1);
            out.push_str(&format!(" line {at}/{} (G follows)", lines.len()));
        }
        if !self.filter.is_empty() {
            out.push_str(&format!(" &{} ({} match)", self.filter, lines.view.map_or(0, LogView::matches)));
        }
        if !self.search.is_empty() {
            out.push_str(&format!(" /{}", self.search));
        }
        let buffer = lines.buffer;
        if buffer.evicted() > 0 {
            out.push_str(&format!(" {} older lines dropped (memory)", buffer.evicted()));
        }
        if buffer.gaps() > 0 {
            out.push_str(&format!(" {} gaps", buffer.gaps()));
        }
        if buffer.defused() > 0 {
            out.push_str(&format!(" ▲{} control sequences defused", buffer.defused()));
        }
        out
    }
}

impl Pane for Logs {
    fn id(&self) -> PaneId {
        PaneId::Logs
    }

    fn contexts(&self) -> &'static [Context] {
        &[Context::Logs]
    }

    fn title(&self, cx: &Cx) -> Title {
        let Some(source) = self.wanted(cx) else { return Title { text: "Logs".into(), ..Title::default() } };
        let mut detail = match (cx.scope(), source.key.kind) {
            (None, Kind::Pod) => format!("{}/{}", source.key.namespace, source.key.name),
            _ => source.key.name.to_string(),
        };
        if !source.container.is_empty() {
            detail.push_str(&format!("/{}", source.container));
        }
        if source.previous {
            detail.push_str(" (previous instance)");
        }
        let state = cx.world.logs.get(&source);
        if let Some(state) = state {
            detail.push_str(&self.state_words(&Lines { buffer: &state.buffer, view: self.view.as_ref() }));
        }
        let freshness = match state {
            None => Freshness::Waiting,
            Some(state) => match &state.fault {
                None => Freshness::Live,
                Some(fault) if state.buffer.is_empty() => Freshness::Failed(fault.clone()),
                Some(fault) => Freshness::Stale { since: cx.now.wall, fault: fault.clone() },
            },
        };
        Title { text: "Logs".into(), detail, freshness: Some(freshness) }
    }

    fn needs(&self, cx: &Cx) -> Vec<FeedSpec> {
        let source = self.wanted(cx);
        source.map(|source| FeedSpec { target: source.key.target, feed: Feed::Log(source) }).into_iter().collect()
    }

    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool {
        match ask {
            Ask::Move(motion) => self.step(*motion, cx),
            Ask::Follow => {
                self.anchor = match self.anchor {
                    Some(_) => None,
                    None => self.with_lines(cx, |_, lines| lines.number(lines.len().saturating_sub(1))).flatten(),
                };
            }
            Ask::Wrap => self.wrap = !self.wrap,
            Ask::Timestamps => self.timestamps = !self.timestamps,
            Ask::Previous => self.previous = !self.previous,
            Ask::Search(text) => {
                self.search.clone_from(text);
                self.complaint = None;
                self.matcher = None;
                if !text.is_empty() {
                    match pattern(text) {
                        Ok(matcher) => self.matcher = Some(matcher),
                        Err(error) => self.complaint = Some(error),
                    }
                    return self.look_for(cx, Direction::Backward, self.anchor.is_none());
                }
            }
            Ask::SearchStep { forward } => {
                let direction = if *forward { Direction::Forward } else { Direction::Backward };
                return self.look_for(cx, direction, false);
            }
            Ask::Filter(text) => {
                self.filter.clone_from(text);
                self.complaint = None;
                self.view = None;
                self.anchor = None;
                if !text.is_empty() {
                    match pattern(text) {
                        Ok(matcher) => self.view = Some(LogView::new(matcher)),
                        Err(error) => self.complaint = Some(error),
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn filter(&self) -> Option<&str> {
        (!self.filter.is_empty()).then_some(self.filter.as_str())
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let buffer = &cx.world.logs.get(&self.wanted(cx)?)?.buffer;
        let number = self.anchor.unwrap_or_else(|| buffer.next_number().saturating_sub(1));
        buffer.get(number).map(|line| line.styled().text.into_owned())
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page = usize::from(area.height);
        self.turn_to(self.wanted(cx));
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        if let Some(complaint) = &self.complaint {
            text::put(buf, inner.x, inner.y, complaint, inner.width, look.style(Role::Bad));
            return;
        }
        let state = self.source.as_ref().and_then(|source| cx.world.logs.get(source));
        if state.is_none_or(|s| s.buffer.is_empty()) {
            let message = match (&self.source, state.and_then(|s| s.fault.as_ref())) {
                (None, _) => "nothing selected".to_owned(),
                (_, Some(fault)) => fault.to_string(),
                (_, None) => "no lines yet".to_owned(),
            };
            text::paragraph(buf, inner, &message, look.style(Role::Dim));
            return;
        }
        self.with_lines(cx, |pane, lines| {
            let last = lines.len().saturating_sub(1);
            let mut index = pane.anchor.map_or(last, |number| lines.index_of(number).min(last));
            let mut below = inner.height;
            // a log shorter than the pane stands at its top
            if !pane.wrap && lines.len() < usize::from(inner.height) {
                below = u16::try_from(lines.len()).unwrap_or(inner.height);
            }
            while below > 0 {
                let Some(line) = lines.number(index).and_then(|number| lines.buffer.get(number)) else { break };
                below -= pane.view_line(&line, look, inner, below, buf);
                if index == 0 {
                    break;
                }
                index -= 1;
            }
        });
    }

    fn json(&mut self, cx: &Cx) -> Value {
        self.with_lines(cx, |_, lines| {
            (0..lines.len())
                .filter_map(|i| lines.buffer.get(lines.number(i)?))
                .map(|line| {
                    json!({
                        "at": line.at.map(|at| Stamp(at / 1_000_000).rfc3339()),
                        "kind": format!("{:?}", line.kind).to_lowercase(),
                        "stderr": line.stderr,
                        "text": line.styled().text,
                    })
                })
                .collect()
        })
        .unwrap_or_else(|| json!([]))
    }

    fn forget_derived(&mut self) {
        self.view = self.view.take().map(|view| LogView::new(view.matcher().clone()));
    }
}
