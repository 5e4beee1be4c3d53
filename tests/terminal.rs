//! The program in a real terminal: it starts, draws, ends, and leaves the terminal as it was.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/pty.rs"]
mod pty;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use pilothouse::terminal::Guard;
use pty::{Session, command, pilothouse};
use rustix::process::Signal;
use tempfile::TempDir;

/// Longest time to the first frame, however the servers are. Far below any time allowed for
/// connecting; a loaded machine needs most of it for starting a debug build.
const FIRST_FRAME: Duration = Duration::from_secs(1);

fn home() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// The simulated shop, drawn.
fn demo(home: &Path) -> Session {
    let session = Session::start(pilothouse(home, &["demo"]), 120, 40);
    session.wait_text("cart-0");
    session
}

#[test]
fn it_draws_and_quits_and_the_terminal_is_as_before() {
    let home = home();
    let mut session = Session::start(pilothouse(home.path(), &["demo"]), 120, 40);
    let first = session.wait_text("pilothouse");
    println!("first frame after {first:?}");
    assert!(first < FIRST_FRAME, "the first frame took {first:?}");
    session.wait("the alternate screen and bracketed paste", |s| s.alternate_screen() && s.bracketed_paste());
    assert_ne!(session.settings(), session.before, "keys come raw");
    session.send("q");
    assert_eq!(session.end().exit_code(), 0);
    session.wait_restored();
}

#[test]
fn signals_end_it_and_the_terminal_is_as_before() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let home = home();
        let mut session = demo(home.path());
        session.signal(signal);
        session.end();
        session.wait_restored();
    }
}

#[test]
fn it_is_suspended_and_continued() {
    let home = home();
    let mut session = demo(home.path());
    session.send("\x1a");
    session.wait_stopped();
    session.wait_restored();
    session.signal(Signal::CONT);
    session.wait("the panes again", |screen| screen.alternate_screen() && screen.contents().contains("cart-0"));
    session.send("2");
    session.wait("the pods view", |screen| !screen.contents().contains("Logs"));
    session.send("q");
    assert_eq!(session.end().exit_code(), 0);
    session.wait_restored();
}

/// Only the next test runs this, in a terminal of its own.
#[test]
#[ignore = "ends in a panic, on purpose"]
fn a_program_that_panics() {
    let Ok(place) = std::env::var("PILOTHOUSE_TEST_PANIC") else { return };
    let _guard = Guard::enter().expect("a terminal");
    if place == "elsewhere" {
        std::thread::spawn(|| panic!("on purpose"));
        loop {
            std::thread::park();
        }
    }
    panic!("on purpose");
}

#[test]
fn a_panic_in_any_thread_gives_the_terminal_back_is_told_and_ends_it() {
    for place in ["here", "elsewhere"] {
        let home = home();
        let own = std::env::current_exe().expect("this program");
        let mut panicking = command(own.to_str().expect("a path"), home.path());
        panicking.args(["--exact", "a_program_that_panics", "--ignored", "--nocapture"]);
        panicking.env("PILOTHOUSE_TEST_PANIC", place);
        let mut session = Session::start(panicking, 120, 40);
        assert_eq!(session.end().exit_code(), 101, "{place}");
        session.wait_restored();
        session.wait("the message on the main screen", |screen| {
            !screen.alternate_screen() && screen.contents().contains("on purpose")
        });
    }
}

#[test]
fn a_small_terminal_and_a_paste_do_no_harm() {
    let home = home();
    let mut session = demo(home.path());
    session.resize(1, 1);
    session.send("j");
    session.resize(80, 24);
    session.wait("panes at the new size", |screen| screen.contents().starts_with("pilothouse"));
    session.send(":\x1b[200~view pods\nq\x1b[201~");
    session.wait("the pasted line", |screen| {
        screen.contents().trim_end().lines().last().is_some_and(|l| l.contains("view pods"))
    });
    session.send("\r");
    session.wait("the pods view", |screen| !screen.contents().contains("Logs"));
    session.send("q");
    assert_eq!(session.end().exit_code(), 0);
    session.wait_restored();
}

#[test]
fn no_resize_is_lost_among_keys() {
    let home = home();
    let mut session = demo(home.path());
    for round in 0..25 {
        let (width, height) = if round % 2 == 0 { (80, 24) } else { (120, 40) };
        session.send("j");
        session.resize(width, height);
        session.send("k");
        session.wait("a frame of the new size", |screen| {
            let text = screen.contents();
            text.starts_with("pilothouse") && text.lines().count() == usize::from(height)
        });
    }
    session.send("q");
    session.end();
    session.wait_restored();
}

fn run(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.env_clear().env("HOME", home).env("TERM", "xterm-256color").args(args);
    command.stdin(Stdio::null()).output().expect("it runs")
}

