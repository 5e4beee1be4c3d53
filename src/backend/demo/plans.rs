//! What both simulations need to say what an action would do.

use serde_json::Value;

use crate::actions::{Change, Diff, Method};

/// A line of a diff that changes, between `context` lines.
pub fn change_lines(context: &[&str], removed: &str, added: &str) -> Vec<Diff> {
    let mut diff: Vec<Diff> = context.iter().map(|line| Diff::Same((*line).to_owned())).collect();
    if !removed.is_empty() {
        diff.push(Diff::Removed(removed.to_owned()));
    }
    if !added.is_empty() {
        diff.push(Diff::Added(added.to_owned()));
    }
    diff
}

/// A request; Kubernetes patches are strategic merges.
pub fn request(method: Method, path: String, body: Value) -> Change {
    let content_type = match (&body, method) {
        (Value::Null, _) => "",
        (_, Method::Patch) => "application/strategic-merge-patch+json",
        _ => "application/json",
    };
    Change { method, path, content_type: content_type.to_owned(), body }
}
