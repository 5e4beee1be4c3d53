//! What simulated containers write: lines from templates, each a function of the instance and its
//! own number, so that any stretch of a log can be told at any time without keeping it.

use std::fmt::Write as _;

use serde::Deserialize;

use super::dice::{Dice, hash};
use crate::model::{LogRecord, Stamp};

/// Time between two lines written at the start or at the end.
const QUICK: i64 = 60;

/// A log's script. Templates hold `{time}`, `{n}` (the line's number), `{id}` (hexadecimal),
/// `{ip}`, `{10-500}` (a number) and `{a|b|c}` (one of these).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Lines a second.
    rate: f64,
    /// Lines at the start of an instance.
    #[serde(default)]
    start: Vec<String>,
    /// Lines while it runs, chosen at random; more often named is more often written.
    #[serde(default)]
    lines: Vec<String>,
    /// Lines before it ends, to standard error.
    #[serde(default)]
    end: Vec<String>,
}

/// One instance of a container, as far as its log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What its lines follow from.
    pub seed: u64,
    /// Its number, from 0.
    pub instance: u32,
    /// Start.
    pub started: Stamp,
    /// End.
    pub ended: Option<Stamp>,
}

impl Run {
    /// Instance `instance` of the container `id`.
    pub fn new(id: &str, instance: u32, started: Stamp) -> Self {
        Self { seed: hash(u64::from(instance), id), instance, started, ended: None }
    }
}

impl Script {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=200.0).contains(&self.rate) {
            return Err("rate is in lines a second, at most 200".to_owned());
        }
        for template in self.start.iter().chain(&self.lines).chain(&self.end) {
            render(template, &mut Dice::new(0), 0, Stamp(0)).map_err(|what| format!("{what} in {template:?}"))?;
        }
        Ok(())
    }

    /// The records `run` wrote after `from` and until `to`, at most the last `most`.
    pub fn between(&self, run: &Run, from: Stamp, to: Stamp, most: usize) -> Vec<LogRecord> {
        let to = run.ended.map_or(to, |ended| ended.min(to));
        let mut records = Vec::new();
        let mut add = |at: i64, number: i64, template: &str, stderr: bool| {
            if at > from.0 && at <= to.0 {
                records.push(record(run, at, number, template, stderr));
            }
        };
        let mut at = run.started.0;
        for (number, template) in (0_i64..).zip(&self.start) {
            at += QUICK;
            add(at, number, template, false);
        }
        self.body(run, at + QUICK, (from, to), most, &mut add);
        if let Some(ended) = run.ended {
            let count = i64::try_from(self.end.len()).unwrap_or(0);
            for (number, template) in (0_i64..).zip(&self.end) {
                add(ended.0 - (count - 1 - number) * 2, -1 - number, template, true);
            }
        }
        let surplus = records.len().saturating_sub(most);
        records.drain(..surplus);
        records
    }

    #[expect(clippy::cast_possible_truncation, reason = "milliseconds between two lines are a small number")]
    fn body(
        &self,
        run: &Run,
        begin: i64,
        (from, to): (Stamp, Stamp),
        most: usize,
        add: &mut impl FnMut(i64, i64, &str, bool),
    ) {
        if self.lines.is_empty() || self.rate <= 0.0 || to.0 < begin {
            return;
        }
        let period = ((1000.0 / self.rate) as i64).max(1);
        let last = (to.0 - begin) / period;
        let first = ((from.0 - begin) / period - 1).max(0).max(last - i64::try_from(most).unwrap_or(i64::MAX));
        for number in first..=last {
            let mut dice = Dice::new(run.seed ^ number.unsigned_abs().wrapping_mul(0x2545_F491_4F6C_DD1D));
            let jitter = i64::try_from(dice.between(0, period.unsigned_abs() - 1)).unwrap_or(0);
            let choice = usize::try_from(dice.roll() % self.lines.len() as u64).unwrap_or(0);
            let template = &self.lines[choice];
            add(begin + number * period + jitter, number, template, template.contains("ERROR"));
        }
    }
}

