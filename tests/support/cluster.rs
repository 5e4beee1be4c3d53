//! The real cluster that tests run against, and kubectl as the judge.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::Source;
use pilothouse::backend::kubernetes::{Context, Kubernetes, Link};
use pilothouse::model::{Feed, FeedEvent, FeedSpec, Key, Kind, TargetId, TargetKind, TargetMeta};
use serde_json::Value;

use super::rig_is_up;
use super::wire::Wire;

const TARGET: TargetId = TargetId(0);
/// Longest wait for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
    if !rig_is_up() {
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

fn context(kubeconfig: &Path) -> Context {
    Context { kubeconfig: Some(kubeconfig.to_owned()), name: None }
}

/// A link as the user of this kubeconfig.
pub fn link(kubeconfig: &Path) -> Link {
    Link::new(context(kubeconfig))
}

/// The data that the user of this kubeconfig may have.
pub fn source(kubeconfig: &Path, namespace: Option<&str>) -> Kubernetes {
    let meta = TargetMeta {
        id: TARGET,
        kind: TargetKind::Kubernetes,
        name: "rig".into(),
        namespace: namespace.map(Arc::from),
        demo: false,
    };
    Kubernetes::new(meta, context(kubeconfig))
}

/// One feed of `source`.
pub fn open(source: &Kubernetes, feed: Feed) -> BoxStream<'static, FeedEvent> {
    source.watch(&FeedSpec { target: TARGET, feed })
}

/// What comes next; says what was waited for when nothing does.
pub async fn next(stream: &mut BoxStream<'static, FeedEvent>, what: &str) -> FeedEvent {
    let event = tokio::time::timeout(PATIENCE, stream.next()).await;
    event.unwrap_or_else(|_| panic!("waited too long for {what}")).expect("feeds do not end")
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
        self.kubectl(&["create", "namespace", &space.name]);
        let ready = (0..200).any(|_| space.kubectl(&["get", "serviceaccount", "default"], "").is_ok());
        assert!(ready, "the namespace's default service account did not appear");
        space
    }

    /// What kubectl printed, how ever it ended.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.feed(arguments, "")
    }

    /// What kubectl printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        text(self.run(arguments)).unwrap_or_else(|e| panic!("kubectl {}: {e}", arguments.join(" ")))
    }

    fn feed(&self, arguments: &[&str], input: &str) -> Output {
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
        child.wait_with_output().expect("kubectl ends")
    }

    /// Columns of a table, sorted.
    pub fn columns(&self, arguments: &[&str], columns: &[usize]) -> Vec<Vec<String>> {
        let text = self.kubectl(arguments);
        let row = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            columns.iter().map(|column| words[*column].to_owned()).collect()
        };
        let mut rows: Vec<Vec<String>> = text.lines().map(row).collect();
        rows.sort();
        rows
    }

    /// A kubeconfig in `folder` of the admin acting as somebody else.
    pub fn admin_as(&self, user: &str, folder: &Path) -> PathBuf {
        let mut config: Value = serde_json::from_str(&self.config()).expect("the rig writes JSON");
        config["users"][0]["user"]["as"] = user.into();
        written(folder, &config.to_string())
    }

    /// A wire to the API server, and a kubeconfig in `folder` of the admin over it.
    pub async fn wire(&self, folder: &Path) -> (Wire, PathBuf) {
        let config = self.config();
        let at = config.find("https://").expect("a server") + "https://".len();
        let server = config[at..].split(['"', '\n', '\'']).next().expect("an address").trim();
        let (wire, address) = Wire::tcp(server).await;
        (wire, written(folder, &config.replace(server, &address.to_string())))
    }

    fn config(&self) -> String {
        std::fs::read_to_string(&self.admin).expect("the admin's kubeconfig")
    }
}

fn written(folder: &Path, config: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    std::fs::write(&path, config).expect("written");
    path
}

fn text(output: Output) -> Result<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

impl Space<'_> {
    /// kubectl in this namespace: its output, or what it complained.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        text(self.rig.feed(&[&["-n", self.name.as_str()], arguments].concat(), input))
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
        Key { target: TARGET, kind, namespace: self.name.as_str().into(), name: name.into(), uid: uid.as_str().into() }
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        let _ = self.rig.run(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}
