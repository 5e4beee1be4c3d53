//! A frame as SVG: for reports and for this project's own documentation.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::ui::text;

/// Width and height of a cell, and the baseline within it.
const CELL: (f32, f32, f32) = (8.4, 16.4, 12.6);
const BACKGROUND: &str = "#0f161e";
const FOREGROUND: &str = "#c8d3e0";

/// Draws every cell of `buffer`.
#[must_use]
pub fn draw(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (f32::from(area.width) * CELL.0 + 16.0, f32::from(area.height) * CELL.1 + 16.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans Mono, \
         Menlo, Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" \
         fill=\"{BACKGROUND}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        row(buffer, y, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// One row: runs of equal style as one element each.
fn row(buffer: &Buffer, y: u16, out: &mut String) {
    let mut x = buffer.area.left();
    while x < buffer.area.right() {
        let start = x;
        let first = &buffer[(x, y)];
        let mut run = String::new();
        while x < buffer.area.right() {
            let cell = &buffer[(x, y)];
            if (cell.fg, cell.bg, cell.modifier) != (first.fg, first.bg, first.modifier) {
                break;
            }
            run.push_str(cell.symbol());
            x += text::width(cell.symbol()).max(1);
        }
        let reversed = first.modifier.contains(Modifier::REVERSED);
        let (mut fg, mut bg) = (css(first.fg, FOREGROUND), css(first.bg, BACKGROUND));
        if reversed {
            std::mem::swap(&mut fg, &mut bg);
        }
        let (left, top) = (8.0 + f32::from(start) * CELL.0, 8.0 + f32::from(y) * CELL.1);
        let length = f32::from(x - start) * CELL.0;
        if bg != BACKGROUND {
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>",
                CELL.1
            );
        }
        if run.trim().is_empty() {
            continue;
        }
        let mut style = String::new();
        for (modifier, attribute) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
            (Modifier::DIM, " opacity=\"0.6\""),
        ] {
            if first.modifier.contains(modifier) {
                style.push_str(attribute);
            }
        }
        let _ = writeln!(
            out,
            "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             xml:space=\"preserve\" fill=\"{fg}\"{style}>{}</text>",
            top + CELL.2,
            escape(&run)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A colour as CSS writes it; `default` for the terminal's own.
fn css(color: Color, default: &str) -> String {
    let named = |name: &str| name.to_owned();
    match color {
        Color::Reset => named(default),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Black | Color::Indexed(0) => named("#1c252f"),
        Color::Red | Color::Indexed(1) => named("#c94f4f"),
        Color::Green | Color::Indexed(2) => named("#63b56f"),
        Color::Yellow | Color::Indexed(3) => named("#cfa64a"),
        Color::Blue | Color::Indexed(4) => named("#4a86cf"),
        Color::Magenta | Color::Indexed(5) => named("#a07bd6"),
        Color::Cyan | Color::Indexed(6) => named("#45a8c4"),
        Color::Gray | Color::Indexed(7) => named("#aab4c0"),
        Color::DarkGray | Color::Indexed(8) => named("#66717e"),
        Color::LightRed | Color::Indexed(9) => named("#ff6b6b"),
        Color::LightGreen | Color::Indexed(10) => named("#7fd88f"),
        Color::LightYellow | Color::Indexed(11) => named("#f0c05a"),
        Color::LightBlue | Color::Indexed(12) => named("#6db3ff"),
        Color::LightMagenta | Color::Indexed(13) => named("#c9a8ff"),
        Color::LightCyan | Color::Indexed(14) => named("#7fe0f5"),
        Color::White | Color::Indexed(15) => named("#ffffff"),
        Color::Indexed(n) => {
            let (r, g, b) = crate::theme::from_256(n);
            format!("#{r:02x}{g:02x}{b:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_is_escaped_and_styled_runs_are_joined() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(0, 0, "a<b>&", Style::default().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD));
        let svg = draw(&buffer);
        assert!(svg.contains("fill=\"#010203\" font-weight=\"bold\">a&lt;b&gt;&amp;</text>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 1);
    }
}
