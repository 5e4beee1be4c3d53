//! "May I?", asked of the server by `SelfSubjectAccessReview`, and "who am I?".

use serde_json::{Value, json};

use super::link::Link;
use crate::model::{Access, Deed, Fault};

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Verb.
    pub verb: &'a str,
    /// API group, empty for the core one.
    pub group: &'a str,
    /// Resource.
    pub resource: &'a str,
    /// Subresource, may be empty.
    pub subresource: &'a str,
    /// Namespace, empty for all.
    pub namespace: &'a str,
}

impl<'a> Ask<'a> {
    /// What `deed` needs in `namespace`; `None` for deeds that Kubernetes does not know.
    #[must_use]
    pub const fn deed(deed: Deed, namespace: &'a str) -> Option<Self> {
        let (verb, group, resource, subresource) = match deed {
            Deed::Scale => ("patch", "apps", "deployments", "scale"),
            Deed::Restart | Deed::Rollback => ("patch", "apps", "deployments", ""),
            Deed::Delete => ("delete", "", "pods", ""),
            // each tool has its own: see `releases`
            Deed::Release | Deed::Stop | Deed::Pause => return None,
        };
        Some(Self { verb, group, resource, subresource, namespace })
    }

    /// What releases need in `namespace`, one for each tool that delivers them.
    #[must_use]
    pub fn releases(namespace: &'a str) -> [Self; 3] {
        [("argoproj.io", "rollouts", "status"), ("flagger.app", "canaries", ""), ("apps", "deployments", "")]
            .map(|(group, resource, subresource)| Self { verb: "patch", group, resource, subresource, namespace })
    }

    /// Reading `resource` of the core API.
    #[must_use]
    pub const fn read(verb: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str) -> Self {
        Self { verb, group: "", resource, subresource, namespace }
    }

    /// Asks.
    ///
    /// # Errors
    /// Any [`Fault`] of a call.
    pub async fn answer(&self, link: &Link) -> Result<bool, Fault> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": self.verb,
                "group": self.group,
                "resource": self.resource,
                "subresource": self.subresource,
                "namespace": self.namespace,
            }},
        });
        let answer = link.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
    }

    /// Asks for `user`, with words for a refusal.
    pub async fn access(&self, link: &Link, user: &str) -> Access {
        match self.answer(link).await {
            Ok(true) => Access::Allowed,
            Ok(false) => Access::Denied(self.refusal(user).into()),
            Err(_) => Access::Unknown,
        }
    }

    /// The refusal in words.
    #[must_use]
    pub fn refusal(&self, user: &str) -> String {
        let user = if user.is_empty() { "this user" } else { user };
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        let place = if self.namespace.is_empty() {
            "in all namespaces".to_owned()
        } else {
            format!("in namespace {}", self.namespace)
        };
        format!("{user} may not {} {}{slash}{} {place}", self.verb, self.resource, self.subresource)
    }
}

/// The user as the server sees it; `None` when it does not say (before 1.26).
pub async fn whoami(link: &Link) -> Option<String> {
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let group = format!("authentication.k8s.io/{version}");
        let body = json!({"apiVersion": group, "kind": "SelfSubjectReview"});
        match link.review(&format!("/apis/{group}/selfsubjectreviews"), &body).await {
            Ok(answer) => {
                return answer.pointer("/status/userInfo/username").and_then(Value::as_str).map(str::to_owned);
            }
            Err(Fault::Gone { .. }) => {}
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_verb_resource_namespace_and_user() {
        let ask = Ask::deed(Deed::Scale, "shop").expect("a deed of Kubernetes");
        assert_eq!(ask.refusal("bob"), "bob may not patch deployments/scale in namespace shop");
        let ask = Ask::read("list", "pods", "", "");
        assert_eq!(ask.refusal(""), "this user may not list pods in all namespaces");
    }
}
