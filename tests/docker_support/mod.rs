//! What tests against the real engine share.
#![allow(dead_code)] // every test file uses another part
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests, which clippy takes for production code

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::Source;
use pilothouse::backend::docker::resolve::Address;
use pilothouse::backend::docker::{Docker, Endpoint, Engine};
use pilothouse::model::{Feed, FeedEvent, FeedSpec, Key, Kind, TargetId, TargetKind, TargetMeta};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// The engine's socket: `DOCKER_HOST` of `rig env`.
pub fn socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

/// True when the real engine may be used.
pub fn rig() -> bool {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| value == "1");
    let there = set("PILOTHOUSE_RIG") && std::path::Path::new(&socket()).exists();
    assert!(there || !set("PILOTHOUSE_REQUIRE_RIG"), "the rig is required and not there");
    if !there {
        println!("skipped: no rig");
    }
    there
}

/// Runs the docker CLI.
pub fn docker(args: &[&str]) -> String {
    let out = Command::new("docker")
        .args(args)
        .env("DOCKER_HOST", format!("unix://{}", socket()))
        .output()
        .expect("docker CLI");
    assert!(out.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// A container that is removed with its owner.
pub struct Container {
    pub name: String,
    pub id: String,
}

impl Container {
    /// `docker run -d --name pht-docker-NAME ARGS`.
    pub fn run(name: &str, args: &[&str]) -> Self {
        let name = format!("pht-docker-{name}");
        let _ = Command::new("docker")
            .env("DOCKER_HOST", format!("unix://{}", socket()))
            .args(["rm", "-f", &name])
            .output();
        let id = docker(&[&["run", "-d", "--name", &name][..], args].concat());
        Self { name, id }
    }

    pub fn key(&self) -> Key {
        Key {
            target: TargetId(0),
            kind: Kind::Container,
            namespace: "".into(),
            name: self.name.as_str().into(),
            uid: self.id.as_str().into(),
        }
    }

    pub fn inspect(&self) -> Value {
        let list: Value = serde_json::from_str(&docker(&["inspect", &self.name])).expect("JSON");
        list[0].clone()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .env("DOCKER_HOST", format!("unix://{}", socket()))
            .args(["rm", "-f", "-v", &self.name])
            .output();
    }
}

pub fn engine_at(socket: &str) -> Engine {
    Engine::at(Endpoint {
        name: "rig".into(),
        kind: Address::Unix(socket.into()),
        tls: None,
        tried: vec![format!("unix://{socket}")],
        cli: Vec::new(),
    })
}

pub fn meta() -> TargetMeta {
    TargetMeta { id: TargetId(0), kind: TargetKind::Docker, name: "rig".into(), namespace: None, demo: false }
}

pub fn watch_at(socket: &str, feed: Feed) -> BoxStream<'static, FeedEvent> {
    Docker::new(meta(), engine_at(socket)).watch(&FeedSpec { target: TargetId(0), feed })
}

pub fn watch(feed: Feed) -> BoxStream<'static, FeedEvent> {
    watch_at(&socket(), feed)
}

/// Takes events until `done` says so; panics with `what` was waited for.
pub async fn until<T: std::fmt::Debug>(
    stream: &mut BoxStream<'static, T>,
    seconds: u64,
    what: &str,
    mut done: impl FnMut(T) -> bool,
) {
    let wait = async {
        while let Some(event) = stream.next().await {
            if done(event) {
                return;
            }
        }
        panic!("the stream ended while waiting for {what}");
    };
    tokio::time::timeout(Duration::from_secs(seconds), wait)
        .await
        .unwrap_or_else(|_| panic!("waited {seconds} s for {what}"));
}

/// A proxy before the engine's socket that can cut every connection at once and refuse new ones.
pub struct Proxy {
    pub socket: String,
    open: Arc<watch::Sender<bool>>,
    dir: tempfile::TempDir,
}

impl Proxy {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path: PathBuf = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let open = Arc::new(watch::channel(true).0);
        let gate = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = gate.subscribe();
                if !*state.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = UnixStream::connect(socket()).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.changed() => {}
                    }
                });
            }
        });
        Self { socket: path.display().to_string(), open, dir }
    }

    /// Cuts what is connected; new connections work.
    pub fn cut(&self) {
        self.open.send_replace(true);
    }

    /// Cuts what is connected and refuses what comes, or accepts again.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}
