//! Logs of real containers, over a connection that is cut again and again.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail tests")]

mod support;

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::kubernetes::logs::follow;
use pilothouse::model::{Fault, FeedEvent, Kind, LogRecord, LogSource};
use serde_json::{Value, json};
use support::cluster::{Space, link, rig};
use support::wire::Mode;

fn pod(name: &str, restart: &str, script: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "restartPolicy": restart, "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "app", "image": "test/busybox:1", "imagePullPolicy": "Never",
            "command": ["/bin/sh", "-c", script]}],
    }})
}

fn source(space: &Space<'_>, name: &str) -> LogSource {
    LogSource { key: space.key(Kind::Pod, name), container: "app".into(), previous: false }
}

/// Follows until `enough` says so; panics with what came when that takes more than 90 s.
async fn until(
    mut feed: BoxStream<'static, FeedEvent>,
    waiting_for: &str,
    mut enough: impl FnMut(&[FeedEvent]) -> bool,
) -> Vec<FeedEvent> {
    let mut seen = Vec::new();
    let wait = async {
        while !enough(&seen) {
            seen.push(feed.next().await.expect("a feed never ends"));
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(90), wait).await.is_ok();
    assert!(done, "waiting for {waiting_for}; came: {:?}", shown(&seen).iter().rev().take(10).collect::<Vec<_>>());
    seen
}

/// Lines as they are, other things marked.
fn shown(seen: &[FeedEvent]) -> Vec<String> {
    let record = |record: &LogRecord| match record {
        LogRecord::Line { text, .. } => text.to_string(),
        LogRecord::Gap(text) => format!("GAP {text}"),
        LogRecord::Note(text) => format!("NOTE {text}"),
    };
    let event = |event: &FeedEvent| match event {
        FeedEvent::Log(records) => records.iter().map(record).collect(),
        FeedEvent::Lost(fault) => vec![format!("LOST {fault}")],
        // that the log is open is no line of it
        FeedEvent::Alive => Vec::new(),
        other => vec![format!("EVENT {other:?}")],
    };
    seen.iter().flat_map(event).collect()
}

fn has(seen: &[FeedEvent], part: &str) -> bool {
    shown(&seen[seen.len().saturating_sub(1)..]).iter().any(|line| line.contains(part))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_doubled_over_a_connection_that_breaks() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logcuts");
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); \
                  [ $((i % 50)) = 0 ] && usleep 15000; done; echo the end; sleep 600";
    let folder = tempfile::tempdir().expect("folder");
    let (wire, config) = rig.wire(folder.path()).await;
    let broken = link(&config);
    space.apply(&pod("talker", "Never", script));
    let feed = follow(broken, source(&space, "talker"));

    let (mut lines, mut next, mut cuts, mut blocked) = (0usize, 300usize, 0usize, false);
    let seen = until(feed, "the end", |seen| {
        let Some(last) = seen.last() else { return false };
        match last {
            FeedEvent::Log(records) => lines += records.len(),
            FeedEvent::Lost(_) => {
                wire.set(Mode::Whole);
                blocked = false;
            }
            _ => {}
        }
        if lines >= next && !blocked {
            cuts += 1;
            next = lines + 200 + (cuts * 7919) % 900;
            // every fifth time nothing answers for a while
            blocked = cuts.is_multiple_of(5);
            wire.set(if blocked { Mode::Cut } else { Mode::Whole });
            wire.cut();
        }
        has(seen, "the end")
    })
    .await;
    println!("{cuts} cuts, {} events", seen.len());
    assert!(cuts >= 10, "the connection was cut only {cuts} times");
    let wanted: Vec<String> = (0..20_000).map(|n| format!("line {n}")).chain(["the end".to_owned()]).collect();
    let lines: Vec<String> = shown(&seen)
        .into_iter()
        .filter(|l| !["LOST", "NOTE waiting to start"].iter().any(|mark| l.starts_with(mark)))
        .collect();
    let differs = lines.iter().zip(&wanted).position(|(came, want)| came != want);
    assert_eq!(differs.map(|at| (at, &lines[at], &wanted[at])), None);
    assert_eq!(lines.len(), wanted.len());
    assert!(seen.iter().any(|e| matches!(e, FeedEvent::Lost(Fault::Unreachable { .. }))), "an outage is reported");
}

#[tokio::test]
async fn a_restarted_container_is_followed_into_its_next_instance() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logrestart");
    // the last lines are written at once before it dies
    let script = "id=$(date +%s); i=0; while [ $i -lt 200 ]; do echo $id $i; i=$((i+1)); done; exit 3";
    space.apply(&pod("crasher", "Always", script));
    let mut restarts = 0;
    let seen = until(follow(link(&rig.admin), source(&space, "crasher")), "two restarts", |seen| {
        restarts += usize::from(has(seen, "container restarted"));
        restarts >= 2 && has(seen, " 199")
    })
    .await;
    let shown = shown(&seen);
    let count = |part: &str| shown.iter().filter(|l| l.contains(part)).count();
    assert_eq!(count("NOTE container restarted: exit 3 (Error), restart 1"), 1, "{:?}", notes(&shown));
    assert_eq!(count("GAP"), 0, "{:?}", notes(&shown));
    let lines: Vec<(&str, usize)> = shown
        .iter()
        .filter(|l| !l.starts_with("NOTE") && !l.starts_with("EVENT"))
        .map(|l| l.split_once(' ').map(|(id, n)| (id, n.parse().expect("a number"))).expect("two words"))
        .collect();
    assert_eq!(lines.len(), 600, "three instances in full: {:?}", notes(&shown));
    for (at, (id, n)) in lines.iter().enumerate() {
        assert_eq!((*n, *id), (at % 200, lines[at - at % 200].0), "line {at}");
    }
}

