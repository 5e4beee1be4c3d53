//! The terminal: taken over on entry, given back whatever happens, written to from a thread of its
//! own so that a slow reader never stops the loop.

use std::io::{self, IsTerminal as _, Write as _};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode, is_raw_mode_enabled};
use tokio::sync::Notify;

use crate::theme::Depth;

/// Alternate screen, no cursor, bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The reverse, ending a synchronized update that may be open.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Exit code after a panic, as Rust has it.
const PANICKED: i32 = 101;

/// Gives the terminal back when dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal over. A panic from now on, in whatever thread, gives it back, is told, and
    /// ends the program: a screen whose feed has died would lie.
    ///
    /// # Errors
    /// When it is no terminal, or cannot be switched.
    pub fn enter() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
            std::process::exit(PANICKED);
        }));
        enter()?;
        Ok(Self(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Takes the terminal over (again).
///
/// # Errors
/// When it cannot be switched.
pub fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    let mut out = io::stdout().lock();
    out.write_all(ENTER)?;
    out.flush()
}

/// Gives the terminal back if it was taken; errors have nowhere to go. Leaving twice would move the
/// cursor back over what was written in between, such as a panic's message.
pub fn leave() {
    if !is_raw_mode_enabled().unwrap_or(true) {
        return;
    }
    let mut out = io::stdout().lock();
    let _ = out.write_all(LEAVE);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Why this cannot be drawn on, as a sentence; `None` when it can.
#[must_use]
pub fn unfit() -> Option<String> {
    let way_out = "use `pilothouse snapshot`, `check` or `act` without a terminal";
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Some(format!("a terminal is needed on standard input and output; {way_out}"));
    }
    match std::env::var("TERM").as_deref() {
        Ok("dumb") => Some(format!("TERM=dumb cannot show panes; {way_out}")),
        _ => None,
    }
}

/// How many colours the environment promises.
#[must_use]
pub fn depth(get: impl Fn(&str) -> Option<String>) -> Depth {
    if get("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        return Depth::Mono;
    }
    let term = get("TERM").unwrap_or_default();
    let color = get("COLORTERM").unwrap_or_default();
    match () {
        () if color == "truecolor" || color == "24bit" => Depth::True,
        () if term.contains("direct") => Depth::True,
        () if term.contains("256color") => Depth::Ansi256,
        () if term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-m") => Depth::Mono,
        () => Depth::Ansi16,
    }
}

/// True when the locale cannot show more than ASCII.
#[must_use]
pub fn ascii(get: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| get(name).filter(|v| !v.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let unicode = |v: &str| {
        let v = v.to_ascii_lowercase();
        v.contains("utf-8") || v.contains("utf8")
    };
    // without any locale a terminal of today shows UTF-8, but the Linux console's font does not
    locale.map_or_else(|| get("TERM").as_deref() == Some("linux"), |v| !unicode(&v) && v != "C" && v != "POSIX")
}

/// Where frames go. At most one is under way.
pub trait Output {
    /// True when the last frame has been taken by the terminal.
    fn ready(&self) -> bool;
    /// Sends bytes.
    fn send(&mut self, bytes: Vec<u8>);
    /// Waits until [`Self::ready`].
    fn drained(&self) -> impl Future<Output = ()> + Send;
}

/// Standard output behind a thread.
#[derive(Debug)]
pub struct Stdout {
    queue: SyncSender<Vec<u8>>,
    busy: Arc<AtomicBool>,
    idle: Arc<Notify>,
}

impl Stdout {
    /// Starts the thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> io::Result<Self> {
        let (queue, frames) = sync_channel::<Vec<u8>>(8);
        let (busy, idle) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (done, wake) = (busy.clone(), idle.clone());
        std::thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Ok(bytes) = frames.recv() {
                let mut out = io::stdout().lock();
                let _ = out.write_all(&bytes);
                let _ = out.flush();
                done.store(false, Ordering::Release);
                wake.notify_one();
            }
        })?;
        Ok(Self { queue, busy, idle })
    }
}

impl Output for Stdout {
    fn ready(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.busy.store(true, Ordering::Release);
        // full only when the terminal takes nothing: then the bytes are lost with it
        if self.queue.try_send(bytes).is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }

    async fn drained(&self) {
        while !self.ready() {
            self.idle.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn colours_follow_the_environment() {
        for (pairs, want) in [
            (&[("TERM", "xterm-256color")][..], Depth::Ansi256),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True),
            (&[("TERM", "linux")], Depth::Ansi16),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], Depth::Mono),
            (&[("TERM", "vt100")], Depth::Mono),
        ] {
            assert_eq!(depth(env(pairs)), want, "{pairs:?}");
        }
    }

    #[test]
    fn only_a_locale_that_says_so_is_ascii() {
        assert!(!ascii(env(&[("LANG", "en_US.UTF-8")])));
        assert!(ascii(env(&[("LC_ALL", "de_DE.ISO-8859-1")])));
        assert!(!ascii(env(&[("LANG", "C")])));
        assert!(ascii(env(&[("TERM", "linux")])));
    }
}
