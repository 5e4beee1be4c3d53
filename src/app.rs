//! The loop: waits for events, applies them in batches, starts what they ask for, and draws when
//! something changed and a frame is due.

use std::time::Duration;

use anyhow::Result;
use crossterm::event::Event as Input;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::actions::Policy;
use crate::backend::{Opened, demo};
use crate::clock::Clock;
use crate::effect::Effect;
use crate::event::{Event, JobEvent, JobId, Signal};
use crate::model::{FeedEvent, FeedSpec, Now, TargetId};
use crate::paint::Painter;
use crate::runtime::audit::Audit;
use crate::runtime::clipboard::osc52;
use crate::runtime::external;
use crate::runtime::feeds::Feeds;
use crate::runtime::gateway::Gateway;
use crate::state::State;
use crate::terminal::{self, Output};
use crate::theme::Depth;
use crate::update::update;
use crate::world::{Freshness, Target};

/// Shortest time between frames after a key.
const KEY_FRAME: Duration = Duration::from_millis(8);
/// Shortest time between frames when only data changed.
const FEED_FRAME: Duration = Duration::from_millis(100);
/// How often ages and countdowns are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Longest wait for a terminal to take the last frame before it is given back.
const FLUSH: Duration = Duration::from_millis(500);
/// Events applied before the frame is looked at again.
const BATCH: usize = 256;
/// Events that may wait.
const QUEUE: usize = 1024;

/// What the loop runs on.
pub struct App<O> {
    /// The state.
    pub state: State,
    painter: Painter,
    output: O,
    clock: Clock,
    feeds: Feeds,
    gateway: Gateway,
    feed_events: mpsc::Receiver<(FeedSpec, FeedEvent)>,
    job_events: mpsc::Receiver<(JobId, JobEvent)>,
    pace: Pace,
    tmux: bool,
}

/// When the next frame may be drawn. Pure: times are given.
#[derive(Debug, Default, Clone, Copy)]
struct Pace {
    last: Option<Duration>,
    key: bool,
    feed: bool,
    tick: Duration,
}

impl Pace {
    fn due(&self, now: Duration) -> bool {
        let since = |gap: Duration| self.last.is_none_or(|last| now >= last + gap);
        (self.key && since(KEY_FRAME)) || (self.feed && since(FEED_FRAME))
    }

    /// When to look again.
    fn next(&self) -> Duration {
        let gap = match (self.key, self.feed) {
            (true, _) => Some(KEY_FRAME),
            (false, true) => Some(FEED_FRAME),
            _ => None,
        };
        let frame = gap.map(|gap| self.last.map_or(Duration::ZERO, |last| last + gap));
        frame.map_or(self.tick, |frame| frame.min(self.tick))
    }
}

impl<O: Output> App<O> {
    /// An app over these targets.
    #[must_use]
    pub fn new(mut state: State, opened: Vec<Opened>, audit: Audit, output: O, depth: Depth, clock: Clock) -> Self {
        let (feed_out, feed_events) = mpsc::channel(QUEUE);
        let (job_out, job_events) = mpsc::channel(QUEUE);
        let policy: Policy = state.data.settings.policy.clone();
        let painter = Painter::new(state.size, depth);
        let feeds = Feeds::new(opened.iter().map(|o| o.source.clone()).collect(), feed_out);
        let gateway = Gateway::new(opened.iter().map(|o| o.operator.clone()).collect(), policy, audit, job_out);
        for target in opened {
            join(&mut state, &target);
        }
        let tmux = std::env::var_os("TMUX").is_some();
        let pace = Pace { key: true, ..Pace::default() };
        Self { state, painter, output, clock, feeds, gateway, feed_events, job_events, pace, tmux }
    }

