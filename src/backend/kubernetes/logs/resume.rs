//! Going on after a cut without losing or repeating a line.
//!
//! Servers cut `sinceTime` to whole seconds, so a resumed log begins with lines that were already
//! delivered. Those are recognised by time stamp and hash, in the order they came: a log file only
//! ever grows at its end, so what comes again must be an ending of what was delivered. When the
//! file was rotated away in between, that ending is missing, and a [`Step::Gap`] says so.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::lines::Stamped;

const SECOND: i64 = 1_000_000_000;
/// Delivered lines that are remembered at most: a quarter of a million a second is beyond any kubelet.
const MEMORY: usize = 500_000;

type Mark = (i64, u64);

/// What to do after a line has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Deliver this line.
    Line(Stamped),
    /// Lines may be missing here: this many nanoseconds lie between what is known.
    Gap(i64),
}

/// What was delivered of one log, and how a new answer of the server lines up with it.
#[derive(Default)]
pub struct Resume {
    /// Marks of delivered lines of the last one to two seconds, oldest first.
    delivered: VecDeque<Mark>,
    /// Latest stamp delivered.
    last: Option<i64>,
    /// Stamp of the line before, in this answer: lines without one take it.
    previous: i64,
    mode: Mode,
}

#[derive(Default)]
enum Mode {
    /// Everything is new.
    #[default]
    Open,
    /// Looking for the place where the answer lines up.
    Aligning(Alignment),
    /// It did not line up: known lines are counted off, whatever their order.
    Counting { known: HashMap<Mark, usize>, gaps: bool },
}

struct Alignment {
    /// Lines that came and are not yet known to be old or new.
    held: Vec<(Mark, Stamped)>,
    /// Where in `delivered` the answer may begin, and at which held line, longest match first.
    candidates: Vec<Candidate>,
    /// False when a new container instance was asked for: nothing of it can be missing in front.
    gaps: bool,
}

#[derive(Clone, Copy)]
struct Candidate {
    /// Index in `delivered` that the held line `from` equals.
    at: usize,
    from: usize,
}

impl Resume {
    /// The time to ask the server from, in whole seconds since 1970; `None` while nothing was delivered.
    #[must_use]
    pub fn since(&self) -> Option<i64> {
        self.last.map(|last| floor(last) / SECOND)
    }

    /// A new answer begins. `gaps` is false for a new container instance, whose log is another
    /// one: nothing of the old has to come first.
    pub fn begin(&mut self, gaps: bool) {
        self.mode = match self.last {
            None => Mode::Open,
            Some(last) => {
                let floor = floor(last);
                self.previous = floor;
                // the server leaves these out as well
                self.delivered.retain(|(at, _)| *at >= floor);
                Mode::Aligning(Alignment { held: Vec::new(), candidates: Vec::new(), gaps })
            }
        };
    }

    /// Takes a line that came; appends what is to be done to `out`.
    pub fn push(&mut self, line: Stamped, out: &mut Vec<Step>) {
        let at = line.at.unwrap_or(self.previous);
        self.previous = at;
        let mark = (at, hash(&line));
        match std::mem::take(&mut self.mode) {
            Mode::Open => self.deliver(mark, line, out),
            Mode::Aligning(alignment) => self.align(alignment, mark, line, out),
            Mode::Counting { known, gaps } => self.count(known, gaps, mark, line, out),
        }
    }

    /// The answer ended and nothing will follow: what is still held is decided with what came.
    pub fn finish(&mut self, out: &mut Vec<Step>) {
        let Mode::Aligning(state) = std::mem::take(&mut self.mode) else { return };
        let known = self.delivered.len();
        let complete = |c: &&Candidate| c.at + (state.held.len() - c.from) >= known;
        match state.candidates.iter().find(complete).copied() {
            Some(best) => self.settle(state, best, out),
            None if state.candidates.is_empty() => self.give_up(state, out),
            None => {}
        }
    }

    fn deliver(&mut self, mark: Mark, line: Stamped, out: &mut Vec<Step>) {
        let last = self.last.unwrap_or(i64::MIN).max(mark.0);
        self.last = Some(last);
        self.delivered.push_back(mark);
        let floor = floor(last);
        while self.delivered.front().is_some_and(|(at, _)| *at < floor) || self.delivered.len() > MEMORY {
            self.delivered.pop_front();
        }
        out.push(Step::Line(line));
    }

