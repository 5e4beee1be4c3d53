//! A log line with the colours it asks for and nothing else of its control sequences: only SGR
//! passes, as data; every other sequence is shown as text, because an attempt is worth seeing.

use std::borrow::Cow;

use memchr::memchr;
use vte::{Params, Parser, Perform};

use super::{Sink, clean};

const ESC: u8 = 0x1B;

/// A line as it may be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styled<'a> {
    /// Its text, clean.
    pub text: Cow<'a, str>,
    /// Stretches that are not in the default style, in order, without overlap.
    pub spans: Vec<Span>,
    /// Control sequences and characters that were made harmless.
    pub defused: u32,
}

/// A stretch of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Bytes.
    pub len: usize,
    /// Style.
    pub style: SgrStyle,
    /// True for a control sequence that was made harmless and is shown as text.
    pub defused: bool,
}

/// What SGR sequences ask for. Hidden and blinking text is not supported on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "SGR attributes are independent switches")]
pub struct SgrStyle {
    /// Foreground.
    pub fg: Option<Colour>,
    /// Background.
    pub bg: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
    /// Crossed out.
    pub strike: bool,
}

/// A colour of an SGR sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One of the 16 that the terminal's theme defines.
    Ansi(u8),
    /// 16..=255 of the fixed palette.
    Indexed(u8),
    /// 24 bit.
    Rgb(u8, u8, u8),
}

impl<'a> Styled<'a> {
    /// Reads a raw line. A carriage return at its end belongs to the line's end and is dropped.
    #[must_use]
    pub fn new(raw: &'a str) -> Self {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if memchr(ESC, raw.as_bytes()).is_none() {
            let defused = scan(raw).1;
            return Self { text: clean(raw), spans: Vec::new(), defused };
        }
        let mut builder =
            Builder { sink: Sink::with_capacity(raw.len()), spans: Vec::new(), style: SgrStyle::default(), defused: 0 };
        builder.read(raw);
        Self { text: Cow::Owned(builder.sink.text), spans: builder.spans, defused: builder.defused }
    }
}

/// Whether a raw line holds escape sequences, and roughly how many of its control characters and
/// sequences a terminal must not get (SGR and tabs are fine). Cheap enough for every line.
#[must_use]
pub fn scan(raw: &str) -> (bool, u32) {
    let bytes = raw.strip_suffix('\r').unwrap_or(raw).as_bytes();
    if bytes.iter().all(|b| *b >= 0x20 && !matches!(b, 0x7F | 0xC2)) {
        return (false, 0);
    }
    let (mut escapes, mut harmful) = (false, 0_u32);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\t' => {}
            &ESC => {
                escapes = true;
                harmful += u32::from(!is_sgr(&bytes[at + 1..]));
            }
            0..=0x1F | 0x7F => harmful += 1,
            0xC2 => harmful += u32::from(bytes.get(at + 1).is_some_and(|next| *next < 0xA0)),
            _ => {}
        }
    }
    (escapes, harmful)
}

fn is_sgr(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(b"[") else { return false };
    let end = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b';' | b':'));
    end.is_some_and(|end| rest[end] == b'm')
}

struct Builder {
    sink: Sink,
    spans: Vec<Span>,
    style: SgrStyle,
    defused: u32,
}

impl Builder {
    /// Text up to the next escape goes straight through; from there bytes go to the parser one by
    /// one, `pending` marking where a sequence began, until it says what the sequence was.
    fn read(&mut self, raw: &str) {
        let bytes = raw.as_bytes();
        let mut parser = Parser::new();
        let mut seen = Seen { style: self.style, found: None };
        let (mut at, mut pending) = (0, None);
        while at < bytes.len() {
            let Some(start) = pending else {
                let next = memchr(ESC, &bytes[at..]).map_or(bytes.len(), |offset| at + offset);
                self.text(&raw[at..next], false);
                pending = (next < bytes.len()).then_some(next);
                parser.advance(&mut seen, &bytes[next..bytes.len().min(next + 1)]);
                at = next + 1;
                continue;
            };
            parser.advance(&mut seen, &bytes[at..=at]);
            // an escape ends a string and begins what follows
            let end = if bytes[at] == ESC { at } else { at + 1 };
            at += 1;
            match seen.found.take() {
                None => {}
                Some(Found::Style) => {
                    self.style = seen.style;
                    pending = None;
                }
                Some(Found::Other) => {
                    self.text(&raw[start..end], true);
                    pending = (end < at).then_some(end);
                }
            }
        }
        if let Some(start) = pending {
            self.text(&raw[start..], true);
        }
    }

