//! How a list is laid out and drawn: which columns there is room for, and how a row looks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Cell, Column, List, ListRow};
use crate::theme::Role;
use crate::ui::{Look, text};

/// A column that may grow this wide is first given [`LEAST`], then what is left.
const FLEXIBLE: u16 = 60;
/// Least width of a long text.
const LEAST: u16 = 14;

/// Least width of a long name: one very long name must not cost the other columns.
const LEAST_NAME: u16 = 40;

/// How a row is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowState {
    /// As its server says now.
    Fresh,
    /// As its server said when it was last heard.
    Stale,
    /// Gone; shown because the cursor still stands on it.
    Gone,
}

impl<T: ListRow> List<T> {
    /// Chooses columns and their widths for the rows that are visible.
    pub(super) fn lay_out(
        &mut self,
        cells: &[(Vec<Cell>, bool)],
        columns: &mut Vec<(usize, &'static Column<T>)>,
        room: u16,
    ) {
        let mut widths: Vec<u16> = columns.iter().map(|(_, c)| text::width(c.title)).collect();
        for (row, _) in cells {
            for (width, (cell, (_, column))) in widths.iter_mut().zip(row.iter().zip(columns.iter())) {
                *width = (*width).max(text::width(&cell.text).min(column.max));
            }
        }
        let total = |widths: &[u16]| widths.iter().map(|w| w + 2).sum::<u16>();
        // long texts take what the others leave
        let wanted: Vec<u16> = widths.clone();
        for (width, (_, column)) in widths.iter_mut().zip(columns.iter()) {
            if column.title == "NAME" {
                *width = (*width).min(LEAST_NAME);
            } else if column.max >= FLEXIBLE {
                *width = (*width).min(LEAST);
            }
        }
        let mut wanted: Vec<(usize, u16)> = columns.iter().map(|(i, _)| *i).zip(wanted).collect();
        while total(&widths) > room + 2 {
            let worst = columns.iter().enumerate().max_by_key(|(_, (_, c))| c.priority);
            match worst {
                Some((at, (_, column))) if column.priority > 0 => {
                    columns.remove(at);
                    widths.remove(at);
                }
                _ => break,
            }
        }
        wanted.retain(|(index, _)| columns.iter().any(|(i, _)| i == index));
        for (at, (_, want)) in wanted.iter().enumerate() {
            let spare = (room + 2).saturating_sub(total(&widths));
            widths[at] += want.saturating_sub(widths[at]).min(spare);
        }
        // what is still too much is taken from the widest
        while total(&widths) > room + 2 {
            let Some(widest) = widths.iter_mut().max() else { break };
            if *widest <= 4 {
                break;
            }
            *widest -= 1;
        }
        let old = &self.scratch.widths;
        if old.len() == widths.len() && total(old) <= room + 2 {
            // columns do not shrink while the same ones are shown: less moves, fewer bytes
            let grown: Vec<u16> = old.iter().zip(&widths).map(|(a, b)| (*a).max(*b)).collect();
            if total(&grown) <= room + 2 {
                widths = grown;
            }
        }
        self.scratch.widths = widths;
    }

    pub(super) fn view_header(
        &self,
        columns: &[(usize, &'static Column<T>)],
        look: &Look,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let mut x = area.x + 2;
        for ((at, column), width) in columns.iter().zip(&self.scratch.widths) {
            let arrow = match (*at == self.sort.0, self.sort.1) {
                (false, _) => "",
                (true, false) => "↑",
                (true, true) => "↓",
            };
            let title = format!("{}{arrow}", column.title);
            let pad = if column.right { width.saturating_sub(text::width(&title)) } else { 0 };
            let room = area.right().saturating_sub(x + pad);
            text::put(buf, x + pad, area.y, &title, room.min(*width + 1), look.style(Role::Header));
            x += width + 2;
        }
    }

    pub(super) fn view_row(
        &self,
        row: &T,
        state: RowState,
        cells: &[Cell],
        columns: &[(usize, &'static Column<T>)],
        look: &Look,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let key = row.key();
        let under_cursor = self.cursor.as_ref() == Some(key);
        let marked = self.marks.contains(key);
        if under_cursor {
            let role = if look.focused { Role::CursorMark } else { Role::Dim };
            text::put(buf, area.x, area.y, if look.ascii { ">" } else { "▌" }, 1, look.style(role));
        } else if marked {
            text::put(buf, area.x, area.y, if look.ascii { "*" } else { "◆" }, 1, look.style(Role::Marked));
        }
        let (glyph, role) = if state == RowState::Gone {
            (if look.ascii { "x" } else { "✝" }, Role::Stale)
        } else if state == RowState::Stale {
            (look.glyph(row.severity()), Role::Stale)
        } else {
            (look.glyph(row.severity()), Look::role(row.severity()))
        };
        text::put(buf, area.x + 1, area.y, glyph, 1, look.style(role));
        let mut x = area.x + 3;
        for (at, ((index, column), (cell, width))) in
            columns.iter().zip(cells.iter().zip(&self.scratch.widths)).enumerate()
        {
            if x >= area.right() {
                break;
            }
            let shown = if *index == 0 || at == 0 {
                text::fit_middle(&cell.text, *width)
            } else {
                text::fit(&cell.text, *width)
            };
            let style = if state != RowState::Fresh {
                look.style(Role::Stale)
            } else if under_cursor && look.focused && column.title == "NAME" {
                look.style(Role::Cursor)
            } else if marked && column.title == "NAME" {
                look.style(Role::Marked)
            } else {
                look.style(cell.role)
            };
            let pad = if column.right { width.saturating_sub(text::width(&shown)) } else { 0 };
            text::put(buf, x + pad, area.y, &shown, area.right().saturating_sub(x + pad), style);
            x += width + 2;
        }
    }
}