#[test]
fn without_a_terminal_it_says_so() {
    let home = home();
    let output = run(home.path(), &["demo"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("a terminal is needed") && said.contains("snapshot"),
        "what is wrong and the way out: {said}"
    );
    assert!(output.stdout.is_empty(), "no escape sequences into a pipe");
}

#[test]
fn a_dumb_terminal_is_told_so() {
    let home = home();
    let mut dumb = pilothouse(home.path(), &["demo"]);
    dumb.env("TERM", "dumb");
    let mut session = Session::start(dumb, 120, 40);
    assert_eq!(session.end().exit_code(), 2);
    session.wait_text("TERM=dumb");
    assert_eq!(session.settings(), session.before);
}

#[test]
fn version_and_help_need_no_terminal() {
    let home = home();
    let version = run(home.path(), &["--version"]);
    assert!(version.status.success());
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), concat!("pilothouse ", env!("CARGO_PKG_VERSION")));
    let help = run(home.path(), &["--help"]);
    assert!(help.status.success());
    for word in ["demo", "snapshot", "act", "check", "--read-only", "--context", "--kubeconfig"] {
        assert!(String::from_utf8_lossy(&help.stdout).contains(word), "{word}");
    }
    let wrong = run(home.path(), &["--no-such-option"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn mistakes_in_files_are_shown_and_it_starts_all_the_same() {
    for (option, text, complaint) in [
        ("--config", "read_only = \"maybe\"\n", "line 1"),
        ("--keymap", "[list]\n\"k\" = \"fly\"\n", "\"fly\" is no command"),
        ("--theme", "inherits = \"default\"\n[roles]\ntext = \"reddish\"\n", "reddish"),
    ] {
        let home = home();
        let file = home.path().join("own.toml");
        std::fs::write(&file, text).expect("a file");
        let file = file.to_str().expect("a path");
        let mut session = Session::start(pilothouse(home.path(), &["demo", option, file]), 200, 40);
        session.wait(option, |screen| {
            let text = screen.contents();
            text.contains("own.toml") && text.contains(complaint) && text.contains("pilothouse")
        });
        session.wait_text("cart-0");
        session.send("q");
        assert_eq!(session.end().exit_code(), 0, "{option}");
    }
}

fn kubeconfig(home: &Path, server: &str) -> String {
    let path = home.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: there\nclusters:\n- name: c\n  cluster: {{server: \"{server}\", \
         insecure-skip-tls-verify: true}}\nusers:\n- name: u\n  user: {{token: t}}\ncontexts:\n- name: there\n  \
         context: {{cluster: c, user: u}}\n"
    );
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

/// Starts over this kubeconfig, and sees that the first frame and keys wait for nothing.
fn start(home: &Path, kubeconfig: &str, more: &[&str]) -> Session {
    let mut args = vec!["--no-docker", "--kubeconfig", kubeconfig];
    args.extend(more);
    let mut session = Session::start(pilothouse(home, &args), 200, 40);
    let first = session.wait_text("pilothouse");
    println!("first frame after {first:?}");
    assert!(first < FIRST_FRAME, "the first frame took {first:?}");
    session.send("?");
    session.wait_text("Keys here");
    session.send("\x1b");
    session.wait("the help to close", |screen| !screen.contents().contains("Keys here"));
    session
}

fn quit(mut session: Session) {
    session.send("q");
    assert_eq!(session.end().exit_code(), 0);
    session.wait_restored();
}

#[test]
fn a_server_that_refuses_is_named() {
    let home = home();
    // a port that was free a moment ago
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let file = kubeconfig(home.path(), &format!("https://127.0.0.1:{port}"));
    let session = start(home.path(), &file, &[]);
    session.wait("the fault in the header", |screen| screen.contents().contains("UNREACHABLE"));
    quit(session);
}

#[test]
fn a_server_that_accepts_and_says_nothing_holds_up_nothing() {
    let home = home();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let file = kubeconfig(home.path(), &format!("http://127.0.0.1:{port}"));
    let mut session = start(home.path(), &file, &[]);
    assert!(session.text().contains("there"), "the target is named\n{}", session.text());
    session.send("3");
    session.wait("the workloads view", |screen| !screen.contents().contains("Logs"));
    quit(session);
}

#[test]
fn a_broken_kubeconfig_is_named() {
    let home = home();
    let path = home.path().join("kubeconfig");
    std::fs::write(&path, "apiVersion: v1\nclusters: [{{{\n").expect("a file");
    let session = start(home.path(), path.to_str().expect("a path"), &[]);
    session.wait("the fault in the header", |screen| {
        screen.contents().contains("MISCONFIGURED") && screen.contents().contains("kubeconfig")
    });
    quit(session);
}

#[test]
fn an_unknown_context_is_named() {
    let home = home();
    let file = kubeconfig(home.path(), "https://127.0.0.1:1");
    let session = start(home.path(), &file, &["--context", "nosuch"]);
    session.wait("the fault in the header", |screen| {
        screen.contents().contains("MISCONFIGURED") && screen.contents().contains("nosuch")
    });
    quit(session);
}

#[test]
fn with_no_target_at_all_it_says_what_to_do() {
    let home = home();
    let mut session = Session::start(pilothouse(home.path(), &["--no-docker", "--no-kubernetes"]), 120, 40);
    session.wait_text("KUBECONFIG");
    session.send(":demo\r");
    session.wait_text("cart-0");
    quit(session);
}
