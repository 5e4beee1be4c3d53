//! Lines out of a kubelet's answer: bounded in length, with the time stamp in front taken off.

use std::io;

use futures::{AsyncBufRead, AsyncBufReadExt};

use crate::model::log::MAX_LINE;

/// Container runtimes split lines into pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// Room for the stamps that old kubelets put before every piece of a line that is kept whole.
const SLACK: usize = (MAX_LINE / PIECE + 2) * 36;

/// A line with its stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Nanoseconds since 1970, when the line began with an RFC 3339 time.
    pub at: Option<i64>,
    /// The text.
    pub text: Box<str>,
    /// Bytes that were cut off its end.
    pub cut: u32,
}

/// Reads lines of bounded length. Dropping a pending [`Lines::next`] loses nothing.
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    over: usize,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Reads from `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), over: 0 }
    }

    /// The next complete line; `None` at the end of the stream.
    ///
    /// # Errors
    /// What the stream failed with.
    pub async fn next(&mut self) -> io::Result<Option<Stamped>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', chunk);
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            let used = end.map_or(chunk.len(), |at| at + 1);
            let room = (MAX_LINE + SLACK).saturating_sub(self.buffer.len()).min(piece.len());
            self.buffer.extend_from_slice(&piece[..room]);
            self.over += piece.len() - room;
            self.reader.consume_unpin(used);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    /// What follows the last newline, once the stream has ended.
    pub fn rest(&mut self) -> Option<Stamped> {
        (!self.buffer.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Stamped {
        let line = read(&self.buffer, self.over);
        self.buffer.clear();
        self.buffer.shrink_to(64 * 1024);
        self.over = 0;
        line
    }
}

/// Takes stamps off `raw`, replaces invalid UTF-8 and cuts the text to [`MAX_LINE`] bytes.
fn read(raw: &[u8], over: usize) -> Stamped {
    let (at, body) = match stamp(raw) {
        Some((at, len)) => (Some(at), &raw[len..]),
        None => (None, raw),
    };
    let joined;
    let mut body = body;
    if at.is_some() && body.len() > PIECE {
        joined = join(body);
        body = &joined;
    }
    // a trailing carriage return belongs to the line ending
    let body = if over == 0 { body.strip_suffix(b"\r").unwrap_or(body) } else { body };
    let text = String::from_utf8_lossy(body);
    let keep = floor(&text, MAX_LINE);
    let cut = u32::try_from(over + text.len() - keep).unwrap_or(u32::MAX);
    Stamped { at, text: text[..keep].into(), cut }
}

/// Kubelets before 1.29 put a stamp before each piece of a long line: those in the middle go.
fn join(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while rest.len() > PIECE {
        out.extend_from_slice(&rest[..PIECE]);
        rest = &rest[PIECE..];
        if let Some((_, len)) = stamp(rest) {
            rest = &rest[len..];
        }
    }
    out.extend_from_slice(rest);
    out
}

fn floor(text: &str, limit: usize) -> usize {
    if text.len() <= limit { text.len() } else { (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0) }
}

/// An RFC 3339 time with nanoseconds and the space after it, at the start of `raw`: its value and length.
fn stamp(raw: &[u8]) -> Option<(i64, usize)> {
    let head = raw.get(..raw.len().min(36))?;
    if head.get(4) != Some(&b'-') || head.get(10) != Some(&b'T') {
        return None;
    }
    let len = memchr::memchr(b' ', head)?;
    let time: jiff::Timestamp = std::str::from_utf8(&head[..len]).ok()?.parse().ok()?;
    Some((i64::try_from(time.as_nanosecond()).ok()?, len + 1))
}

#[cfg(test)]
mod tests {
    use futures::io::{BufReader, Cursor};

    use super::*;

    async fn lines(raw: Vec<u8>) -> (Vec<Stamped>, Option<Stamped>) {
        // a tiny buffer: every line arrives in pieces
        let mut lines = Lines::new(BufReader::with_capacity(7, Cursor::new(raw)));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        (all, lines.rest())
    }

    #[tokio::test]
    async fn a_stamp_is_read_to_the_nanosecond_and_taken_off() {
        let raw = "2026-08-24T10:11:12.000000001Z one\n2026-08-24T12:11:12.5+02:00 two\r\nno stamp\n2026-08-24T1";
        let (all, rest) = lines(raw.into()).await;
        let seen: Vec<_> = all.iter().map(|l| (l.at, &*l.text)).collect();
        let base = 1_787_566_272_000_000_000;
        assert_eq!(seen, [(Some(base + 1), "one"), (Some(base + 500_000_000), "two"), (None, "no stamp")]);
        assert_eq!(&*rest.unwrap().text, "2026-08-24T1");
    }

    #[tokio::test]
    async fn bytes_that_are_not_text_are_replaced() {
        let (all, _) = lines(b"a\xffb\n\n".to_vec()).await;
        assert_eq!(all.iter().map(|l| &*l.text).collect::<Vec<_>>(), ["a\u{fffd}b", ""]);
    }

    #[tokio::test]
    async fn stamps_inside_a_long_line_go() {
        let stamp = "2026-08-24T10:11:12.000000001Z ";
        let (one, two) = ("x".repeat(PIECE), "y".repeat(100));
        let (all, _) = lines(format!("{stamp}{one}{stamp}{two}\n").into_bytes()).await;
        assert_eq!(&*all[0].text, format!("{one}{two}"));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_counted() {
        let (all, _) = lines(format!("{}\nnext\n", "z".repeat(MAX_LINE + 70_000)).into_bytes()).await;
        assert_eq!((all[0].text.len(), all[0].cut, &*all[1].text), (MAX_LINE, 70_000, "next"));
    }
}
