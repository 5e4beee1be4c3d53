//! Programs that need the terminal for themselves.

use std::process::Stdio;

use tokio::process::Command;

use crate::backend::Login;

/// Runs a login command on the terminal until it ends.
///
/// # Errors
/// A sentence, when it cannot be started or fails.
pub async fn login(login: &Login) -> Result<(), String> {
    let program = &login.program;
    println!("{program} {}", login.args.join(" "));
    let status = Command::new(program)
        .args(&login.args)
        .envs(login.env.iter().map(|(name, value)| (name, value)))
        // credentials come this way: they are not for the screen
        .stdout(Stdio::null())
        .status()
        .await
        .map_err(|e| format!("{program}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} failed: {status}")) }
}
