//! Every action against a real cluster, beside what kubectl does to a twin of the object.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail tests")]

mod support;

use std::time::Duration;

use futures::StreamExt;
use pilothouse::actions::{
    Action, Diff, Expectation, Given, Goal, Note, Observation, Plan, Policy, Progress, Receipt, Risk,
};
use pilothouse::backend::Operator;
use pilothouse::backend::kubernetes::KubernetesOperator;
use pilothouse::model::{Fault, Kind};
use serde_json::{Value, json};
use support::cluster::{Rig, Space, link, rig};
use support::wire::Mode;

const KINDS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

fn operator(rig: &Rig) -> KubernetesOperator {
    KubernetesOperator::new(link(&rig.admin), "rig".to_owned())
}

fn template(name: &str, image: &str, script: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [
            {"name": "app", "image": image, "imagePullPolicy": "Never", "command": ["/bin/sh", "-c", script]},
        ]},
    })
}

/// A workload that starts at once and stays; `replicas` is left out for a DaemonSet.
fn workload(kind: Kind, name: &str, replicas: u32) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": template(name, "test/busybox:1", "trap exit TERM; while :; do sleep 1; done"),
    });
    if kind != Kind::DaemonSet {
        spec["replicas"] = json!(replicas);
    }
    if kind == Kind::StatefulSet {
        spec["serviceName"] = json!(name);
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

async fn verdict(operator: &KubernetesOperator, expect: &Expectation) -> Observation {
    let wait = operator.observe(expect).collect::<Vec<_>>();
    let mut seen = tokio::time::timeout(Duration::from_secs(120), wait).await.expect("a verdict within two minutes");
    seen.pop().expect("an observation")
}

/// Plans, executes, and waits for the verdict.
async fn act(operator: &KubernetesOperator, action: Action) -> (Plan, Observation) {
    let plan = operator.plan(&action).await.expect("a plan");
    let receipt = run(operator, plan.clone()).await.expect("accepted");
    let expect = Expectation { generation: receipt.generation, ..plan.expect.clone() };
    (plan, verdict(operator, &expect).await)
}

fn met(seen: &Observation) {
    assert!(matches!(seen, Observation::Met(_)), "{seen:?}");
}

/// The spec of a twin, with its name and times made the same.
fn spec(space: &Space<'_>, slug: &str, name: &str) -> Value {
    let mut object = space.get(slug);
    let mut spec = object["spec"].take();
    if let Some(at) = spec.pointer_mut("/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt") {
        *at = json!("a time");
    }
    serde_json::from_str(&spec.to_string().replace(name, "twin")).expect("JSON")
}

fn assert_twins(space: &Space<'_>, kind: Kind) {
    let of = |name: &str| spec(space, &format!("{}/{name}", kind.short()), name);
    assert_eq!(of("ours"), of("theirs"), "{}: left by us, right by kubectl", kind.word());
}

fn notes(plan: &Plan) -> String {
    let text = |note: &Note| match note {
        Note::Info(text) => format!("info: {text}\n"),
        Note::Warning(text) => format!("warning: {text}\n"),
    };
    plan.notes.iter().map(text).collect()
}

/// UIDs of our twin's pods that are not on their way out.
fn staying_pods(space: &Space<'_>) -> Vec<String> {
    let list = space.get("pods");
    let pods = list["items"].as_array().expect("items").iter();
    let ours =
        pods.filter(|p| p["metadata"]["labels"]["app"] == "ours" && p["metadata"]["deletionTimestamp"].is_null());
    ours.map(|p| p["metadata"]["uid"].to_string()).collect()
}

fn make_twins(space: &Space<'_>, kind: Kind) {
    for name in ["ours", "theirs"] {
        space.apply(&workload(kind, name, 1));
    }
    for name in ["ours", "theirs"] {
        space.must(&["rollout", "status", &format!("{}/{name}", kind.short()), "--timeout=60s"]);
    }
}

#[tokio::test]
async fn scaling_does_what_kubectl_does_and_is_verified() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("scale"));
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        make_twins(&space, kind);
        let key = space.key(kind, "ours");
        let (plan, seen) = act(&operator, Action::Scale { key: key.clone(), replicas: 2 }).await;
        met(&seen);
        assert_eq!(plan.title, format!("Scale {} {}/ours from 1 to 2", kind.word(), space.name));
        assert_eq!(plan.inverse, Some(Action::Scale { key: key.clone(), replicas: 1 }));
        assert!(plan.command.ends_with("--current-replicas=1 --replicas=2"), "{}", plan.command);
        space.must(&["scale", &format!("{}/theirs", kind.short()), "--replicas=2"]);
        assert_twins(&space, kind);

        let (plan, seen) = act(&operator, Action::Scale { key, replicas: 0 }).await;
        met(&seen);
        assert_eq!(plan.risk, Risk::Disruptive);
        assert!(notes(&plan).contains("warning: stops serving: all 2 pods go away"), "{}", notes(&plan));
    }
}

