//! Releases of delivery tools on a real API server with the tools' own resource definitions: rows of
//! objects in every phase as the tools write them, and each action beside the official request sent
//! to a twin. The tools' controllers do not run here: what they would do next is written by the test.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail tests")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use pilothouse::actions::{
    Action, Change, Expectation, Given, Method, Note, Observation, Plan, Policy, Progress, Receipt, Risk,
};
use pilothouse::backend::kubernetes::{Context, Kubernetes, KubernetesOperator, Link};
use pilothouse::backend::{Operator, Source};
use pilothouse::model::{Fault, Feed, FeedEvent, FeedSpec, Key, Kind, Row, TargetId, TargetKind, TargetMeta};
use serde_json::{Value, json};
use support::cluster::{Rig, Space, link, rig};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn operator(rig: &Rig) -> KubernetesOperator {
    KubernetesOperator::new(link(&rig.admin), "rig".to_owned())
}

fn source(rig: &Rig) -> Kubernetes {
    let (id, kind, name) = (TargetId(0), TargetKind::Kubernetes, "rig".into());
    let meta = TargetMeta { id, kind, name, namespace: None, demo: false };
    Kubernetes::new(meta, Context { kubeconfig: Some(rig.admin.clone()), name: None })
}

/// Makes sure that the server has the tools' resources.
fn install(space: &Space<'_>) {
    for name in ["rollouts.argoproj.io", "analysisruns.argoproj.io", "canaries.flagger.app"] {
        let file = format!("{ROOT}/tests/rig/crds/{name}.yaml");
        space.must(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
        space.must(&["wait", "--for=condition=Established", &format!("crd/{name}"), "--timeout=60s"]);
        let resource = name.split('.').next().expect("a word");
        let ready = (0..100).any(|_| space.kubectl(&["get", resource], "").is_ok());
        assert!(ready, "{name} is served");
    }
}

fn cases() -> Vec<(String, Value)> {
    let folder = Path::new(ROOT).join("tests/fixtures/kubernetes/releases");
    let mut all: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            let path = entry.expect("a readable entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, serde_json::from_slice(&fs::read(&path).expect("a readable file")).expect("JSON"))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() >= 30, "only {} cases", all.len());
    all
}

fn case(name: &str) -> Value {
    cases().into_iter().find(|(known, _)| known == name).expect("a fixture of this name").1
}

fn kind(object: &Value) -> Kind {
    Kind::parse(object["kind"].as_str().expect("a kind")).expect("a known kind")
}

/// Path of a collection in the space.
fn collection(space: &Space<'_>, kind: Kind) -> String {
    let group = match kind {
        Kind::Rollout => "argoproj.io/v1alpha1",
        Kind::Canary => "flagger.app/v1beta1",
        _ => "apps/v1",
    };
    let plural = match kind {
        Kind::Rollout => "rollouts",
        Kind::Canary => "canaries",
        Kind::Deployment => "deployments",
        _ => "replicasets",
    };
    format!("/apis/{group}/namespaces/{}/{plural}", space.name)
}

async fn send(link: &Link, method: Method, path: String, content_type: &str, body: Value) -> Value {
    let change = Change { method, path: path.clone(), content_type: content_type.to_owned(), body };
    link.change(&change, false).await.unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

async fn merge(link: &Link, path: String, body: Value) -> Value {
    send(link, Method::Patch, path, "application/merge-patch+json", body).await
}

fn without_empty(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| *value != "");
        members.values_mut().for_each(without_empty);
    }
}

/// Makes the fixture's object under `name`, its status as the tool wrote it.
async fn make(link: &Link, space: &Space<'_>, object: &Value, name: &str) -> Key {
    let kind = kind(object);
    let mut object = object.clone();
    let status = object.as_object_mut().expect("an object").shift_remove("status").unwrap_or_default();
    let generation = object["metadata"]["generation"].clone();
    let annotations = object["metadata"]["annotations"].take();
    object["metadata"] = json!({"name": name, "annotations": annotations});
    let made = send(link, Method::Post, collection(space, kind), "application/json", object).await;
    let mut status = status;
    // the rig's old server takes an empty string of a custom resource for a null
    without_empty(&mut status);
    if let Some(observed) = status.get_mut("observedGeneration") {
        // the server counts generations itself
        let (seen, wanted) = (observed.as_str().map(str::to_owned), generation.to_string());
        if seen.as_deref().is_some_and(|seen| seen.parse::<i64>().is_ok()) {
            *observed = if seen == Some(wanted) { "1".into() } else { "0".into() };
        }
    }
    merge(link, format!("{}/{name}/status", collection(space, kind)), json!({"status": status})).await;
    let uid = made["metadata"]["uid"].as_str().expect("a UID");
    Key { target: TargetId(0), kind, namespace: space.name.as_str().into(), name: name.into(), uid: uid.into() }
}

async fn remove(link: &Link, space: &Space<'_>, kind: Kind, name: &str) {
    send(link, Method::Delete, format!("{}/{name}", collection(space, kind)), "", Value::Null).await;
}

/// Spec and status of an object.
async fn state(link: &Link, space: &Space<'_>, kind: Kind, name: &str) -> Value {
    let object: Value = link.get(&format!("{}/{name}", collection(space, kind))).await.expect("the object");
    json!({"spec": object["spec"], "status": object["status"]})
}

fn action(verb: &str, key: Key) -> Action {
    match verb {
        "promote" => Action::Promote { key, full: false },
        "promote-full" => Action::Promote { key, full: true },
        "abort" => Action::Abort { key },
        "hold" => Action::Hold { key },
        "resume" => Action::Resume { key },
        "retry" => Action::Retry { key },
        other => panic!("no action {other}"),
    }
}

async fn run(operator: &KubernetesOperator, plan: Plan) -> Result<Receipt, Fault> {
    let approved = plan.approve(&Policy::default(), &Given::Flag).expect("consent");
    match operator.execute(approved).collect::<Vec<_>>().await.pop() {
        Some(Progress::Done(receipt)) => Ok(receipt),
        Some(Progress::Failed(fault)) => Err(fault),
        other => panic!("execution ended with {other:?}"),
    }
}

/// Waits for the verdict, after `then` has done what the tool's controller would do.
async fn verdict(operator: &KubernetesOperator, expect: &Expectation, then: impl Future<Output = ()>) -> Observation {
    let wait = operator.observe(expect).collect::<Vec<_>>();
    let both = futures::future::join(wait, then);
    let (mut seen, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("a verdict within a minute");
    seen.pop().expect("an observation")
}

fn met(seen: &Observation) {
    assert!(matches!(seen, Observation::Met(_)), "{seen:?}");
}

fn notes(plan: &Plan) -> String {
    let text = |note: &Note| match note {
        Note::Info(text) => format!("info: {text}\n"),
        Note::Warning(text) => format!("warning: {text}\n"),
    };
    plan.notes.iter().map(text).collect()
}

#[tokio::test]
async fn every_action_does_what_the_official_request_does_in_every_phase() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releases"));
    install(&space);
    let (mut sent, mut refused) = (0, 0);
    for (name, case) in cases() {
        let kind = kind(&case["object"]);
        for (verb, want) in case["actions"].as_object().into_iter().flatten() {
            let place = format!("{name}: {verb}");
            let key = make(&link, &space, &case["object"], "ours").await;
            let planned = operator.plan(&action(verb, key)).await;
            if let Some(words) = want["refused"].as_str() {
                let fault = planned.expect_err(&place);
                assert!(fault.to_string().contains(words), "{place}: {fault}");
                refused += 1;
            } else {
                make(&link, &space, &case["object"], "theirs").await;
                let theirs = format!("{}/theirs", collection(&space, kind));
                if let Some(body) = want.get("ours").or_else(|| want.get("status")) {
                    merge(&link, format!("{theirs}/status"), body.clone()).await;
                }
                if let Some(body) = want.get("spec") {
                    merge(&link, theirs, body.clone()).await;
                }
                let plan = planned.unwrap_or_else(|fault| panic!("{place}: {fault}"));
                run(&operator, plan).await.unwrap_or_else(|fault| panic!("{place}: {fault}"));
                let ours = state(&link, &space, kind, "ours").await;
                assert_eq!(ours, state(&link, &space, kind, "theirs").await, "{place}: left by us");
                remove(&link, &space, kind, "theirs").await;
                sent += 1;
            }
            remove(&link, &space, kind, "ours").await;
        }
    }
    println!("{sent} actions beside their official requests, {refused} refusals");
    assert!(sent >= 35 && refused >= 30, "{sent} sent, {refused} refused");
}

#[tokio::test]
async fn planning_leaves_no_trace_and_a_second_writer_makes_it_a_conflict() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaseconflict"));
    install(&space);
    for (name, verb) in [
        ("argo-canary-paused-for-promotion", "promote"),
        ("argo-canary-paused-for-promotion", "abort"),
        ("argo-canary-aborted", "retry"),
        ("flagger-progressing", "abort"),
    ] {
        let case = case(name);
        let kind = kind(&case["object"]);
        let key = make(&link, &space, &case["object"], "ours").await;
        let path = format!("{}/ours", collection(&space, kind));
        let before = state(&link, &space, kind, "ours").await;
        let plan = operator.plan(&action(verb, key)).await.expect("a plan");
        assert_eq!(state(&link, &space, kind, "ours").await, before, "planning to {verb} changed it");
        // the controller writes the status: what was planned may mean something else now
        let change = json!({"status": {"readyReplicas": 4, "failedChecks": 1}});
        let change = if kind == Kind::Rollout { change } else { json!({"status": {"failedChecks": 1}}) };
        merge(&link, format!("{path}/status"), change).await;
        let before = state(&link, &space, kind, "ours").await;
        let fault = run(&operator, plan).await.expect_err("somebody else was there");
        assert!(matches!(&fault, Fault::Conflict { what } if what.contains("plan again")), "{fault:?}");
        assert_eq!(state(&link, &space, kind, "ours").await, before, "{verb} on {name}");
        remove(&link, &space, kind, "ours").await;
    }
}