    fn align(&mut self, mut state: Alignment, mark: Mark, line: Stamped, out: &mut Vec<Step>) {
        let floor = self.last.map_or(i64::MIN, floor);
        if mark.0 < floor {
            self.mode = Mode::Aligning(state);
            return;
        }
        let from = state.held.len();
        state.held.push((mark, line));
        let delivered = &self.delivered;
        state.candidates.retain(|c| delivered.get(c.at + from - c.from).is_none_or(|known| *known == mark));
        if state.candidates.is_empty() && self.leads(&state.held[..from]) {
            let starts = delivered.iter().enumerate().filter(|(_, known)| **known == mark);
            state.candidates.extend(starts.map(|(at, _)| Candidate { at, from }));
        }
        let Some(best) = state.candidates.first().copied() else {
            if self.leads(&state.held) && mark.0 <= self.last.unwrap_or(i64::MIN) {
                self.mode = Mode::Aligning(state);
            } else {
                self.give_up(state, out);
            }
            return;
        };
        let matched = from + 1 - best.from;
        if best.at + matched < delivered.len() {
            self.mode = Mode::Aligning(state);
            return;
        }
        self.settle(state, best, out);
    }

    /// True when all of `held` are older than what is remembered: pieces of lines delivered before.
    fn leads(&self, held: &[(Mark, Stamped)]) -> bool {
        let first = self.delivered.front().map_or(i64::MAX, |(at, _)| *at);
        held.iter().all(|((at, _), _)| *at < first)
    }

    /// The answer lines up: what was held beyond the end of what was delivered is new.
    fn settle(&mut self, state: Alignment, best: Candidate, out: &mut Vec<Step>) {
        let known = self.delivered.len() - best.at;
        let ambiguous = best.at > 0 && state.candidates.len() > 1;
        if ambiguous && state.gaps {
            out.push(Step::Gap(0));
        }
        for (mark, line) in state.held.into_iter().skip(best.from + known) {
            self.deliver(mark, line, out);
        }
    }

    fn give_up(&mut self, state: Alignment, out: &mut Vec<Step>) {
        let mut known: HashMap<Mark, usize> = HashMap::new();
        for mark in &self.delivered {
            *known.entry(*mark).or_default() += 1;
        }
        self.mode = Mode::Counting { known, gaps: state.gaps };
        for (mark, line) in state.held {
            match std::mem::take(&mut self.mode) {
                Mode::Counting { known, gaps } => self.count(known, gaps, mark, line, out),
                _ => self.deliver(mark, line, out),
            }
        }
    }

    fn count(&mut self, mut known: HashMap<Mark, usize>, gaps: bool, mark: Mark, line: Stamped, out: &mut Vec<Step>) {
        if let Some(left) = known.get_mut(&mark).filter(|left| **left > 0) {
            *left -= 1;
            self.mode = Mode::Counting { known, gaps };
            return;
        }
        let last = self.last.unwrap_or(i64::MIN);
        let missed = gaps && known.values().any(|left| *left > 0);
        if missed {
            out.push(Step::Gap((mark.0 - last).max(0)));
        }
        if mark.0 <= last {
            self.mode = Mode::Counting { known, gaps: gaps && !missed };
        }
        self.deliver(mark, line, out);
    }
}

/// Start of the second before the one that `at` is in: stamps of two streams may be out of order
/// by a little, also across the edge of a second.
const fn floor(at: i64) -> i64 {
    (at.div_euclid(SECOND) - 1) * SECOND
}

