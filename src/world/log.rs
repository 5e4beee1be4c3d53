//! One log in memory: raw text once, in segments, within a byte budget. Lines keep their numbers
//! for as long as they live, so that a reader's place survives eviction; what was evicted is counted.

mod matcher;
mod view;

use std::collections::VecDeque;
use std::ops::Range;

use crate::model::LogRecord;
use crate::model::log::MAX_LINE;
use crate::model::text::{Styled, scan};

pub use matcher::{BadPattern, Direction, Matcher, Syntax};
pub use view::LogView;

/// Bytes a log may hold unless told otherwise.
pub const DEFAULT_BUDGET: usize = 8 * 1024 * 1024;
/// Smallest budget: a few lines must fit.
const MIN_BUDGET: usize = 4 * 1024;
const NO_TIME: i64 = i64::MIN;

/// A bounded log.
#[derive(Debug, Clone)]
pub struct LogBuffer {
    segments: VecDeque<Segment>,
    budget: usize,
    used: usize,
    next: u64,
    generation: u64,
    defused: u64,
    gaps: u64,
}

/// One line, gap or note of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// Its number, counted from 0 since the log began.
    pub number: u64,
    /// Nanoseconds since 1970 by the server's clock.
    pub at: Option<i64>,
    /// Written to standard error.
    pub stderr: bool,
    /// What it is.
    pub kind: LineKind,
    /// The raw, untrusted text: draw [`LogLine::styled`], never this.
    pub raw: &'a str,
    /// Bytes that were cut off its end.
    pub cut: u32,
    /// True when the text holds escape sequences.
    pub escapes: bool,
}

/// What a line of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Written by the container.
    Line,
    /// Lines may be missing here.
    Gap,
    /// About the stream.
    Note,
}

#[derive(Debug, Clone)]
struct Segment {
    first: u64,
    text: String,
    index: Vec<Entry>,
    escapes: bool,
}

/// 24 bytes a line.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: i64,
    offset: u32,
    len: u32,
    cut: u32,
    kind: LineKind,
    stderr: bool,
    escapes: bool,
}

const ENTRY: usize = size_of::<Entry>();

impl Default for LogBuffer {
    fn default() -> Self {
        Self::new(DEFAULT_BUDGET)
    }
}

impl<'a> LogLine<'a> {
    /// The line as it may be drawn.
    #[must_use]
    pub fn styled(&self) -> Styled<'a> {
        Styled::new(self.raw)
    }
}

