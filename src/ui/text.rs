//! Text by display width: never by bytes, never by characters.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::text::clean;

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` cut to at most `max` columns, with `…` for what is missing.
#[must_use]
pub fn fit(text: &str, max: u16) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let w = width(grapheme);
        if used + w > max - 1 {
            break;
        }
        used += w;
        end = at + grapheme.len();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Like [`fit`], but what is missing is missing in the middle: the ends of names tell them apart.
#[must_use]
pub fn fit_middle(text: &str, max: u16) -> Cow<'_, str> {
    if width(text) <= max || max < 5 {
        return fit(text, max);
    }
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let (mut head, mut tail) = (String::new(), Vec::new());
    let (mut left, mut right) = ((max - 1).div_ceil(2), (max - 1) / 2);
    for g in &graphemes {
        let w = width(g);
        if w > left {
            break;
        }
        left -= w;
        head.push_str(g);
    }
    for g in graphemes.iter().rev() {
        let w = width(g);
        if w > right {
            break;
        }
        right -= w;
        tail.push(*g);
    }
    head.push('…');
    head.extend(tail.into_iter().rev());
    Cow::Owned(head)
}

/// Writes untrusted `text`, made harmless, at most `max` columns from `(x, y)`; returns the columns taken.
pub fn put(buf: &mut Buffer, x: u16, y: u16, text: &str, max: u16, style: Style) -> u16 {
    if max == 0 || y < buf.area.top() || y >= buf.area.bottom() || x < buf.area.left() || x >= buf.area.right() {
        return 0;
    }
    let text = clean(text);
    let shown = fit(&text, max.min(buf.area.right() - x));
    let (end, _) = buf.set_stringn(x, y, shown.as_ref(), usize::from(max), style);
    end - x
}

/// Writes pieces one after another on the first line of `area`; what does not fit is cut.
pub fn line(buf: &mut Buffer, area: Rect, pieces: &[(&str, Style)]) -> u16 {
    let mut x = area.x;
    for (text, style) in pieces {
        x += put(buf, x, area.y, text, area.right().saturating_sub(x), *style);
    }
    x - area.x
}

/// Writes `text`, made harmless and broken at spaces, into `area`; returns the lines taken.
pub fn paragraph(buf: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let mut y = area.y;
    let mut current = String::new();
    let mut flush = |line: &str, y: &mut u16| {
        if *y < area.bottom() {
            put(buf, area.x, *y, line, area.width, style);
        }
        *y += 1;
    };
    for word in text.split_whitespace() {
        let word = fit(word, area.width);
        if !current.is_empty() && width(&current) + 1 + width(&word) > area.width {
            flush(&current, &mut y);
            current.clear();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    if !current.is_empty() {
        flush(&current, &mut y);
    }
    y - area.y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_counts_columns() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_middle("checkout-7f9c5d-abcde", 11), "check…abcde");
        assert!(width(&fit_middle("日本語日本語日本語", 8)) <= 8);
    }
}
