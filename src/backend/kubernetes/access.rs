//! "May I?", asked of the server by `SelfSubjectAccessReview`, and "who am I?".

use serde_json::{Value, json};

use super::link::Link;
use super::paths;
use crate::model::{Access, Deed, Fault, Key};

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
    /// Name of the object, empty for all.
    pub name: &'a str,
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
        Some(Self { verb, group, resource, subresource, namespace, name: "" })
    }

    /// What releases need in `namespace`, one for each tool that delivers them.
    #[must_use]
    pub fn releases(namespace: &'a str) -> [Self; 3] {
        [("argoproj.io", "rollouts", "status"), ("flagger.app", "canaries", ""), ("apps", "deployments", "")].map(
            |(group, resource, subresource)| Self { verb: "patch", group, resource, subresource, namespace, name: "" },
        )
    }

    /// Reading `resource` of the core API.
    #[must_use]
    pub const fn read(verb: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str) -> Self {
        Self { verb, group: "", resource, subresource, namespace, name: "" }
    }

    /// Asks.
    ///
    /// # Errors
    /// Any [`Fault`] of a call.
    pub async fn answer(&self, link: &Link) -> Result<bool, Fault> {
        Ok(self.review(link).await?.allowed)
    }

    async fn review(&self, link: &Link) -> Result<Answer, Fault> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": self.verb,
                "group": self.group,
                "resource": self.resource,
                "subresource": self.subresource,
                "namespace": self.namespace,
                "name": self.name,
            }},
        });
        let answer = link.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await?;
        let reason = answer.pointer("/status/reason").and_then(Value::as_str).unwrap_or_default();
        Ok(Answer {
            allowed: answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false),
            reason: reason.to_owned(),
        })
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
        let place = if self.namespace.is_empty() {
            "in all namespaces".to_owned()
        } else {
            format!("in namespace {}", self.namespace)
        };
        format!("{user} may not {} {} {place}", self.verb, self.what())
    }

    /// Resource, group and subresource as a Role's author needs them: `deployments.apps/scale`.
    fn what(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{}{dot}{}{slash}{}", self.resource, self.group, self.subresource)
    }
}

/// What the server said.
struct Answer {
    allowed: bool,
    reason: String,
}

/// Asks whether `verb` on the object, or its subresource, is allowed, before anything is planned. A
/// server that does not answer the question is taken as a yes: the dry run after it asks the same.
///
/// # Errors
/// `Denied` with a sentence that names who lacks what, and where; `Unsupported` for a kind that is
/// not Kubernetes'.
pub async fn require(link: &Link, key: &Key, verb: &str, subresource: &str) -> Result<(), Fault> {
    let (group, resource) = paths::resource(key.kind)?;
    let ask = Ask { verb, group, resource, subresource, namespace: &key.namespace, name: &key.name };
    let reason = match ask.review(link).await {
        Ok(answer) if !answer.allowed => answer.reason,
        _ => return Ok(()),
    };
    let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
    Err(Fault::Denied {
        what: format!("{}{reason}", ask.refusal(&who(link))),
        way_out: format!("ask for a Role with the verb {verb} on {}", ask.what()),
    })
}

/// The user of the link's context, as the kubeconfig names it.
fn who(link: &Link) -> String {
    let named = || {
        let config = link.context().kubeconfig().ok()??;
        let context = link.context().name.clone().or_else(|| config.current_context.clone())?;
        let user = config.contexts.iter().find(|c| c.name == context)?.context.as_ref()?.user.clone()?;
        Some(format!("user {user} of context {context}"))
    };
    named().unwrap_or_else(|| "the user of this context".to_owned())
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
        assert_eq!(ask.refusal("bob"), "bob may not patch deployments.apps/scale in namespace shop");
        let ask = Ask::read("list", "pods", "", "");
        assert_eq!(ask.refusal(""), "this user may not list pods in all namespaces");
    }
}
