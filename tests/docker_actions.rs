//! Every action on a real container, beside the docker CLI on its twin.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use futures::StreamExt;
use pilothouse::actions::{Action, Approved, Given, Observation, Plan, Policy, Progress};
use pilothouse::backend::Operator;
use pilothouse::backend::docker::DockerOperator;
use pilothouse::model::{Fault, Key};
use serde_json::Value;
use support::engine::{Container, docker, engine_at, meta, socket};
use support::rig_is_up;

const IMAGE: &str = "test/busybox:1";

fn operator() -> DockerOperator {
    DockerOperator::new(meta(), engine_at(&socket()))
}

fn approve(plan: Plan) -> Approved {
    let name = plan.action.key().name.to_string();
    plan.approve(&Policy::default(), &Given::Typed(name)).expect("consent")
}

/// Plans, executes and observes; returns the last word of each.
async fn perform(action: Action) -> (Plan, Progress, Observation) {
    let operator = operator();
    let plan = operator.plan(&action).await.expect("a plan");
    let progress: Vec<Progress> = operator.execute(approve(plan.clone())).collect().await;
    let last = progress.last().expect("progress").clone();
    let mut expect = plan.expect.clone();
    if let Progress::Done(receipt) = &last {
        expect.generation = receipt.generation;
    }
    let seen: Vec<Observation> = operator.observe(&expect).collect().await;
    (plan, last, seen.last().expect("an observation").clone())
}

/// The state without its times and process ids.
fn state(container: &Container) -> Value {
    let mut state = container.inspect()["State"].clone();
    for field in ["Pid", "StartedAt", "FinishedAt"] {
        state.as_object_mut().expect("an object").remove(field);
    }
    state
}

type Case = (&'static str, fn(Key) -> Action, &'static [&'static [&'static str]]);

#[tokio::test]
async fn actions_leave_what_the_docker_cli_leaves() {
    if !rig_is_up() {
        return;
    }
    // Name, action, and what brings a running container to where the action begins.
    let cases: [Case; 7] = [
        ("restart", |key| Action::Restart { key }, &[]),
        ("stop", |key| Action::Stop { key }, &[]),
        ("start", |key| Action::Start { key }, &[&["stop"]]),
        ("pause", |key| Action::Pause { key }, &[]),
        ("unpause", |key| Action::Unpause { key }, &[&["pause"]]),
        ("restart", |key| Action::Restart { key }, &[&["stop"]]),
        ("stop", |key| Action::Stop { key }, &[&["pause"]]),
    ];
    for (n, (verb, make, before)) in cases.iter().enumerate() {
        let run = |twin: &str| {
            let args = ["--stop-timeout", "1", IMAGE, "sh", "-c", "trap 'exit 4' TERM; while :; do sleep 0.1; done"];
            let container = Container::run(&format!("twin-{n}-{twin}"), &args);
            for step in *before {
                docker(&[step, &[container.name.as_str()][..]].concat());
            }
            container
        };
        let (ours, theirs) = (run("a"), run("b"));
        docker(&[verb, &theirs.name]);
        let (plan, progress, seen) = perform(make(ours.key())).await;
        assert!(matches!(progress, Progress::Done(_)), "{verb}: {progress:?}");
        assert!(matches!(seen, Observation::Met(_)), "{verb} after {before:?}: {seen:?}");
        assert_eq!(state(&ours), state(&theirs), "{verb} after {before:?}");
        assert_eq!(plan.command, format!("docker {verb} {}", ours.name));
    }
}