#[tokio::test]
async fn restarting_does_what_kubectl_does_and_is_verified() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("restart"));
    for kind in KINDS {
        make_twins(&space, kind);
        let before = staying_pods(&space);
        let (plan, seen) = act(&operator, Action::Restart { key: space.key(kind, "ours") }).await;
        met(&seen);
        assert!(plan.diff.iter().any(|d| matches!(d, Diff::Added(line) if line.contains("restartedAt"))));
        space.must(&["rollout", "restart", &format!("{}/theirs", kind.short())]);
        assert_twins(&space, kind);
        let after = staying_pods(&space);
        let both: Vec<_> = before.iter().filter(|uid| after.contains(*uid)).collect();
        assert!(both.is_empty() && !after.is_empty(), "{}: {before:?} became {after:?}", kind.word());
        for name in ["ours", "theirs"] {
            space.must(&["delete", &format!("{}/{name}", kind.short()), "--cascade=foreground"]);
        }
    }
}

#[tokio::test]
async fn rolling_back_does_what_kubectl_does_and_can_be_taken_back() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("rollback"));
    for kind in KINDS {
        make_twins(&space, kind);
        for name in ["ours", "theirs"] {
            let slug = format!("{}/{name}", kind.short());
            space.must(&["set", "image", &slug, "app=test/busybox:2"]);
            space.must(&["rollout", "status", &slug, "--timeout=60s"]);
        }
        let key = space.key(kind, "ours");
        let (plan, seen) = act(&operator, Action::Rollback { key: key.clone(), revision: 0 }).await;
        met(&seen);
        let changed: Vec<_> = plan.diff.iter().filter(|d| !matches!(d, Diff::Same(_))).cloned().collect();
        let is = |at: usize, image: &str| matches!(&changed[at], Diff::Removed(text) | Diff::Added(text) if text.ends_with(image));
        assert!(
            changed.len() == 2 && is(0, "image: test/busybox:2") && is(1, "image: test/busybox:1"),
            "{:?}",
            plan.diff
        );
        space.must(&["rollout", "undo", &format!("{}/theirs", kind.short())]);
        assert_twins(&space, kind);
        assert_eq!(plan.inverse, Some(Action::Rollback { key, revision: 2 }));

        let (_, seen) = act(&operator, plan.inverse.expect("an inverse")).await;
        met(&seen);
        let image = "jsonpath={.spec.template.spec.containers[0].image}";
        assert_eq!(space.must(&["get", &format!("{}/ours", kind.short()), "-o", image]), "test/busybox:2");
        // twins of the next kind have the same names, and pods of the same labels
        for name in ["ours", "theirs"] {
            space.must(&["delete", &format!("{}/{name}", kind.short()), "--cascade=foreground"]);
        }
    }
}

#[tokio::test]
async fn a_rollback_keeps_annotations_that_were_added_since_and_follows_the_change_cause() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("annotations"));
    space.apply(&workload(Kind::Deployment, "ours", 0));
    space.must(&["annotate", "deploy/ours", "kubernetes.io/change-cause=first"]);
    space.must(&["rollout", "status", "deploy/ours", "--timeout=60s"]);
    space.must(&["set", "image", "deploy/ours", "app=test/busybox:2"]);
    space.must(&["annotate", "--overwrite", "deploy/ours", "kubernetes.io/change-cause=second", "team=shop"]);
    space.must(&["rollout", "status", "deploy/ours", "--timeout=60s"]);
    let (_, seen) = act(&operator, Action::Rollback { key: space.key(Kind::Deployment, "ours"), revision: 1 }).await;
    met(&seen);
    let annotations = &space.get("deploy/ours")["metadata"]["annotations"];
    assert_eq!(annotations["team"], "shop");
    assert_eq!(annotations["kubernetes.io/change-cause"], "first");
}

