//! `pilothouse check`: what each target can and cannot do, for people and bug reports.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::timeout;

use super::say;
use crate::backend::Opened;
use crate::model::text::clean;
use crate::model::{Access, Feed, FeedEvent, FeedSpec, ServerInfo, TargetKind};

/// Longest wait for a target.
const WAIT: Duration = Duration::from_secs(15);
/// Longest wait for what it allows, once it has answered.
const RIGHTS: Duration = Duration::from_secs(5);

/// Prints what each target says; returns 0 when all answered, 1 otherwise.
pub async fn run(opened: &[Opened]) -> u8 {
    if opened.is_empty() {
        say("no target: set KUBECONFIG or DOCKER_HOST\n");
        return 1;
    }
    let mut code = 0;
    for target in opened {
        let kind = match target.meta.kind {
            TargetKind::Kubernetes => "Kubernetes context",
            TargetKind::Docker => "Docker engine",
        };
        say(&format!("{kind} {}\n", clean(&target.meta.name)));
        let spec = FeedSpec { target: target.meta.id, feed: Feed::Server };
        match timeout(WAIT, first(target.source.watch(&spec))).await {
            Ok(Ok(info)) => say(&facts(&info)),
            Ok(Err(fault)) => {
                say(&format!("  NOT REACHED: {}\n", clean(&fault)));
                code = 1;
            }
            Err(_) => {
                say(&format!("  NOT REACHED: no answer within {} s\n", WAIT.as_secs()));
                code = 1;
            }
        }
    }
    code
}

/// What the server says of itself once its rights are known too, or why it says nothing.
async fn first(mut feed: impl futures::Stream<Item = FeedEvent> + Unpin) -> Result<Box<ServerInfo>, String> {
    let mut info: Option<Box<ServerInfo>> = None;
    loop {
        let next = match info {
            None => feed.next().await,
            Some(_) => timeout(RIGHTS, feed.next()).await.unwrap_or(None),
        };
        match (next, info.take()) {
            (Some(FeedEvent::Server(new)), _) if !new.access.is_empty() => return Ok(new),
            (Some(FeedEvent::Server(new)), _) => info = Some(new),
            (Some(FeedEvent::Lost(fault)), None) => return Err(fault.to_string()),
            (None, Some(known)) => return Ok(known),
            (None, None) => return Err("the feed ended".into()),
            (_, known) => info = known,
        }
    }
}

fn facts(info: &ServerInfo) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:<22} {}\n", clean(value)));
        }
    };
    line("address", &info.address);
    line("version", &info.version);
    line("user", &info.user);
    line("metrics", &info.metrics);
    for (name, value) in &info.facts {
        line(name, value);
    }
    for (deed, access) in &info.access {
        let name = format!("may {deed:?}").to_lowercase();
        match access {
            Access::Allowed => line(&name, "yes"),
            Access::Denied(why) => line(&name, &format!("NO: {why}")),
            Access::Unknown => line(&name, "unknown"),
        }
    }
    out
}