#[tokio::test]
async fn removal_takes_the_container_and_leaves_its_volumes() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("remove", &["-v", "/data", IMAGE, "sleep", "600"]);
    let volume = one.inspect()["Mounts"][0]["Name"].as_str().expect("a volume").to_owned();
    let (plan, progress, seen) = perform(Action::Delete { key: one.key() }).await;
    assert_eq!(plan.command, format!("docker rm -f {}", one.name));
    assert_eq!(
        plan.approve(&Policy::default(), &Given::Yes),
        Err(Fault::Invalid { what: format!("this cannot be undone: type {} to confirm", one.name) })
    );
    assert!(matches!(progress, Progress::Done(_)) && matches!(seen, Observation::Met(_)), "{progress:?} {seen:?}");
    assert_eq!(docker(&["ps", "-aq", "--filter", &format!("name={}", one.name)]), "");
    docker(&["volume", "rm", &volume]);
    let gone = operator().plan(&Action::Start { key: one.key() }).await;
    assert!(matches!(gone, Err(Fault::Gone { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_container_that_changed_since_the_plan_is_left_alone() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("conflict", &["--stop-timeout", "0", IMAGE, "sleep", "600"]);
    for change in ["restart", "pause"] {
        let plan = operator().plan(&Action::Stop { key: one.key() }).await.expect("a plan");
        docker(&[change, &one.name]);
        let progress: Vec<Progress> = operator().execute(approve(plan)).collect().await;
        assert!(matches!(progress.as_slice(), [Progress::Failed(Fault::Conflict { .. })]), "{change}: {progress:?}");
        assert_eq!(one.inspect()["State"]["Running"], true, "{change}");
    }
}

#[tokio::test]
async fn a_name_leads_to_the_container_and_an_old_id_does_not() {
    if !rig_is_up() {
        return;
    }
    let old = Container::run("reborn", &["--stop-timeout", "0", IMAGE, "sleep", "600"]);
    let stale = old.key();
    let new = Container::run("reborn", &["--stop-timeout", "0", IMAGE, "sleep", "600"]);
    let refused = operator().plan(&Action::Stop { key: stale.clone() }).await;
    assert!(matches!(refused, Err(Fault::Gone { .. })), "{refused:?}");
    let plan = operator().plan(&Action::Stop { key: Key { uid: "".into(), ..stale } }).await.expect("a plan by name");
    assert_eq!(*plan.action.key().uid, *new.id);
    assert_eq!(*plan.expect.key.uid, *new.id);
}

#[tokio::test]
async fn a_restart_that_does_not_hold_is_contradicted() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("short", &[IMAGE, "sh", "-c", "sleep 0.3; exit 5"]);
    docker(&["wait", &one.name]);
    let (_, progress, seen) = perform(Action::Start { key: one.key() }).await;
    assert!(matches!(progress, Progress::Done(_)), "{progress:?}");
    assert!(matches!(&seen, Observation::Contradicted(text) if text.contains("exit code 5")), "{seen:?}");
}

#[tokio::test]
async fn health_is_waited_for() {
    if !rig_is_up() {
        return;
    }
    let run = |name: &str, test: &str| {
        let health = ["--health-interval", "1s", "--health-retries", "1", "--stop-timeout", "0", IMAGE, "sleep", "600"];
        Container::run(name, &[&["--health-cmd", test][..], &health].concat())
    };
    let good = run("healthy", "true");
    let (_, _, seen) = perform(Action::Restart { key: good.key() }).await;
    assert_eq!(seen, Observation::Met("running and healthy".into()));
    let bad = run("unhealthy", "echo no; exit 1");
    let (_, _, seen) = perform(Action::Restart { key: bad.key() }).await;
    assert_eq!(seen, Observation::Contradicted("running but unhealthy: no".into()));
}

#[tokio::test]
async fn a_start_that_the_engine_refuses_fails_with_its_words() {
    if !rig_is_up() {
        return;
    }
    let _holder = Container::run("port-a", &["-p", "127.0.0.1:19181:80", IMAGE, "sleep", "600"]);
    docker(&["create", "--name", "pht-docker-port-b", "-p", "127.0.0.1:19181:80", IMAGE, "sleep", "600"]);
    let second =
        Container { name: "pht-docker-port-b".into(), id: docker(&["inspect", "-f", "{{.Id}}", "pht-docker-port-b"]) };
    let plan = operator().plan(&Action::Start { key: second.key() }).await.expect("a plan");
    let progress: Vec<Progress> = operator().execute(approve(plan)).collect().await;
    let [Progress::Failed(fault)] = progress.as_slice() else { panic!("{progress:?}") };
    assert!(fault.to_string().contains("port is already allocated"), "{fault}");
}