impl LogBuffer {
    /// A log that holds at most `budget` bytes of text and index.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self {
            segments: VecDeque::new(),
            budget: budget.max(MIN_BUDGET),
            used: 0,
            next: 0,
            generation: 0,
            defused: 0,
            gaps: 0,
        }
    }

    /// Adds records at the end; the oldest segments go when the budget is reached.
    pub fn append(&mut self, records: Vec<LogRecord>) {
        if records.is_empty() {
            return;
        }
        for record in records {
            match record {
                LogRecord::Line { at, stderr, text, cut } => self.push(&text, LineKind::Line, at, stderr, cut),
                LogRecord::Gap(text) => {
                    self.gaps += 1;
                    self.push(&text, LineKind::Gap, None, false, 0);
                }
                LogRecord::Note(text) => self.push(&text, LineKind::Note, None, false, 0),
            }
        }
        self.generation += 1;
    }

    fn push(&mut self, text: &str, kind: LineKind, at: Option<i64>, stderr: bool, cut: u32) {
        let room = MAX_LINE.min(self.budget / 4);
        let mut end = room.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let kept = &text[..end];
        let cut = cut.saturating_add(u32::try_from(text.len() - kept.len()).unwrap_or(u32::MAX));
        let (escapes, harmful) = scan(kept);
        self.defused += u64::from(harmful);
        let need = kept.len() + ENTRY;
        while self.used + need > self.budget {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.used -= oldest.size();
        }
        let limit = (self.budget / 16).min(1 << 20);
        if self.segments.back().is_none_or(|segment| segment.size() + need > limit) {
            if let Some(full) = self.segments.back_mut() {
                full.text.shrink_to_fit();
                full.index.shrink_to_fit();
            }
            self.segments.push_back(Segment {
                first: self.next,
                text: String::new(),
                index: Vec::new(),
                escapes: false,
            });
        }
        if let Some(segment) = self.segments.back_mut() {
            // a segment stays far below 4 GiB
            let offset = u32::try_from(segment.text.len()).unwrap_or(u32::MAX);
            let len = u32::try_from(kept.len()).unwrap_or(0);
            segment.text.push_str(kept);
            segment.escapes |= escapes;
            segment.index.push(Entry { at: at.unwrap_or(NO_TIME), offset, len, cut, kind, stderr, escapes });
            self.used += need;
            self.next += 1;
        }
    }

    /// Lines held.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.next - self.first_number()).unwrap_or(usize::MAX)
    }

    /// True without lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Number of the oldest line held; also how many were evicted before it.
    #[must_use]
    pub fn first_number(&self) -> u64 {
        self.segments.front().map_or(self.next, |segment| segment.first)
    }

    /// Number that the next line will get.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    /// Lines evicted so far.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.first_number()
    }

    /// Bytes held, text and index.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Changes with every append.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Control sequences that came so far and never reach the terminal.
    #[must_use]
    pub const fn defused(&self) -> u64 {
        self.defused
    }

    /// Gaps that came so far.
    #[must_use]
    pub const fn gaps(&self) -> u64 {
        self.gaps
    }

    /// The line with this number, unless it was evicted or has not come yet.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<LogLine<'_>> {
        let at = self.segment_of(number)?;
        self.segments.get(at)?.line(number)
    }

    /// Lines with these numbers, as far as they are held, oldest first.
    pub fn range(&self, numbers: Range<u64>) -> impl Iterator<Item = LogLine<'_>> {
        let numbers = numbers.start.max(self.first_number())..numbers.end.min(self.next);
        numbers.filter_map(|number| self.get(number))
    }

    /// The first match at `from` or beyond it in `direction`.
    #[must_use]
    pub fn find(&self, matcher: &Matcher, from: u64, direction: Direction) -> Option<u64> {
        match direction {
            Direction::Forward => {
                let mut found = None;
                self.scan(matcher, from..self.next, |number| {
                    found = Some(number);
                    false
                });
                found
            }
            Direction::Backward => {
                let end = from.saturating_add(1).min(self.next);
                let last = self.segments.partition_point(|segment| segment.first < end);
                self.segments.range(..last).rev().find_map(|segment| {
                    let mut found = None;
                    segment.scan(matcher, segment.first..end, &mut |number| {
                        found = Some(number);
                        true
                    });
                    found
                })
            }
        }
    }

    /// Calls `hit` with the number of each match among `numbers`, oldest first, until it says false.
    pub fn scan(&self, matcher: &Matcher, numbers: Range<u64>, mut hit: impl FnMut(u64) -> bool) {
        let start = numbers.start.max(self.first_number());
        let Some(first) = self.segment_of(start) else { return };
        for segment in self.segments.range(first..) {
            if segment.first >= numbers.end || !segment.scan(matcher, start..numbers.end, &mut hit) {
                return;
            }
        }
    }

    fn segment_of(&self, number: u64) -> Option<usize> {
        if number >= self.next {
            return None;
        }
        self.segments.partition_point(|segment| segment.first <= number).checked_sub(1)
    }
}

impl Segment {
    fn size(&self) -> usize {
        self.text.len() + self.index.len() * ENTRY
    }

    fn line(&self, number: u64) -> Option<LogLine<'_>> {
        let entry = self.index.get(usize::try_from(number.checked_sub(self.first)?).ok()?)?;
        let raw = self.text.get(entry.offset as usize..(entry.offset + entry.len) as usize)?;
        let at = (entry.at != NO_TIME).then_some(entry.at);
        let Entry { stderr, kind, cut, escapes, .. } = *entry;
        Some(LogLine { number, at, stderr, kind, raw, cut, escapes })
    }

    /// As [`LogBuffer::scan`]; false when `hit` said so.
    fn scan(&self, matcher: &Matcher, numbers: Range<u64>, hit: &mut impl FnMut(u64) -> bool) -> bool {
        let mut number = numbers.start.max(self.first);
        let end = numbers.end.min(self.first + self.index.len() as u64);
        while number < end {
            // a literal cannot span lines unseen: the whole rest of the segment is searched at once
            if !self.escapes
                && let Some(literal) = matcher.literal()
            {
                let Some(candidate) = self.candidate(literal, number) else { return true };
                number = candidate;
                if number >= end {
                    return true;
                }
            }
            if self.line(number).is_some_and(|line| matcher.matches(&line)) && !hit(number) {
                return false;
            }
            number += 1;
        }
        true
    }

    /// The first line from `number` on in which a match of `literal` begins, perhaps to run on
    /// into the next line.
    fn candidate(&self, literal: &regex::Regex, number: u64) -> Option<u64> {
        let entry = self.index.get(usize::try_from(number - self.first).ok()?)?;
        let start = literal.find_at(&self.text, entry.offset as usize)?.start();
        let line = self.index.partition_point(|entry| entry.offset as usize <= start).checked_sub(1)?;
        Some(self.first + line as u64)
    }
}

#[cfg(test)]
mod tests;
