//! Credential plugins that want a terminal. While panes are on screen a plugin runs without one;
//! when it cannot go on like that, the user gives it the terminal on purpose, and it leaves what it
//! got in its own cache for the next quiet run.

use kube::config::{ExecConfig, ExecInteractiveMode};
use serde_json::json;

use super::link::Context;
use crate::backend::Login;
use crate::model::Fault;

/// Makes a plugin run without the terminal.
pub fn quiet(exec: &mut ExecConfig) {
    exec.interactive_mode = Some(ExecInteractiveMode::Never);
}

/// The command that gets credentials for this context, when a plugin does.
///
/// # Errors
/// `Config` when the kubeconfig cannot be read, `Unsupported` when no plugin is used.
pub async fn command(context: &Context) -> Result<Login, Fault> {
    let none =
        || Fault::Unsupported { what: "this context uses no credential plugin: there is nothing to log in to".into() };
    let exec = context.exec().await?.ok_or_else(none)?;
    let program = exec.command.clone().ok_or_else(none)?;
    let mut env: Vec<(String, String)> = exec
        .env
        .iter()
        .flatten()
        .filter_map(|pair| Some((pair.get("name")?.clone(), pair.get("value")?.clone())))
        .collect();
    let info = json!({"apiVersion": exec.api_version, "kind": "ExecCredential", "spec": {"interactive": true}});
    env.push(("KUBERNETES_EXEC_INFO".into(), info.to_string()));
    Ok(Login { program, args: exec.args.unwrap_or_default(), env })
}