    /// Runs until the user or the system ends it.
    ///
    /// # Errors
    /// When the terminal cannot be read or taken back.
    pub async fn run<S>(&mut self, open_input: impl Fn() -> S, mut signals: mpsc::Receiver<Signal>) -> Result<()>
    where
        S: Stream<Item = std::io::Result<Input>> + Unpin,
    {
        let mut input = open_input();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.demand();
            self.paint();
            let wake = self.wake();
            let mut events = Vec::new();
            tokio::select! {
                biased;
                signal = signals.recv() => events.extend(signal.map(Event::Signal)),
                item = input.next() => match item {
                    Some(event) => {
                        self.pace.key = true;
                        events.push(Event::Input(event?));
                    }
                    None => return Ok(()),
                },
                job = self.job_events.recv() => {
                    self.pace.key = true;
                    events.extend(job.map(|(id, event)| Event::Job(id, event)));
                }
                count = self.feed_events.recv_many(&mut batch, BATCH) => {
                    self.pace.feed |= count > 0;
                    events.extend(batch.drain(..).map(|(spec, event)| Event::Feed(spec, event)));
                }
                () = self.output.drained(), if !self.output.ready() => {}
                () = sleep_until(wake) => {
                    let now = self.clock.now().tick;
                    if now >= self.pace.tick {
                        self.pace.tick = now + TICK;
                        self.pace.feed = true;
                        events.push(Event::Tick);
                    } else if self.state.wake_at().is_some_and(|at| at <= now) {
                        self.pace.key = true;
                        events.push(Event::Tick);
                    }
                }
            }
            let now = self.clock.now();
            for event in events {
                for effect in update(&mut self.state, event, now) {
                    match effect {
                        Effect::Quit => {
                            self.flush().await;
                            return Ok(());
                        }
                        Effect::Suspend => {
                            self.flush().await;
                            self.suspend()?;
                        }
                        Effect::Login(target) => {
                            // two readers of one terminal would steal each other's keys
                            drop(input);
                            self.login(target).await?;
                            input = open_input();
                        }
                        effect => self.perform(effect),
                    }
                }
            }
        }
    }

    /// Starts and ends feeds as the screen needs them.
    fn demand(&mut self) {
        let now = self.clock.now();
        let needs = self.state.needs(now);
        for ended in self.feeds.want(&needs, now.tick) {
            self.state.data.world.drop_feed(&ended);
        }
    }

    fn wake(&self) -> Instant {
        let now = self.clock.now().tick;
        let mut at = self.pace.next();
        if let Some(settle) = self.state.wake_at() {
            at = at.min(settle);
        }
        if !self.output.ready() {
            // the terminal is behind: nothing to draw before it caught up
            at = at.max(now + KEY_FRAME);
        }
        Instant::now() + at.saturating_sub(now)
    }

    fn paint(&mut self) {
        let now = self.clock.now();
        if std::mem::take(&mut self.state.redraw) {
            self.painter.reset(self.state.size);
            self.pace.key = true;
        }
        if !self.pace.due(now.tick) || !self.output.ready() {
            return;
        }
        self.pace = Pace { last: Some(now.tick), key: false, feed: false, ..self.pace };
        let bytes = frame(&mut self.painter, &mut self.state, now);
        if !bytes.is_empty() {
            self.output.send(bytes);
        }
    }

    /// Gives the terminal to a target's login command, and takes it back.
    async fn login(&mut self, target: TargetId) -> Result<()> {
        let Some(source) = self.feeds.source(target).cloned() else { return Ok(()) };
        let login = match source.login().await {
            Ok(login) => login,
            Err(fault) => {
                self.state.notify(fault.to_string(), true, self.clock.now());
                return Ok(());
            }
        };
        self.flush().await;
        terminal::leave();
        let ended = external::login(&login).await;
        terminal::enter()?;
        self.state.redraw = true;
        self.feeds.restart(target);
        let (text, bad) = match ended {
            Ok(()) => (format!("{} is done; trying again", login.program), false),
            Err(why) => (why, true),
        };
        self.state.notify(text, bad, self.clock.now());
        Ok(())
    }

    /// Waits until the terminal has the last frame, which would otherwise be drawn over the main
    /// screen; not for ever, since it may have stopped reading.
    async fn flush(&self) {
        let _ = timeout(FLUSH, self.output.drained()).await;
    }

    /// Stops as a shell's job control wants it, and comes back.
    fn suspend(&mut self) -> Result<()> {
        terminal::leave();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        terminal::enter()?;
        if let Ok((width, height)) = crossterm::terminal::size() {
            self.state.size = ratatui::layout::Size { width, height };
        }
        self.state.redraw = true;
        Ok(())
    }

    /// Does what was asked for.
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Plan(id, action) => self.gateway.plan(id, action),
            Effect::Run(id, approved) => self.gateway.run(id, *approved),
            Effect::Copy(text) => self.output.send(osc52(&text, self.tmux)),
            Effect::OpenDemo => self.open_demo(),
            // the loop itself sees to these
            Effect::Login(_) | Effect::Suspend | Effect::Quit => {}
        }
    }

    fn open_demo(&mut self) {
        let now = self.clock.now();
        let first = u16::try_from(self.state.data.world.targets.len()).unwrap_or(u16::MAX);
        match demo::open(demo::DEFAULT, first, now.wall) {
            Ok(opened) => {
                self.state.data.settings.demo = true;
                for target in opened {
                    self.feeds.add(target.source.clone());
                    self.gateway.add(target.operator.clone());
                    join(&mut self.state, &target);
                }
            }
            Err(fault) => self.state.notify(fault.to_string(), true, now),
        }
    }
}

/// Makes a target known to the state.
pub fn join(state: &mut State, opened: &Opened) {
    let meta = opened.meta.clone();
    state.data.settings.demo |= meta.demo;
    state.data.world.targets.push(Target { meta, server: None, link: Freshness::Waiting });
}

/// One frame's bytes.
pub fn frame(painter: &mut Painter, state: &mut State, now: Now) -> Vec<u8> {
    painter.frame(|area, buf| state.draw(now, area, buf))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn keys_are_drawn_at_once_and_data_at_ten_frames_a_second() {
        let mut pace = Pace { last: Some(MS(1000)), tick: MS(2000), ..Pace::default() };
        assert!(!pace.due(MS(1500)), "nothing changed");
        assert_eq!(pace.next(), MS(2000));
        pace.feed = true;
        assert!(!pace.due(MS(1050)));
        assert_eq!(pace.next(), MS(1100));
        pace.key = true;
        assert!(pace.due(MS(1008)));
        assert_eq!(pace.next(), MS(1008));
    }
}
