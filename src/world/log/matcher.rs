//! What a search or a filter looks for.

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexBuilder};

use super::LogLine;

/// Largest compiled pattern in bytes: beyond it a pattern is refused, not slow.
const SIZE_LIMIT: usize = 1 << 20;

/// A pattern. Case matters when the pattern holds an upper-case letter; `!` in front means lines
/// that do not match, `\!` a literal one.
#[derive(Debug, Clone)]
pub struct Matcher {
    regex: Regex,
    negate: bool,
    literal: bool,
}

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// As it is.
    #[default]
    Text,
    /// As a regular expression of the `regex` crate.
    Regex,
}

/// Where a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To newer lines.
    Forward,
    /// To older lines.
    Backward,
}

/// A pattern that cannot be used, and why in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern(String);

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadPattern {}

impl Matcher {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is empty, no regular expression, or too large a one.
    pub fn new(pattern: &str, syntax: Syntax) -> Result<Self, BadPattern> {
        let (negate, body) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern.strip_prefix('\\').filter(|rest| rest.starts_with('!')).unwrap_or(pattern)),
        };
        if body.is_empty() {
            return Err(BadPattern("nothing to look for".to_owned()));
        }
        let source = match syntax {
            Syntax::Text => Cow::Owned(regex::escape(body)),
            Syntax::Regex => Cow::Borrowed(body),
        };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!body.chars().any(char::is_uppercase))
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| BadPattern(explain(&error)))?;
        Ok(Self { regex, negate, literal: syntax == Syntax::Text })
    }

    /// True when `line` is what is looked for. Colours do not stand between letters.
    #[must_use]
    pub fn matches(&self, line: &LogLine<'_>) -> bool {
        let found = if line.escapes { self.regex.is_match(&line.styled().text) } else { self.regex.is_match(line.raw) };
        found != self.negate
    }

    /// The stretches of a drawn text to highlight, none for a negated pattern.
    pub fn spans<'t>(&'t self, text: &'t str) -> impl Iterator<Item = std::ops::Range<usize>> + 't {
        let limit = if self.negate { 0 } else { usize::MAX };
        self.regex.find_iter(text).take(limit).map(|found| found.range()).filter(|range| !range.is_empty())
    }

    /// The expression, when it may be run over several lines at once.
    pub(super) fn literal(&self) -> Option<&Regex> {
        (self.literal && !self.negate).then_some(&self.regex)
    }
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this pattern is too large".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ").to_owned()
        }
    }
}