    fn text(&mut self, text: &str, defused: bool) {
        if text.is_empty() {
            return;
        }
        let start = self.sink.text.len();
        self.sink.push_str(text);
        let len = self.sink.text.len() - start;
        self.defused += if defused { 1 } else { scan_inner(text) };
        let style = self.style.legible();
        if defused || style != SgrStyle::default() {
            self.spans.push(Span { start, len, style, defused });
        }
    }
}

/// As [`scan`], for the inside of a line.
fn scan_inner(text: &str) -> u32 {
    scan(text).1 + u32::from(text.ends_with('\r'))
}

enum Found {
    Style,
    Other,
}

/// What the parser reports last.
struct Seen {
    style: SgrStyle,
    found: Option<Found>,
}

impl Perform for Seen {
    fn print(&mut self, _: char) {
        self.found = Some(Found::Other);
    }

    fn execute(&mut self, _: u8) {
        self.found = Some(Found::Other);
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.found = Some(Found::Other);
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.found = Some(Found::Other);
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if action != 'm' || ignore || !intermediates.is_empty() {
            self.found = Some(Found::Other);
            return;
        }
        self.found = Some(Found::Style);
        self.style.apply(params);
    }
}

impl SgrStyle {
    fn apply(&mut self, params: &Params) {
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let code = param.first().copied().unwrap_or(0);
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = param.get(1) != Some(&0),
                7 => self.reverse = true,
                9 => self.strike = true,
                21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reverse = false,
                29 => self.strike = false,
                30..=37 => self.fg = ansi(code - 30),
                38 => self.fg = extended(param, &mut params).or(self.fg),
                39 => self.fg = None,
                40..=47 => self.bg = ansi(code - 40),
                48 => self.bg = extended(param, &mut params).or(self.bg),
                49 => self.bg = None,
                90..=97 => self.fg = ansi(code - 90 + 8),
                100..=107 => self.bg = ansi(code - 100 + 8),
                _ => {}
            }
        }
    }

    /// Text in the colour of its background would be hidden: the background goes.
    fn legible(self) -> Self {
        let same = self.fg.is_some() && self.fg.map(Colour::canonical) == self.bg.map(Colour::canonical);
        Self { bg: if same { None } else { self.bg }, ..self }
    }
}

fn ansi(number: u16) -> Option<Colour> {
    u8::try_from(number).ok().map(Colour::Ansi)
}

/// `38;5;n`, `38;2;r;g;b`, and both with colons, where a colour space may come before `r`.
fn extended<'p>(param: &[u16], rest: &mut impl Iterator<Item = &'p [u16]>) -> Option<Colour> {
    let mut buffer = [0_u16; 5];
    let parts: &[u16] = if param.len() > 1 {
        &param[1..]
    } else {
        let mut next = || rest.next().and_then(|p| p.first().copied()).unwrap_or(0);
        buffer[0] = next();
        let count = if buffer[0] == 2 { 3 } else { 1 };
        for slot in &mut buffer[1..=count] {
            *slot = next();
        }
        &buffer[..=count]
    };
    let byte = |value: &u16| u8::try_from(*value).ok();
    match parts {
        [5, n, ..] => byte(n).map(|n| if n < 16 { Colour::Ansi(n) } else { Colour::Indexed(n) }),
        [2, _, r, g, b, ..] | [2, r, g, b] => Some(Colour::Rgb(byte(r)?, byte(g)?, byte(b)?)),
        _ => None,
    }
}

