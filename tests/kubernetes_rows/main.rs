//! Rows of the real cluster beside what kubectl prints of it.

#![allow(clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::BoxStream;
use pilothouse::backend::kubernetes::{Kubernetes, contexts};
use pilothouse::model::{Access, Deed, Fault, Feed, FeedEvent, Key, Kind, Row, Sample, Scope, ServerInfo, Workload};

use support::cluster::{next, open, rig, source};
use support::wire::Mode;

/// Comparisons before a difference counts: the cluster moves between two looks.
const TRIES: usize = 8;

/// Rows of one complete listing.
async fn listing(source: &Kubernetes, feed: Feed) -> Vec<Row> {
    let mut stream = open(source, feed);
    let mut rows = Vec::new();
    loop {
        match next(&mut stream, "a listing").await {
            FeedEvent::Reset => rows.clear(),
            FeedEvent::Staged(more) => rows.extend(more),
            FeedEvent::Synced => return rows,
            other => panic!("in a listing: {other:?}"),
        }
    }
}

async fn workloads(source: &Kubernetes, scope: Scope) -> Vec<Workload> {
    let rows = listing(source, Feed::Workloads(scope)).await;
    rows.into_iter().filter_map(|row| if let Row::Workload(row) = row { Some(*row) } else { None }).collect()
}

