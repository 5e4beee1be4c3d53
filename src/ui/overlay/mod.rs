//! What lies above the panes while the user is asked or told something.

mod confirm;
mod help;
mod picker;
mod prompt;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::event::JobId;
use crate::panes::Cx;
use crate::theme::Role;
use crate::ui::{Look, text};

pub use confirm::{Confirm, Verdict};
pub use help::Help;
pub use picker::{Chosen, Item, Pick, Picker};
pub use prompt::{Answer, Prompt, PromptKind};

/// One layer.
#[derive(Debug)]
pub enum Overlay {
    /// Every key of where the user is.
    Help(Help),
    /// A line of text is typed.
    Prompt(Box<Prompt>),
    /// One of several is chosen.
    Picker(Picker),
    /// A plan is consented to, or not.
    Confirm(Box<Confirm>),
    /// Quit although actions are under way?
    Quit,
}

impl Overlay {
    /// The job whose plan this asks about.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::Confirm(confirm) => Some(confirm.job),
            _ => None,
        }
    }

    /// Draws it over `screen`; returns where the text cursor stands.
    pub fn view(&mut self, cx: &Cx, look: &Look, screen: Rect, buf: &mut Buffer) -> Option<Position> {
        match self {
            Self::Help(help) => {
                help.view(look, screen, buf);
                None
            }
            Self::Prompt(prompt) => prompt.view(look, screen, buf),
            Self::Picker(picker) => picker.view(look, screen, buf),
            Self::Confirm(confirm) => confirm.view(cx, look, screen, buf),
            Self::Quit => {
                let running: Vec<String> = cx.jobs.running().map(|job| job.action.key().slug()).collect();
                let area = window(look, screen, 60, 6, "Quit?", Role::Danger, buf);
                let line = format!("Still being verified: {}", running.join(", "));
                let y = area.y + text::paragraph(buf, area, &line, look.style(Role::Text));
                let hint = "What was sent stays sent; its outcome is not recorded.";
                text::put(buf, area.x, y, hint, area.width, look.style(Role::Dim));
                hints(look, Rect { y: area.bottom() - 1, height: 1, ..area }, &[("q", "quit"), ("esc", "stay")], buf);
                None
            }
        }
    }
}

/// A window in the middle of `screen`; returns its inside.
pub fn window(look: &Look, screen: Rect, width: u16, height: u16, title: &str, role: Role, buf: &mut Buffer) -> Rect {
    let width = width.min(screen.width);
    let height = height.min(screen.height);
    let area =
        Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height };
    clear(area, look.style(Role::Overlay), buf);
    border(look, area, look.style(Role::BorderFocus).patch(background(look)), buf);
    text::put(buf, area.x + 2, area.y, &format!(" {title} "), area.width.saturating_sub(4), look.style(role));
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

fn background(look: &Look) -> Style {
    Style { bg: look.style(Role::Overlay).bg, ..Style::default() }
}

/// Blanks an area.
pub fn clear(area: Rect, style: Style, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
            buf[(x, y)].set_style(style);
        }
    }
}

/// Draws a border.
pub fn border(look: &Look, area: Rect, style: Style, buf: &mut Buffer) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let [h, v, tl, tr, bl, br] =
        if look.ascii { ["-", "|", "+", "+", "+", "+"] } else { ["─", "│", "╭", "╮", "╰", "╯"] };
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.left() + 1..right {
        buf[(x, area.y)].set_symbol(h).set_style(style);
        buf[(x, bottom)].set_symbol(h).set_style(style);
    }
    for y in area.top() + 1..bottom {
        buf[(area.x, y)].set_symbol(v).set_style(style);
        buf[(right, y)].set_symbol(v).set_style(style);
    }
    for (x, y, symbol) in [(area.x, area.y, tl), (right, area.y, tr), (area.x, bottom, bl), (right, bottom, br)] {
        buf[(x, y)].set_symbol(symbol).set_style(style);
    }
}

/// A line of keys and what they do.
pub fn hints(look: &Look, area: Rect, pairs: &[(&str, &str)], buf: &mut Buffer) {
    let mut x = area.x;
    for (key, what) in pairs {
        x += text::put(buf, x, area.y, key, area.right().saturating_sub(x), look.style(Role::Key));
        x += text::put(buf, x, area.y, &format!(" {what}  "), area.right().saturating_sub(x), look.style(Role::Hint));
    }
}
