//! Objects as the YAML that `kubectl get -o yaml` prints, without what people do not read.

use serde_json::{Map, Value};

use crate::backend::yaml;
use crate::model::Fault;

/// The object as YAML: keys sorted, `managedFields` left out, values of a Secret hidden.
///
/// # Errors
/// `Server` when it cannot be written, which no JSON object should cause.
pub fn object(mut object: Value) -> Result<String, Fault> {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        hide(&mut object);
    }
    text(object)
}

/// Any value as YAML with sorted keys.
///
/// # Errors
/// As [`object`].
pub fn text(value: Value) -> Result<String, Fault> {
    yaml::text(&yaml::sorted(value))
}

/// Replaces the values of a Secret, and the copy of them that `kubectl apply` leaves in an annotation.
fn hide(secret: &mut Value) {
    for part in ["data", "stringData"] {
        let Some(values) = secret.get_mut(part).and_then(Value::as_object_mut) else { continue };
        for value in values.values_mut() {
            let encoded = value.as_str().unwrap_or_default();
            let padding = encoded.bytes().rev().take_while(|byte| *byte == b'=').count();
            let bytes = if part == "data" { (encoded.len() / 4 * 3).saturating_sub(padding) } else { encoded.len() };
            *value = Value::String(format!("<{bytes} bytes>"));
        }
    }
    let annotations = secret.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(applied) =
        annotations.and_then(|a: &mut Map<String, Value>| a.get_mut("kubectl.kubernetes.io/last-applied-configuration"))
    {
        *applied = Value::String("<hidden>".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_as_kubectl_prints_it() {
        let pod = json!({
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": "a", "managedFields": [{"manager": "x"}], "annotations": {"on": "true", "n": "1"}},
            "spec": {"containers": [{"name": "c", "args": ["-c", "echo: 1\nexit 2\n"], "ports": []}], "empty": {}, "n": null},
        });
        let want = "\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    \"n\": \"1\"
    \"on\": \"true\"
  name: a
spec:
  containers:
  - args:
    - -c
    - |
      echo: 1
      exit 2
    name: c
    ports: []
  empty: {}
  \"n\": null
";
        assert_eq!(object(pod).expect("YAML"), want);
    }

    #[test]
    fn secrets_show_sizes_only() {
        let secret = json!({
            "kind": "Secret",
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0"}},
            "data": {"password": "c2VjcmV0MQ=="},
            "stringData": {"pin": "1234"},
        });
        let got = object(secret).expect("YAML");
        assert!(got.contains("<7 bytes>") && got.contains("<4 bytes>"), "{got}");
        assert!(!got.contains("c2VjcmV0") && !got.contains("1234"), "{got}");
    }
}
