//! The program without a terminal, over the simulated shop: what scripts get, and the exit codes
//! that they rely on.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};

use pilothouse::panes::PaneId;
use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Exit code, standard output, standard error.
fn run(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.env_clear().env("HOME", home).env("XDG_STATE_HOME", home).env("LANG", "C.UTF-8").args(args);
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn audit(home: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(home.join("pilothouse/audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_plan_is_printed_and_nothing_done() {
    let home = home();
    let (code, out, err) = run(home.path(), &["act", "scale", "sts/cart", "--replicas", "5", "--demo", "--plan"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("cart") && out.contains("shop-cluster") && out.contains("kubectl"), "{out}");
    assert!(audit(home.path()).is_empty());
}

#[test]
fn a_change_is_recorded_before_and_after() {
    let home = home();
    let args = ["act", "restart", "ctr/edge-api-1", "--demo", "--yes", "--no-wait", "-o", "json"];
    let (code, out, err) = run(home.path(), &args);
    assert_eq!(code, 0, "{out}{err}");
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
    assert_eq!(told["verdict"], "sent", "accepted and not verified");
    let phases: Vec<_> = audit(home.path()).iter().map(|line| line["phase"].clone()).collect();
    assert_eq!(phases, ["intent", "outcome"]);
}

#[test]
fn what_is_refused_says_why_and_has_its_own_exit_code() {
    let home = home();
    for (args, why) in [
        (&["scale", "sts/cart", "--replicas", "5", "--demo", "--yes", "--read-only"][..], "read-only"),
        (&["scale", "deploy/nosuch", "--replicas", "5", "--demo", "--yes"], "nosuch"),
        (&["scale", "deploy/nosuch", "--replicas", "5", "--demo", "--plan"], "nosuch"),
    ] {
        let (code, out, err) = run(home.path(), &[&["act"], args].concat());
        assert_eq!(code, 3, "{args:?}: {out}{err}");
        assert!(err.contains(why), "{args:?}: {err}");
    }
    assert!(audit(home.path()).is_empty());
}

#[test]
fn what_makes_no_sense_is_an_error_of_the_command_line() {
    let home = home();
    for args in [
        &["act", "scale", "sts/cart", "--demo", "--plan"][..],
        &["act", "scale", "sts/cart", "--replicas", "5", "--demo"],
        &["act", "explode", "sts/cart", "--demo", "--plan"],
        &["act", "scale", "po/cart-0", "--replicas", "5", "--demo", "--plan"],
        &["snapshot", "nosuch", "--demo"],
        &["snapshot", "--size", "0x0", "--demo"],
        &["snapshot", "--no-docker", "--no-kubernetes"],
        &["demo", "no-such-world"],
    ] {
        let (code, out, err) = run(home.path(), args);
        assert_eq!(code, 2, "{args:?}: {out}{err}");
        assert!(!err.is_empty() && out.is_empty(), "{args:?}: the reason goes to standard error");
    }
}

#[test]
fn every_view_can_be_printed() {
    let home = home();
    for view in ["overview"].into_iter().chain(PaneId::ALL.map(PaneId::name)) {
        let (code, out, err) = run(home.path(), &["snapshot", view, "--demo", "--size", "100x20", "--ascii"]);
        assert_eq!(code, 0, "{view}: {err}");
        assert_eq!(out.lines().count(), 20, "{view}");
        assert!(out.starts_with("pilothouse"), "{view}\n{out}");
        assert!(!out.contains('\x1b'), "{view}: plain text");
    }
}

#[test]
fn rows_are_json_for_scripts() {
    let home = home();
    let (code, out, err) = run(home.path(), &["snapshot", "pods", "--demo", "--filter", "cart-", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let rows: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let text = rows.to_string();
    assert!(text.contains("cart-0") && text.contains("cart-2") && !text.contains("payments"), "{text}");
}
