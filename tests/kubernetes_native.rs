//! Releases by Kubernetes alone on a real cluster, with its real controllers, beside what kubectl
//! does to a twin of the object.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail tests")]

mod support;

use std::time::Duration;

use futures::StreamExt;
use pilothouse::actions::{Action, Expectation, Given, Observation, Plan, Policy, Progress, Receipt};
use pilothouse::backend::Operator;
use pilothouse::backend::kubernetes::KubernetesOperator;
use pilothouse::model::{Fault, Kind};
use serde_json::{Value, json};
use support::cluster::{Rig, Space, link, rig};

fn operator(rig: &Rig) -> KubernetesOperator {
    KubernetesOperator::new(link(&rig.admin), "rig".to_owned())
}

fn workload(kind: Kind, name: &str, replicas: u32) -> Value {
    let script = "trap exit TERM; while :; do sleep 1; done";
    let mut spec = json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [
            {"name": "app", "image": "test/busybox:1", "imagePullPolicy": "Never", "command": ["/bin/sh", "-c", script]},
        ]}},
    });
    if kind == Kind::StatefulSet {
        spec["serviceName"] = json!(name);
        spec["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}});
    }
    json!({"apiVersion": "apps/v1", "kind": kind.word(), "metadata": {"name": name}, "spec": spec})
}

async fn run(operator: &KubernetesOperator, plan: Plan) -> Result<Receipt, Fault> {
    let approved = plan.approve(&Policy::default(), &Given::Flag).expect("consent");
    match operator.execute(approved).collect::<Vec<_>>().await.pop() {
        Some(Progress::Done(receipt)) => Ok(receipt),
        Some(Progress::Failed(fault)) => Err(fault),
        other => panic!("execution ended with {other:?}"),
    }
}

/// Plans, executes, and waits for the verdict.
async fn act(operator: &KubernetesOperator, action: Action) -> (Plan, Observation) {
    let plan = operator.plan(&action).await.expect("a plan");
    let receipt = run(operator, plan.clone()).await.expect("accepted");
    let expect = Expectation { generation: receipt.generation, ..plan.expect.clone() };
    let wait = operator.observe(&expect).collect::<Vec<_>>();
    let mut seen = tokio::time::timeout(Duration::from_secs(120), wait).await.expect("a verdict within two minutes");
    (plan, seen.pop().expect("an observation"))
}

fn met(seen: &Observation) {
    assert!(matches!(seen, Observation::Met(_)), "{seen:?}");
}

fn assert_twins(space: &Space<'_>, kind: Kind) {
    let of = |name: &str| {
        let spec = space.get(&format!("{}/{name}", kind.short()))["spec"].take();
        serde_json::from_str::<Value>(&spec.to_string().replace(name, "twin")).expect("JSON")
    };
    assert_eq!(of("ours"), of("theirs"), "left by us, right by kubectl");
}

fn image(space: &Space<'_>, slug: &str) -> String {
    space.must(&["get", slug, "-o", "jsonpath={.spec.template.spec.containers[0].image}"])
}

