//! The rig's users, kubectl, and feeds opened on it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::Source;
use pilothouse::backend::kubernetes::{Context, Kubernetes};
use pilothouse::model::{Feed, FeedEvent, FeedSpec, TargetId, TargetKind, TargetMeta};
use serde_json::Value;

const TARGET: TargetId = TargetId(0);
/// Longest wait for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The rig's variables, or `None` (the test is skipped) when there is no rig.
pub fn rig() -> Option<Rig> {
    let var = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let rig = (var("PILOTHOUSE_RIG").as_deref() == Some("1")).then_some(()).and_then(|()| {
        Some(Rig {
            kubectl: var("RIG_KUBECTL")?.into(),
            admin: var("RIG_ADMIN_KUBECONFIG")?.into(),
            viewer: var("RIG_VIEWER_KUBECONFIG")?.into(),
            operator: var("RIG_OPERATOR_KUBECONFIG")?.into(),
        })
    });
    if rig.is_none() {
        assert!(var("PILOTHOUSE_REQUIRE_RIG").as_deref() != Some("1"), "a rig is required and there is none");
        println!("skipped: no rig");
    }
    rig
}

pub struct Rig {
    kubectl: PathBuf,
    pub admin: PathBuf,
    pub viewer: PathBuf,
    pub operator: PathBuf,
}

impl Rig {
    pub fn run(&self, args: &[&str]) -> Output {
        let output = Command::new(&self.kubectl).arg("--kubeconfig").arg(&self.admin).args(args).output();
        output.expect("kubectl runs")
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A kubeconfig of the admin acting as somebody else.
    pub fn admin_as(&self, user: &str, dir: &Path) -> PathBuf {
        let mut config: Value =
            serde_json::from_slice(&fs::read(&self.admin).expect("a kubeconfig")).expect("the rig writes JSON");
        config["users"][0]["user"]["as"] = user.into();
        let path = dir.join("config");
        fs::write(&path, config.to_string()).expect("written");
        path
    }

    /// Columns of a table, sorted.
    pub fn columns(&self, args: &[&str], columns: &[usize]) -> Vec<Vec<String>> {
        let text = self.kubectl(args);
        let row = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            columns.iter().map(|column| words[*column].to_owned()).collect()
        };
        let mut rows: Vec<Vec<String>> = text.lines().map(row).collect();
        rows.sort();
        rows
    }
}

pub fn source(kubeconfig: &Path, namespace: Option<&str>) -> Kubernetes {
    let meta = TargetMeta {
        id: TARGET,
        kind: TargetKind::Kubernetes,
        name: "rig".into(),
        namespace: namespace.map(Arc::from),
        demo: false,
    };
    Kubernetes::new(meta, Context { kubeconfig: Some(kubeconfig.to_path_buf()), name: None })
}

pub fn open(source: &Kubernetes, feed: Feed) -> BoxStream<'static, FeedEvent> {
    source.watch(&FeedSpec { target: TARGET, feed })
}

pub async fn next(stream: &mut BoxStream<'static, FeedEvent>, what: &str) -> FeedEvent {
    let event = tokio::time::timeout(PATIENCE, stream.next()).await;
    event.unwrap_or_else(|_| panic!("waited too long for {what}")).expect("feeds do not end")
}
