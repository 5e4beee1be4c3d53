//! A filtered view of a log: the numbers of the lines it lets through, kept up to date by looking
//! at new lines only.

use std::collections::VecDeque;

use super::{LineKind, LogBuffer, Matcher};

/// The lines of one log that match. Gaps are always let through: they say what is not known.
#[derive(Debug, Clone)]
pub struct LogView {
    matcher: Matcher,
    numbers: VecDeque<u64>,
    gaps: VecDeque<u64>,
    seen: u64,
}

impl LogView {
    /// A view of nothing yet; see [`LogView::update`].
    #[must_use]
    pub const fn new(matcher: Matcher) -> Self {
        Self { matcher, numbers: VecDeque::new(), gaps: VecDeque::new(), seen: 0 }
    }

    /// What is looked for.
    #[must_use]
    pub const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// Takes in what came since, and lets go of what was evicted.
    pub fn update(&mut self, buffer: &LogBuffer) {
        let first = buffer.first_number();
        for list in [&mut self.numbers, &mut self.gaps] {
            let gone = list.partition_point(|number| *number < first);
            list.drain(..gone);
        }
        let new = self.seen.max(first)..buffer.next_number();
        let (numbers, gaps) = (&mut self.numbers, &mut self.gaps);
        if buffer.gaps() == 0 {
            buffer.scan(&self.matcher, new.clone(), |number| {
                numbers.push_back(number);
                true
            });
        } else {
            for line in buffer.range(new.clone()) {
                let matched = self.matcher.matches(&line);
                if matched || line.kind == LineKind::Gap {
                    numbers.push_back(line.number);
                }
                if !matched && line.kind == LineKind::Gap {
                    gaps.push_back(line.number);
                }
            }
        }
        self.seen = new.end.max(self.seen);
    }

    /// Lines let through.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// True when nothing is let through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Lines that match, without the gaps that are let through anyway.
    #[must_use]
    pub fn matches(&self) -> usize {
        self.numbers.len() - self.gaps.len()
    }

    /// Number of the line at `index` of the view.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<u64> {
        self.numbers.get(index).copied()
    }

    /// Index of the first line whose number is `number` or more; the length when there is none.
    #[must_use]
    pub fn index_of(&self, number: u64) -> usize {
        self.numbers.partition_point(|n| *n < number)
    }
}
