//! Paths of the API, with names escaped.

use std::fmt::Write as _;

use crate::backend::escape;
use crate::model::{Fault, Key, Kind, Scope};

/// A collection: `/api/v1/namespaces/shop/pods` without its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: String,
    /// Further query, such as `&labelSelector=…`, or empty.
    query: String,
    extent: Extent,
}

/// What a collection spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All namespaces.
    Everywhere,
    /// One namespace.
    Namespace,
    /// Objects that belong to no namespace.
    Cluster,
}

impl Place {
    /// The collection of `kind` in `scope`.
    ///
    /// # Errors
    /// `Unsupported` for a kind that is not Kubernetes'.
    pub fn of(kind: Kind, scope: &Scope) -> Result<Self, Fault> {
        let (group, plural) = resource(kind)?;
        let version = match kind {
            Kind::Rollout => "v1alpha1",
            Kind::Canary => "v1beta1",
            _ => "v1",
        };
        let group = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        Ok(Self::new(&group, plural, if kind == Kind::Namespace { &None } else { scope }, kind != Kind::Namespace))
    }

    /// ReplicaSets or ControllerRevisions with these labels.
    #[must_use]
    pub fn labelled(plural: &str, namespace: &str, labels: &[(String, String)]) -> Self {
        let mut place = Self::new("/apis/apps/v1", plural, &Some(namespace.into()), true);
        let selector: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        place.query = format!("&labelSelector={}", escape::url(&selector.join(",")));
        place
    }

    /// Analysis runs of Argo Rollouts.
    #[must_use]
    pub fn analysis_runs(scope: &Scope) -> Self {
        Self::new("/apis/argoproj.io/v1alpha1", "analysisruns", scope, true)
    }

    fn new(group: &str, plural: &str, scope: &Scope, namespaced: bool) -> Self {
        let path = match scope {
            Some(namespace) => format!("{group}/namespaces/{}/{plural}", escape::url(namespace)),
            None => format!("{group}/{plural}"),
        };
        let extent = match scope {
            _ if !namespaced => Extent::Cluster,
            None => Extent::Everywhere,
            Some(_) => Extent::Namespace,
        };
        Self { path, query: String::new(), extent }
    }

    /// The collection's own path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What somebody can do who may not list it.
    #[must_use]
    pub const fn way_out(&self) -> &'static str {
        match self.extent {
            Extent::Everywhere => "press n to choose a namespace you may look into",
            Extent::Namespace => "ask for the right to list and watch there, or press n for another namespace",
            Extent::Cluster => "name the namespace yourself: start with --namespace, or press n and type it",
        }
    }

    /// Only the object of this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let _ = write!(self.query, "&fieldSelector={}", escape::url(&format!("metadata.name={name}")));
        self
    }

    /// Only events about objects of this kind.
    #[must_use]
    pub fn about(mut self, kind: &str) -> Self {
        let _ = write!(self.query, "&fieldSelector={}", escape::url(&format!("involvedObject.kind={kind}")));
        self
    }

    /// One page of the list.
    #[must_use]
    pub fn page(&self, limit: u32, next: &str) -> String {
        let mut path = format!("{}?limit={limit}{}", self.path, self.query);
        if !next.is_empty() {
            let _ = write!(path, "&continue={}", escape::url(next));
        }
        path
    }

    /// A watch from `version`.
    #[must_use]
    pub fn watch(&self, version: &str, seconds: u64) -> String {
        format!(
            "{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={seconds}{}",
            self.path,
            escape::url(version),
            self.query
        )
    }

    /// One object.
    #[must_use]
    pub fn object(&self, name: &str) -> String {
        format!("{}/{}", self.path, escape::url(name))
    }
}

/// API group (empty for the core one) and plural of `kind`, all of them at version v1.
///
/// # Errors
/// `Unsupported` for a kind that is not Kubernetes'.
pub fn resource(kind: Kind) -> Result<(&'static str, &'static str), Fault> {
    Ok(match kind {
        Kind::Pod => ("", "pods"),
        Kind::Event => ("", "events"),
        Kind::Namespace => ("", "namespaces"),
        Kind::Deployment => ("apps", "deployments"),
        Kind::StatefulSet => ("apps", "statefulsets"),
        Kind::DaemonSet => ("apps", "daemonsets"),
        Kind::Job => ("batch", "jobs"),
        Kind::Rollout => ("argoproj.io", "rollouts"),
        Kind::Canary => ("flagger.app", "canaries"),
        Kind::Container => return Err(Fault::Unsupported { what: "Kubernetes has no engine containers".into() }),
    })
}

/// The collection and the path of the object `key` names.
///
/// # Errors
/// `Unsupported` for a kind that is not Kubernetes'.
pub fn of_key(key: &Key) -> Result<(Place, String), Fault> {
    let scope = if key.namespace.is_empty() { None } else { Some(key.namespace.clone()) };
    let place = Place::of(key.kind, &scope)?;
    let path = place.object(&key.name);
    Ok((place, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let pods = Place::of(Kind::Pod, &None).expect("a kind of Kubernetes");
        assert_eq!(pods.extent, Extent::Everywhere);
        assert_eq!(pods.page(100, ""), "/api/v1/pods?limit=100");
        let shop = Place::of(Kind::Deployment, &Some("shop".into())).expect("a kind of Kubernetes");
        assert_eq!(shop.page(5, "a+b="), "/apis/apps/v1/namespaces/shop/deployments?limit=5&continue=a%2Bb%3D");
        assert_eq!(
            shop.named("web").watch("7", 290),
            "/apis/apps/v1/namespaces/shop/deployments?watch=true&allowWatchBookmarks=true&resourceVersion=7\
             &timeoutSeconds=290&fieldSelector=metadata.name%3Dweb"
        );
        let spaces = Place::of(Kind::Namespace, &Some("ignored".into())).expect("a kind of Kubernetes");
        assert_eq!((spaces.object("shop"), spaces.extent), ("/api/v1/namespaces/shop".to_owned(), Extent::Cluster));
        assert!(Place::of(Kind::Container, &None).is_err());
        let labels = [("app".to_owned(), "web".to_owned()), ("tier".to_owned(), "a/b".to_owned())];
        assert_eq!(
            Place::labelled("replicasets", "shop", &labels).page(9, ""),
            "/apis/apps/v1/namespaces/shop/replicasets?limit=9&labelSelector=app%3Dweb%2Ctier%3Da%2Fb"
        );
    }
}