#[tokio::test]
async fn a_hold_survives_a_status_write_and_a_namesake_is_never_hit() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releasehold"));
    install(&space);
    let case = case("argo-canary-paused-for-promotion");
    let key = make(&link, &space, &case["object"], "ours").await;
    let path = format!("{}/ours", collection(&space, Kind::Rollout));
    let plan = operator.plan(&Action::Hold { key: key.clone() }).await.expect("a plan");
    assert_eq!(plan.inverse, Some(Action::Resume { key: key.clone() }));
    merge(&link, format!("{path}/status"), json!({"status": {"readyReplicas": 4}})).await;
    run(&operator, plan).await.expect("only the status moved");

    let plan = operator.plan(&Action::Resume { key: key.clone() }).await.expect("a plan");
    remove(&link, &space, Kind::Rollout, "ours").await;
    make(&link, &space, &case["object"], "ours").await;
    let fault = run(&operator, plan).await.expect_err("another one has its name");
    assert!(matches!(fault, Fault::Conflict { .. }), "{fault:?}");
    let fault = operator.plan(&Action::Abort { key }).await.expect_err("another one has its name");
    assert!(matches!(fault, Fault::Gone { .. }), "{fault:?}");
}

#[tokio::test]
async fn who_may_not_is_told_what_is_lacking() {
    let Some(rig) = rig() else { return };
    let (link, space) = (link(&rig.admin), rig.space("releasedenied"));
    install(&space);
    // looking is allowed, changing is not
    space.must(&[
        "create",
        "role",
        "look",
        "--verb=get,list,watch",
        "--resource=rollouts.argoproj.io,rollouts.argoproj.io/status,canaries.flagger.app",
    ]);
    space.must(&["create", "rolebinding", "look", "--role=look", "--user=viewer"]);
    let viewer = KubernetesOperator::new(support::cluster::link(&rig.viewer), "rig".to_owned());
    for (name, verb, resource) in [
        ("argo-canary-paused-for-promotion", "promote", "rollouts.argoproj.io/status"),
        ("argo-canary-paused-for-promotion", "hold", "rollouts.argoproj.io "),
        ("argo-canary-aborted", "retry", "rollouts.argoproj.io/status"),
        ("flagger-progressing", "abort", "canaries.flagger.app/status"),
        ("flagger-progressing", "promote", "canaries.flagger.app "),
    ] {
        let case = case(name);
        let key = make(&link, &space, &case["object"], "ours").await;
        let kind = key.kind;
        let fault = viewer.plan(&action(verb, key)).await.expect_err("a viewer may not");
        let Fault::Denied { what, .. } = &fault else { panic!("{fault:?}") };
        assert!(what.contains("may not patch ") && what.contains(resource), "{what}");
        remove(&link, &space, kind, "ours").await;
    }
}

