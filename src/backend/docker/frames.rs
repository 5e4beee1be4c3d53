//! The bytes of a log stream as lines. Framed or not is decided by the container's `Tty`, never by
//! a look at the bytes. Frames hold one message each, with a timestamp of its own; what is longer
//! than 16 KiB comes as several, of which only the last ends in a newline.

use crate::model::log::MAX_LINE;

/// Size at which the engine cuts a message (moby `daemon/logger/copier.go`).
const MESSAGE: usize = 16 * 1024;
/// Longest timestamp with its offset.
const STAMP: usize = 40;

/// A complete line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Nanoseconds since 1970, by the engine.
    pub at: Option<i64>,
    /// From standard error.
    pub stderr: bool,
    /// Without its newline, cut at [`MAX_LINE`].
    pub text: Vec<u8>,
    /// Bytes that were cut off.
    pub cut: u32,
}

/// What comes out of the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A line.
    Line(Line),
    /// An error that the engine reports inside the stream.
    System(String),
}

/// Decoder of one log stream; chunks may end anywhere.
#[derive(Debug)]
pub struct Decoder {
    framed: bool,
    header: Vec<u8>,
    left: usize,
    kind: u8,
    out: Part,
    err: Part,
    system: Vec<u8>,
}

/// One of the two streams.
#[derive(Debug, Default)]
struct Part {
    stderr: bool,
    /// Reading the timestamp of a message.
    in_stamp: bool,
    stamp: Vec<u8>,
    /// Bytes of the current message so far.
    message: usize,
    /// A message without newline came before: what follows may continue it.
    open: bool,
    at: Option<i64>,
    text: Vec<u8>,
    cut: u32,
}

impl Decoder {
    /// A decoder for a container with or without a terminal.
    #[must_use]
    pub fn new(tty: bool) -> Self {
        let part = |stderr| Part { stderr, in_stamp: true, ..Part::default() };
        Self {
            framed: !tty,
            header: Vec::with_capacity(8),
            left: 0,
            kind: 0,
            out: part(false),
            err: part(true),
            system: Vec::new(),
        }
    }

    /// Takes in `chunk`; appends what is complete to `items`.
    pub fn push(&mut self, mut chunk: &[u8], items: &mut Vec<Item>) {
        while !chunk.is_empty() {
            if !self.framed {
                return self.out.raw(chunk, items);
            }
            if self.left == 0 {
                chunk = self.read_header(chunk, items);
                continue;
            }
            let (payload, rest) = chunk.split_at(self.left.min(chunk.len()));
            self.left -= payload.len();
            let ends = self.left == 0;
            match self.kind {
                3 => self.system.extend_from_slice(&payload[..payload.len().min(MESSAGE)]),
                2 => self.err.payload(payload, ends, items),
                _ => self.out.payload(payload, ends, items),
            }
            if ends && self.kind == 3 {
                let text = String::from_utf8_lossy(&std::mem::take(&mut self.system)).trim().to_owned();
                items.push(Item::System(text));
            }
            chunk = rest;
        }
    }

    fn read_header<'a>(&mut self, chunk: &'a [u8], items: &mut Vec<Item>) -> &'a [u8] {
        let (head, rest) = chunk.split_at((8 - self.header.len()).min(chunk.len()));
        self.header.extend_from_slice(head);
        let &[kind, a, b, c, l0, l1, l2, l3] = self.header.as_slice() else { return rest };
        if kind > 3 || (a, b, c) != (0, 0, 0) {
            // No frames after all: better raw text than none.
            self.framed = false;
            let header = std::mem::take(&mut self.header);
            self.out.raw(&header, items);
            return rest;
        }
        self.header.clear();
        self.kind = kind;
        self.left = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        match kind {
            2 => self.err.begin(),
            3 => self.system.clear(),
            _ => self.out.begin(),
        }
        rest
    }

    /// The stream has ended for good: what has no newline is a line too.
    pub fn finish(&mut self, items: &mut Vec<Item>) {
        for part in [&mut self.out, &mut self.err] {
            if part.open || !part.text.is_empty() {
                part.emit(!self.framed, items);
            }
        }
    }

    /// Time of the oldest line that is not complete, in nanoseconds.
    #[must_use]
    pub fn pending(&self) -> Option<i64> {
        [&self.out, &self.err].into_iter().filter(|part| part.open || !part.text.is_empty()).filter_map(|p| p.at).min()
    }
}