#[tokio::test]
async fn a_stuck_rollout_is_contradicted_and_rolled_back() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("stuck"));
    space.apply(&workload(Kind::Deployment, "ours", 1));
    space.must(&["rollout", "status", "deploy/ours", "--timeout=60s"]);
    let crash = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "command": ["false"],
        // without a probe it would count as ready for the moment it lives
        "readinessProbe": {"exec": {"command": ["false"]}}}]}}}});
    space.must(&["patch", "deploy/ours", "-p", &crash.to_string()]);
    space.must(&["wait", "deploy/ours", "--for=condition=Progressing", "--timeout=60s"]);
    let key = space.key(Kind::Deployment, "ours");
    // a restart of what crashes: its new pod crashes as well
    let (_, seen) = act(&operator, Action::Restart { key: key.clone() }).await;
    let Observation::Contradicted(text) = &seen else { panic!("{seen:?}") };
    assert!(text.contains("container app is in CrashLoopBackOff, last exit 1 (Error)"), "{text}");

    let (plan, seen) = act(&operator, Action::Rollback { key, revision: 1 }).await;
    met(&seen);
    assert!(plan.title.ends_with("from revision 3 to 1"), "{}", plan.title);
}

#[tokio::test]
async fn a_stuck_statefulset_is_rolled_back_with_a_word_about_its_pod() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("stuckset"));
    space.apply(&workload(Kind::StatefulSet, "ours", 1));
    space.must(&["rollout", "status", "sts/ours", "--timeout=60s"]);
    space.must(&["set", "image", "sts/ours", "app=test/none:1"]);
    space.must(&["wait", "pod/ours-0", "--for=condition=Ready=false", "--timeout=60s"]);
    let action = Action::Rollback { key: space.key(Kind::StatefulSet, "ours"), revision: 0 };
    let plan = operator.plan(&action).await.expect("a plan");
    assert!(notes(&plan).contains("delete that pod after the rollback"), "{}", notes(&plan));
    let receipt = run(&operator, plan.clone()).await.expect("accepted");
    space.must(&["delete", "pod/ours-0"]);
    met(&verdict(&operator, &Expectation { generation: receipt.generation, ..plan.expect }).await);
}

#[tokio::test]
async fn deleting_a_pod_says_who_makes_it_again_and_waits_until_it_is_gone() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("delete"));
    space.apply(&workload(Kind::StatefulSet, "owned", 1));
    let mut bare = template("bare", "test/busybox:1", "trap exit TERM; while :; do sleep 1; done");
    bare["apiVersion"] = json!("v1");
    bare["kind"] = json!("Pod");
    bare["metadata"]["name"] = json!("bare");
    space.apply(&bare);
    let budget = json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "owned"}}}});
    space.apply(&budget);
    space.must(&["rollout", "status", "sts/owned", "--timeout=60s"]);
    space.must(&["wait", "pod/bare", "--for=condition=Ready", "--timeout=60s"]);

    let key = space.key(Kind::Pod, "owned-0");
    let (plan, seen) = act(&operator, Action::Delete { key: key.clone() }).await;
    met(&seen);
    assert_eq!(plan.risk, Risk::Disruptive);
    let said = notes(&plan);
    assert!(said.contains("StatefulSet owned makes it again under the same name"), "{said}");
    assert!(said.contains("PodDisruptionBudget keep allows"), "{said}");
    assert!(said.contains("grace period 1 s"), "{said}");
    space.must(&["rollout", "status", "sts/owned", "--timeout=60s"]);
    assert_ne!(space.key(Kind::Pod, "owned-0").uid, key.uid, "its successor has its name");

    let (plan, seen) = act(&operator, Action::Delete { key: space.key(Kind::Pod, "bare") }).await;
    met(&seen);
    assert_eq!(plan.risk, Risk::Irreversible);
    assert!(notes(&plan).contains("warning: nobody makes it again"), "{}", notes(&plan));
}

#[tokio::test]
async fn a_pods_namesake_is_not_deleted_in_its_place() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("namesake"));
    space.apply(&workload(Kind::StatefulSet, "set", 1));
    space.must(&["rollout", "status", "sts/set", "--timeout=60s"]);
    let old = space.key(Kind::Pod, "set-0");
    let plan = operator.plan(&Action::Delete { key: old.clone() }).await.expect("a plan");
    space.must(&["delete", "pod/set-0"]);
    space.must(&["rollout", "status", "sts/set", "--timeout=60s"]);
    let fault = run(&operator, plan).await.expect_err("the pod is another one");
    assert!(matches!(fault, Fault::Conflict { .. }), "{fault:?}");
    let fault = operator.plan(&Action::Delete { key: old }).await.expect_err("the pod is another one");
    assert!(matches!(&fault, Fault::Gone { what } if what.contains("was deleted and made again")), "{fault:?}");
    assert!(space.get("pod/set-0").pointer("/metadata/deletionTimestamp").is_none());
}

