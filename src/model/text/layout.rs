//! Cleaned text in cells: how wide it is, where it wraps, what of it a window shows. Everything
//! goes by grapheme, so that nothing is cut in half.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The part of a line that a horizontal window shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Blank cells before the text, where a wide character is cut by the window's left edge.
    pub lead: usize,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// Width of `text` in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_narrow(text) { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

fn is_narrow(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x20..=0x7E))
}

/// The byte ranges of the rows that `text` takes at `width` cells. They cover the text exactly;
/// empty text takes one row, and a grapheme wider than the row has one for itself.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<Range<usize>> {
    let width = width.max(1);
    if is_narrow(text) {
        let rows = text.len().div_ceil(width).max(1);
        return (0..rows).map(|row| row * width..text.len().min((row + 1) * width)).collect();
    }
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let cells = grapheme.width();
        if used + cells > width && at > start {
            rows.push(start..at);
            (start, used) = (at, 0);
        }
        used += cells;
    }
    rows.push(start..text.len());
    rows
}

/// What of `text` is seen through a window of `width` cells that starts at cell `column`.
#[must_use]
pub fn window(text: &str, column: usize, width: usize) -> Window {
    if is_narrow(text) {
        let start = column.min(text.len());
        return Window { lead: 0, range: start..text.len().min(start.saturating_add(width)) };
    }
    let end_column = column.saturating_add(width);
    let (mut at_column, mut lead) = (0, 0);
    let mut range: Option<Range<usize>> = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        let next = at_column + grapheme.width();
        if at_column >= column && next <= end_column {
            range.get_or_insert(at..at).end = at + grapheme.len();
        } else if at_column < column && next > column {
            lead = (next - column).min(width);
        } else if at_column >= end_column || next > end_column {
            break;
        }
        at_column = next;
    }
    Window { lead, range: range.unwrap_or(text.len()..text.len()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_never_split_a_wide_character() {
        let text = "ab日本語";
        let rows: Vec<&str> = wrap(text, 3).into_iter().map(|r| &text[r]).collect();
        assert_eq!(rows, ["ab", "日", "本", "語"]);
        assert_eq!(wrap("", 10).len(), 1);
        assert_eq!(wrap("abcdef", 3), [0..3, 3..6]);
    }

    #[test]
    fn a_window_blanks_what_its_edge_cuts() {
        let text = "日本語ab";
        assert_eq!(window(text, 0, 4), Window { lead: 0, range: 0..6 });
        assert_eq!(window(text, 1, 4), Window { lead: 1, range: 3..6 });
        assert_eq!(window(text, 6, 9), Window { lead: 0, range: 9..11 });
        assert_eq!(window(text, 60, 9), Window { lead: 0, range: 11..11 });
        assert_eq!(window("abcdef", 2, 3), Window { lead: 0, range: 2..5 });
        assert_eq!(window("abc", 9, 3), Window { lead: 0, range: 3..3 });
    }

    proptest! {
        #[test]
        fn wrapping_covers_the_text_exactly(text in any::<String>(), cells in 1usize..40) {
            let rows = wrap(&text, cells);
            let joined: String = rows.iter().map(|r| &text[r.clone()]).collect();
            prop_assert_eq!(&joined, &text);
            for row in rows {
                let row = &text[row];
                prop_assert!(width(row) <= cells || row.graphemes(true).count() == 1 || row.graphemes(true).skip(1).all(|g| g.width() == 0));
            }
        }

        #[test]
        fn a_window_is_never_wider_than_asked(text in any::<String>(), column in 0usize..60, cells in 0usize..40) {
            let seen = window(&text, column, cells);
            prop_assert!(seen.lead + width(&text[seen.range]) <= cells);
        }
    }
}
