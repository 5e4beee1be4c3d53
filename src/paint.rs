//! Frames as bytes: draws into a buffer, compares it with what the terminal shows, and writes the
//! difference with as few bytes as will do. When nothing differs nothing is written.
//!
//! This is the last gate before the terminal: whatever a cell holds, only printable text and this
//! module's own escape sequences leave it.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier};

use crate::theme::{Depth, reduce};

/// Frames shorter than this are sent bare; longer ones as one synchronized update.
const SYNC_FROM: usize = 512;

/// What the terminal shows, and what it should show next.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    next: Buffer,
    depth: Depth,
    pen: Option<Pen>,
    caret: Option<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl Painter {
    /// A painter for a cleared terminal of this size.
    #[must_use]
    pub fn new(size: Size, depth: Depth) -> Self {
        let area = Rect::new(0, 0, size.width, size.height);
        Self { shown: Buffer::empty(area), next: Buffer::empty(area), depth, pen: None, caret: None }
    }

    /// The frame's area.
    #[must_use]
    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// The terminal has a new size, or unknown contents: the next frame is drawn in full.
    pub fn reset(&mut self, size: Size) {
        *self = Self::new(size, self.depth);
    }

    /// Draws a frame and returns the bytes that bring the terminal there; empty when it is there
    /// already. `draw` returns where the text cursor stands, `None` hides it.
    pub fn frame(&mut self, draw: impl FnOnce(Rect, &mut Buffer) -> Option<Position>) -> Vec<u8> {
        self.next.reset();
        let caret = draw(self.next.area, &mut self.next);
        let mut out = String::new();
        if self.pen.is_none() {
            out.push_str("\x1b[0m\x1b[?25l\x1b[2J");
            self.pen = Some(PLAIN);
        }
        self.write_cells(&mut out);
        if let Some(at) = caret
            && (self.caret != caret || !out.is_empty())
        {
            let _ = write!(out, "\x1b[{};{}H", at.y + 1, at.x + 1);
        }
        if self.caret.is_some() != caret.is_some() {
            out.push_str(if caret.is_some() { "\x1b[?25h" } else { "\x1b[?25l" });
        }
        self.caret = caret;
        std::mem::swap(&mut self.shown, &mut self.next);
        if out.len() >= SYNC_FROM {
            out.insert_str(0, "\x1b[?2026h");
            out.push_str("\x1b[?2026l");
        }
        out.into_bytes()
    }

    /// The last frame.
    #[must_use]
    pub fn shown(&self) -> &Buffer {
        &self.shown
    }

    fn write_cells(&mut self, out: &mut String) {
        let mut pen = self.pen.unwrap_or(PLAIN);
        let mut at: Option<(u16, u16)> = None;
        for (x, y, cell) in self.shown.diff(&self.next) {
            move_to(out, at, x, y);
            let want = Pen {
                fg: reduce(cell.fg, self.depth).unwrap_or(Color::Reset),
                bg: reduce(cell.bg, self.depth).unwrap_or(Color::Reset),
                modifier: cell.modifier & (Modifier::all() - Modifier::SLOW_BLINK - Modifier::RAPID_BLINK),
            };
            change_pen(out, &mut pen, want);
            let width = put(out, cell);
            at = Some((x + width, y));
        }
        self.pen = Some(pen);
    }
}

/// One row of a buffer as text with colours, reset at its end.
#[must_use]
pub fn ansi_row(buffer: &Buffer, y: u16) -> String {
    let mut out = String::new();
    let mut pen = PLAIN;
    let mut x = buffer.area.left();
    while x < buffer.area.right() {
        let cell = &buffer[(x, y)];
        change_pen(&mut out, &mut pen, Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
        x += put(&mut out, cell);
    }
    out.push_str("\x1b[0m");
    out
}

/// Writes the cell's text, made harmless; returns its width.
fn put(out: &mut String, cell: &Cell) -> u16 {
    let symbol = cell.symbol();
    if symbol.chars().any(is_unsafe) {
        out.push('\u{fffd}');
        return 1;
    }
    out.push_str(symbol);
    u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1)
}

/// True for characters that could steer a terminal or reorder its line.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn move_to(out: &mut String, at: Option<(u16, u16)>, x: u16, y: u16) {
    match at {
        Some((ax, ay)) if ay == y && ax == x => {}
        Some((ax, ay)) if ay == y && ax < x => {
            let _ = if x - ax == 1 { write!(out, "\x1b[C") } else { write!(out, "\x1b[{}C", x - ax) };
        }
        _ if x == 0 => {
            let _ = write!(out, "\x1b[{}H", y + 1);
        }
        _ => {
            let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
        }
    }
}

