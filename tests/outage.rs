//! Servers that stop and start again while the console runs: the rows stay, greyed and marked, keys
//! go on working, and everything is live again within seconds of the server's return.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/pty.rs"]
mod pty;
mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use pty::{Session, pilothouse};

/// The promise for the time between a server's return and live rows, which the rig's script takes
/// a part of: it says that a server is back only some time after it is.
const BACK: Duration = Duration::from_secs(3);

fn servers(what: &str, verb: &str) {
    let script = std::env::var("RIG").expect("RIG: see `rig env`");
    let status = Command::new(script).args([what, verb]).status().expect("the rig's script runs");
    assert!(status.success(), "rig {what} {verb}");
}

/// The line of the screen that begins a pane with this title, or of the header that holds it.
fn line(screen: &vt100::Screen, part: &str) -> String {
    screen.contents().lines().find(|line| line.contains(part)).unwrap_or_default().to_owned()
}

#[test]
fn the_console_outlives_its_servers() {
    let Some(rig) = support::cluster::rig() else { return };
    let home = tempfile::tempdir().expect("a directory");
    let kubeconfig = rig.admin.to_str().expect("a path");
    let mut command = pilothouse(home.path(), &["--kubeconfig", kubeconfig, "-n", "default"]);
    if let Ok(host) = std::env::var("DOCKER_HOST") {
        command.env("DOCKER_HOST", host);
    }
    let mut session = Session::start(command, 160, 45);
    session.wait("pods and containers are live", |screen| {
        line(screen, "Pods").contains("live")
            && line(screen, " Docker ").contains("live")
            && screen.contents().contains("web-")
    });

    servers("apiserver", "stop");
    session.wait("the pods are marked stale", |screen| line(screen, "Pods").contains("STALE"));
    assert!(session.text().contains("web-"), "the rows stay");
    session.send("2");
    session.wait("keys still change the view", |screen| !screen.contents().contains(" Docker  "));
    session.send("1");
    session.wait("the containers of the engine stay live", |screen| line(screen, " Docker ").contains("live"));
    servers("apiserver", "start");
    let back = Instant::now();
    session.wait("the pods are live again", |screen| line(screen, "Pods").contains("live"));
    let took = back.elapsed();
    assert!(took < BACK, "live {took:?} after the API server's return");

    servers("docker", "stop");
    session.wait("the containers are marked stale", |screen| line(screen, " Docker ").contains("STALE"));
    assert!(session.text().contains("rig-"), "the rows stay");
    servers("docker", "start");
    let back = Instant::now();
    session.wait("the containers are live again", |screen| line(screen, " Docker ").contains("live"));
    let took = back.elapsed();
    assert!(took < BACK, "live {took:?} after the engine's return");

    session.send("q");
    assert!(session.end().success(), "it ends as asked");
    session.wait_restored();
}