/// Every action that changes a workload, on one whose status nobody writes.
fn workload_actions(space: &Space<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        let key = || space.key(kind, "ours");
        actions.push(Action::Scale { key: key(), replicas: 5 });
        actions.push(Action::Restart { key: key() });
        actions.push(Action::Rollback { key: key(), revision: 0 });
    }
    actions
}

fn make_two_revisions(space: &Space<'_>) {
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        let slug = format!("{}/ours", kind.short());
        space.apply(&workload(kind, "ours", 0));
        space.must(&["rollout", "status", &slug, "--timeout=60s"]);
        space.must(&["set", "image", &slug, "app=test/busybox:2"]);
        space.must(&["rollout", "status", &slug, "--timeout=60s"]);
        let revisions = |_: &u32| space.must(&["rollout", "history", &slug]).lines().count() >= 4;
        assert!((0..200).any(|n| revisions(&n)), "{slug} has two revisions");
    }
}

#[tokio::test]
async fn a_second_writer_makes_it_a_conflict_and_nothing_is_changed() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("conflict"));
    make_two_revisions(&space);
    for (n, action) in workload_actions(&space).into_iter().enumerate() {
        let slug = action.key().slug();
        let plan = operator.plan(&action).await.expect("a plan");
        let other = if action.key().kind == Kind::Deployment {
            json!({"spec": {"revisionHistoryLimit": 20 + n}})
        } else {
            json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": n}}}})
        };
        space.must(&["patch", &slug, "-p", &other.to_string()]);
        let before = space.get(&slug)["spec"].take();
        let fault = run(&operator, plan).await.expect_err("somebody else was there");
        assert!(matches!(&fault, Fault::Conflict { what } if what.contains("plan again")), "{fault:?}");
        assert_eq!(space.get(&slug)["spec"].take(), before, "{} on {slug}", action.verb());
    }
}

#[tokio::test]
async fn a_write_that_leaves_the_spec_alone_is_no_conflict() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("metadata"));
    make_two_revisions(&space);
    for (n, action) in workload_actions(&space).into_iter().filter(|a| !matches!(a, Action::Scale { .. })).enumerate() {
        let plan = operator.plan(&action).await.expect("a plan");
        space.must(&["label", "--overwrite", &action.key().slug(), &format!("seen={n}")]);
        run(&operator, plan).await.expect("accepted");
    }
}

#[tokio::test]
async fn planning_leaves_no_trace() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("dryrun"));
    make_two_revisions(&space);
    let mut actions = workload_actions(&space);
    space.apply(&workload(Kind::StatefulSet, "set", 1));
    space.must(&["rollout", "status", "sts/set", "--timeout=60s"]);
    actions.push(Action::Delete { key: space.key(Kind::Pod, "set-0") });
    for action in actions {
        let slug = action.key().slug();
        let before = space.get(&slug)["metadata"]["resourceVersion"].take();
        let plan = operator.plan(&action).await.expect("a plan");
        assert_eq!(plan.target, "rig");
        let after = space.get(&slug)["metadata"]["resourceVersion"].take();
        assert_eq!(after, before, "planning to {} {slug} changed it", action.verb());
    }
}

#[tokio::test]
async fn who_may_not_is_told_what_is_lacking() {
    let Some(rig) = rig() else { return };
    let space = rig.space("denied");
    make_two_revisions(&space);
    let viewer = KubernetesOperator::new(link(&rig.viewer), "rig".to_owned());
    for action in workload_actions(&space) {
        let fault = viewer.plan(&action).await.expect_err("a viewer may not");
        let Fault::Denied { what, .. } = &fault else { panic!("{fault:?}") };
        let place = format!("in namespace {}", space.name);
        assert!(
            what.starts_with("user viewer of context rig-viewer may not patch ") && what.contains(&place),
            "{what}"
        );
    }
    let outsider = KubernetesOperator::new(link(&rig.operator), "rig".to_owned());
    let fault = outsider.plan(&Action::Restart { key: space.key(Kind::Deployment, "ours") }).await;
    assert!(matches!(fault, Err(Fault::Denied { .. })), "{fault:?}");
}

