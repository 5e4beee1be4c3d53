//! Steps of a canary in words; one that holds anything we do not know is shown as it is.

use std::time::Duration;

use serde_json::{Map, Value};

use super::raw::{items, text};
use crate::model::time::human_duration;

/// The step as the list of steps shows it.
#[must_use]
pub fn words(step: &Value) -> String {
    known(step).unwrap_or_else(|| step.to_string())
}

fn known(step: &Value) -> Option<String> {
    let members = step.as_object()?;
    let (name, body) = members.iter().next().filter(|_| members.len() == 1)?;
    match name.as_str() {
        "setWeight" => Some(format!("set weight {}", body.as_i64()?)),
        "pause" => {
            only(body.as_object()?, &["duration"])?;
            match body.get("duration") {
                Some(duration) => Some(format!("pause {}", human_duration(go_duration(duration)?))),
                None => Some("pause".to_owned()),
            }
        }
        "analysis" => {
            only(body.as_object()?, &["templates", "args", "dryRun", "measurementRetention", "analysisRunMetadata"])?;
            Some(named("analysis", body, "templateName"))
        }
        "experiment" => {
            only(body.as_object()?, &["templates", "analyses", "duration", "dryRun", "analysisRunMetadata"])?;
            let text = named("experiment", body, "name");
            match body.get("duration") {
                Some(duration) => Some(format!("{text} for {}", human_duration(go_duration(duration)?))),
                None => Some(text),
            }
        }
        "setCanaryScale" => canary_scale(body.as_object()?),
        "setHeaderRoute" => {
            only(body.as_object()?, &["name", "match"])?;
            let verb = if items(body, "/match").is_empty() { "remove" } else { "set" };
            Some(format!("{verb} header route {}", text(body, "/name")))
        }
        "setMirrorRoute" => {
            only(body.as_object()?, &["name", "match", "percentage"])?;
            match body.get("percentage").and_then(Value::as_i64) {
                Some(share) => Some(format!("mirror {share}% by route {}", text(body, "/name"))),
                None => Some(format!("mirror by route {}", text(body, "/name"))),
            }
        }
        "plugin" => {
            only(body.as_object()?, &["name", "config"])?;
            Some(format!("plugin {}", text(body, "/name")))
        }
        _ => None,
    }
}

fn canary_scale(body: &Map<String, Value>) -> Option<String> {
    only(body, &["replicas", "weight", "matchTrafficWeight"])?;
    if let Some(replicas) = body.get("replicas").and_then(Value::as_i64) {
        return Some(format!("scale canary to {replicas} pods"));
    }
    if let Some(weight) = body.get("weight").and_then(Value::as_i64) {
        return Some(format!("scale canary to {weight}% of the pods"));
    }
    Some("scale canary with its traffic".to_owned())
}

/// `what A, B`, by the names of its templates.
fn named(what: &str, body: &Value, field: &str) -> String {
    let names: Vec<&str> =
        items(body, "/templates").iter().filter_map(|t| t.get(field).and_then(Value::as_str)).collect();
    format!("{what} {}", names.join(", ")).trim_end().to_owned()
}

/// Nothing when there are other members than these.
fn only(body: &Map<String, Value>, names: &[&str]) -> Option<()> {
    body.keys().all(|key| names.contains(&key.as_str())).then_some(())
}

/// A duration as Argo Rollouts and Flagger take it: a number of seconds, or Go's `1h15m30s`.
#[must_use]
pub fn go_duration(value: &Value) -> Option<Duration> {
    if let Some(seconds) = value.as_u64() {
        return Some(Duration::from_secs(seconds));
    }
    let text = value.as_str()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match rest.get(..end)? {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        rest = rest.get(end..)?;
        total += Duration::try_from_secs_f64(amount * unit).ok()?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_read_as_words_and_unknown_ones_as_they_are() {
        for (step, want) in [
            (json!({"setWeight": 20}), "set weight 20"),
            (json!({"pause": {}}), "pause"),
            (json!({"pause": {"duration": "1h15m"}}), "pause 75m"),
            (json!({"pause": {"duration": 30}}), "pause 30s"),
            (json!({"pause": {"until": "noon"}}), r#"{"pause":{"until":"noon"}}"#),
            (json!({"pause": {"duration": "soon"}}), r#"{"pause":{"duration":"soon"}}"#),
            (json!({"analysis": {"templates": [{"templateName": "a"}, {"templateName": "b"}]}}), "analysis a, b"),
            (json!({"setCanaryScale": {"weight": 25}}), "scale canary to 25% of the pods"),
            (json!({"setCanaryScale": {"replicas": 3}}), "scale canary to 3 pods"),
            (json!({"setCanaryScale": {"matchTrafficWeight": true}}), "scale canary with its traffic"),
            (json!({"setHeaderRoute": {"name": "beta", "match": [{}]}}), "set header route beta"),
            (json!({"setMirrorRoute": {"name": "m", "percentage": 35, "match": []}}), "mirror 35% by route m"),
            (json!({"experiment": {"duration": "5m", "templates": [{"name": "a"}]}}), "experiment a for 5m"),
            (json!({"plugin": {"name": "x/y", "config": {"a": 1}}}), "plugin x/y"),
            (json!({"setWeight": 20, "scope": "eu"}), r#"{"setWeight":20,"scope":"eu"}"#),
            (json!({"teleport": {}}), r#"{"teleport":{}}"#),
        ] {
            assert_eq!(words(&step), want);
        }
    }

    #[test]
    fn durations_are_seconds_or_gos() {
        for (value, want) in [
            (json!(90), Some(90.0)),
            (json!("90"), Some(90.0)),
            (json!("1h1m1.5s"), Some(3661.5)),
            (json!("250ms"), Some(0.25)),
            (json!("5 minutes"), None),
            (json!(""), None),
            (json!("5"), Some(5.0)),
            (json!("m5"), None),
        ] {
            assert_eq!(go_duration(&value).map(|d| d.as_secs_f64()), want, "{value}");
        }
    }
}
