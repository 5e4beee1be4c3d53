use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn project(text: &str) -> Pod {
    let raw: RawPod<'_> = serde_json::from_str(text).expect("a pod decodes");
    Pods::new(TargetId(0)).pod(&raw)
}

/// What a case may state about its row; a case states what matters for it.
fn facts(pod: &Pod) -> Value {
    let resources = |r: crate::model::pod::Resources| json!({"cpu": r.cpu, "memory": r.memory});
    json!({
        "status": &*pod.status,
        "ready": format!("{}/{}", pod.ready, pod.total),
        "restarts": pod.restarts,
        "severity": format!("{:?}", pod.severity),
        "why": &*pod.why,
        "workload": pod.workload.as_ref().map(|(kind, name)| format!("{}/{name}", kind.word())),
        "requests": resources(pod.requests),
        "limits": resources(pod.limits),
        "containers": pod.containers.iter().map(|c| {
            format!("{} {} {} {} {}", c.role.word(), c.name, c.state.word(), c.probes, c.ports)
        }).collect::<Vec<_>>(),
        "last_restart": pod.last_restart.map(crate::model::Stamp::rfc3339),
    })
}

#[test]
fn every_pod_of_the_folder_reads_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes/pods");
    let mut cases = 0;
    for entry in fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        let text = fs::read_to_string(&path).expect("a readable file");
        let case: Value = serde_json::from_str(&text).expect("JSON");
        let got = facts(&project(&case["pod"].to_string()));
        let expect = case["expect"].as_object().expect("an object of expectations");
        for must in ["status", "ready", "restarts", "severity", "why"] {
            assert!(expect.contains_key(must), "{}: states no {must}", path.display());
        }
        for (name, want) in expect {
            assert_eq!(&got[name], want, "{}: {name}", path.display());
        }
        cases += 1;
    }
    assert!(cases > 20, "only {cases} cases in {}", folder.display());
}

#[test]
fn an_empty_object_decodes() {
    for text in ["{}", r#"{"metadata":null,"spec":null,"status":null}"#] {
        let pod = project(text);
        assert_eq!((&*pod.key.name, pod.total), ("", 0));
    }
}

#[test]
fn escaped_strings_are_read() {
    let pod =
        project(r#"{"metadata":{"name":"a\u0062"},"status":{"phase":"Failed","message":"line \"one\"\nline two"}}"#);
    assert_eq!((&*pod.key.name, &*pod.why), ("ab", "line \"one\""));
}
