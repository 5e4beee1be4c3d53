//! Every key of where the user is, derived from the keymap and the command table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{hints, window};
use crate::panes::Motion;
use crate::theme::Role;
use crate::ui::{Look, text};

/// The help window.
#[derive(Debug, Default)]
pub struct Help {
    /// Heading, or key and what it does.
    pub lines: Vec<(String, String)>,
    offset: usize,
    page: usize,
}

impl Help {
    /// A window of these lines; a line without a key is a heading.
    #[must_use]
    pub const fn new(lines: Vec<(String, String)>) -> Self {
        Self { lines, offset: 0, page: 1 }
    }

    /// Scrolls.
    pub fn scroll(&mut self, motion: Motion) {
        let len = self.lines.len().saturating_sub(self.page) + 1;
        self.offset = motion.apply(self.offset, len, self.page);
    }

    /// Draws it.
    pub fn view(&mut self, look: &Look, screen: Rect, buf: &mut Buffer) {
        let height = u16::try_from(self.lines.len()).unwrap_or(u16::MAX).saturating_add(4).min(screen.height);
        let inside = window(look, screen, 110, height, "Keys here", Role::Title, buf);
        let rows = inside.height.saturating_sub(2);
        self.page = usize::from(rows);
        self.offset = self.offset.min(self.lines.len().saturating_sub(self.page));
        for (y, (key, what)) in (inside.y..inside.y + rows).zip(self.lines.iter().skip(self.offset)) {
            if key.is_empty() {
                text::put(buf, inside.x, y, what, inside.width, look.style(Role::Header));
                continue;
            }
            let capital = key.chars().any(|c| c.is_ascii_uppercase()) && key.len() == 1;
            let role = if capital { Role::Warn } else { Role::Key };
            text::put(buf, inside.x + 2, y, key, 17, look.style(role));
            text::put(buf, inside.x + 20, y, what, inside.width.saturating_sub(20), look.style(Role::Text));
        }
        let more = if self.lines.len() > self.offset + self.page { "more below" } else { "end" };
        let pairs = [("j k", "scroll"), ("esc", "close"), ("", more)];
        hints(look, Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside }, &pairs, buf);
    }
}
