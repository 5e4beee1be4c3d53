//! Plans of the recorded container, in each state.

use serde_json::json;

use super::*;
use crate::actions::Note;
use crate::model::TargetId;

fn recorded(change: &[(&str, Value)]) -> Inspect {
    let text = include_str!("../../../../tests/fixtures/docker/inspect_ports.json");
    let mut value: Value = serde_json::from_str(text).unwrap();
    for (path, new) in change {
        *value.pointer_mut(path).unwrap() = new.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn key(inspect: &Inspect) -> Key {
    rows::key(TargetId(0), &inspect.id, &inspect.name, inspect.compose("project"))
}

fn planned(make: fn(Key) -> Action, inspect: &Inspect, cli: &[&str]) -> Plan {
    let cli: Vec<String> = cli.iter().map(|word| (*word).to_owned()).collect();
    build("box".into(), make(key(inspect)), inspect, &Around { replicas: 2, running: 1 }, &cli)
}

fn texts(plan: &Plan) -> String {
    let text = |note: &Note| match note {
        Note::Info(text) => format!("i {text}"),
        Note::Warning(text) => format!("! {text}"),
    };
    plan.notes.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_restart_names_its_blast_radius() {
    let inspect = recorded(&[]);
    let plan = planned(|key| Action::Restart { key }, &inspect, &[]);
    assert_eq!(
        (plan.title.as_str(), plan.command.as_str()),
        ("Restart container rig-ports", "docker restart rig-ports")
    );
    assert_eq!(plan.changes[0].path, format!("/containers/{}/restart", inspect.id));
    assert_eq!((plan.risk, plan.inverse.clone(), plan.expect.goal.clone()), (Risk::Disruptive, None, Goal::Running));
    assert_eq!(plan.expect.generation, Some(nanos("2026-11-26T01:25:02.127948058Z") + 1));
    let notes = texts(&plan);
    assert!(notes.contains("i 1 other container(s) of service web keep running"), "{notes}");
    assert!(notes.contains("hooks and depends_on are not honoured"), "{notes}");
    assert!(notes.contains("! published ports do not answer meanwhile: 127.0.0.1:18053->53/udp"), "{notes}");
    assert!(notes.contains("SIGTERM, and SIGKILL if it still runs after 1 s"), "{notes}");
}

#[test]
fn removal_is_irreversible_and_keeps_volumes() {
    let volumes =
        json!([{"Type": "volume", "Name": "a".repeat(64)}, {"Type": "volume", "Name": "data"}, {"Type": "bind"}]);
    let plan = planned(|key| Action::Delete { key }, &recorded(&[("/Mounts", volumes.clone())]), &[]);
    assert_eq!(
        (plan.risk, plan.expect.goal.clone(), plan.command.as_str()),
        (Risk::Irreversible, Goal::Gone, "docker rm -f rig-ports")
    );
    assert!(plan.changes[0].path.ends_with("?force=true"));
    let notes = texts(&plan);
    assert!(
        notes.contains("1 anonymous volume(s) are kept") && notes.contains("named volumes are kept: data"),
        "{notes}"
    );
    let stopped = recorded(&[("/State/Status", json!("exited")), ("/State/Running", json!(false))]);
    let plan = planned(|key| Action::Delete { key }, &stopped, &[]);
    assert_eq!((plan.risk, plan.command.as_str()), (Risk::Irreversible, "docker rm rig-ports"));
    assert!(!plan.changes[0].path.contains("force"));
}

#[test]
fn stopping_tells_whether_it_comes_back() {
    let always = recorded(&[("/HostConfig/RestartPolicy/Name", json!("always"))]);
    let plan = planned(|key| Action::Stop { key }, &always, &["-H", "tcp://h:2375"]);
    assert!(texts(&plan).contains("! restart policy always: it comes back when the engine restarts"));
    assert_eq!(plan.command, "docker -H tcp://h:2375 stop rig-ports");
    assert_eq!(plan.inverse, Some(Action::Start { key: key(&always) }));
    let rm = recorded(&[("/HostConfig/AutoRemove", json!(true))]);
    let plan = planned(|key| Action::Stop { key }, &rm, &[]);
    assert_eq!((plan.risk, plan.inverse, plan.expect.goal), (Risk::Irreversible, None, Goal::Gone));
}

#[test]
fn what_makes_no_sense_is_refused_before_it_is_sent() {
    let state =
        |status: &str, running: bool| recorded(&[("/State/Status", json!(status)), ("/State/Running", json!(running))]);
    let (run, exited, paused) = (state("running", true), state("exited", false), state("paused", true));
    let k = || key(&run);
    for (action, inspect, fine) in [
        (Action::Start { key: k() }, &run, false),
        (Action::Start { key: k() }, &exited, true),
        (Action::Start { key: k() }, &paused, false),
        (Action::Stop { key: k() }, &run, true),
        (Action::Stop { key: k() }, &exited, false),
        (Action::Stop { key: k() }, &paused, true),
        (Action::Pause { key: k() }, &run, true),
        (Action::Pause { key: k() }, &exited, false),
        (Action::Unpause { key: k() }, &paused, true),
        (Action::Unpause { key: k() }, &run, false),
        (Action::Restart { key: k() }, &exited, true),
        (Action::Delete { key: k() }, &exited, true),
    ] {
        assert_eq!(possible(&action, inspect).is_ok(), fine, "{} of {}", action.verb(), inspect.state.status);
    }
}

#[test]
fn a_health_check_extends_the_time_allowed() {
    let mut inspect = recorded(&[]);
    assert_eq!(allowed(&Goal::Running, &inspect), SETTLE);
    let check = json!({"Interval": 5_000_000_000_u64, "Retries": 2, "StartPeriod": 20_000_000_000_u64});
    inspect.config.healthcheck = Some(serde_json::from_value(check).unwrap());
    assert_eq!(allowed(&Goal::Running, &inspect), SETTLE + Duration::from_secs(20 + 2 * (5 + 30)));
    assert_eq!(allowed(&Goal::Stopped, &inspect), SETTLE);
}
