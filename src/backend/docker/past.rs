//! What the engine forgets: exits, OOM events and signals of each container, kept from its events.
//! A restart policy resets `ExitCode` and `OOMKilled` within 100 ms, so inspect alone cannot tell
//! why a container keeps dying.

use std::collections::{HashMap, VecDeque};

use super::inspect::Event;
use crate::model::Stamp;

/// Exits remembered of one container.
const EXITS: usize = 64;

/// Memory of all containers of an engine.
#[derive(Debug, Default)]
pub struct Past {
    lives: HashMap<String, Life>,
    newest: i64,
    known: i64,
}

/// Memory of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// Ends, oldest first.
    pub exits: VecDeque<Exit>,
    /// The last OOM event.
    pub oom: Option<Stamp>,
    /// Signals sent by the engine since the last start, in order.
    signals: Vec<String>,
    /// True when an OOM event came since the last start.
    oom_in_run: bool,
    /// Restarts by hand that were seen.
    pub manual: u64,
    /// The engine's count when last looked at.
    counted: u64,
    /// What it had counted before somebody's start set it back to zero.
    carried: u64,
}

/// One end of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// When.
    pub at: Stamp,
    /// With which code.
    pub code: i64,
    /// Why.
    pub cause: Cause,
}

/// Why a container ended, as far as its events tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// By itself.
    Itself,
    /// An OOM event came in the same run.
    Oom,
    /// The engine was asked to stop it and it obeyed.
    Stopped,
    /// The engine was asked to stop it, waited, and killed it.
    NotInTime,
    /// The engine was asked to kill it.
    Killed,
}

impl Past {
    /// Begins a new event stream; returns the stamp to ask events since (inclusive), in nanoseconds.
    /// What comes again up to that stamp is known.
    pub fn resume(&mut self) -> i64 {
        self.known = self.newest;
        self.newest.max(1)
    }

    /// Takes in an event. False when it was known already.
    pub fn learn(&mut self, event: &Event) -> bool {
        if event.time_nano <= self.known {
            return false;
        }
        self.newest = self.newest.max(event.time_nano);
        let at = Stamp(event.time_nano / 1_000_000);
        let attribute = |name: &str| event.actor.attributes.get(name).map_or("", String::as_str);
        if event.action == "destroy" {
            self.lives.remove(&event.actor.id);
            return true;
        }
        let life = self.lives.entry(event.actor.id.clone()).or_default();
        match event.action.as_str() {
            "start" => {
                life.signals.clear();
                life.oom_in_run = false;
            }
            "kill" => life.signals.push(attribute("signal").to_owned()),
            "oom" => {
                life.oom = Some(at);
                life.oom_in_run = true;
            }
            "die" => {
                let exit = Exit { at, code: attribute("exitCode").parse().unwrap_or(-1), cause: life.cause() };
                life.exits.push_back(exit);
                if life.exits.len() > EXITS {
                    life.exits.pop_front();
                }
            }
            "restart" => life.manual += 1,
            _ => {}
        }
        true
    }

    /// Memory of the container with this id.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&Life> {
        self.lives.get(id)
    }

    /// Restarts of a container of which the engine counts `count`.
    pub fn restarts(&mut self, id: &str, count: u64) -> u64 {
        let life = self.lives.entry(id.to_owned()).or_default();
        if count < life.counted {
            life.carried += life.counted;
        }
        life.counted = count;
        life.carried + count + life.manual
    }

    /// Forgets all containers but those `kept`.
    pub fn keep(&mut self, kept: impl Fn(&str) -> bool) {
        self.lives.retain(|id, _| kept(id));
    }
}