impl Colour {
    /// The fixed palette as RGB, so that equal colours compare equal.
    fn canonical(self) -> Self {
        let Self::Indexed(n) = self else { return self };
        match n {
            16..=231 => {
                let level = |v: u8| if v == 0 { 0 } else { 55 + v * 40 };
                let n = n - 16;
                Self::Rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            232..=255 => {
                let grey = 8 + (n - 232) * 10;
                Self::Rgb(grey, grey, grey)
            }
            _ => Self::Ansi(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::harmful;
    use super::*;

    fn spans(line: &Styled) -> Vec<(String, SgrStyle)> {
        line.spans.iter().map(|s| (line.text[s.start..s.start + s.len].to_owned(), s.style)).collect()
    }

    #[test]
    fn colours_survive_and_end_where_they_end() {
        let line =
            Styled::new("\x1b[1;31mERROR\x1b[0m plain \x1b[38;5;208mwarm\x1b[39m\x1b[38;2;1;2;3mx\x1b[48:2::4:5:6my");
        assert_eq!(line.text, "ERROR plain warmxy");
        assert_eq!(line.defused, 0);
        let fg = |fg| SgrStyle { fg: Some(fg), ..SgrStyle::default() };
        let bg = Some(Colour::Rgb(4, 5, 6));
        assert_eq!(
            spans(&line),
            [
                ("ERROR".to_owned(), SgrStyle { bold: true, ..fg(Colour::Ansi(1)) }),
                ("warm".to_owned(), fg(Colour::Indexed(208))),
                ("x".to_owned(), fg(Colour::Rgb(1, 2, 3))),
                ("y".to_owned(), SgrStyle { bg, ..fg(Colour::Rgb(1, 2, 3)) }),
            ]
        );
    }

    #[test]
    fn every_other_sequence_is_shown_and_counted() {
        let cases = [
            ("\x1b[2Jx", "␛[2Jx", 1),
            ("a\x1b]52;c;cm0gLXJm\x07b", "a␛]52;c;cm0gLXJm␇b", 1),
            ("a\x1b]0;title\x1b\\b", "a␛]0;title␛\\b", 2),
            ("\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\end", "␛Ptmux;␛␛]0;x␇␛\\end", 2),
            ("\x1b[?1049h", "␛[?1049h", 1),
            ("\x1b(Bx", "␛(Bx", 1),
            ("unfinished \x1b[31", "unfinished ␛[31", 1),
            ("\x1b", "␛", 1),
            ("\x1b[3\x071mred?", "␛[3␇1mred?", 1),
            ("\u{9b}31mx", "⟨U+009B⟩31mx", 1),
            ("10%\r20%", "10%␍20%", 1),
            ("windows\r", "windows", 0),
            ("\x1b[>4;2mx", "␛[>4;2mx", 1),
        ];
        for (raw, want, defused) in cases {
            let line = Styled::new(raw);
            assert_eq!((&*line.text, line.defused), (want, defused), "{raw:?}");
        }
    }

    #[test]
    fn text_cannot_hide() {
        let hidden = ["\x1b[8mpw\x1b[0m", "\x1b[31;41mpw", "\x1b[38;5;232;48;2;8;8;8mpw", "\x1b[5mpw"];
        for raw in hidden {
            let line = Styled::new(raw);
            assert_eq!(line.text, "pw", "{raw:?}");
            assert!(line.spans.iter().all(|s| s.style.bg.is_none()), "{raw:?}");
        }
    }

    #[test]
    fn plain_lines_are_borrowed() {
        let line = Styled::new("2026-08-24 INFO served GET /");
        assert!(matches!(line.text, Cow::Borrowed(_)));
        assert_eq!(line.spans.capacity(), 0);
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let raw = String::from_utf8_lossy(&bytes).into_owned();
            let line = Styled::new(&raw);
            prop_assert_eq!(harmful(&line.text), None);
        }

        #[test]
        fn any_mix_of_sequences_is_safe_and_spans_stay_inside(raw in "([\u{1b}\\[\\]0-9;:mJPX\\\\\u{7}\u{18}\u{9b}\ré日\t a-z]|\u{1b}\\[3[0-7]m){0,60}") {
            let line = Styled::new(&raw);
            prop_assert_eq!(harmful(&line.text), None);
            let mut end = 0;
            for span in &line.spans {
                prop_assert!(span.start >= end);
                end = span.start + span.len;
                prop_assert!(line.text.is_char_boundary(span.start) && line.text.is_char_boundary(end));
            }
            prop_assert!(end <= line.text.len());
        }

        #[test]
        fn visible_text_stays(parts in proptest::collection::vec("[a-zäö日 ]{1,8}", 1..8)) {
            let raw = parts.join("\x1b[1;32m");
            prop_assert_eq!(&*Styled::new(&raw).text, parts.concat());
        }
    }
}
