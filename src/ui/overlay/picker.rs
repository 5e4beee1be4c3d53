//! One of several: namespaces, targets, revisions.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{hints, window};
use crate::model::{Key, Scope, TargetId};
use crate::panes::Motion;
use crate::panes::filter::Filter;
use crate::theme::Role;
use crate::ui::{Look, text};

/// What choosing an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Look at this namespace, or all.
    Namespace(Scope),
    /// Show what this target says of itself.
    Target(TargetId),
    /// Roll this workload back to this revision.
    Revision(Key, i64),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is chosen.
    pub label: String,
    /// What it means.
    pub detail: String,
    /// What choosing it does.
    pub pick: Pick,
}

/// The picker.
#[derive(Debug)]
pub struct Picker {
    title: String,
    items: Vec<Item>,
    typed: String,
    shown: Vec<usize>,
    at: usize,
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing yet.
    Open,
    /// This one.
    Item(Pick),
    /// None.
    Dropped,
}

impl Picker {
    /// A picker of these items, the cursor on the first.
    #[must_use]
    pub fn new(title: &str, items: Vec<Item>) -> Self {
        let shown = (0..items.len()).collect();
        Self { title: title.to_owned(), items, typed: String::new(), shown, at: 0 }
    }

    /// Takes a key: letters narrow the list.
    pub fn key(&mut self, event: KeyEvent) -> Chosen {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let motion = match event.code {
            KeyCode::Esc => return Chosen::Dropped,
            KeyCode::Char('c' | 'g') if control => return Chosen::Dropped,
            KeyCode::Enter => {
                return self.shown.get(self.at).map_or(Chosen::Open, |i| Chosen::Item(self.items[*i].pick.clone()));
            }
            KeyCode::Down => Motion::Down,
            KeyCode::Up => Motion::Up,
            KeyCode::PageDown => Motion::PageDown,
            KeyCode::PageUp => Motion::PageUp,
            KeyCode::Char('n') if control => Motion::Down,
            KeyCode::Char('p') if control => Motion::Up,
            KeyCode::Backspace => {
                self.typed.pop();
                self.narrow();
                return Chosen::Open;
            }
            KeyCode::Char(c) if !control => {
                self.typed.push(c);
                self.narrow();
                return Chosen::Open;
            }
            _ => return Chosen::Open,
        };
        self.at = motion.apply(self.at, self.shown.len(), 10);
        Chosen::Open
    }

    fn narrow(&mut self) {
        let filter = Filter::parse(&self.typed);
        let fits = |item: &Item| filter.matches(&[&item.label, &item.detail]);
        self.shown = self.items.iter().enumerate().filter(|(_, item)| fits(item)).map(|(i, _)| i).collect();
        self.at = 0;
    }

    /// Draws it; returns where the text cursor stands.
    pub fn view(&self, look: &Look, screen: Rect, buf: &mut Buffer) -> Option<Position> {
        let height = u16::try_from(self.items.len()).unwrap_or(u16::MAX).saturating_add(5).min(screen.height * 3 / 4);
        let inside = window(look, screen, 90, height.max(7), &self.title, Role::Title, buf);
        let used = text::put(buf, inside.x, inside.y, "> ", 2, look.style(Role::Key));
        text::put(buf, inside.x + used, inside.y, &self.typed, inside.width, look.style(Role::Text));
        let rows = inside.height.saturating_sub(2);
        let offset = (self.at + 1).saturating_sub(usize::from(rows));
        let width = self.items.iter().map(|i| text::width(&i.label)).max().unwrap_or(0).min(inside.width / 2);
        for (line, (place, index)) in (0..rows).zip(self.shown.iter().enumerate().skip(offset)) {
            let y = inside.y + 1 + line;
            let item = &self.items[*index];
            let chosen = place == self.at;
            let mark = if chosen { if look.ascii { ">" } else { "▌" } } else { " " };
            text::put(buf, inside.x, y, mark, 1, look.style(Role::CursorMark));
            let role = if chosen { Role::Cursor } else { Role::Name };
            text::put(buf, inside.x + 2, y, &item.label, width, look.style(role));
            let left = inside.width.saturating_sub(width + 4);
            text::put(buf, inside.x + 4 + width, y, &item.detail, left, look.style(Role::Dim));
        }
        if self.shown.is_empty() {
            text::put(buf, inside.x + 2, inside.y + 1, "nothing matches", inside.width, look.style(Role::Dim));
        }
        let pairs = [("type", "to narrow"), ("enter", "choose"), ("esc", "close")];
        hints(look, Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside }, &pairs, buf);
        Some(Position { x: inside.x + used + text::width(&self.typed), y: inside.y })
    }
}
