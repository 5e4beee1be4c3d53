//! Logs of real containers, followed through restarts and cut connections.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pilothouse::model::{Fault, Feed, FeedEvent, LogRecord, LogSource};
use support::engine::{Container, Proxy, docker, until, watch, watch_at};
use support::rig_is_up;

const IMAGE: &str = "test/busybox:1";

fn log(container: &Container) -> Feed {
    Feed::Log(LogSource { key: container.key(), container: Arc::from(""), previous: false })
}

/// Lines and notes as they came.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    errors: Vec<String>,
    notes: Vec<String>,
}

impl Log {
    fn take(&mut self, event: FeedEvent) {
        let FeedEvent::Log(records) = event else { return };
        for record in records {
            match record {
                LogRecord::Line { text, stderr: true, .. } => self.errors.push(text.into()),
                LogRecord::Line { text, .. } => self.lines.push(text.into()),
                LogRecord::Note(text) | LogRecord::Gap(text) => self.notes.push(text.into()),
            }
        }
    }

    /// True when `line` came.
    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|have| have == line)
    }
}

#[tokio::test]
async fn both_streams_come_with_times_and_long_lines_whole() {
    if !rig_is_up() {
        return;
    }
    let script = "echo out; echo err >&2; head -c 40000 /dev/zero | tr '\\0' 'x'; echo; printf last";
    let one = Container::run("log-long", &[IMAGE, "sh", "-c", script]);
    docker(&["wait", &one.name]);
    let mut log_ = Log::default();
    until(&mut watch(log(&one)), 10, "the end", |event| {
        log_.take(event);
        !log_.notes.is_empty()
    })
    .await;
    assert_eq!(log_.errors, ["err"]);
    assert_eq!(log_.lines, ["out".to_owned(), "x".repeat(40_000), "last".into()]);
    assert_eq!(log_.notes, ["container ended, exit 0"]);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_over_restarts() {
    if !rig_is_up() {
        return;
    }
    let script = "n=0; while [ $n -lt 100000 ]; do echo \"$(cat /proc/sys/kernel/random/uuid) $n\"; n=$((n+1)); done";
    let one = Container::run("log-restart", &["--stop-timeout", "0", IMAGE, "sh", "-c", script]);
    let mut feed = watch(log(&one));
    let mut log_ = Log::default();
    for restart in 1..=3 {
        let before = log_.lines.len();
        until(&mut feed, 20, "lines of the run", |event| {
            log_.take(event);
            log_.lines.len() > before + 200
        })
        .await;
        docker(&["restart", &one.name]);
        until(&mut feed, 20, "the note of the restart", |event| {
            log_.take(event);
            log_.notes.len() >= restart
        })
        .await;
    }
    docker(&["kill", &one.name]);
    until(&mut feed, 30, "the end", |event| {
        log_.take(event);
        log_.notes.iter().any(|note| note.contains("ended"))
    })
    .await;
    assert_eq!(log_.notes[..3], ["container restarted, exit 137"; 3].map(str::to_owned));
    let all = docker(&["logs", &one.name]);
    let all: Vec<&str> = all.lines().collect();
    // The log was opened with a tail: from its first line on, it is the engine's own log.
    let from = all.iter().position(|line| *line == log_.lines[0]).expect("the first line is in the engine's log");
    assert_same(&log_.lines, &all[from..]);
}

/// Compares without printing thousands of lines.
fn assert_same(ours: &[String], theirs: &[&str]) {
    let first = ours.iter().zip(theirs).position(|(a, b)| a != b);
    assert_eq!(first, None, "line {first:?} differs: {:?}", first.map(|n| (&ours[n], theirs[n])));
    assert_eq!(ours.len(), theirs.len(), "number of lines");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_over_cut_connections() {
    if !rig_is_up() {
        return;
    }
    let script =
        "n=0; while [ $n -lt 1500 ]; do echo same; echo $n; n=$((n+1)); usleep 2000; done; echo THE END; sleep 600";
    let one = Container::run("log-cut", &["--stop-timeout", "0", IMAGE, "sh", "-c", script]);
    let proxy = Proxy::start();
    let mut feed = watch_at(&proxy.socket, log(&one));
    let mut log_ = Log::default();
    let mut losses = 0;
    let mut next = 150;
    until(&mut feed, 90, "the last line", |event| {
        losses += usize::from(matches!(event, FeedEvent::Lost(_)));
        log_.take(event);
        if log_.lines.len() > next {
            proxy.wire.cut();
            next = log_.lines.len() + 300;
        }
        log_.has("THE END")
    })
    .await;
    assert!(losses >= 3, "cut {losses} times");
    let all = docker(&["logs", &one.name]);
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(log_.notes, Vec::<String>::new());
    let from = all.len() - log_.lines.len().min(all.len());
    assert_same(&log_.lines, &all[from..]);
    assert!(log_.lines.len() >= 1_000, "{} lines", log_.lines.len());
}

#[tokio::test]
async fn a_terminals_log_has_no_frames() {
    if !rig_is_up() {
        return;
    }
    let script = "echo one; printf '10%%\\r55%%\\r100%%\\n'; head -c 20000 /dev/zero | tr '\\0' 'y'; echo; echo two";
    let one = Container::run("log-tty", &["-t", IMAGE, "sh", "-c", script]);
    docker(&["wait", &one.name]);
    let mut log_ = Log::default();
    until(&mut watch(log(&one)), 10, "the end", |event| {
        log_.take(event);
        !log_.notes.is_empty()
    })
    .await;
    assert_eq!(log_.lines, ["one".to_owned(), "100%".into(), "y".repeat(20_000), "two".into()]);
}

#[tokio::test]
async fn a_log_that_nobody_keeps_is_said_to_be_unsupported() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("log-none", &["--log-driver", "none", IMAGE, "sleep", "600"]);
    until(
        &mut watch(log(&one)),
        10,
        "the refusal",
        |event| matches!(event, FeedEvent::Lost(Fault::Unsupported { what }) if what.contains("log driver")),
    )
    .await;
}

#[tokio::test]
async fn a_silent_container_is_attached_at_once_and_its_first_word_is_seen() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("log-silent", &[IMAGE, "sh", "-c", "trap 'echo woken' USR1; while :; do sleep 0.1; done"]);
    let mut feed = watch(log(&one));
    tokio::time::timeout(Duration::from_secs(5), until(&mut feed, 5, "the stream", |event| event == FeedEvent::Alive))
        .await
        .expect("attached");
    docker(&["kill", "-s", "USR1", &one.name]);
    let mut log_ = Log::default();
    until(&mut feed, 5, "its word", |event| {
        log_.take(event);
        log_.has("woken")
    })
    .await;
}