fn notes(shown: &[String]) -> Vec<&String> {
    shown.iter().filter(|l| ["NOTE", "GAP", "LOST"].iter().any(|mark| l.starts_with(mark))).collect()
}

#[tokio::test]
async fn a_finished_container_and_a_deleted_pod_are_said_to_be_ended() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logend");
    space.apply(&pod("once", "Never", "echo hello; printf 'no newline'; exit 4"));
    let mut deleted = false;
    let seen = until(follow(link(&rig.admin), source(&space, "once")), "the deletion", |seen| {
        if has(seen, "NOTE ended: exit 4 (Error)") && !deleted {
            deleted = true;
            space.must(&["delete", "pod/once", "--wait=false"]);
        }
        has(seen, "NOTE ended: the pod was deleted")
    })
    .await;
    let lines: Vec<String> = shown(&seen).into_iter().filter(|l| !l.starts_with("NOTE waiting")).collect();
    let want = ["hello", "no newline", "NOTE ended: exit 4 (Error)", "NOTE ended: the pod was deleted"];
    assert_eq!(lines, want);
}

#[tokio::test]
async fn lines_longer_than_the_runtimes_pieces_come_whole() {
    let Some(rig) = rig() else { return };
    let space = rig.space("loglong");
    let script =
        "x=0123456789abcdef; i=0; while [ $i -lt 12 ]; do x=$x$x; i=$((i+1)); done; echo $x; echo after; sleep 600";
    space.apply(&pod("long", "Never", script));
    let seen = until(follow(link(&rig.admin), source(&space, "long")), "the line after", |s| has(s, "after")).await;
    let lines: Vec<String> = shown(&seen).into_iter().filter(|l| !l.starts_with("NOTE")).collect();
    assert_eq!(lines, ["0123456789abcdef".repeat(4096), "after".to_owned()]);
}

#[tokio::test]
async fn a_container_that_cannot_start_says_why_and_one_that_must_not_be_read_is_denied() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logwait");
    let mut waits = pod("waits", "Never", "true");
    waits["spec"]["containers"][0]["image"] = json!("test/none:1");
    space.apply(&waits);
    let feed = follow(link(&rig.admin), source(&space, "waits"));
    until(feed, "the reason", |s| has(s, "NOTE waiting to start: ErrImageNeverPull")).await;

    let outsider = follow(link(&rig.operator), source(&space, "waits"));
    let seen = until(outsider, "a denial", |s| !s.is_empty()).await;
    assert!(matches!(&seen[..], [FeedEvent::Lost(Fault::Denied { .. })]), "{seen:?}");
}

#[tokio::test]
async fn the_previous_instances_log_comes_once() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logprev");
    let script = "if [ -e /data/seen ]; then echo second; sleep 600; fi; touch /data/seen; echo first; exit 3";
    let mut again = pod("again", "Always", script);
    again["spec"]["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    again["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    space.apply(&again);
    until(follow(link(&rig.admin), source(&space, "again")), "the second instance", |s| has(s, "second")).await;
    let previous = LogSource { previous: true, ..source(&space, "again") };
    let seen = until(follow(link(&rig.admin), previous), "its end", |s| has(s, "NOTE ended")).await;
    assert_eq!(shown(&seen), ["first", "NOTE ended: exit 3 (Error)"]);
}

#[tokio::test]
async fn a_rotated_log_goes_on_and_what_is_missing_is_marked() {
    let Some(rig) = rig() else { return };
    let space = rig.space("logrotate");
    // 24 MB in bursts: the kubelet rotates at 10 MiB and looks every 10 s
    let script = "x=0123456789; x=$x$x$x$x$x; x=$x$x$x$x; i=0; while [ $i -lt 120000 ]; do echo $i $x; i=$((i+1)); \
                  [ $((i % 3000)) = 0 ] && sleep 1; done; while :; do echo the end; sleep 1; done";
    space.apply(&pod("rotating", "Never", script));
    let feed = follow(link(&rig.admin), source(&space, "rotating"));
    let seen = until(feed, "the end", |seen| has(seen, "the end")).await;
    let shown = shown(&seen);
    let (mut next, mut gaps) = (0usize, 0usize);
    let mut gap = false;
    for line in shown.iter().filter(|l| !l.starts_with("NOTE") && !l.starts_with("EVENT") && *l != "the end") {
        if line.starts_with("GAP") {
            (gap, gaps) = (true, gaps + 1);
            continue;
        }
        let number: usize = line.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        assert!(number >= next, "line {number} came again after {next}");
        assert!(number == next || gap, "lines {next} to {number} are missing unmarked");
        (next, gap) = (number + 1, false);
    }
    println!("{gaps} gaps, {:?}", notes(&shown));
    assert!(next == 120_000 || gap, "lines {next} to 120000 are missing unmarked");
}
