//! Namespaces as rows.

use std::sync::Arc;

use serde::Deserialize;

use super::watch::Project;
use super::wire::{Meta, or_default};
use crate::model::{Key, Kind, Row, TargetId};

/// Makes rows of namespaces.
pub struct Namespaces(pub TargetId);

/// A namespace as the API server sends it.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct RawNamespace<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: Meta<'a>,
}

impl Project for Namespaces {
    type Object<'de> = RawNamespace<'de>;

    fn version<'a>(object: &'a RawNamespace<'_>) -> &'a str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &RawNamespace<'_>) -> Row {
        Row::Namespace(self.gone(object))
    }

    fn gone(&mut self, object: &RawNamespace<'_>) -> Key {
        Key {
            target: self.0,
            kind: Kind::Namespace,
            namespace: Arc::from(""),
            name: Arc::from(&*object.metadata.name),
            uid: Arc::from(&*object.metadata.uid),
        }
    }
}
