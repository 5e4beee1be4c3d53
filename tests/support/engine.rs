//! The real engine that tests run against, and the docker CLI as the judge.

use std::process::Command;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::Source;
use pilothouse::backend::docker::resolve::Address;
use pilothouse::backend::docker::{Docker, Endpoint, Engine};
use pilothouse::model::{Feed, FeedEvent, FeedSpec, Key, Kind, TargetId, TargetKind, TargetMeta};
use serde_json::Value;

use super::wire::Wire;

/// The engine's socket: `DOCKER_HOST` of `rig env`.
pub fn socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
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
    // what is not a promise of seconds gets the time that a loaded machine needs
    let seconds = if seconds < 10 { seconds } else { seconds * 4 };
    tokio::time::timeout(Duration::from_secs(seconds), wait)
        .await
        .unwrap_or_else(|_| panic!("waited {seconds} s for {what}"));
}

/// A wire to the engine's socket, and the socket at its near end.
pub struct Proxy {
    /// The near end.
    pub socket: String,
    /// The wire.
    pub wire: Wire,
    dir: tempfile::TempDir,
}

impl Proxy {
    /// A whole one.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("engine.sock");
        let wire = Wire::unix(&path, &socket());
        Self { socket: path.display().to_string(), wire, dir }
    }
}
