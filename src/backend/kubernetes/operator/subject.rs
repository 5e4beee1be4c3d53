//! The object an action is about, read live as raw JSON so that no field is ever dropped.

use serde_json::Value;

use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::paths::Place;
use crate::model::{Fault, Key, Kind};

/// Path of the collection that holds `key`.
///
/// # Errors
/// `Invalid` without a namespace, or for a kind that no action is for.
pub fn collection(key: &Key) -> Result<String, Fault> {
    let changeable = matches!(
        key.kind,
        Kind::Pod | Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout | Kind::Canary
    );
    if !changeable {
        return Err(Fault::Invalid { what: format!("a {} cannot be changed from here", key.kind.word()) });
    }
    if key.namespace.is_empty() {
        return Err(Fault::Invalid { what: format!("{} {}: say which namespace", key.kind.word(), key.name) });
    }
    Ok(Place::of(key.kind, &Some(key.namespace.clone()))?.path().to_owned())
}

/// Path of the object itself.
///
/// # Errors
/// As [`collection`], and `Invalid` without a name.
pub fn path(key: &Key) -> Result<String, Fault> {
    if key.name.is_empty() {
        return Err(Fault::Invalid { what: format!("say which {}", key.kind.word()) });
    }
    Ok(format!("{}/{}", collection(key)?, escape::url(&key.name)))
}

/// A live object.
pub struct Subject {
    /// Its identity, with the UID it has now.
    pub key: Key,
    /// The object as the server sent it.
    pub object: Value,
    /// Its path.
    pub path: String,
}

impl Subject {
    /// Reads the object that `key` names; an empty UID takes whatever has that name now.
    ///
    /// # Errors
    /// `Gone` when it is not there, or another object has taken its name; any fault of the call.
    pub async fn read(link: &Link, key: &Key) -> Result<Self, Fault> {
        let path = path(key)?;
        let object: Value = link.get(&path).await?;
        let live = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if !key.uid.is_empty() && *key.uid != *live {
            return Err(Fault::Gone {
                what: format!("{key} was deleted and made again: UID {} is now {live}", key.uid),
            });
        }
        let key = Key { uid: live.into(), ..key.clone() };
        Ok(Self { key, object, path })
    }

    /// Text at a JSON pointer, empty when absent.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Number at a JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.object.pointer(pointer).and_then(Value::as_i64)
    }

    /// Flag at a JSON pointer, false when absent.
    #[must_use]
    pub fn flag(&self, pointer: &str) -> bool {
        self.object.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
    }

    /// `metadata.resourceVersion`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// An annotation, empty when absent.
    #[must_use]
    pub fn annotation(&self, name: &str) -> &str {
        self.object
            .pointer("/metadata/annotations")
            .and_then(|all| all.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Replicas wanted: `spec.replicas`, by default 1.
    #[must_use]
    pub fn replicas(&self) -> i64 {
        self.number("/spec/replicas").unwrap_or(1)
    }

    /// Its pods now, as its own status counts them.
    #[must_use]
    pub fn pods(&self) -> i64 {
        let field =
            if self.key.kind == Kind::DaemonSet { "/status/currentNumberScheduled" } else { "/status/replicas" };
        self.number(field).unwrap_or_default()
    }

    /// The update strategy's type; the server's default when it is not set.
    #[must_use]
    pub fn strategy(&self) -> &str {
        let field = if self.key.kind == Kind::Deployment { "/spec/strategy/type" } else { "/spec/updateStrategy/type" };
        match self.text(field) {
            "" => "RollingUpdate",
            set => set,
        }
    }

    /// `shop/web`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.key.namespace, self.key.name)
    }
}