#[tokio::test]
async fn refusals_are_kubectls_own_words() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("refused"));
    make_two_revisions(&space);
    let key = space.key(Kind::Deployment, "ours");
    let rollback = |revision| Action::Rollback { key: key.clone(), revision };
    let said = |fault: Result<Plan, Fault>| fault.expect_err("refused").to_string();

    let theirs = space.kubectl(&["rollout", "undo", "deploy/ours", "--to-revision=9"], "").expect_err("refused");
    let ours = said(operator.plan(&rollback(9)).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");
    let theirs = space.must(&["rollout", "undo", "deploy/ours", "--to-revision=2"]);
    let ours = said(operator.plan(&rollback(2)).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");

    space.must(&["rollout", "pause", "deploy/ours"]);
    let theirs = space.kubectl(&["rollout", "undo", "deploy/ours"], "").expect_err("refused");
    let ours = said(operator.plan(&rollback(0)).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");
    let theirs = space.kubectl(&["rollout", "restart", "deploy/ours"], "").expect_err("refused");
    let ours = said(operator.plan(&Action::Restart { key: key.clone() }).await);
    assert!(theirs.contains(&ours), "{ours}\n{theirs}");
}

#[tokio::test]
async fn an_autoscaler_and_the_last_writer_are_named() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("hpa"));
    space.apply(&workload(Kind::Deployment, "ours", 0));
    space.must(&["autoscale", "deploy/ours", "--min=2", "--max=4", "--name=auto"]);
    let scale = json!({"spec": {"replicas": 1}}).to_string();
    space.must(&["patch", "deploy/ours", "--field-manager=release-tool", "-p", &scale]);
    space.must(&["patch", "deploy/ours", "--field-manager=release-tool", "-p", &scale.replace('1', "0")]);
    let key = space.key(Kind::Deployment, "ours");
    let plan = operator.plan(&Action::Scale { key: key.clone(), replicas: 9 }).await.expect("a plan");
    let said = notes(&plan);
    let want =
        "warning: HorizontalPodAutoscaler auto (min 2, max 4) will override this: 9 is above its maximum, it sets 4";
    assert!(said.contains(want), "{said}");
    assert!(said.contains("info: spec.replicas was last written by release-tool"), "{said}");
}

#[tokio::test]
async fn another_number_set_meanwhile_contradicts() {
    let Some(rig) = rig() else { return };
    let (operator, space) = (operator(&rig), rig.space("override"));
    space.apply(&workload(Kind::Deployment, "ours", 0));
    let key = space.key(Kind::Deployment, "ours");
    let plan = operator.plan(&Action::Scale { key: key.clone(), replicas: 2 }).await.expect("a plan");
    run(&operator, plan).await.expect("accepted");
    space.must(&["scale", "deploy/ours", "--replicas=1"]);
    let expect = Expectation { key, goal: Goal::Replicas(2), within: Duration::from_secs(60), generation: None };
    assert_eq!(verdict(&operator, &expect).await, Observation::Contradicted("overridden: now 1".to_owned()));
}

#[tokio::test]
async fn verification_lives_through_lost_connections() {
    let Some(rig) = rig() else { return };
    let space = rig.space("unsteady");
    let folder = tempfile::tempdir().expect("folder");
    let (wire, config) = rig.wire(folder.path()).await;
    let operator = KubernetesOperator::new(link(&config), "rig".to_owned());
    space.apply(&workload(Kind::Deployment, "ours", 0));
    let action = Action::Scale { key: space.key(Kind::Deployment, "ours"), replicas: 2 };
    let plan = operator.plan(&action).await.expect("a plan");
    run(&operator, plan.clone()).await.expect("accepted");
    let mut seen = Vec::new();
    let mut observed = operator.observe(&plan.expect);
    while let Some(observation) = observed.next().await {
        match &observation {
            // the first state: everything breaks, and stays broken until that was noticed
            Observation::Waiting(text) if text.contains("still watching") => wire.set(Mode::Whole),
            Observation::Waiting(_) if seen.is_empty() => {
                wire.set(Mode::Cut);
            }
            _ => {}
        }
        seen.push(observation);
    }
    assert!(
        seen.iter().any(|o| matches!(o, Observation::Waiting(text) if text.contains("still watching"))),
        "{seen:?}"
    );
    met(seen.last().expect("an observation"));
}
