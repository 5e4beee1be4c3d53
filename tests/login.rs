//! A credential plugin that has to ask the user: it never takes the terminal by itself, and gets it
//! when the user gives it.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/pty.rs"]
mod pty;
mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pty::{Session, pilothouse};
use serde_json::{Value, json};

/// Answers quietly from its cache; asks only when told that there is somebody to ask.
const PLUGIN: &str = r#"#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in
  *'"interactive":true'*) printf 'Password: ' >&2; read -r word; [ "$word" = sesame ] && echo view-token >"$CACHE";;
esac
[ -s "$CACHE" ] || { echo 'please log in' >&2; exit 1; }
printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$CACHE")"
"#;

/// The token user's kubeconfig with the plugin in the token's place.
fn kubeconfig(home: &Path) -> String {
    let given = std::env::var("RIG_VIEWER_TOKEN_KUBECONFIG").expect("RIG_VIEWER_TOKEN_KUBECONFIG: see `rig env`");
    let text = std::fs::read_to_string(given).expect("the rig's kubeconfig");
    let mut config: Value = serde_json::from_str(&text).expect("the rig writes JSON");
    let plugin = home.join("plugin");
    std::fs::write(&plugin, PLUGIN).expect("written");
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).expect("executable");
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": plugin,
        "env": [{"name": "CACHE", "value": home.join("cache")}],
        "interactiveMode": "IfAvailable",
    }});
    let path = home.join("kubeconfig");
    std::fs::write(&path, config.to_string()).expect("written");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn the_plugin_gets_the_terminal_when_the_user_gives_it() {
    if !support::rig_is_up() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let kubeconfig = kubeconfig(home.path());
    let command = pilothouse(home.path(), &["--kubeconfig", &kubeconfig, "--no-docker", "-n", "default"]);
    let mut session = Session::start(command, 120, 40);
    session.wait_text("please log in");
    assert!(!session.text().contains("Password"), "nobody is asked while panes are on screen");
    session.send(":login\r");
    session.wait_text("Password:");
    session.send("sesame\r");
    session.wait("the pods are there", |screen| screen.contents().contains("web-"));
    assert!(!session.text().contains("view-token"), "what the plugin prints is not shown");
    session.send("q");
    assert!(session.end().success(), "it ends as asked");
    session.wait_restored();
}
