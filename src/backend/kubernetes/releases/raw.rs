//! A release as the API server sends it: metadata without what nothing shows, and spec and status
//! as they are, since newer versions of the tools add fields that must not be lost.

use serde::Deserialize;
use serde_json::Value;

use crate::backend::kubernetes::wire::or_default;
use crate::model::{Key, Kind, Stamp, TargetId};

/// A Rollout or a Canary.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Raw {
    /// Its metadata.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    /// `spec`.
    pub spec: Value,
    /// `status`.
    pub status: Value,
}

/// `metadata`, as far as releases need it.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Namespace.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// UID.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    /// Resource version.
    #[serde(deserialize_with = "or_default")]
    pub resource_version: String,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// The annotations that releases need.
    #[serde(deserialize_with = "or_default")]
    pub annotations: Annotations,
}

/// Annotations that Argo Rollouts leaves.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Annotations {
    /// Number of the newest revision.
    #[serde(rename = "rollout.argoproj.io/revision", deserialize_with = "or_default")]
    pub revision: String,
    /// Generation of the referenced workload.
    #[serde(rename = "rollout.argoproj.io/workload-generation", deserialize_with = "or_default")]
    pub workload_generation: String,
}

impl Raw {
    /// Reads the same from a whole object; one that is none reads as empty.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        Self::deserialize(object).unwrap_or_default()
    }

    /// Its identity.
    #[must_use]
    pub fn key(&self, target: TargetId, kind: Kind) -> Key {
        let meta = &self.metadata;
        Key {
            target,
            kind,
            namespace: meta.namespace.as_str().into(),
            name: meta.name.as_str().into(),
            uid: meta.uid.as_str().into(),
        }
    }
}

/// Text at a JSON pointer, empty when absent.
#[must_use]
pub fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// Number at a JSON pointer.
#[must_use]
pub fn number(value: &Value, at: &str) -> Option<i64> {
    value.pointer(at).and_then(Value::as_i64)
}

/// A count at a JSON pointer, 0 when absent.
#[must_use]
pub fn count(value: &Value, at: &str) -> i32 {
    i32::try_from(number(value, at).unwrap_or_default()).unwrap_or(i32::MAX)
}

/// Flag at a JSON pointer, false when absent.
#[must_use]
pub fn flag(value: &Value, at: &str) -> bool {
    value.pointer(at).and_then(Value::as_bool).unwrap_or_default()
}

/// Items of a list at a JSON pointer, none when absent.
#[must_use]
pub fn items<'a>(value: &'a Value, at: &str) -> &'a [Value] {
    value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A time at a JSON pointer.
#[must_use]
pub fn time(value: &Value, at: &str) -> Option<Stamp> {
    Stamp::parse(text(value, at))
}

/// A condition of the status by its type.
#[must_use]
pub fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    items(status, "/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Images of a pod template's containers, comma separated.
#[must_use]
pub fn images(template: &Value) -> String {
    let images: Vec<&str> = items(template, "/spec/containers").iter().map(|c| text(c, "/image")).collect();
    images.join(",")
}
