//! "May I?", asked for the exact verb and resource before anything is planned.

use serde_json::{Value, json};

use super::subject::place;
use crate::backend::kubernetes::Link;
use crate::model::{Fault, Key};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Asks whether `verb` on the object, or its subresource, is allowed. A server that does not
/// answer the question is taken as a yes: the dry run after it asks the same.
///
/// # Errors
/// `Denied` with a sentence that names who lacks what, and where.
pub async fn require(link: &Link, key: &Key, verb: &str, subresource: &str) -> Result<(), Fault> {
    let place = place(key.kind)?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "namespace": &*key.namespace, "name": &*key.name, "verb": verb,
            "group": place.group, "resource": place.plural, "subresource": subresource,
        }},
    });
    let Ok(answer) = link.review(REVIEWS, &review).await else { return Ok(()) };
    if answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(true) {
        return Ok(());
    }
    let mut resource = place.plural.to_owned();
    if !place.group.is_empty() {
        resource = format!("{resource}.{}", place.group);
    }
    if !subresource.is_empty() {
        resource = format!("{resource}/{subresource}");
    }
    let reason = match answer.pointer("/status/reason").and_then(Value::as_str) {
        Some(reason) if !reason.is_empty() => format!(" ({reason})"),
        _ => String::new(),
    };
    Err(Fault::Denied {
        what: format!("{} may not {verb} {resource} in namespace {}{reason}", who(link), key.namespace),
        way_out: format!("ask for a Role with the verb {verb} on {resource}"),
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