impl Part {
    /// A message begins.
    fn begin(&mut self) {
        self.in_stamp = true;
        self.stamp.clear();
    }

    fn payload(&mut self, payload: &[u8], ends: bool, items: &mut Vec<Item>) {
        let mut rest = self.take_stamp(payload, items);
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.append(&rest[..at]);
            self.emit(false, items);
            rest = &rest[at + 1..];
        }
        self.append(rest);
        if ends && !self.in_stamp {
            self.open = !self.text.is_empty();
        }
    }

    /// Bytes of a stream without frames: every line is a message.
    fn raw(&mut self, chunk: &[u8], items: &mut Vec<Item>) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let line = self.take_stamp(&rest[..end.unwrap_or(rest.len())], items);
            self.append(line);
            let Some(end) = end else { return };
            self.emit(true, items);
            rest = &rest[end + 1..];
        }
    }

    /// Reads the timestamp at the start of a message; returns what follows it.
    fn take_stamp<'a>(&mut self, bytes: &'a [u8], items: &mut Vec<Item>) -> &'a [u8] {
        if !self.in_stamp {
            return bytes;
        }
        let room = (STAMP - self.stamp.len()).min(bytes.len());
        let Some(space) = memchr::memchr(b' ', &bytes[..room]) else {
            self.stamp.extend_from_slice(&bytes[..room]);
            if self.stamp.len() >= STAMP {
                self.no_stamp();
            }
            return &bytes[room..];
        };
        self.stamp.extend_from_slice(&bytes[..space]);
        let text = std::str::from_utf8(&self.stamp).unwrap_or_default();
        let parsed = text.parse::<jiff::Timestamp>().ok().and_then(|t| i64::try_from(t.as_nanosecond()).ok());
        let Some(at) = parsed else {
            self.no_stamp();
            return &bytes[space..];
        };
        self.in_stamp = false;
        if self.open && self.at != Some(at) && self.message < MESSAGE {
            self.emit(false, items);
            self.in_stamp = false;
        }
        self.message = 0;
        if !self.open {
            self.at = Some(at);
        }
        &bytes[space + 1..]
    }

    /// What was read is text and no timestamp.
    fn no_stamp(&mut self) {
        self.in_stamp = false;
        self.message = 0;
        let text = std::mem::take(&mut self.stamp);
        self.append(&text);
    }

    fn append(&mut self, bytes: &[u8]) {
        self.message += bytes.len();
        let keep = bytes.len().min(MAX_LINE.saturating_sub(self.text.len()));
        self.text.extend_from_slice(&bytes[..keep]);
        self.cut = self.cut.saturating_add(u32::try_from(bytes.len() - keep).unwrap_or(u32::MAX));
    }

    fn emit(&mut self, terminal: bool, items: &mut Vec<Item>) {
        if self.in_stamp && !self.stamp.is_empty() {
            self.no_stamp();
        }
        let mut text = std::mem::take(&mut self.text);
        if terminal {
            unfold_terminal(&mut text, &self.stamp);
        }
        items.push(Item::Line(Line { at: self.at, stderr: self.stderr, text, cut: self.cut }));
        self.cut = 0;
        self.open = false;
        self.at = None;
        self.begin();
    }
}

/// A terminal's line: long messages were joined with their timestamps between, lines end in `\r\n`,
/// and a bare `\r` draws the line anew.
fn unfold_terminal(text: &mut Vec<u8>, stamp: &[u8]) {
    let prefix = [stamp, b" "].concat();
    let mut from = MESSAGE;
    while stamp.len() > 1 && text.len() > from && text[from..].starts_with(&prefix) {
        text.drain(from..from + prefix.len());
        from += MESSAGE;
    }
    while text.last() == Some(&b'\r') {
        text.pop();
    }
    if let Some(at) = memchr::memrchr(b'\r', text) {
        text.drain(..=at);
    }
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