fn record(run: &Run, at: i64, number: i64, template: &str, stderr: bool) -> LogRecord {
    let mut dice = Dice::new(run.seed.wrapping_add(number.cast_unsigned()) ^ hash(1, template));
    let nanos = i64::try_from(dice.between(0, 999_999)).unwrap_or(0);
    let text = render(template, &mut dice, number, Stamp(at)).unwrap_or_else(|_| template.to_owned());
    LogRecord::Line { at: Some(at * 1_000_000 + nanos), stderr, text: text.into(), cut: 0 }
}

/// Fills a template. Braces that hold anything else than a placeholder stand for themselves, so
/// that JSON lines can be written as they are.
fn render(template: &str, dice: &mut Dice, number: i64, at: Stamp) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        let Some((name, after)) = rest.split_once('}').filter(|(name, _)| !name.contains(['{', '"'])) else {
            out.push('{');
            continue;
        };
        fill(name, dice, number, at, &mut out)?;
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn fill(name: &str, dice: &mut Dice, number: i64, at: Stamp, out: &mut String) -> Result<(), String> {
    match name {
        "time" => {
            let _ = write!(out, "{}.{:03}Z", at.rfc3339().trim_end_matches('Z'), at.0.rem_euclid(1000));
        }
        "n" => {
            let _ = write!(out, "{}", number.unsigned_abs());
        }
        "id" => {
            let _ = write!(out, "{:08x}", dice.roll() >> 32);
        }
        "ip" => {
            let _ = write!(out, "10.42.{}.{}", dice.between(0, 3), dice.between(2, 250));
        }
        _ if name.contains('|') => {
            let choices: Vec<&str> = name.split('|').collect();
            let choice = usize::try_from(dice.roll() % choices.len() as u64).unwrap_or(0);
            out.push_str(choices[choice]);
        }
        _ => {
            let range = name.split_once('-').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
            let Some((low, high)) = range.filter(|(low, high): &(u64, u64)| low < high) else {
                return Err(format!("{{{name}}} is no placeholder"));
            };
            let _ = write!(out, "{}", dice.between(low, high));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        Script {
            rate: 4.0,
            start: vec!["up".to_owned()],
            lines: vec!["{time} {n} {id} {1-9} {a|b}".to_owned(), "{\"k\":{1-3}}".to_owned()],
            end: vec!["bye".to_owned(), "dead".to_owned()],
        }
    }

    #[test]
    fn a_log_read_in_pieces_is_the_log_read_at_once() {
        let run = Run { ended: Some(Stamp(30_000)), ..Run::new("pod", 0, Stamp(1_000)) };
        let whole = script().between(&run, Stamp(0), Stamp(40_000), 1_000);
        let pieces: Vec<LogRecord> =
            (0..80).flat_map(|n| script().between(&run, Stamp(n * 500), Stamp((n + 1) * 500), 1_000)).collect();
        assert_eq!(pieces, whole);
        assert!(whole.len() > 100, "{} lines", whole.len());
        let last = whole.last().expect("a last line");
        assert!(matches!(last, LogRecord::Line { text, stderr: true, .. } if &**text == "dead"));
    }

    #[test]
    fn a_tail_is_the_end_of_the_log() {
        let run = Run::new("pod", 0, Stamp(0));
        let whole = script().between(&run, Stamp(-1), Stamp(60_000), 10_000);
        let tail = script().between(&run, Stamp(-1), Stamp(60_000), 50);
        assert_eq!(tail, whole[whole.len() - 50..]);
    }

    #[test]
    fn an_unknown_placeholder_is_an_error() {
        let mut script = script();
        script.lines.push("hello {who}".to_owned());
        assert_eq!(script.check(), Err("{who} is no placeholder in \"hello {who}\"".to_owned()));
    }
}