#[tokio::test]
async fn a_promotion_is_followed_until_the_controller_has_gone_on_and_cannot_be_doubled() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releasepromote"));
    install(&space);
    let key = make(&link, &space, &case("argo-canary-paused-for-promotion")["object"], "ours").await;
    let status = format!("{}/ours/status", collection(&space, Kind::Rollout));
    let promote = Action::Promote { key: key.clone(), full: false };
    let plan = operator.plan(&promote).await.expect("a plan");
    assert!(plan.command.starts_with("kubectl argo rollouts promote ours -n "), "{}", plan.command);
    let receipt = run(&operator, plan.clone()).await.expect("accepted");
    let fault = operator.plan(&promote).await.expect_err("the controller has not gone on yet");
    assert!(fault.to_string().contains("would skip a step"), "{fault}");
    let expect = Expectation { generation: receipt.generation, ..plan.expect };
    let controller = async {
        let body = json!({"status": {"controllerPause": false, "currentStepIndex": 2, "phase": "Progressing",
            "message": "more replicas need to be updated"}});
        merge(&link, status.clone(), body).await;
    };
    let seen = verdict(&operator, &expect, controller).await;
    assert_eq!(seen, Observation::Met("Progressing at step 2/5: more replicas need to be updated".into()));

    let plan = operator.plan(&Action::Promote { key: key.clone(), full: true }).await.expect("a plan");
    assert!(notes(&plan).contains("skips all steps, pauses and analyses"), "{}", notes(&plan));
    run(&operator, plan.clone()).await.expect("accepted");
    let controller = async {
        let body = json!({"status": {"promoteFull": false, "currentStepIndex": 5, "stableRS": "new",
            "phase": "Healthy", "message": null}});
        merge(&link, status, body).await;
    };
    met(&verdict(&operator, &plan.expect, controller).await);
}

