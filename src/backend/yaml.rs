//! YAML as people read it, and the difference of two such texts.

use serde_json::Value;
use serde_saphyr::to_string_with_options;
use similar::{ChangeTag, TextDiff};

use crate::actions::Diff;
use crate::model::Fault;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// `value` as YAML, members in their own order.
///
/// # Errors
/// `Server` when it cannot be written, which no JSON object should cause.
pub fn text(value: &Value) -> Result<String, Fault> {
    let options = serde_saphyr::ser_options! { indent_step: 2, compact_list_indent: true, min_fold_chars: usize::MAX };
    to_string_with_options(value, options).map_err(|e| Fault::Server { what: format!("not YAML: {e}") })
}

/// `value` with the members of every object in the order of their names, as kubectl prints them.
#[must_use]
pub fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The lines that differ between two values, a few lines around them, and `...` where equal lines
/// are left out.
///
/// # Errors
/// As [`text`].
pub fn diff(before: &Value, after: &Value) -> Result<Vec<Diff>, Fault> {
    Ok(diff_text(&text(before)?, &text(after)?))
}

/// As [`diff`], of texts.
#[must_use]
pub fn diff_text(before: &str, after: &str) -> Vec<Diff> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if !lines.is_empty() {
            lines.push(Diff::Same("...".to_owned()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n').to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Diff::Same(line),
                ChangeTag::Delete => Diff::Removed(line),
                ChangeTag::Insert => Diff::Added(line),
            });
        }
    }
    lines
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

    proptest::proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(key in "\\PC{0,12}", value in "[ -~\n\té\u{1b}:#'\"]{0,40}") {
            let object = json!({"list": [{key.as_str(): value.as_str()}], "text": value.as_str()});
            let yaml = text(&object).expect("YAML");
            let back: Value = serde_saphyr::from_str(&yaml).expect("readable YAML");
            assert_eq!(back, object, "{yaml}");
        }
    }
}