impl Life {
    fn cause(&self) -> Cause {
        let kill = |signal: &String| matches!(signal.as_str(), "9" | "KILL" | "SIGKILL");
        match (self.oom_in_run, self.signals.last()) {
            (true, _) => Cause::Oom,
            (_, None) => Cause::Itself,
            (_, Some(last)) if !kill(last) => Cause::Stopped,
            _ if self.signals.iter().any(|signal| !kill(signal)) => Cause::NotInTime,
            _ => Cause::Killed,
        }
    }

    /// Ends within two minutes before `now` that nobody asked for: how many, and the last code.
    #[must_use]
    pub fn crashes(&self, now: Stamp) -> (usize, i64) {
        let mut recent = self
            .exits
            .iter()
            .filter(|exit| matches!(exit.cause, Cause::Itself | Cause::Oom) && exit.at.since(now).as_secs() < 120);
        let last = recent.next_back();
        (recent.count() + usize::from(last.is_some()), last.map_or(0, |exit| exit.code))
    }

    /// True while the words about it depend on the time of day.
    #[must_use]
    pub fn is_fresh(&self, now: Stamp) -> bool {
        let recent = |at: Stamp| at.since(now).as_secs() < 700;
        self.oom.is_some_and(recent) || self.exits.back().is_some_and(|exit| recent(exit.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, action: &str, attributes: &[(&str, &str)]) -> Event {
        let mut event = Event { action: action.into(), time_nano: second * 1_000_000_000, ..Event::default() };
        event.actor.id = "c".into();
        event.actor.attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        event
    }

    fn cause(script: &[(&str, &[(&str, &str)])]) -> Cause {
        let mut past = Past::default();
        for (n, (action, attributes)) in (1..).zip(script) {
            past.learn(&event(n, action, attributes));
        }
        past.of("c").unwrap().exits.back().unwrap().cause
    }

    #[test]
    fn the_cause_of_an_end_is_read_from_what_came_before() {
        let die: (&str, &[(&str, &str)]) = ("die", &[("exitCode", "137")]);
        let term: (&str, &[(&str, &str)]) = ("kill", &[("signal", "15")]);
        let kill: (&str, &[(&str, &str)]) = ("kill", &[("signal", "9")]);
        let start: (&str, &[(&str, &str)]) = ("start", &[]);
        assert_eq!(cause(&[start, die]), Cause::Itself);
        assert_eq!(cause(&[start, ("oom", &[]), die]), Cause::Oom);
        assert_eq!(cause(&[start, term, die]), Cause::Stopped);
        assert_eq!(cause(&[start, term, kill, die]), Cause::NotInTime);
        assert_eq!(cause(&[start, kill, die]), Cause::Killed);
        assert_eq!(cause(&[("oom", &[]), term, start, die]), Cause::Itself, "a new run begins anew");
    }

    #[test]
    fn crashes_count_for_two_minutes_and_stops_never() {
        let mut past = Past::default();
        for second in [10, 60, 100, 110] {
            past.learn(&event(second, "start", &[]));
            past.learn(&event(second + 1, "die", &[("exitCode", "3")]));
        }
        past.learn(&event(112, "start", &[]));
        past.learn(&event(113, "kill", &[("signal", "15")]));
        past.learn(&event(114, "die", &[("exitCode", "0")]));
        let life = past.of("c").unwrap();
        assert_eq!(life.crashes(Stamp(120_000)), (4, 3));
        assert_eq!(life.crashes(Stamp(180_500)), (3, 3));
        assert_eq!(life.crashes(Stamp(400_000)), (0, 0));
    }

    #[test]
    fn replayed_events_are_not_counted_twice() {
        let mut past = Past::default();
        assert!(past.learn(&event(5, "restart", &[])));
        assert_eq!(past.resume(), 5_000_000_000);
        assert!(!past.learn(&event(5, "restart", &[])));
        assert_eq!(past.restarts("c", 2), 3);
        assert_eq!(past.restarts("c", 0), 3, "somebody's start set the engine's count back");
        past.learn(&event(6, "destroy", &[]));
        assert_eq!(past.of("c"), None);
    }
}