/// First fault of a feed, which must be the first thing it says.
async fn fault(source: &Kubernetes, feed: Feed) -> Fault {
    let mut stream = open(source, feed);
    match next(&mut stream, "a fault").await {
        FeedEvent::Lost(fault) => fault,
        other => panic!("instead of a fault: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_read_as_kubectl_prints_them() {
    let Some(rig) = rig() else { return };
    let source = source(&rig.admin, None);
    let mut difference = String::new();
    for _ in 0..TRIES {
        let mut ours: Vec<Vec<String>> = listing(&source, Feed::Pods(None))
            .await
            .into_iter()
            .filter_map(|row| if let Row::Pod(pod) = row { Some(pod) } else { None })
            .map(|pod| {
                vec![
                    pod.key.namespace.to_string(),
                    pod.key.name.to_string(),
                    format!("{}/{}", pod.ready, pod.total),
                    pod.status.to_string(),
                    pod.restarts.to_string(),
                ]
            })
            .collect();
        ours.sort();
        let theirs = rig.columns(&["get", "pods", "-A", "--no-headers"], &[0, 1, 2, 3, 4]);
        assert!(theirs.len() > 5, "the rig has pods");
        if ours == theirs {
            return;
        }
        let only = |a: &[Vec<String>], b: &[Vec<String>]| {
            a.iter().filter(|row| !b.contains(row)).map(|row| row.join(" ")).collect::<Vec<_>>().join("\n  ")
        };
        difference = format!("ours:\n  {}\nkubectl:\n  {}", only(&ours, &theirs), only(&theirs, &ours));
    }
    panic!("after {TRIES} looks:\n{difference}");
}

/// What kubectl's table of the row's kind shows after the name.
fn cells(row: &Workload) -> Vec<String> {
    let numbers = match row.key.kind {
        Kind::Deployment => {
            vec![format!("{}/{}", row.ready, row.desired), row.updated.to_string(), row.available.to_string()]
        }
        Kind::StatefulSet => vec![format!("{}/{}", row.ready, row.desired)],
        _ => [row.desired, row.current, row.ready, row.updated, row.available].map(|n| n.to_string()).to_vec(),
    };
    [vec![row.key.namespace.to_string(), row.key.name.to_string()], numbers].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_and_their_rollouts_read_as_kubectl_prints_them() {
    let Some(rig) = rig() else { return };
    let source = source(&rig.admin, None);
    let kinds = [
        (Kind::Deployment, "deployments", &[0, 1, 2, 3, 4][..]),
        (Kind::StatefulSet, "statefulsets", &[0, 1, 2]),
        (Kind::DaemonSet, "daemonsets", &[0, 1, 2, 3, 4, 5, 6]),
    ];
    let mut difference = String::new();
    'looks: for _ in 0..TRIES {
        let rows = workloads(&source, None).await;
        for (kind, plural, columns) in kinds {
            let mut ours: Vec<_> = rows.iter().filter(|row| row.key.kind == kind).map(cells).collect();
            ours.sort();
            let theirs = rig.columns(&["get", plural, "-A", "--no-headers"], columns);
            assert!(!theirs.is_empty(), "the rig has {plural}");
            if ours != theirs {
                difference = format!("ours {ours:?}\nkubectl {theirs:?}");
                continue 'looks;
            }
        }
        for row in &rows {
            let slug = row.key.slug();
            let output = rig.run(&["rollout", "status", "--watch=false", "-n", &row.key.namespace, &slug]);
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let ours = row.rollout().text;
            if ours.trim_start_matches("PAUSED: ") != text.trim().trim_start_matches("error: ") {
                difference = format!("{slug}: ours {ours:?}, kubectl {text:?}");
                continue 'looks;
            }
        }
        return;
    }
    panic!("after {TRIES} looks: {difference}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_arrive_after_the_listing() {
    let Some(rig) = rig() else { return };
    let namespace = "rows-watch";
    let source = source(&rig.admin, None);
    rig.run(&["delete", "ns", namespace]);
    let mut stream = open(&source, Feed::Namespaces);
    while next(&mut stream, "the namespaces").await != FeedEvent::Synced {}
    rig.kubectl(&["create", "ns", namespace]);
    let key = loop {
        if let FeedEvent::Upsert(Row::Namespace(key)) = next(&mut stream, "the new namespace").await
            && &*key.name == namespace
        {
            break key;
        }
    };
    let mut object = open(&source, Feed::Object(key.clone()));
    match next(&mut object, "the namespace as YAML").await {
        FeedEvent::Object(yaml) => assert!(yaml.starts_with("apiVersion: v1\nkind: Namespace\n"), "{yaml}"),
        other => panic!("instead of YAML: {other:?}"),
    }
    rig.kubectl(&["label", "ns", namespace, "seen=yes"]);
    loop {
        if let FeedEvent::Object(yaml) = next(&mut object, "the label").await
            && yaml.contains("seen: \"yes\"")
        {
            break;
        }
    }
    rig.kubectl(&["delete", "ns", namespace]);
    while next(&mut stream, "the removal").await != FeedEvent::Remove(key.clone()) {}
    loop {
        if let FeedEvent::Lost(fault) = next(&mut object, "the end of the object").await {
            assert!(matches!(fault, Fault::Gone { .. }), "{fault:?}");
            break;
        }
    }
}

async fn server(source: &Kubernetes) -> ServerInfo {
    let mut stream = open(source, Feed::Server);
    loop {
        match next(&mut stream, "facts about the server").await {
            FeedEvent::Server(info) if !info.access.is_empty() => return *info,
            FeedEvent::Server(_) => {}
            other => panic!("instead of facts: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_who_we_are_and_what_we_may_do() {
    let Some(rig) = rig() else { return };
    let admin = server(&source(&rig.admin, Some("default"))).await;
    assert!(rig.kubectl(&["version", "-o", "json"]).contains(&*admin.version), "{admin:?}");
    assert!(admin.address.starts_with("https://") && !admin.user.is_empty(), "{admin:?}");
    assert!(admin.access.values().all(|access| *access == Access::Allowed), "{admin:?}");

    let viewer = server(&source(&rig.viewer, Some("default"))).await;
    let want = format!("{} may not delete pods in namespace default", viewer.user);
    assert_eq!(viewer.access.get(&Deed::Delete), Some(&Access::Denied(want.into())));
    assert!(viewer.access.values().all(|access| *access != Access::Allowed), "{viewer:?}");

    let operator = server(&source(&rig.operator, Some("shop"))).await;
    assert!(operator.access.values().all(|access| *access == Access::Allowed), "{operator:?}");
    let pods = operator.facts.iter().find(|(name, _)| &**name == "list pods").map(|(_, value)| value.to_string());
    assert_eq!(pods.as_deref(), Some("yes, in namespace shop only"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_one_namespace_gets_that_one_and_a_way_out_elsewhere() {
    let Some(rig) = rig() else { return };
    let restricted = source(&rig.operator, Some("shop"));
    assert!(!listing(&restricted, Feed::Pods(Some("shop".into()))).await.is_empty(), "shop has pods");
    assert!(!workloads(&restricted, Some("shop".into())).await.is_empty(), "shop has workloads");
    for feed in [Feed::Pods(None), Feed::Events(None), Feed::Workloads(None)] {
        let Fault::Denied { what, way_out } = fault(&restricted, feed).await else { panic!("not a refusal") };
        assert!(what.contains("forbidden") && way_out.contains("press n"), "{what} - {way_out}");
    }
    assert!(matches!(fault(&restricted, Feed::Namespaces).await, Fault::Denied { .. }));
    let viewer = source(&rig.viewer, None);
    assert!(listing(&viewer, Feed::Pods(None)).await.len() > 5, "a viewer sees all pods");
    assert!(!listing(&viewer, Feed::Events(None)).await.is_empty(), "a viewer sees events");
    assert!(matches!(fault(&viewer, Feed::Containers).await, Fault::Unsupported { .. }));
}

async fn samples(source: &Kubernetes, feed: Feed) -> Vec<Sample> {
    let mut stream = open(source, feed);
    loop {
        match next(&mut stream, "samples").await {
            FeedEvent::Samples(samples) => return samples,
            FeedEvent::Alive => {}
            other => panic!("instead of samples: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_measured_for_all_and_for_one() {
    let Some(rig) = rig() else { return };
    let admin = source(&rig.admin, None);
    let all = samples(&admin, Feed::Usage(None)).await;
    assert!(all.iter().any(|sample| &*sample.key.namespace == "shop" && sample.usage.memory > Some(0.0)), "{all:?}");
    let shop = samples(&admin, Feed::Usage(Some("shop".into()))).await;
    assert!(shop.iter().all(|sample| &*sample.key.namespace == "shop"), "{shop:?}");
    let refused = fault(&source(&rig.operator, Some("shop")), Feed::Usage(Some("shop".into()))).await;
    assert!(refused.to_string().contains("may not list pods.metrics.k8s.io in namespace shop"), "{refused}");

    let pods = listing(&admin, Feed::Pods(Some("shop".into()))).await;
    let busy = pods.iter().map(Row::key).find(|key| key.name.starts_with("busy-")).expect("a busy pod").clone();
    let mut stream = open(&admin, Feed::UsageOf(busy.clone()));
    loop {
        if let FeedEvent::Samples(samples) = next(&mut stream, "network rates").await
            && let Some(rx) = samples[0].usage.rx
        {
            assert_eq!(samples[0].key, busy);
            assert!(rx >= 0.0 && samples[0].usage.cpu > Some(0.0), "{samples:?}");
            assert!(!samples[0].containers.is_empty(), "{samples:?}");
            break;
        }
    }
}

/// A user who may ask the kubelets, but not metrics.k8s.io.
const KUBELET_ONLY: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "rows-kubelet"},
  "rules": [{"apiGroups": [""], "resources": ["nodes", "nodes/proxy"], "verbs": ["get", "list"]}]},
 {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "rows-kubelet"},
  "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "rows-kubelet"},
  "subjects": [{"kind": "User", "name": "rows-kubelet", "apiGroup": "rbac.authorization.k8s.io"}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn kubelets_are_asked_where_metrics_may_not_be() {
    let Some(rig) = rig() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let rights = dir.path().join("rights.json");
    fs::write(&rights, KUBELET_ONLY).expect("written");
    let rights = rights.to_str().expect("UTF-8");
    rig.kubectl(&["apply", "-f", rights]);
    let config = rig.admin_as("rows-kubelet", dir.path());
    let all = samples(&source(&config, None), Feed::Usage(None)).await;
    let info = server(&source(&config, None)).await;
    rig.kubectl(&["delete", "-f", rights]);
    assert!(all.iter().any(|sample| &*sample.key.namespace == "shop" && sample.usage.memory > Some(0.0)), "{all:?}");
    assert_eq!((&*info.metrics, &*info.user), ("kubelet (node proxy)", "rows-kubelet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_are_those_of_rollout_history() {
    let Some(rig) = rig() else { return };
    let admin = source(&rig.admin, None);
    let (default, shop) =
        (workloads(&admin, Some("default".into())).await, workloads(&admin, Some("shop".into())).await);
    for row in [default, shop].concat() {
        let key: Key = row.key.clone();
        let mut stream = open(&admin, Feed::Revisions(key.clone()));
        let revisions = match next(&mut stream, "revisions").await {
            FeedEvent::Revisions(revisions) => revisions,
            other => panic!("{key}: {other:?}"),
        };
        let text = rig.kubectl(&["rollout", "history", "-n", &key.namespace, &key.slug()]);
        let mut theirs: Vec<i64> =
            text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        theirs.sort_by(|a, b| b.cmp(a));
        let ours: Vec<i64> = revisions.list.iter().map(|revision| revision.number).collect();
        assert_eq!(ours, theirs, "{key}: {text}");
        assert_eq!(revisions.list.iter().filter(|revision| revision.current).count(), 1, "{key}: {revisions:?}");
        let current = revisions.list.iter().find(|revision| revision.current).expect("one");
        assert_eq!(current.images, row.images, "{key}");
    }
}

#[test]
fn contexts_of_the_rig_are_found() {
    let Some(rig) = rig() else { return };
    let found = contexts(Some(&rig.operator)).expect("a valid kubeconfig");
    let operator = found.iter().find(|context| context.current).expect("a current context");
    assert_eq!((operator.namespace.as_deref(), operator.user.as_str()), (Some("shop"), "operator"));
}

/// Waits until `stream` says what `wanted` looks for; gives the time that took.
async fn time_until(
    stream: &mut BoxStream<'static, FeedEvent>,
    what: &str,
    wanted: impl Fn(&FeedEvent) -> bool,
) -> Duration {
    let begin = Instant::now();
    while !wanted(&next(stream, what).await) {}
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_is_noticed_in_five_seconds_and_rows_are_back_in_three() {
    let Some(rig) = rig() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (wire, config) = rig.wire(dir.path()).await;
    let source = source(&config, None);
    let mut server = open(&source, Feed::Server);
    time_until(&mut server, "the server", |event| matches!(event, FeedEvent::Server(_))).await;
    let mut rest = tokio::spawn(async move { while server.next().await.is_some() {} });
    let mut pods = open(&source, Feed::Pods(None));
    time_until(&mut pods, "the pods", |event| *event == FeedEvent::Synced).await;
    for fault in [Mode::Cut, Mode::Stalled] {
        wire.set(fault);
        let noticed = time_until(&mut pods, "the loss", |event| matches!(event, FeedEvent::Lost(_))).await;
        assert!(noticed < Duration::from_millis(5500), "noticed after {noticed:?}");
        // let the waits grow to their longest
        let tried = time_until(&mut pods, "a retry", |event| matches!(event, FeedEvent::Lost(_))).await;
        wire.set(Mode::Whole);
        let back = time_until(&mut pods, "rows", |event| !matches!(event, FeedEvent::Lost(_))).await;
        println!("noticed after {noticed:?}, tried again after {tried:?}, back after {back:?}");
        assert!(back < Duration::from_secs(4), "back after {back:?}");
    }
    rest.abort();
    assert!((&mut rest).await.is_err(), "the server feed does not end by itself");
}
