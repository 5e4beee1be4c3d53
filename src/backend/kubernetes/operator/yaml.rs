//! The difference of two templates, as lines of YAML with a little context.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::history::essence;
use crate::actions::Diff;
use crate::model::Fault;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The lines that differ between two pod templates, three lines of context around them, `...`
/// where equal lines are left out.
///
/// # Errors
/// `Server` when a template cannot be written as YAML.
pub fn diff(before: &Value, after: &Value) -> Result<Vec<Diff>, Fault> {
    let (before, after) = (text(before)?, text(after)?);
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if !lines.is_empty() {
            lines.push(Diff::Same("...".to_owned()));
        }
        for op in &group {
            for change in diff.iter_changes(op) {
                let line = change.to_string().trim_end_matches('\n').to_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => Diff::Same(line),
                    ChangeTag::Delete => Diff::Removed(line),
                    ChangeTag::Insert => Diff::Added(line),
                });
            }
        }
    }
    Ok(lines)
}

fn text(template: &Value) -> Result<String, Fault> {
    serde_saphyr::to_string(&essence(template))
        .map_err(|e| Fault::Server { what: format!("the template cannot be shown as YAML: {e}") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_image_change_is_two_lines_in_their_context() {
        let template = |image: &str| json!({"spec": {"containers": [{"image": image, "name": "web"}]}});
        let lines = diff(&template("web:1"), &template("web:2")).unwrap();
        let shown: Vec<String> = lines
            .iter()
            .map(|line| match line {
                Diff::Same(text) => format!(" {text}"),
                Diff::Removed(text) => format!("-{text}"),
                Diff::Added(text) => format!("+{text}"),
            })
            .collect();
        assert_eq!(shown, [" spec:", "   containers:", "-  - image: web:1", "+  - image: web:2", "     name: web",]);
    }
}