#[tokio::test]
async fn an_abort_says_what_it_does_to_traffic_and_a_full_promotion_of_it_asks_for_the_name() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaseabort"));
    install(&space);
    let key = make(&link, &space, &case("argo-canary-paused-for-a-while")["object"], "ours").await;
    let status = format!("{}/ours/status", collection(&space, Kind::Rollout));
    let plan = operator.plan(&Action::Abort { key: key.clone() }).await.expect("a plan");
    let said = notes(&plan);
    assert!(
        said.contains("all traffic goes back to the stable version at once; of the new one, its pods go 30 s later"),
        "{said}"
    );
    assert_eq!(plan.inverse, Some(Action::Retry { key: key.clone() }));
    run(&operator, plan.clone()).await.expect("accepted");
    let controller = async {
        let body = json!({"status": {"abortedAt": "2026-08-24T10:05:00Z", "phase": "Degraded", "currentStepIndex": 0,
            "message": "RolloutAborted: Rollout aborted update to revision 2", "pauseConditions": null,
            "controllerPause": false, "canary": {"weights": {"canary": {"weight": 0}}}}});
        merge(&link, status, body).await;
    };
    met(&verdict(&operator, &plan.expect, controller).await);
    let plan = operator.plan(&Action::Promote { key: key.clone(), full: true }).await.expect("a plan");
    assert_eq!(plan.risk, Risk::Irreversible);
    assert!(notes(&plan).contains("ships the version that was aborted"), "{}", notes(&plan));
    let fault = plan.approve(&Policy::default(), &Given::Yes).expect_err("a yes is not enough");
    assert!(fault.to_string().contains("type ours to confirm"), "{fault}");
}