fn hash(line: &Stamped) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&line.text, line.cut).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(at: i64, text: &str) -> Stamped {
        Stamped { at: Some(at), text: text.into(), cut: 0 }
    }

    /// What the API server answers: the file from `rotated` on, without what is older than `since`.
    fn answer(file: &[Stamped], rotated: usize, resume: &Resume) -> Vec<Stamped> {
        let since = resume.since().map_or(i64::MIN, |s| s * SECOND);
        file[rotated..].iter().filter(|l| l.at >= Some(since)).cloned().collect()
    }

    #[derive(Debug, Clone)]
    struct Cut {
        /// Lines that were written when this connection is made.
        written: usize,
        /// Lines that come over it before it breaks.
        come: usize,
        /// Lines at the front of the file that are gone by rotation.
        rotated: usize,
    }

    /// Stamps that often repeat, sometimes step back, and cross seconds; texts are unique or alike.
    fn source(alike: bool) -> impl Strategy<Value = Vec<Stamped>> {
        prop::collection::vec((0u8..6, 0i64..700), 1..60).prop_map(move |steps| {
            let mut at = 1_700_000_000 * SECOND;
            let lines = steps.into_iter().enumerate().map(|(n, (kind, by))| {
                at += match kind {
                    0 | 1 => 0,
                    2 => by * 1_000,
                    3 => -by * 1_000,
                    4 => by * 1_000_000,
                    _ => by * 5_000_000,
                };
                line(at, &if alike { format!("same {}", n % 2) } else { format!("line {n}") })
            });
            lines.collect()
        })
    }

    fn cuts() -> impl Strategy<Value = Vec<Cut>> {
        let cut = (0usize..60, 0usize..60, 0usize..60);
        let cut = cut.prop_map(|(written, come, rotated)| Cut { written, come, rotated });
        prop::collection::vec(cut, 0..8)
    }

    /// Follows `source` over connections that break; the last one delivers all that is left.
    fn followed(source: &[Stamped], mut cuts: Vec<Cut>, rotation: bool) -> Vec<Step> {
        cuts.push(Cut { written: source.len(), come: usize::MAX, rotated: 0 });
        let (mut resume, mut out) = (Resume::default(), Vec::new());
        let (mut written, mut lost) = (0, 0);
        for cut in cuts {
            written = cut.written.min(source.len()).max(written);
            if rotation {
                lost = cut.rotated.min(written).max(lost);
            }
            resume.begin(true);
            for line in answer(&source[..written], lost, &resume).into_iter().take(cut.come) {
                resume.push(line, &mut out);
            }
            if cut.come == usize::MAX {
                resume.finish(&mut out);
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn without_rotation_the_output_is_the_source(source in source(false), cuts in cuts()) {
            let want: Vec<Step> = source.iter().cloned().map(Step::Line).collect();
            prop_assert_eq!(followed(&source, cuts, false), want);
        }

        #[test]
        fn lines_that_are_all_alike_are_neither_lost_nor_doubled(source in source(true), cuts in cuts()) {
            let want: Vec<Step> = source.iter().cloned().map(Step::Line).collect();
            prop_assert_eq!(followed(&source, cuts, false), want);
        }

        #[test]
        fn with_rotation_nothing_is_doubled_and_every_loss_is_marked(source in source(false), cuts in cuts()) {
            let out = followed(&source, cuts, true);
            // what was rotated away before the first line came was never ours to show
            let (mut next, mut gap) = (0, true);
            for step in &out {
                match step {
                    Step::Gap(_) => gap = true,
                    Step::Line(l) => {
                        let at = source.iter().position(|s| s == l).expect("a line of the source");
                        prop_assert!(at >= next, "line {} came twice or too late: {:?}", at, out);
                        prop_assert!(at == next || gap, "lines {} to {} are missing unmarked: {:?}", next, at, out);
                        (next, gap) = (at + 1, false);
                    }
                }
            }
        }
    }

    #[test]
    fn a_new_instance_has_no_gap_in_front() {
        let (mut resume, mut out) = (Resume::default(), Vec::new());
        resume.begin(true);
        resume.push(line(10 * SECOND, "old"), &mut out);
        resume.begin(false);
        resume.push(line(11 * SECOND, "new"), &mut out);
        assert_eq!(out, [Step::Line(line(10 * SECOND, "old")), Step::Line(line(11 * SECOND, "new"))]);
    }

    #[test]
    fn the_tail_of_a_split_line_that_was_delivered_is_passed_over() {
        let (mut resume, mut out) = (Resume::default(), Vec::new());
        resume.begin(true);
        resume.push(line(10 * SECOND + 999, "a long line"), &mut out);
        resume.push(line(12 * SECOND + 5, "next"), &mut out);
        resume.begin(true);
        resume.push(Stamped { at: None, text: "g line".into(), cut: 0 }, &mut out);
        resume.push(line(12 * SECOND + 5, "next"), &mut out);
        resume.push(line(12 * SECOND + 6, "last"), &mut out);
        let texts: Vec<_> = out.iter().map(|s| if let Step::Line(l) = s { &*l.text } else { "gap" }).collect();
        assert_eq!(texts, ["a long line", "next", "last"]);
    }
}
