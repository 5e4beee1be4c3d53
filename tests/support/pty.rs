//! The binary in a real pseudo-terminal, with a parser for what it draws.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt::Debug;
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Real time after which a wait has failed; a loaded machine needs some.
const PATIENCE: Duration = Duration::from_secs(30);

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

/// A program in a terminal.
pub struct Session {
    master: Box<dyn MasterPty + Send>,
    // held open, so that the terminal keeps its settings when the program has ended
    _slave: Box<dyn SlavePty + Send>,
    writer: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    ended: Receiver<ExitStatus>,
    pid: Pid,
    /// Settings of the terminal before the program started.
    pub before: String,
    started: Instant,
}

/// A command in a clean environment whose home is `home`.
pub fn command(program: &str, home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.env_clear();
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
        command.env(name, value);
    }
    command.env("HOME", home);
    for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, home);
    }
    command.cwd(home);
    command
}

/// `pilothouse` with these arguments.
pub fn pilothouse(home: &Path, args: &[&str]) -> CommandBuilder {
    let mut command = command(env!("CARGO_BIN_EXE_pilothouse"), home);
    command.args(args);
    command
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

fn parser(width: u16, height: u16) -> vt100::Parser {
    let side = |n: u16| std::num::NonZero::new(n).expect("not zero");
    vt100::Parser::new(side(height), side(width), 0)
}

impl Session {
    /// Starts it in a terminal of this size.
    pub fn start(command: CommandBuilder, width: u16, height: u16) -> Self {
        let pair = native_pty_system().openpty(size(width, height)).expect("a pseudo-terminal");
        let before = settings(pair.master.as_ref());
        let started = Instant::now();
        let mut child = pair.slave.spawn_command(command).expect("it starts");
        let id = child.process_id().expect("a process id");
        let pid = Pid::from_raw(i32::try_from(id).expect("an id")).expect("an id");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let seen = Arc::new((Mutex::new(Seen { parser: parser(width, height), raw: Vec::new() }), Condvar::new()));
        let shared = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                seen.parser.process(&buffer[..count]);
                seen.raw.extend_from_slice(&buffer[..count]);
                shared.1.notify_all();
            }
        });
        let killer = child.clone_killer();
        let (out, ended) = channel();
        std::thread::spawn(move || out.send(child.wait().expect("its end")));
        let writer = pair.master.take_writer().expect("a writer");
        Self { master: pair.master, _slave: pair.slave, writer, seen, killer, ended, pid, before, started }
    }

    /// Types.
    pub fn send(&mut self, bytes: &str) {
        self.writer.write_all(bytes.as_bytes()).expect("the terminal takes keys");
        self.writer.flush().expect("the terminal takes keys");
    }

    /// Waits until the terminal is as it should be; `sentence` says how. Returns the time since the
    /// program was started.
    #[track_caller]
    pub fn wait(&self, sentence: &str, fits: impl Fn(&vt100::Screen) -> bool) -> Duration {
        let (lock, fresh) = &*self.seen;
        let seen = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, timeout) = fresh
            .wait_timeout_while(seen, PATIENCE, |seen| !fits(seen.parser.screen()))
            .unwrap_or_else(PoisonError::into_inner);
        let tail = String::from_utf8_lossy(&seen.raw[seen.raw.len().saturating_sub(200)..]).into_owned();
        let screen = seen.parser.screen().contents();
        assert!(!timeout.timed_out(), "never came: {sentence}\n{screen}\nlast bytes: {tail:?}");
        self.started.elapsed()
    }

    /// Waits until text is on the screen.
    #[track_caller]
    pub fn wait_text(&self, text: &str) -> Duration {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).parser.screen().contents()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("it can be signalled");
    }

    /// Changes the terminal's size.
    pub fn resize(&self, width: u16, height: u16) {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).parser = parser(width, height);
        self.master.resize(size(width, height)).expect("a new size");
    }

    /// Waits until job control has stopped it.
    pub fn wait_stopped(&self) {
        let (out, stopped) = channel();
        let pid = self.pid;
        std::thread::spawn(move || {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            out.send(waitid(WaitId::Pid(pid), options).is_ok())
        });
        assert_eq!(stopped.recv_timeout(PATIENCE), Ok(true), "it stops");
    }

    /// Waits for its end and returns the exit code.
    pub fn end(&mut self) -> ExitStatus {
        match self.ended.recv_timeout(PATIENCE) {
            Ok(status) => status,
            Err(error) => panic!("it did not end: {error}\n{}", self.text()),
        }
    }

    /// Settings of the terminal now.
    pub fn settings(&self) -> String {
        settings(self.master.as_ref())
    }

    /// Waits until the terminal is as it was before: main screen, cursor, paste mode, settings.
    #[track_caller]
    pub fn wait_restored(&self) {
        self.wait("the main screen, with a cursor and without bracketed paste", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        assert_eq!(self.settings(), self.before, "the terminal's settings are back");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.killer.kill();
    }
}

fn settings(master: &(dyn MasterPty + Send)) -> String {
    fn debug(settings: impl Debug) -> String {
        format!("{settings:?}")
    }
    debug(master.get_termios().expect("settings of the terminal"))
}
