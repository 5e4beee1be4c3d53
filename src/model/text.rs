//! Untrusted text made safe for a terminal, and visible: anybody who can write a log line, an event
//! message or a container's name would otherwise own bytes on the operator's terminal
//! (CVE-2021-25743 is kubectl's case).

mod layout;
mod styled;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

pub use layout::{Window, width, window, wrap};
pub use styled::{Colour, SgrStyle, Span, Styled, scan};

/// Columns between two tab stops.
const TAB: usize = 8;
/// Longest run of combining characters on one base character that is shown.
const COMBINING: usize = 30;
const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';

/// One line of untrusted text, harmless and visible: control characters as their pictures, tabs as
/// spaces, invisible and direction-changing characters as `⟨U+202E⟩`. Joiners stay where scripts
/// and emoji need them. Text without any of these is borrowed.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut sink = Sink::with_capacity(text.len() + 16);
    sink.push_str(text);
    Cow::Owned(sink.text)
}

/// True when [`clean`] has nothing to change.
fn is_clean(text: &str) -> bool {
    if text.bytes().all(|b| matches!(b, 0x20..=0x7E)) {
        return true;
    }
    let mut combining = 0;
    text.chars().all(|c| {
        combining = if is_combining(c) { combining + 1 } else { 0 };
        combining <= COMBINING && !c.is_control() && !is_hidden(c)
    })
}

fn is_combining(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0)
}

/// Characters that show nothing, or change how others are shown.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0D}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// True where a joiner between these two does what it is made for.
fn joins(joiner: char, before: char, after: char) -> bool {
    let cursive = |c: char| {
        matches!(c, '\u{600}'..='\u{DFF}' | '\u{F00}'..='\u{109F}' | '\u{1780}'..='\u{18AF}'
            | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
            && !c.is_numeric()
            && !is_hidden(c)
    };
    let emoji = |c: char| {
        matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{27BF}'
            | '\u{2B00}'..='\u{2BFF}' | '\u{FE0F}')
    };
    match joiner {
        ZWJ => (cursive(before) && cursive(after)) || (emoji(before) && emoji(after) && after != '\u{FE0F}'),
        ZWNJ => cursive(before) && cursive(after),
        _ => false,
    }
}

/// Where cleaned text is put together.
struct Sink {
    text: String,
    column: usize,
    combining: usize,
}

impl Sink {
    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), column: 0, combining: 0 }
    }

    fn push_str(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        let mut before = '\0';
        while let Some(c) = chars.next() {
            let after = chars.peek().copied().unwrap_or('\0');
            if joins(c, before, after) {
                self.text.push(c);
            } else {
                self.push(c);
            }
            before = c;
        }
    }

    fn push(&mut self, c: char) {
        match c {
            '\t' => self.spaces(TAB - self.column % TAB),
            '\0'..='\x1F' => self.visible(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{FFFD}')),
            '\x7F' => self.visible('␡'),
            _ if c.is_control() || is_hidden(c) => {
                let before = self.text.len();
                let _ = write!(self.text, "⟨U+{:04X}⟩", u32::from(c));
                self.column += self.text[before..].chars().count();
                self.combining = 0;
            }
            _ if is_combining(c) => {
                self.combining += 1;
                if self.combining <= COMBINING {
                    self.text.push(c);
                } else if self.combining == COMBINING + 1 {
                    self.text.push('…');
                    self.column += 1;
                }
            }
            _ => self.visible(c),
        }
    }

    fn visible(&mut self, c: char) {
        self.combining = 0;
        self.text.push(c);
        self.column += c.width().unwrap_or(0);
    }

    fn spaces(&mut self, count: usize) {
        self.combining = 0;
        self.text.extend(std::iter::repeat_n(' ', count));
        self.column += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What must never reach a terminal.
    pub(super) fn harmful(text: &str) -> Option<char> {
        text.chars().find(|c| c.is_control() || (is_hidden(*c) && *c != ZWJ && *c != ZWNJ))
    }

    #[test]
    fn what_is_hidden_becomes_visible() {
        let cases = [
            ("plain text ~ 100%", "plain text ~ 100%"),
            ("größer 日本 ✓", "größer 日本 ✓"),
            ("a\tb", "a       b"),
            ("日本\tb", "日本    b"),
            ("\x1b[2J\x07", "␛[2J␇"),
            ("50%\r100%\n", "50%␍100%␊"),
            ("\x7f\0", "␡␀"),
            ("\u{9b}2J", "⟨U+009B⟩2J"),
            ("evil\u{202e}txt", "evil⟨U+202E⟩txt"),
            ("zero\u{200b}width", "zero⟨U+200B⟩width"),
            ("tag\u{e0041}", "tag⟨U+E0041⟩"),
            ("join\u{200d}ed", "join⟨U+200D⟩ed"),
        ];
        for (text, want) in cases {
            assert_eq!(clean(text), want, "{text:?}");
        }
    }

    #[test]
    fn joiners_stay_where_emoji_and_scripts_need_them() {
        for text in ["👩\u{200d}🚒", "🏳\u{fe0f}\u{200d}🌈", "می\u{200c}خواهم", "क्\u{200d}ष"] {
            assert_eq!(clean(text), text, "{text:?}");
        }
    }

    #[test]
    fn piled_up_marks_are_cut() {
        let text = format!("a{}b", "\u{301}".repeat(500));
        assert_eq!(clean(&text), format!("a{}…b", "\u{301}".repeat(COMBINING)));
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(clean("GET /checkout 200 12ms"), Cow::Borrowed(_)));
        assert!(matches!(clean("größer"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(harmful(&clean(&text)), None);
        }

        #[test]
        fn nothing_harmful_passes_for_any_characters(text in any::<String>()) {
            prop_assert_eq!(harmful(&clean(&text)), None);
        }

        #[test]
        fn visible_text_stays(text in "[ -~äöü日本\u{1b}\u{202e}\u{7}]{0,80}") {
            let kept: String = text.chars().filter(|c| !matches!(c, '\u{1b}' | '\u{202e}' | '\u{7}')).collect();
            let shown = clean(&text).replace(['␛', '␇'], "").replace("⟨U+202E⟩", "");
            prop_assert_eq!(shown, kept);
        }
    }
}
