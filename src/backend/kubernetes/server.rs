//! The Server feed: what answers there, who we are, what we may do; then a cheap probe that tells
//! within five seconds that the server is gone, or back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::BoxStream;
use serde::Deserialize;

use super::access::{Ask, whoami};
use super::contexts::stated;
use super::link::Link;
use super::pulse::{Prober, Pulse};
use super::retry::Backoff;
use super::usage::{Meter, find_meter};
use super::wire::or_default;
use crate::backend::emit::{self, Emitter};
use crate::model::{Access, Deed, Fault, FeedEvent, ServerInfo};

/// Time between two probes.
const EVERY: Duration = Duration::from_millis(2500);
/// Time a probe may take.
const ANSWER: Duration = Duration::from_millis(2500);
/// Probes between two looks at rights and metrics, which may change: about ten minutes.
const LOOK_AGAIN: u32 = 240;

/// `/version`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    #[serde(deserialize_with = "or_default")]
    git_version: String,
}

/// The feed; `namespace` is the one rights are asked for, `None` for all.
pub fn feed(link: Link, pulse: Pulse, namespace: Option<Arc<str>>) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        let prober = pulse.prober();
        let mut backoff = Backoff::default();
        let mut lost = false;
        loop {
            // one that answers without being ready stays lost until it is
            let back = if lost { probe(&link).await } else { Ok(()) };
            let introduced = match back {
                Ok(()) => introduce(&link, namespace.as_deref().unwrap_or_default(), &prober, &out).await,
                Err(fault) => Err(fault),
            };
            let fault = match introduced {
                Ok(()) => {
                    lost = false;
                    backoff.reset();
                    match attend(&link, &out).await {
                        Some(fault) => fault,
                        None => continue,
                    }
                }
                Err(fault) => fault,
            };
            lost = true;
            if matches!(fault, Fault::Unreachable { .. } | Fault::Timeout { .. }) && prober.lose(&fault) {
                // idle connections of a lost server are not to be tried again
                link.forget().await;
            }
            out.lost(fault.clone()).await;
            tokio::time::sleep(backoff.after(&fault)).await;
        }
    })
}

/// Probes until the server is lost (`Some`), or it is time to look again.
async fn attend(link: &Link, out: &Emitter<FeedEvent>) -> Option<Fault> {
    for _ in 0..LOOK_AGAIN {
        tokio::time::sleep(EVERY).await;
        match probe(link).await {
            Ok(()) => out.send(FeedEvent::Alive).await,
            Err(fault) => return Some(fault),
        }
    }
    None
}