/// A ReplicaSet as the Rollout's controller makes it; it runs nothing.
async fn replica_set(link: &Link, space: &Space<'_>, owner: &Key, hash: &str, revision: &str, image: &str) {
    let labels = json!({"app": "web", "rollouts-pod-template-hash": hash});
    let body = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{}-{hash}", owner.name), "labels": labels,
            "annotations": {"rollout.argoproj.io/revision": revision,
                "rollout.argoproj.io/ephemeral-metadata": r#"{"labels":{"role":"stable"}}"#},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": &*owner.name,
                "uid": &*owner.uid, "controller": true}]},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": {"app": "web", "role": "stable", "rollouts-pod-template-hash": hash}},
            "spec": {"containers": [{"name": "web", "image": image}]}}},
    });
    send(link, Method::Post, collection(space, Kind::StatefulSet), "application/json", body).await;
}

#[tokio::test]
async fn a_rollback_takes_the_template_of_a_revision_without_what_the_controller_added() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaseundo"));
    install(&space);
    let key = make(&link, &space, &case("argo-canary-aborted")["object"], "ours").await;
    replica_set(&link, &space, &key, "old", "1", "shop/web:1").await;
    replica_set(&link, &space, &key, "new", "2", "shop/web:2").await;
    let mut feed = source(&rig).watch(&FeedSpec { target: TargetId(0), feed: Feed::Revisions(key.clone()) });
    let FeedEvent::Revisions(all) = next(&mut feed).await else { panic!("revisions") };
    let seen: Vec<_> = all.list.iter().map(|r| (r.number, &*r.images, r.current)).collect();
    assert_eq!(seen, [(2, "shop/web:2", true), (1, "shop/web:1", false)]);

    let plan = operator.plan(&Action::Rollback { key: key.clone(), revision: 0 }).await.expect("a plan");
    assert!(notes(&plan).contains("back to the stable revision: its steps are skipped"), "{}", notes(&plan));
    assert!(plan.command.contains("argo rollouts undo ours --to-revision=1"), "{}", plan.command);
    run(&operator, plan).await.expect("accepted");
    let template = state(&link, &space, Kind::Rollout, "ours").await["spec"]["template"].take();
    assert_eq!(template["spec"]["containers"][0]["image"], "shop/web:1");
    assert_eq!(template["metadata"]["labels"], json!({"app": "web"}), "neither hash nor ephemeral labels");
    let fault = operator.plan(&Action::Rollback { key: key.clone(), revision: 1 }).await.expect_err("it is there");
    assert!(fault.to_string().contains("skipped rollback (current template already matches revision 1)"), "{fault}");
    let fault = operator.plan(&Action::Rollback { key, revision: 9 }).await.expect_err("there is none");
    assert!(fault.to_string().contains("unable to find specified revision 9"), "{fault}");
}