/// Changes fewest attributes: bits that must go need a reset first.
fn change_pen(out: &mut String, pen: &mut Pen, want: Pen) {
    if *pen == want {
        return;
    }
    let mut codes = String::new();
    let mut have = *pen;
    if !(have.modifier - want.modifier).is_empty() {
        codes.push('0');
        have = PLAIN;
    }
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if want.modifier.contains(modifier) && !have.modifier.contains(modifier) {
            separate(&mut codes);
            let _ = write!(codes, "{code}");
        }
    }
    if have.fg != want.fg {
        separate(&mut codes);
        color(&mut codes, want.fg, 30);
    }
    if have.bg != want.bg {
        separate(&mut codes);
        color(&mut codes, want.bg, 40);
    }
    *pen = want;
    if codes == "0" {
        codes.clear();
    }
    let _ = write!(out, "\x1b[{codes}m");
}

fn separate(codes: &mut String) {
    if !codes.is_empty() {
        codes.push(';');
    }
}

/// SGR code of a colour; `base` is 30 for foreground, 40 for background.
fn color(codes: &mut String, color: Color, base: u16) {
    let ansi = |n: u16| if n < 8 { base + n } else { base + 60 + n - 8 };
    let _ = match color {
        Color::Reset => write!(codes, "{}", base + 9),
        Color::Black => write!(codes, "{}", ansi(0)),
        Color::Red => write!(codes, "{}", ansi(1)),
        Color::Green => write!(codes, "{}", ansi(2)),
        Color::Yellow => write!(codes, "{}", ansi(3)),
        Color::Blue => write!(codes, "{}", ansi(4)),
        Color::Magenta => write!(codes, "{}", ansi(5)),
        Color::Cyan => write!(codes, "{}", ansi(6)),
        Color::Gray => write!(codes, "{}", ansi(7)),
        Color::DarkGray => write!(codes, "{}", ansi(8)),
        Color::LightRed => write!(codes, "{}", ansi(9)),
        Color::LightGreen => write!(codes, "{}", ansi(10)),
        Color::LightYellow => write!(codes, "{}", ansi(11)),
        Color::LightBlue => write!(codes, "{}", ansi(12)),
        Color::LightMagenta => write!(codes, "{}", ansi(13)),
        Color::LightCyan => write!(codes, "{}", ansi(14)),
        Color::White => write!(codes, "{}", ansi(15)),
        Color::Indexed(n) => write!(codes, "{};5;{n}", base + 8),
        Color::Rgb(r, g, b) => write!(codes, "{};2;{r};{g};{b}", base + 8),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    const SIZE: Size = Size { width: 20, height: 4 };

    #[test]
    fn an_unchanged_frame_writes_nothing() {
        let mut painter = Painter::new(SIZE, Depth::True);
        let draw = |_: Rect, buf: &mut Buffer| {
            buf.set_string(1, 1, "hello", Style::default());
            None
        };
        assert!(!painter.frame(draw).is_empty());
        assert_eq!(painter.frame(draw), b"");
    }

    #[test]
    fn control_characters_in_cells_never_leave() {
        let mut painter = Painter::new(SIZE, Depth::True);
        let bytes = painter.frame(|_, buf| {
            buf[(0, 0)].set_symbol("\x1b]52;c;aGk=\x07");
            buf[(1, 0)].set_symbol("\u{202e}x");
            None
        });
        let text = String::from_utf8(bytes).expect("frames are UTF-8");
        assert!(!text.contains("\x1b]") && !text.contains('\x07') && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains('\u{fffd}'));
    }

    proptest! {
        /// What a terminal shows after any two frames is what the second frame holds.
        #[test]
        fn a_terminal_ends_up_with_the_frame(
            first in prop::collection::vec((0u16..20, 0u16..4, "[a-z漢é ]{1,6}", 0u8..8, any::<bool>()), 0..8),
            second in prop::collection::vec((0u16..20, 0u16..4, "[a-z漢é ]{1,6}", 0u8..8, any::<bool>()), 0..8),
        ) {
            let mut painter = Painter::new(SIZE, Depth::Ansi256);
            let mut terminal = {
                let size = |n: u16| std::num::NonZero::new(n).expect("not zero");
                vt100::Parser::new(size(SIZE.height), size(SIZE.width), 0)
            };
            for texts in [first, second] {
                let bytes = painter.frame(|_, buf| {
                    for (x, y, text, color, bold) in &texts {
                        let mut style = Style::default().fg(Color::Indexed(*color));
                        if *bold { style = style.add_modifier(Modifier::BOLD); }
                        buf.set_string(*x, *y, text, style);
                    }
                    None
                });
                terminal.process(&bytes);
            }
            for y in 0..SIZE.height {
                let mut x = 0;
                while x < SIZE.width {
                    let want = painter.shown()[(x, y)].symbol();
                    let cell = terminal.screen().cell(y, x).expect("inside the screen");
                    let got = if cell.has_contents() { cell.contents() } else { " " };
                    prop_assert_eq!(got, want, "at {},{}", x, y);
                    x += u16::try_from(unicode_width::UnicodeWidthStr::width(want)).unwrap_or(1).max(1);
                }
            }
        }
    }
}