/// A server that answers, whatever it says, is there.
async fn probe(link: &Link) -> Result<(), Fault> {
    match in_time(link.get_bytes("/readyz")).await {
        Err(fault @ (Fault::Unreachable { .. } | Fault::Timeout { .. } | Fault::Config { .. })) => Err(fault),
        Err(Fault::Denied { what, way_out }) if what.starts_with("401") => Err(Fault::Denied { what, way_out }),
        Err(Fault::Server { what }) => Err(Fault::Server { what: format!("not ready: {what}") }),
        _ => Ok(()),
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(ANSWER, call)
        .await
        .unwrap_or_else(|_| Err(Fault::Timeout { what: "the API server".into(), seconds: ANSWER.as_secs() }))
}

/// Says what is known at once, then the rest.
async fn introduce(link: &Link, namespace: &str, prober: &Prober, out: &Emitter<FeedEvent>) -> Result<(), Fault> {
    let version: Version = match link.get("/version").await {
        // hardened servers keep it to themselves
        Err(Fault::Denied { what, .. }) if !what.starts_with("401") => Version::default(),
        other => other?,
    };
    prober.recover();
    let context = link.context().clone();
    let (address, stated_user) = tokio::task::spawn_blocking(move || stated(&context)).await.unwrap_or_default();
    let user = whoami(link).await.unwrap_or(stated_user);
    let mut info = ServerInfo {
        version: version.git_version.into(),
        user: user.as_str().into(),
        address: address.into(),
        ..ServerInfo::default()
    };
    out.send(FeedEvent::Server(Box::new(info.clone()))).await;
    let (access, facts, meter) =
        futures::join!(rights(link, namespace, &user), facts(link, namespace), find_meter(link, namespace));
    info.access = access;
    info.access_in = (!namespace.is_empty()).then(|| namespace.into());
    info.facts = facts;
    info.metrics = match meter {
        Ok(Meter::Api) => "metrics.k8s.io".into(),
        Ok(Meter::Kubelet) => "kubelet (node proxy)".into(),
        Err(fault) => format!("none: {fault}").into(),
    };
    out.send(FeedEvent::Server(Box::new(info))).await;
    Ok(())
}

async fn rights(link: &Link, namespace: &str, user: &str) -> BTreeMap<Deed, Access> {
    let deeds = [Deed::Scale, Deed::Restart, Deed::Rollback, Deed::Delete];
    let asks = deeds.into_iter().filter_map(|deed| Some((deed, Ask::deed(deed, namespace)?)));
    let each = join_all(asks.map(|(deed, ask)| async move { (deed, ask.access(link, user).await) }));
    let releases = Ask::releases(namespace);
    let (each, releases) = futures::join!(each, join_all(releases.iter().map(|ask| ask.access(link, user))));
    let mut rights: BTreeMap<Deed, Access> = each.into_iter().collect();
    rights.insert(Deed::Release, any(releases));
    rights
}

/// Whoever may change releases of one tool is not told that he may not: the action itself asks exactly.
fn any(answers: Vec<Access>) -> Access {
    let wanted = [Access::Allowed, Access::Unknown].into_iter().find(|wanted| answers.contains(wanted));
    wanted.or_else(|| answers.into_iter().next()).unwrap_or(Access::Unknown)
}

/// What can be read, one line each for `pilothouse check`.
async fn facts(link: &Link, namespace: &str) -> Vec<(Arc<str>, Arc<str>)> {
    let reads = [("list", "pods", ""), ("list", "events", ""), ("get", "pods", "log"), ("list", "deployments", "")];
    let scoped = join_all(reads.map(|(verb, resource, sub)| async move {
        let group = if resource == "deployments" { "apps" } else { "" };
        let ask = |namespace| Ask { verb, group, resource, subresource: sub, namespace, name: "" };
        let everywhere = ask("").answer(link).await;
        let here = if namespace.is_empty() { Ok(false) } else { ask(namespace).answer(link).await };
        let slash = if sub.is_empty() { "" } else { "/" };
        let answer = match (everywhere, here) {
            (Ok(true), _) => "yes, in all namespaces".to_owned(),
            (_, Ok(true)) => format!("yes, in namespace {namespace} only"),
            (Ok(false), Ok(false)) => "no".to_owned(),
            (Err(fault), _) | (_, Err(fault)) => format!("not known: {fault}"),
        };
        (Arc::from(format!("{verb} {resource}{slash}{sub}")), Arc::from(answer))
    }));
    let cluster =
        join_all([("list", "namespaces", ""), ("get", "nodes", "proxy")].map(|(verb, resource, sub)| async move {
            let answer = match Ask::read(verb, resource, sub, "").answer(link).await {
                Ok(true) => "yes".to_owned(),
                Ok(false) => "no".to_owned(),
                Err(fault) => format!("not known: {fault}"),
            };
            let slash = if sub.is_empty() { "" } else { "/" };
            (Arc::from(format!("{verb} {resource}{slash}{sub}")), Arc::from(answer))
        }));
    let (mut scoped, cluster) = futures::join!(scoped, cluster);
    scoped.extend(cluster);
    scoped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tool_that_may_be_changed_is_enough() {
        let denied = || Access::Denied("no".into());
        assert_eq!(any(vec![denied(), Access::Unknown, Access::Allowed]), Access::Allowed);
        assert_eq!(any(vec![denied(), Access::Unknown]), Access::Unknown);
        assert_eq!(any(vec![denied(), denied()]), denied());
    }
}
