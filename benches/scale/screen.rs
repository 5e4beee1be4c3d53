//! A program in a terminal of 160x45, with the time of everything it writes.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::process::Process;

/// Columns and rows.
pub const SIZE: (u16, u16) = (160, 45);

/// What has come from the program.
struct Seen {
    terminal: vt100::Parser,
    bytes: usize,
    last: Instant,
    over: bool,
}

/// A running program.
pub struct Screen {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    /// When it was started.
    pub begun: Instant,
}

impl Screen {
    /// Starts `command`.
    pub fn start(mut command: CommandBuilder) -> Self {
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        let (cols, rows) = SIZE;
        let pty = native_pty_system()
            .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo terminal");
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let size = |n| NonZeroU16::new(n).expect("not zero");
        let begun = Instant::now();
        let terminal = vt100::Parser::new(size(rows), size(cols), 0);
        let seen = Arc::new((Mutex::new(Seen { terminal, bytes: 0, last: begun, over: false }), Condvar::new()));
        let child = pty.slave.spawn_command(command).expect("the program starts");
        let shared = seen.clone();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            loop {
                let read = reader.read(&mut chunk).unwrap_or(0);
                let now = Instant::now();
                let mut seen = shared.0.lock().unwrap();
                seen.terminal.process(&chunk[..read]);
                seen.bytes += read;
                seen.last = now;
                seen.over = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { seen, keys, child, _master: pty.master, begun }
    }

    /// The process.
    pub fn process(&self) -> Process {
        Process(self.child.process_id().expect("it runs"))
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        self.seen.0.lock().unwrap().bytes
    }

    /// The text on it.
    pub fn text(&self) -> String {
        self.seen.0.lock().unwrap().terminal.screen().contents()
    }

    /// Waits until `what` holds of the screen; gives the time at which that came.
    pub fn wait(&self, limit: Duration, what: impl Fn(&vt100::Screen) -> bool) -> Option<Instant> {
        let until = Instant::now() + limit;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if what(seen.terminal.screen()) {
                return Some(seen.last);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.over {
                return None;
            }
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until nothing has been written for `quiet`.
    pub fn settle(&self, quiet: Duration, limit: Duration) {
        let until = Instant::now() + limit;
        while Instant::now() < until && self.seen.0.lock().unwrap().last.elapsed() < quiet {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it takes keys");
        self.keys.flush().expect("it takes keys");
    }

    /// Presses a key; gives the milliseconds until `shown` differs from before, and the bytes then.
    pub fn answer<T: PartialEq>(&mut self, key: &str, shown: impl Fn(&vt100::Screen) -> T) -> Option<(f64, usize)> {
        let (before, bytes) = {
            let seen = self.seen.0.lock().unwrap();
            (shown(seen.terminal.screen()), seen.bytes)
        };
        let begun = Instant::now();
        self.press(key);
        let at = self.wait(Duration::from_secs(2), |screen| shown(screen) != before)?;
        Some((at.saturating_duration_since(begun).as_secs_f64() * 1000.0, self.bytes() - bytes))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