#[tokio::test]
async fn holding_and_resuming_a_deployment_does_what_kubectl_does() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("hold"));
    for name in ["ours", "theirs"] {
        space.apply(&workload(Kind::Deployment, name, 1));
    }
    let key = space.key(Kind::Deployment, "ours");
    let said = |fault: Result<Plan, Fault>| fault.expect_err("refused").to_string();

    let theirs = space.kubectl(&["rollout", "resume", "deploy/ours"], "").expect_err("refused");
    let ours = said(operator.plan(&Action::Resume { key: key.clone() }).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");

    let (plan, seen) = act(&operator, Action::Hold { key: key.clone() }).await;
    met(&seen);
    assert_eq!(plan.inverse, Some(Action::Resume { key: key.clone() }));
    assert!(plan.command.ends_with("rollout pause deployment/ours"), "{}", plan.command);
    space.must(&["rollout", "pause", "deploy/theirs"]);
    assert_twins(&space, Kind::Deployment);

    let theirs = space.kubectl(&["rollout", "pause", "deploy/ours"], "").expect_err("refused");
    let ours = said(operator.plan(&Action::Hold { key: key.clone() }).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");

    let (_, seen) = act(&operator, Action::Resume { key: key.clone() }).await;
    met(&seen);
    space.must(&["rollout", "resume", "deploy/theirs"]);
    assert_twins(&space, Kind::Deployment);

    space.must(&["rollout", "pause", "deploy/ours"]);
    space.must(&["set", "image", "deploy/ours", "app=test/busybox:2"]);
    let (plan, seen) = act(&operator, Action::Promote { key: key.clone(), full: false }).await;
    met(&seen);
    assert_eq!(plan.title, format!("Promote Deployment {}/ours", space.name));
    let updated = space.must(&["get", "deploy/ours", "-o", "jsonpath={.status.updatedReplicas}/{.status.replicas}"]);
    assert_eq!(updated, "1/1");
}

#[tokio::test]
async fn aborting_a_held_deployment_goes_back_and_on_in_one_request() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("abort"));
    for name in ["ours", "theirs"] {
        space.apply(&workload(Kind::Deployment, name, 1));
    }
    for name in ["ours", "theirs"] {
        space.must(&["rollout", "status", &format!("deploy/{name}"), "--timeout=60s"]);
    }
    let key = space.key(Kind::Deployment, "ours");
    let fault = operator.plan(&Action::Abort { key: key.clone() }).await.expect_err("there is one revision only");
    assert!(fault.to_string().contains("no rollout history found"), "{fault}");

    // stuck with its first new pod, and held there
    for name in ["ours", "theirs"] {
        space.must(&["set", "image", &format!("deploy/{name}"), "app=test/none:1"]);
        let revisions = |_: &u32| {
            let lines = space.must(&["rollout", "history", &format!("deploy/{name}")]);
            lines.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count() == 2
        };
        assert!((0..200).any(|n| revisions(&n)), "{name} has two revisions");
        space.must(&["rollout", "pause", &format!("deploy/{name}")]);
    }
    let (plan, seen) = act(&operator, Action::Abort { key: key.clone() }).await;
    met(&seen);
    assert_eq!(plan.changes.len(), 1, "one request");
    assert_eq!(plan.inverse, Some(Action::Rollback { key: key.clone(), revision: 2 }));
    space.must(&["rollout", "resume", "deploy/theirs"]);
    space.must(&["rollout", "undo", "deploy/theirs"]);
    assert_twins(&space, Kind::Deployment);
    assert_eq!(image(&space, "deploy/ours"), "test/busybox:1");
    let fault = operator.plan(&Action::Abort { key: key.clone() }).await.expect_err("nothing is under way");
    assert!(fault.to_string().contains("there is nothing to abort"), "{fault}");

    // held before its first new pod: the template that was never rolled out is not kept either
    space.must(&["rollout", "pause", "deploy/ours"]);
    space.must(&["set", "image", "deploy/ours", "app=test/busybox:2"]);
    let (plan, seen) = act(&operator, Action::Abort { key }).await;
    met(&seen);
    assert_eq!(plan.inverse, None, "it has no revision to go back to");
    assert_eq!(image(&space, "deploy/ours"), "test/busybox:1");
}

#[tokio::test]
async fn a_statefulset_is_promoted_pod_by_pod_and_in_full() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("partition"));
    space.apply(&workload(Kind::StatefulSet, "ours", 3));
    space.must(&["rollout", "status", "sts/ours", "--timeout=90s"]);
    space.must(&["set", "image", "sts/ours", "app=test/busybox:2"]);
    let key = space.key(Kind::StatefulSet, "ours");
    let images = || {
        space.must(&[
            "get",
            "pods",
            "-l",
            "app=ours",
            "--sort-by=.metadata.name",
            "-o",
            "jsonpath={.items[*].spec.containers[0].image}",
        ])
    };
    let (plan, seen) = act(&operator, Action::Promote { key: key.clone(), full: false }).await;
    met(&seen);
    assert!(plan.title.ends_with("from partition 3 to 2"), "{}", plan.title);
    assert_eq!(images(), "test/busybox:1 test/busybox:1 test/busybox:2");

    let plan = operator.plan(&Action::Promote { key: key.clone(), full: false }).await.expect("a plan");
    space.must(&["scale", "sts/ours", "--replicas=2"]);
    let fault = run(&operator, plan).await.expect_err("it was scaled meanwhile");
    assert!(matches!(fault, Fault::Conflict { .. }), "{fault:?}");

    let (_, seen) = act(&operator, Action::Promote { key: key.clone(), full: true }).await;
    met(&seen);
    space.must(&["rollout", "status", "sts/ours", "--timeout=90s"]);
    assert_eq!(images(), "test/busybox:2 test/busybox:2");
    let fault = operator.plan(&Action::Promote { key, full: false }).await.expect_err("nothing is held back");
    assert!(fault.to_string().contains("it holds nothing back"), "{fault}");
}
