//! How much a row needs a human: shown as a glyph and a word, never by colour alone.

/// Order of need, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// As wanted.
    #[default]
    Good,
    /// Finished on purpose.
    Done,
    /// On its way.
    Busy,
    /// Not as wanted, may recover by itself.
    Warn,
    /// Broken.
    Bad,
}

impl Severity {
    /// The one-cell glyph beside a row.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Done => "·",
            Self::Busy => "◌",
            Self::Warn => "▲",
            Self::Bad => "✖",
        }
    }

    /// The same for terminals without these glyphs.
    #[must_use]
    pub const fn ascii(self) -> &'static str {
        match self {
            Self::Good => "+",
            Self::Done => ".",
            Self::Busy => "~",
            Self::Warn => "!",
            Self::Bad => "X",
        }
    }
}
