//! The real loop without a terminal: keys go in, frames come out, and time is virtual. A wait
//! carries the sentence that a failure prints.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::poll_fn;
use pilothouse::actions::Policy;
use pilothouse::app::App;
use pilothouse::backend::{Opened, demo};
use pilothouse::clock::Clock;
use pilothouse::commands;
use pilothouse::input::Keymap;
use pilothouse::model::Stamp;
use pilothouse::runtime::audit::Audit;
use pilothouse::state::{Settings, State};
use pilothouse::terminal::Output;
use pilothouse::theme::{self, Depth};
use pilothouse::ui::Look;
use ratatui::layout::Size;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// 2026-08-24T10:11:00Z: the clock in the header just turned.
pub const START: Stamp = Stamp(1_787_566_260_000);
/// Virtual time after which a wait has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// Virtual time in which a key is certainly drawn.
const KEY: Duration = Duration::from_millis(30);

/// What the terminal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Lines from the top, without trailing blanks.
    pub lines: Vec<String>,
}

impl Screen {
    /// True when the text is somewhere on it.
    pub fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// All of it.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

struct Reel {
    parser: vt100::Parser,
    bytes: usize,
    frames: usize,
    lag: Duration,
    busy_until: Instant,
}

/// An output that is always ready, unless a test makes it slow.
#[derive(Clone)]
pub struct Tape {
    reel: Arc<Mutex<Reel>>,
    fresh: Arc<Notify>,
}

impl Tape {
    fn new(size: Size) -> Self {
        let reel = Reel { parser: parser(size), bytes: 0, frames: 0, lag: Duration::ZERO, busy_until: Instant::now() };
        Self { reel: Arc::new(Mutex::new(reel)), fresh: Arc::new(Notify::new()) }
    }

    fn reel(&self) -> MutexGuard<'_, Reel> {
        self.reel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output for Tape {
    fn ready(&self) -> bool {
        Instant::now() >= self.reel().busy_until
    }

    fn send(&mut self, bytes: Vec<u8>) {
        let mut reel = self.reel();
        reel.parser.process(&bytes);
        reel.bytes += bytes.len();
        reel.frames += 1;
        reel.busy_until = Instant::now() + reel.lag;
        self.fresh.notify_one();
    }

    async fn drained(&self) {
        let until = self.reel().busy_until;
        sleep_until(until).await;
    }
}

fn parser(size: Size) -> vt100::Parser {
    let side = |n: u16| std::num::NonZero::new(n.max(1)).expect("not zero");
    vt100::Parser::new(side(size.height), side(size.width), 0)
}

/// How a stretch of the loop ended.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Frame,
    Time,
    Ended,
}

/// A console under test.
pub struct Console {
    /// The program.
    pub app: App<Tape>,
    tape: Tape,
    /// The clock that the program reads.
    pub clock: Clock,
    keys: UnboundedSender<std::io::Result<Input>>,
    input: Arc<Mutex<UnboundedReceiver<std::io::Result<Input>>>>,
    dir: TempDir,
    ended: bool,
}

impl Console {
    /// A console over the simulated shop.
    pub fn demo(width: u16, height: u16) -> Self {
        Self::shop(Policy::default(), width, height)
    }

    /// The same under a policy.
    pub fn shop(policy: Policy, width: u16, height: u16) -> Self {
        let opened = demo::open("shop", 0, START).expect("the shop opens");
        Self::open(opened, policy, Some("shop"), width, height)
    }

    /// A console over these targets, looking at this namespace.
    pub fn open(opened: Vec<Opened>, policy: Policy, namespace: Option<&str>, width: u16, height: u16) -> Self {
        let size = Size { width, height };
        let settings = Settings { namespace: namespace.map(Into::into), policy, demo: true };
        let keymap = Keymap::built_in(|name| commands::find(name).is_some()).expect("the keymap");
        let look = Look { theme: theme::built_in("default").expect("the theme"), ascii: false, focused: false };
        let state = State::new(settings, keymap, look, size);
        let dir = tempfile::tempdir().expect("a directory");
        let tape = Tape::new(size);
        let clock = Clock::fixed(START);
        let audit = Audit::new(dir.path());
        let app = App::new(state, opened, audit, tape.clone(), Depth::True, clock);
        let (keys, input) = unbounded();
        Self { app, tape, clock, keys, input: Arc::new(Mutex::new(input)), dir, ended: false }
    }

