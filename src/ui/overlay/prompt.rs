//! A line of text: commands with completion, filters, searches, numbers.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui_textarea::{Input, Key as TextKey, TextArea};

use super::{clear, hints};
use crate::model::Key;
use crate::theme::Role;
use crate::ui::{Look, text};

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptKind {
    /// A command.
    Command,
    /// The filter of the pane that has the keys, applied while typing.
    Filter,
    /// A search in it.
    Search,
    /// The number of replicas for this object, which wants so many now.
    Scale(Key, i32),
}

/// A prompt on the last line of the screen, with candidates above it.
#[derive(Debug)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    area: TextArea<'static>,
    /// Everything that could be completed to: text and explanation.
    candidates: Vec<(String, String)>,
    shown: Vec<usize>,
    at: Option<usize>,
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Still typing; true when the text changed.
    Typing(bool),
    /// This text is entered.
    Entered(String),
    /// Given up.
    Dropped,
}

impl Prompt {
    /// A prompt holding `text`.
    #[must_use]
    pub fn new(kind: PromptKind, text: &str, candidates: Vec<(String, String)>) -> Self {
        let mut area = TextArea::from([text]);
        area.move_cursor(ratatui_textarea::CursorMove::End);
        let mut prompt = Self { kind, area, candidates, shown: Vec::new(), at: None };
        prompt.complete();
        prompt
    }

    /// What is typed.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().first().cloned().unwrap_or_default()
    }

    /// Takes a key.
    pub fn key(&mut self, event: KeyEvent) -> Answer {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Esc => return Answer::Dropped,
            KeyCode::Char('c' | 'g') if control => return Answer::Dropped,
            KeyCode::Enter => return Answer::Entered(self.chosen().unwrap_or_else(|| self.text())),
            KeyCode::Tab if !self.shown.is_empty() => {
                let text = self.candidates[self.shown[self.at.unwrap_or(0)]].0.clone();
                self.replace(&format!("{text} "));
                return Answer::Typing(true);
            }
            KeyCode::Down | KeyCode::Up if !self.shown.is_empty() => {
                let last = self.shown.len() - 1;
                self.at = match (event.code, self.at) {
                    (KeyCode::Down, None) => Some(0),
                    (KeyCode::Down, Some(at)) => Some((at + 1).min(last)),
                    (_, Some(0) | None) => None,
                    (_, Some(at)) => Some(at - 1),
                };
                return Answer::Typing(false);
            }
            KeyCode::Char('u') if control => {
                self.replace("");
                return Answer::Typing(true);
            }
            _ => {}
        }
        let key = match event.code {
            KeyCode::Char(c) => TextKey::Char(c),
            KeyCode::Backspace => TextKey::Backspace,
            KeyCode::Delete => TextKey::Delete,
            KeyCode::Left => TextKey::Left,
            KeyCode::Right => TextKey::Right,
            KeyCode::Home => TextKey::Home,
            KeyCode::End => TextKey::End,
            _ => return Answer::Typing(false),
        };
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let changed = self.area.input(Input { key, ctrl: control, alt, shift: false });
        if changed {
            self.complete();
        }
        Answer::Typing(changed)
    }

    /// Takes pasted text, its first line only.
    pub fn paste(&mut self, pasted: &str) {
        let line: String = pasted.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        self.area.insert_str(line);
        self.complete();
    }

    fn replace(&mut self, text: &str) {
        self.area = TextArea::from([text]);
        self.area.move_cursor(ratatui_textarea::CursorMove::End);
        self.complete();
    }

    fn chosen(&self) -> Option<String> {
        self.at.map(|at| self.candidates[self.shown[at]].0.clone())
    }

    /// Ranks the candidates against the text.
    fn complete(&mut self) {
        self.at = None;
        let text = self.text();
        if self.candidates.is_empty() {
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(&text, CaseMatching::Smart, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut ranked: Vec<(u32, usize)> = self
            .candidates
            .iter()
            .enumerate()
            .filter_map(|(i, (name, doc))| {
                let mut score = |s: &str| pattern.score(nucleo_matcher::Utf32Str::new(s, &mut buffer), &mut matcher);
                let by_name = score(name).map(|s| s + 1000);
                by_name.or_else(|| score(doc)).map(|s| (s, i))
            })
            .collect();
        ranked.sort_by_key(|(score, i)| (std::cmp::Reverse(*score), *i));
        self.shown = ranked.into_iter().map(|(_, i)| i).collect();
    }

    /// The candidate that Enter runs when the text itself is no command.
    #[must_use]
    pub fn best(&self) -> Option<&str> {
        self.shown.first().map(|i| self.candidates[*i].0.as_str())
    }

    fn label(&self) -> String {
        match &self.kind {
            PromptKind::Command => ":".into(),
            PromptKind::Filter => "filter /".into(),
            PromptKind::Search => "search /".into(),
            PromptKind::Scale(key, now) => format!("replicas for {} (now {now}): ", key.slug()),
        }
    }

    /// Draws it; returns where the text cursor stands.
    pub fn view(&self, look: &Look, screen: Rect, buf: &mut Buffer) -> Option<Position> {
        let y = screen.bottom().checked_sub(1)?;
        let rows = u16::try_from(self.shown.len()).unwrap_or(u16::MAX).min(10).min(screen.height.saturating_sub(3));
        let style = look.style(Role::Overlay);
        clear(Rect { x: screen.x, y: y - rows, width: screen.width, height: rows + 1 }, style, buf);
        let at = self.at.unwrap_or(0);
        let offset = (at + 1).saturating_sub(usize::from(rows));
        for (line, index) in (y - rows..y).zip(self.shown.iter().skip(offset)) {
            let (name, doc) = &self.candidates[*index];
            let chosen = self.at.is_some_and(|at| self.shown[at] == *index);
            let mark = if chosen { if look.ascii { ">" } else { "▌" } } else { " " };
            text::put(buf, screen.x, line, mark, 1, look.style(Role::CursorMark));
            text::put(buf, screen.x + 2, line, name, 28, look.style(if chosen { Role::Cursor } else { Role::Name }));
            text::put(buf, screen.x + 32, line, doc, screen.width.saturating_sub(33), look.style(Role::Dim));
        }
        let label = self.label();
        let used = text::put(buf, screen.x, y, &label, screen.width, look.style(Role::Key));
        let typed = self.text();
        let before: String = typed.chars().take(self.area.cursor().1).collect();
        text::put(buf, screen.x + used, y, &typed, screen.width.saturating_sub(used), look.style(Role::Text));
        let hint = "enter ok  esc drop";
        let width = text::width(hint) + 2;
        if screen.width > used + text::width(&typed) + width + 2 {
            let right = Rect { x: screen.right() - width, y, width, height: 1 };
            hints(look, right, &[("enter", "ok"), ("esc", "drop")], buf);
        }
        Some(Position { x: (screen.x + used + text::width(&before)).min(screen.right() - 1), y })
    }
}
