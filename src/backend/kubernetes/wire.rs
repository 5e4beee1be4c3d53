//! The common parts of what an API server sends, decoded without what no row shows.
//!
//! Strings borrow from the answer's bytes; absent and `null` read as empty, so `{}` always decodes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, IgnoredAny, Visitor};
use serde::{Deserialize, de};

use crate::model::{Stamp, quantity};

/// A string, borrowed where it holds no escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
            fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v)))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// An RFC 3339 time; `None` when absent, `null` or not a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time(pub Option<Stamp>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self(Stamp::parse(&text)))
    }
}

/// A Kubernetes quantity, in its base unit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quantity(pub Option<f64>);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Quantity, E> {
                Ok(Quantity(quantity::parse(v)))
            }
            #[allow(clippy::cast_precision_loss)]
            fn visit_u64<E>(self, v: u64) -> Result<Quantity, E> {
                Ok(Quantity(Some(v as f64)))
            }
            #[allow(clippy::cast_precision_loss)]
            fn visit_i64<E>(self, v: i64) -> Result<Quantity, E> {
                Ok(Quantity(Some(v as f64)))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Quantity, E> {
                Ok(Quantity(Some(v)))
            }
            fn visit_unit<E>(self) -> Result<Quantity, E> {
                Ok(Quantity(None))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// Reads `null` as the default.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a count; one that no server should send (negative, too large) is brought into range.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = Option::<i64>::deserialize(deserializer)?.unwrap_or_default().max(0);
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

/// True when a field is there and not `null`, whatever it holds.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(deserializer).map(|value| value.is_some())
}

/// `metadata` of an object.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta<'a> {
    /// Name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Namespace, empty for cluster-scoped objects.
    pub namespace: Text<'a>,
    /// UID.
    pub uid: Text<'a>,
    /// Resource version.
    pub resource_version: Text<'a>,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// Creation.
    pub creation_timestamp: Time,
    /// When deletion was asked for, plus the grace period.
    pub deletion_timestamp: Time,
    /// What holds a deletion up.
    #[serde(deserialize_with = "or_default")]
    pub finalizers: Vec<Text<'a>>,
    /// Owners.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<Owner<'a>>,
    /// The labels that rows show.
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels<'a>,
    /// The annotations that rows show.
    #[serde(deserialize_with = "or_default")]
    pub annotations: Annotations<'a>,
}

impl Meta<'_> {
    /// The owner that controls the object.
    pub fn controller(&self) -> Option<&Owner<'_>> {
        self.owner_references.iter().find(|owner| owner.controller == Some(true))
    }

    /// Creation; the epoch when the server did not say.
    pub fn created(&self) -> Stamp {
        self.creation_timestamp.0.unwrap_or_default()
    }
}

/// One entry of `ownerReferences`.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Owner<'a> {
    /// Kind.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Name.
    pub name: Text<'a>,
    /// UID.
    pub uid: Text<'a>,
    /// True for the one that controls.
    pub controller: Option<bool>,
}

/// Labels that rows show.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Labels<'a> {
    /// Revision of a Deployment's pod.
    #[serde(borrow, rename = "pod-template-hash")]
    pub template_hash: Text<'a>,
    /// Revision of a StatefulSet's or DaemonSet's pod.
    #[serde(rename = "controller-revision-hash")]
    pub revision_hash: Text<'a>,
    /// `Helm` for what a Helm release made.
    #[serde(rename = "app.kubernetes.io/managed-by")]
    pub managed_by: Text<'a>,
    /// Application of Argo CD, when it tracks by its own label.
    #[serde(rename = "argocd.argoproj.io/instance")]
    pub argo_instance: Text<'a>,
    /// Kustomization of Flux.
    #[serde(rename = "kustomize.toolkit.fluxcd.io/name")]
    pub flux_kustomization: Text<'a>,
    /// `HelmRelease` of Flux.
    #[serde(rename = "helm.toolkit.fluxcd.io/name")]
    pub flux_release: Text<'a>,
}

/// Annotations that rows show.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Annotations<'a> {
    /// Why the revision was made.
    #[serde(borrow, rename = "kubernetes.io/change-cause")]
    pub change_cause: Text<'a>,
    /// Revision number of a Deployment or its ReplicaSet.
    #[serde(rename = "deployment.kubernetes.io/revision")]
    pub revision: Text<'a>,
    /// Revision number of a DaemonSet's template.
    #[serde(rename = "deprecated.daemonset.template.generation")]
    pub template_generation: Text<'a>,
    /// Release of Helm.
    #[serde(rename = "meta.helm.sh/release-name")]
    pub helm_release: Text<'a>,
    /// `app:group/Kind:namespace/name` of Argo CD.
    #[serde(rename = "argocd.argoproj.io/tracking-id")]
    pub argo_tracking: Text<'a>,
}

/// `metadata` of a list.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMeta {
    /// Resource version of the whole list.
    #[serde(deserialize_with = "or_default")]
    pub resource_version: String,
    /// Token of the next page, empty on the last.
    #[serde(rename = "continue", deserialize_with = "or_default")]
    pub next: String,
}

/// One page of a list.
#[derive(Deserialize, Debug)]
pub struct Page<T> {
    /// About the list.
    #[serde(default)]
    pub metadata: ListMeta,
    /// The objects.
    #[serde(default = "Vec::new", deserialize_with = "or_default", bound(deserialize = "T: Deserialize<'de>"))]
    pub items: Vec<T>,
}

/// Decodes with a fault that says where it came from.
///
/// # Errors
/// `Server`: unreadable answer.
pub fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8], path: &str) -> Result<T, crate::model::Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = path.split('?').next().unwrap_or(path);
        crate::model::Fault::Server { what: format!("unreadable answer to {place}: {error}") }
    })
}