#[tokio::test]
async fn a_rollout_that_refers_to_a_deployment_is_rolled_back_there_on_condition() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaseref"));
    install(&space);
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "shop/web:2"}]}});
    space.apply(&json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}}));
    let key = make(&link, &space, &case("argo-workload-ref-not-observed")["object"], "ours").await;
    replica_set(&link, &space, &key, "old", "1", "shop/web:1").await;
    replica_set(&link, &space, &key, "new", "2", "shop/web:2").await;
    let rollback = Action::Rollback { key, revision: 1 };
    let plan = operator.plan(&rollback).await.expect("a plan");
    assert!(notes(&plan).contains("the template of Deployment"), "{}", notes(&plan));
    space.must(&["label", "deploy/web", "seen=1"]);
    space.must(&["scale", "deploy/web", "--replicas=0", "--current-replicas=0"]);
    let fault = run(&operator, plan).await.expect_err("the Deployment was changed");
    assert!(matches!(&fault, Fault::Conflict { what } if what.contains("Deployment web is at")), "{fault:?}");
    let image = || space.must(&["get", "deploy/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]);
    assert_eq!(image(), "shop/web:2");
    let plan = operator.plan(&rollback).await.expect("a plan");
    run(&operator, plan).await.expect("accepted");
    assert_eq!(image(), "shop/web:1");
}

#[tokio::test]
async fn a_rollout_is_restarted_and_scaled() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaserestart"));
    install(&space);
    let key = make(&link, &space, &case("argo-canary-healthy")["object"], "ours").await;
    let path = format!("{}/ours/status", collection(&space, Kind::Rollout));
    let plan = operator.plan(&Action::Restart { key: key.clone() }).await.expect("a plan");
    run(&operator, plan.clone()).await.expect("accepted");
    let at = state(&link, &space, Kind::Rollout, "ours").await["spec"]["restartAt"].take();
    assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
    let controller = async { drop(merge(&link, path.clone(), json!({"status": {"restartedAt": at}})).await) };
    met(&verdict(&operator, &plan.expect, controller).await);

    let plan = operator.plan(&Action::Scale { key, replicas: 3 }).await.expect("a plan");
    run(&operator, plan.clone()).await.expect("accepted");
    assert_eq!(state(&link, &space, Kind::Rollout, "ours").await["spec"]["replicas"], 3);
    let controller = async {
        let body = json!({"status": {"observedGeneration": "3", "replicas": 3, "readyReplicas": 3}});
        merge(&link, path, body).await;
    };
    met(&verdict(&operator, &plan.expect, controller).await);
}

#[tokio::test]
async fn a_failed_canary_is_retried_by_its_targets_template() {
    let Some(rig) = rig() else { return };
    let (operator, link, space) = (operator(&rig), link(&rig.admin), rig.space("releaseretry"));
    install(&space);
    let template = json!({"metadata": {"labels": {"app": "podinfo"}},
        "spec": {"containers": [{"name": "app", "image": "podinfo:2"}]}});
    space.apply(&json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "podinfo"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "podinfo"}}, "template": template}}));
    let key = make(&link, &space, &case("flagger-failed")["object"], "ours").await;
    let status = format!("{}/ours/status", collection(&space, Kind::Canary));
    let plan = operator.plan(&Action::Retry { key: key.clone() }).await.expect("a plan");
    run(&operator, plan.clone()).await.expect("accepted");
    let stamp = "jsonpath={.spec.template.metadata.annotations.flagger\\.app/retry-timestamp}";
    assert!(!space.must(&["get", "deploy/podinfo", "-o", stamp]).is_empty());
    let controller = async {
        let body = json!({"status": {"phase": "Progressing", "canaryWeight": 0, "failedChecks": 0}});
        merge(&link, status.clone(), body).await;
    };
    met(&verdict(&operator, &plan.expect, controller).await);

    let plan = operator.plan(&Action::Abort { key }).await.expect("a plan");
    run(&operator, plan.clone()).await.expect("accepted");
    // a check that was under way writes the count it had computed before
    let controller = async { drop(merge(&link, status.clone(), json!({"status": {"failedChecks": 1}})).await) };
    let seen = verdict(&operator, &plan.expect, controller).await;
    assert!(matches!(&seen, Observation::Contradicted(text) if text.contains("roll back again")), "{seen:?}");
    run(&operator, operator.plan(&plan.action).await.expect("a plan")).await.expect("accepted");
    let controller = async {
        merge(&link, status, json!({"status": {"phase": "Failed", "failedChecks": 0, "canaryWeight": 0}})).await;
    };
    met(&verdict(&operator, &plan.expect, controller).await);
}

async fn next(events: &mut futures::stream::BoxStream<'static, FeedEvent>) -> FeedEvent {
    let event = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
    event.expect("an event within a minute").expect("feeds do not end")
}

