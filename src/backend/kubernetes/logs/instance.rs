//! Which instance of a container there is to read, from the pod's status.

use serde_json::Value;

/// A container as its pod's status shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Runtime id of the newest instance, empty while there was none.
    pub id: String,
    /// How often it was restarted.
    pub restarts: i64,
    /// Why it waits, with kubelet's message; empty when it does not.
    pub waiting: String,
    /// How the newest instance ended, if it has.
    pub ended: Option<String>,
    /// Runtime id of the instance before, and how it ended.
    pub before: Option<(String, String)>,
    /// True when the pod as a whole is over: nothing will start again.
    pub over: bool,
}

/// The container that is meant when none is named: kubectl's default annotation, or the first.
#[must_use]
pub fn default_container(pod: &Value) -> &str {
    let named = pod.pointer("/metadata/annotations").and_then(|a| a.get("kubectl.kubernetes.io/default-container"));
    named.or_else(|| pod.pointer("/spec/containers/0/name")).and_then(Value::as_str).unwrap_or_default()
}

/// Reads container `name`; an instance without an id when the kubelet has not said anything yet.
#[must_use]
pub fn read(pod: &Value, name: &str) -> Instance {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let mut all = lists.iter().filter_map(|list| pod.get("status")?.get(*list)?.as_array()).flatten();
    let found = all.find(|status| text(status, "/name") == name);
    let phase = text(pod, "/status/phase");
    let status = found.unwrap_or(&Value::Null);
    let (reason, message) = (text(status, "/state/waiting/reason"), text(status, "/state/waiting/message"));
    let waiting = match (reason, message) {
        ("", _) if found.is_none() => scheduling(pod),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    let last = status.pointer("/lastState/terminated");
    let mut id = text(status, "/containerID").to_owned();
    let mut ended = status.pointer("/state/terminated").map(ending);
    let mut before = last.map(|t| (text(t, "/containerID").to_owned(), ending(t)));
    if !waiting.is_empty()
        && let Some((dead, how)) = &before
    {
        // between two instances the log that can be had is the dead one's
        id.clone_from(dead);
        ended = Some(how.clone());
        before = None;
    }
    Instance {
        id,
        restarts: status.get("restartCount").and_then(Value::as_i64).unwrap_or_default(),
        waiting,
        ended,
        before,
        over: matches!(phase, "Succeeded" | "Failed"),
    }
}

/// `exit 3 (Error)`, `signal 9 (OOMKilled)`.
fn ending(terminated: &Value) -> String {
    let number = |field: &str| terminated.get(field).and_then(Value::as_i64).unwrap_or_default();
    let how = match number("signal") {
        0 => format!("exit {}", number("exitCode")),
        signal => format!("signal {signal}"),
    };
    match text(terminated, "/reason") {
        "" => how,
        reason => format!("{how} ({reason})"),
    }
}

fn scheduling(pod: &Value) -> String {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let unscheduled = conditions
        .iter()
        .find(|c| text(c, "/type") == "PodScheduled" && text(c, "/status") == "False")
        .map(|c| text(c, "/message"));
    match unscheduled {
        Some(message) if !message.is_empty() => format!("not scheduled: {message}"),
        _ => "the kubelet has not started it".to_owned(),
    }
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> Value {
        json!({"status": {"phase": "Running", "containerStatuses": [status]}})
    }

    #[test]
    fn in_a_crash_loop_the_instance_to_read_is_the_dead_one() {
        let seen = read(
            &pod(&json!({"name": "app", "restartCount": 4, "containerID": "c://a",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {"terminated": {"containerID": "c://a", "exitCode": 3, "reason": "Error"}}})),
            "app",
        );
        assert_eq!((seen.id.as_str(), seen.ended.as_deref(), seen.before), ("c://a", Some("exit 3 (Error)"), None));
        assert_eq!(seen.waiting, "CrashLoopBackOff: back-off 40s");
    }

    #[test]
    fn a_running_instance_knows_the_one_before_it() {
        let seen = read(
            &pod(&json!({"name": "app", "restartCount": 1, "containerID": "c://b", "state": {"running": {}},
                "lastState": {"terminated": {"containerID": "c://a", "exitCode": 137, "reason": "OOMKilled"}}})),
            "app",
        );
        assert_eq!((seen.id.as_str(), seen.ended), ("c://b", None));
        assert_eq!(seen.before, Some(("c://a".to_owned(), "exit 137 (OOMKilled)".to_owned())));
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let pod = json!({"status": {"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]}});
        assert_eq!(read(&pod, "app").waiting, "not scheduled: 0/1 nodes are available");
    }
}
