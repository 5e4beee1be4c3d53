//! What panes are drawn with: looks, text that knows its width, small widgets, the layout of the
//! screen, and the overlays above it.

pub mod chrome;
pub mod layout;
pub mod overlay;
pub mod screen;
pub mod spark;
pub mod text;

use ratatui::style::Style;

use crate::model::Severity;
use crate::theme::{Role, Theme};

/// How things look: the theme and what the terminal can show.
#[derive(Debug, Clone)]
pub struct Look {
    /// The theme, already fitted to the terminal's colours.
    pub theme: Theme,
    /// Only ASCII can be shown.
    pub ascii: bool,
    /// What is drawn has the keys.
    pub focused: bool,
}

impl Look {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The glyph of a severity.
    #[must_use]
    pub fn glyph(&self, severity: Severity) -> &'static str {
        if self.ascii { severity.ascii() } else { severity.glyph() }
    }

    /// The role of a severity.
    #[must_use]
    pub const fn role(severity: Severity) -> Role {
        match severity {
            Severity::Good => Role::Good,
            Severity::Done => Role::Done,
            Severity::Busy => Role::Busy,
            Severity::Warn => Role::Warn,
            Severity::Bad => Role::Bad,
        }
    }
}
