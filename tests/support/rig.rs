//! The real cluster that tests run against, and kubectl as the judge.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pilothouse::backend::kubernetes::{Context, Link};
use pilothouse::model::{Key, Kind, TargetId};
use serde_json::Value;

/// The rig's addresses.
pub struct Rig {
    kubectl: PathBuf,
    /// Kubeconfig of cluster-admin.
    pub admin: PathBuf,
    /// Kubeconfig of a user who may look but not touch.
    pub viewer: PathBuf,
    /// Kubeconfig of a user who sees one other namespace only.
    pub operator: PathBuf,
}

/// The rig, or `None` (and a word about it) where there is none and none is required.
pub fn rig() -> Option<Rig> {
    let is = |name: &str| std::env::var(name).is_ok_and(|value| value == "1");
    if !is("PILOTHOUSE_RIG") {
        assert!(!is("PILOTHOUSE_REQUIRE_RIG"), "a rig is required: `eval $(tests/rig/rig env)` after `rig up`");
        println!("skipped: no rig");
        return None;
    }
    let path = |name: &str| PathBuf::from(std::env::var(name).unwrap_or_else(|_| panic!("{name}: see `rig env`")));
    Some(Rig {
        kubectl: path("RIG_KUBECTL"),
        admin: path("RIG_ADMIN_KUBECONFIG"),
        viewer: path("RIG_VIEWER_KUBECONFIG"),
        operator: path("RIG_OPERATOR_KUBECONFIG"),
    })
}

/// A link as the user of this kubeconfig.
pub fn link(kubeconfig: &Path) -> Link {
    Link::new(Context { kubeconfig: Some(kubeconfig.to_owned()), name: None })
}

/// A namespace of one test, removed with everything in it when the test ends.
pub struct Space<'a> {
    rig: &'a Rig,
    /// Its name.
    pub name: String,
}

impl Rig {
    /// A fresh namespace in which pods can be made.
    pub fn space(&self, name: &str) -> Space<'_> {
        let space = Space { rig: self, name: format!("pilothouse-test-{name}-{}", std::process::id()) };
        self.run(&["create", "namespace", &space.name], "").expect("namespace");
        let ready = (0..200).any(|_| space.kubectl(&["get", "serviceaccount", "default"], "").is_ok());
        assert!(ready, "the namespace's default service account did not appear");
        space
    }

    fn run(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.admin)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl");
        child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("write");
        let output = child.wait_with_output().expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}

impl Space<'_> {
    /// kubectl in this namespace: its output, or what it complained.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        self.rig.run(&[&["-n", self.name.as_str()], arguments].concat(), input)
    }

    /// The same, where failing fails the test.
    pub fn must(&self, arguments: &[&str]) -> String {
        self.kubectl(arguments, "").unwrap_or_else(|e| panic!("kubectl {}: {e}", arguments.join(" ")))
    }

    /// Makes what `manifest` says.
    pub fn apply(&self, manifest: &Value) {
        self.kubectl(&["create", "-f", "-"], &manifest.to_string()).expect("create");
    }

    /// The object as JSON.
    pub fn get(&self, slug: &str) -> Value {
        serde_json::from_str(&self.must(&["get", slug, "-o", "json"])).expect("JSON")
    }

    /// The key of an object, with its live UID.
    pub fn key(&self, kind: Kind, name: &str) -> Key {
        let uid = self.must(&["get", &format!("{}/{name}", kind.short()), "-o", "jsonpath={.metadata.uid}"]);
        Key {
            target: TargetId(0),
            kind,
            namespace: self.name.as_str().into(),
            name: name.into(),
            uid: uid.as_str().into(),
        }
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        let _ = self.rig.run(&["delete", "namespace", &self.name, "--wait=false"], "");
    }
}