#[tokio::test]
async fn rows_of_both_tools_come_in_one_listing_and_follow_their_objects() {
    let Some(rig) = rig() else { return };
    let (link, space) = (link(&rig.admin), rig.space("releaserows"));
    install(&space);
    let rollout = make(&link, &space, &case("argo-canary-paused-for-promotion")["object"], "web").await;
    let canary = make(&link, &space, &case("flagger-checks-failing")["object"], "podinfo").await;
    let source = source(&rig);
    let feed = Feed::Releases(Some(space.name.as_str().into()));
    let mut events = source.watch(&FeedSpec { target: TargetId(0), feed });
    assert_eq!(next(&mut events).await, FeedEvent::Reset);
    let mut rows = Vec::new();
    loop {
        match next(&mut events).await {
            FeedEvent::Staged(more) => rows.extend(more),
            FeedEvent::Synced => break,
            other => panic!("{other:?}"),
        }
    }
    let mut seen: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Row::Release(row) => format!("{} {} {} {}", row.engine.word(), row.key.name, row.phase, row.waits_for),
            other => panic!("{other:?}"),
        })
        .collect();
    seen.sort();
    assert_eq!(seen, ["argo rollouts web Paused promotion", "flagger podinfo Progressing checks (3 of 5 failed)"]);
    // Flagger tells the reason in an event only
    let why = "Halt podinfo.test advancement success rate 69.17% < 99%";
    let reference = json!({"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "namespace": space.name,
        "name": "podinfo", "uid": &*canary.uid});
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "podinfo.1"}, "reason": "Synced",
        "involvedObject": reference, "message": why, "type": "Warning", "source": {"component": "flagger"},
        "lastTimestamp": "2026-08-24T10:00:10Z"});
    let events_path = format!("/api/v1/namespaces/{}/events", space.name);
    send(&link, Method::Post, events_path, "application/json", event).await;
    let FeedEvent::Upsert(Row::Release(row)) = next(&mut events).await else { panic!("an upsert") };
    assert_eq!((&row.key, &*row.message, &*row.checks[0].values), (&canary, why, [69.17_f32].as_slice()));

    // and the values of an analysis are in its run only
    let run = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "web-run"},
        "spec": {"metrics": [{"name": "success-rate", "successCondition": "result[0] >= 0.95",
            "provider": {"prometheus": {"query": "up"}}}]},
        "status": {"phase": "Running", "metricResults": [{"name": "success-rate", "phase": "Running",
            "measurements": [{"phase": "Successful", "value": "[0.99]"}, {"phase": "Failed", "value": "[0.9]"}]}]}});
    let runs = format!("/apis/argoproj.io/v1alpha1/namespaces/{}/analysisruns", space.name);
    send(&link, Method::Post, runs, "application/json", run).await;
    let status = format!("{}/web/status", collection(&space, Kind::Rollout));
    let analysing = json!({"canary": {"currentStepAnalysisRunStatus": {"name": "web-run", "status": "Running"}}});
    merge(&link, status, json!({"status": analysing})).await;
    let metric = loop {
        let FeedEvent::Upsert(Row::Release(row)) = next(&mut events).await else { panic!("an upsert") };
        if let Some(metric) = row.checks.get(1) {
            break metric.clone();
        }
    };
    assert_eq!((&*metric.name, &*metric.condition), ("success-rate", "result[0] >= 0.95"));
    assert_eq!(&*metric.values, [0.99_f32, 0.9].as_slice());

    let sent = std::time::Instant::now();
    let status = format!("{}/web/status", collection(&space, Kind::Rollout));
    merge(
        &link,
        status,
        json!({"status": {"phase": "Degraded", "abort": true, "pauseConditions": null, "controllerPause": false}}),
    )
    .await;
    let FeedEvent::Upsert(Row::Release(row)) = next(&mut events).await else { panic!("an upsert") };
    println!("sent, accepted and in its row within {:?}", sent.elapsed());
    assert_eq!((&row.key, &*row.phase, row.needs_decision), (&rollout, "Degraded", true));
    remove(&link, &space, Kind::Rollout, "web").await;
    assert_eq!(next(&mut events).await, FeedEvent::Remove(rollout));
}