    /// Presses keys, written as in a keymap file and separated by blanks, and lets each be drawn.
    pub async fn keys(&mut self, keys: &str) {
        for word in keys.split_whitespace() {
            self.press(key(word)).await;
        }
    }

    /// Types text, character by character.
    pub async fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).await;
        }
    }

    async fn press(&mut self, event: KeyEvent) {
        self.send(Input::Key(event)).await;
    }

    /// Lets the program have an input event.
    pub async fn send(&mut self, input: Input) {
        self.queue(input);
        self.pass(KEY).await;
    }

    /// Lets an input event wait until time passes.
    pub fn queue(&self, input: Input) {
        self.keys.unbounded_send(Ok(input)).expect("the loop listens");
    }

    /// The terminal gets another size; what it shows is undefined until the program draws.
    pub async fn resize(&mut self, width: u16, height: u16) {
        self.tape.reel().parser = parser(Size { width, height });
        self.send(Input::Resize(width, height)).await;
    }

    /// Lets time pass.
    pub async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        if !self.ended {
            self.run(until, false).await;
        }
    }

    /// Waits until the screen is as it should be; `sentence` says how, for people.
    #[track_caller]
    pub fn wait(&mut self, sentence: &str, fits: impl Fn(&Screen) -> bool) -> impl Future<Output = Screen> {
        let caller = std::panic::Location::caller();
        async move {
            let until = Instant::now() + PATIENCE;
            loop {
                let screen = self.screen();
                if fits(&screen) {
                    return screen;
                }
                let step = if self.ended { Step::Ended } else { self.run(until, true).await };
                assert!(step == Step::Frame, "{caller}: never came: {sentence} ({step:?})\n{}", screen.text());
            }
        }
    }

    /// Makes the terminal take this long for every frame.
    pub fn slow_down(&mut self, lag: Duration) {
        self.tape.reel().lag = lag;
    }

    /// True while the terminal has not taken the last frame.
    pub fn is_behind(&self) -> bool {
        !self.tape.ready()
    }

    /// True when the program has ended.
    pub const fn is_over(&self) -> bool {
        self.ended
    }

    async fn run(&mut self, until: Instant, stop_at_frame: bool) -> Step {
        // the system sends no signals here
        let (_signals, signals) = mpsc::channel(1);
        let input = || {
            let input = self.input.clone();
            poll_fn(move |cx| input.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx))
        };
        let step = tokio::select! {
            biased;
            result = self.app.run(input, signals) => {
                result.expect("the loop ends well");
                Step::Ended
            }
            () = self.tape.fresh.notified(), if stop_at_frame => Step::Frame,
            () = sleep_until(until) => Step::Time,
        };
        self.ended |= step == Step::Ended;
        step
    }

    /// What the terminal shows now.
    pub fn screen(&self) -> Screen {
        let reel = self.tape.reel();
        let screen = reel.parser.screen();
        let width = screen.size().1.get();
        Screen { lines: screen.rows(0, width).map(|row| row.trim_end().to_owned()).collect() }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        self.tape.reel().bytes
    }

    /// Frames written so far.
    pub fn frames(&self) -> usize {
        self.tape.reel().frames
    }

    /// The lines of the audit log; none when there is no file.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.dir.path().join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Name of what is on screen.
    pub const fn view(&self) -> &'static str {
        self.app.state.view.name()
    }
}

fn key(word: &str) -> KeyEvent {
    let named = match word {
        "enter" => Some(KeyCode::Enter),
        "esc" => Some(KeyCode::Esc),
        "tab" => Some(KeyCode::Tab),
        "shift-tab" => Some(KeyCode::BackTab),
        "space" => Some(KeyCode::Char(' ')),
        "down" => Some(KeyCode::Down),
        "up" => Some(KeyCode::Up),
        "pagedown" => Some(KeyCode::PageDown),
        _ => None,
    };
    if let Some(code) = named {
        return KeyEvent::new(code, KeyModifiers::NONE);
    }
    let (modifiers, rest) =
        word.strip_prefix("ctrl-").map_or((KeyModifiers::NONE, word), |rest| (KeyModifiers::CONTROL, rest));
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_uppercase() => KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT),
        (Some(c), None) => KeyEvent::new(KeyCode::Char(c), modifiers),
        _ => panic!("{word:?} is no key"),
    }
}
