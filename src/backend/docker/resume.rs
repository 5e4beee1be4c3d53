//! Going on after a cut log stream without losing or repeating a line. Timestamps alone do not
//! identify a line (many share one, the two streams interleave), so what was shown in the last
//! seconds is kept as a multiset of time, stream and text.
//!
//! Kubernetes logs resume by another algorithm on purpose: there a rotation can take lines away
//! unseen, so order is what shows a loss, and lines may come without a time. An engine sends both
//! streams in an order that may differ from one answer to the next, begins with a tail, and holds
//! incomplete lines open: order proves nothing here, and what is open moves the start back.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};

use super::frames::Line;

const SECOND: i64 = 1_000_000_000;

/// What has been shown of a log, as far as a re-attached stream can repeat it.
#[derive(Debug, Default)]
pub struct Resume {
    /// Time of the first line shown: a stream that began with a tail must not go back before it.
    first: Option<i64>,
    newest: Option<i64>,
    recent: VecDeque<(i64, u64)>,
    skip: HashMap<(i64, u64), u32>,
}

impl Resume {
    /// Where to attach again, in whole seconds since 1970 (inclusive), given the oldest line that
    /// was not complete; `None` when nothing was shown yet.
    #[must_use]
    pub fn since(&self, pending: Option<i64>) -> Option<i64> {
        self.floor(pending).map(|floor| floor / SECOND)
    }

    /// Start of what is remembered: a second before the newest, since the two streams may be out of
    /// order by a little, and before any incomplete line.
    fn floor(&self, pending: Option<i64>) -> Option<i64> {
        let newest = self.newest? - SECOND;
        Some(pending.map_or(newest, |pending| pending.min(newest)).div_euclid(SECOND) * SECOND)
    }

    /// A stream from [`Self::since`] begins: what was shown comes again.
    pub fn reattach(&mut self) {
        self.skip.clear();
        for key in &self.recent {
            *self.skip.entry(*key).or_default() += 1;
        }
    }

    /// True when `line` is to be shown. Lines without a time always are.
    pub fn admit(&mut self, line: &Line, pending: Option<i64>) -> bool {
        let Some(at) = line.at else { return true };
        let key = (at, fingerprint(line));
        if let Some(count) = self.skip.get_mut(&key).filter(|count| **count > 0) {
            *count -= 1;
            return false;
        }
        let replayed = !self.skip.is_empty();
        if replayed && self.first.is_some_and(|first| at < first) {
            return false;
        }
        self.first.get_or_insert(at);
        self.newest = self.newest.max(Some(at));
        self.recent.push_back(key);
        if let Some(floor) = self.floor(pending) {
            while self.recent.front().is_some_and(|(at, _)| *at < floor) {
                self.recent.pop_front();
            }
        }
        true
    }
}

fn fingerprint(line: &Line) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.stderr, &line.text, line.cut).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(at: i64, stderr: bool, text: &str) -> Line {
        Line { at: Some(at), stderr, text: text.as_bytes().to_vec(), cut: 0 }
    }

    /// Plays `log` through cuts: at each cut the server sends again from `since`.
    fn play(log: &[Line], cuts: &[usize]) -> Vec<Line> {
        let mut resume = Resume::default();
        let mut shown = Vec::new();
        let mut reached = 0;
        for end in cuts.iter().copied().chain([log.len()]) {
            let end = end.max(reached).min(log.len());
            let since = resume.since(None).map_or(i64::MIN, |second| second * SECOND);
            resume.reattach();
            for line in log[..end].iter().filter(|line| line.at >= Some(since)) {
                if resume.admit(line, None) {
                    shown.push(line.clone());
                }
            }
            reached = end;
        }
        shown
    }

    #[test]
    fn equal_lines_of_one_moment_are_all_shown_once() {
        let log = vec![line(5, false, "a"), line(5, false, "a"), line(5, true, "a"), line(5, false, "a")];
        for cut in 0..=4 {
            assert_eq!(play(&log, &[cut]), log, "cut after {cut}");
        }
    }

    #[test]
    fn a_stream_that_began_with_a_tail_does_not_go_back() {
        let mut resume = Resume::default();
        assert!(resume.admit(&line(SECOND * 9 + 500, false, "shown"), None));
        resume.reattach();
        assert!(!resume.admit(&line(SECOND * 9 + 400, false, "before the tail"), None));
        assert!(!resume.admit(&line(SECOND * 9 + 500, false, "shown"), None));
        assert!(resume.admit(&line(SECOND * 9 + 600, false, "new"), None));
    }

    #[test]
    fn an_incomplete_line_moves_the_start_back() {
        let mut resume = Resume::default();
        assert_eq!(resume.since(None), None);
        resume.admit(&line(SECOND * 100, false, "x"), Some(SECOND * 40 + 7));
        assert_eq!((resume.since(None), resume.since(Some(SECOND * 40 + 7))), (Some(99), Some(40)));
    }

    proptest! {
        #[test]
        fn any_log_survives_any_cuts(
            steps in prop::collection::vec((0_i64..SECOND, any::<bool>(), 0_u8..3), 0..80),
            cuts in prop::collection::vec(0_usize..80, 0..6),
        ) {
            let mut at = 1_700_000_000 * SECOND;
            let log: Vec<Line> = steps
                .iter()
                .map(|(step, stderr, text)| {
                    at += if *step < SECOND / 2 { 0 } else { *step };
                    line(at, *stderr, &text.to_string())
                })
                .collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(play(&log, &cuts), log);
        }
    }
}
