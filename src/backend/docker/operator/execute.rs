//! Sends a plan to the engine. The engine has no preconditions: the container is looked at right
//! before, and a change since the plan leads back to a new plan.

use std::time::Duration;

use bollard::query_parameters::RemoveContainerOptionsBuilder;

use super::plan::{basis, find, generation};
use crate::actions::{Action, Approved, Progress, Receipt};
use crate::backend::docker::engine::Engine;
use crate::backend::docker::inspect::Inspect;
use crate::backend::emit::Emitter;
use crate::model::Fault;

/// Time for an answer beyond the container's own stop timeout.
const SLACK: u64 = 60;

/// Sends the plan's change.
pub async fn run(engine: &Engine, approved: Approved, out: &Emitter<Progress>) {
    let plan = approved.plan();
    let result = async {
        let inspect = find(engine, plan.action.key()).await?;
        unchanged(&plan.basis, &inspect)?;
        perform(engine, &plan.action, &inspect).await?;
        Ok::<_, Fault>(Receipt { generation: generation(&plan.action, &inspect), version: None })
    };
    match result.await {
        Ok(receipt) => {
            let sent = plan.action.verb();
            let sent = format!("{sent} {} accepted", plan.action.key().name);
            out.send(Progress::Sent(sent)).await;
            out.send(Progress::Done(receipt)).await;
        }
        Err(fault) => out.send(Progress::Failed(fault)).await,
    }
}

/// Refuses when somebody else acted since the plan. A restart by the container's own policy raises
/// the engine's count, and is no reason to refuse: else a crash loop could never be stopped.
fn unchanged(planned: &str, inspect: &Inspect) -> Result<(), Fault> {
    let now = basis(inspect);
    if planned == now {
        return Ok(());
    }
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (then, now) = (words(planned), words(&now));
    let name = inspect.short_name();
    let count = |words: &[String]| words.get(3).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    if then.first() == now.first() && count(&now) > count(&then) {
        return Ok(());
    }
    let at = |words: &[String], n: usize| words.get(n).cloned().unwrap_or_default();
    let what = if at(&then, 1) == at(&now, 1) {
        format!("{name} was {} when this was planned and is {} now", at(&then, 2), at(&now, 2))
    } else {
        format!("{name} was started again at {}", at(&now, 1))
    };
    Err(Fault::Conflict { what })
}

async fn perform(engine: &Engine, action: &Action, inspect: &Inspect) -> Result<(), Fault> {
    let id = inspect.id.as_str();
    let timeout = u64::try_from(inspect.stop_timeout()).unwrap_or(24 * 3600);
    let within = Duration::from_secs(timeout.saturating_add(SLACK));
    let remove = RemoveContainerOptionsBuilder::new().force(inspect.engine_state().is_up()).build();
    match action {
        Action::Restart { .. } => {
            engine.call(within, |docker| async move { docker.restart_container(id, None).await }).await
        }
        Action::Stop { .. } => engine.call(within, |docker| async move { docker.stop_container(id, None).await }).await,
        Action::Start { .. } => {
            engine.call(within, |docker| async move { docker.start_container(id, None).await }).await
        }
        Action::Pause { .. } => engine.call(within, |docker| async move { docker.pause_container(id).await }).await,
        Action::Unpause { .. } => engine.call(within, |docker| async move { docker.unpause_container(id).await }).await,
        Action::Delete { .. } => {
            engine.call(within, |docker| async move { docker.remove_container(id, Some(remove)).await }).await
        }
        Action::Scale { .. }
        | Action::Rollback { .. }
        | Action::Promote { .. }
        | Action::Abort { .. }
        | Action::Hold { .. }
        | Action::Resume { .. }
        | Action::Retry { .. } => {
            Err(Fault::Unsupported { what: format!("a Docker engine cannot {} a container", action.verb()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(started: &str, status: &str, restarts: u64) -> Inspect {
        serde_json::from_value(json!({"Id": "c", "Name": "/web", "RestartCount": restarts,
            "State": {"Status": status, "StartedAt": started}}))
        .unwrap()
    }

    #[test]
    fn only_the_containers_own_restart_policy_may_change_it_in_between() {
        let plan = basis(&at("T1", "running", 2));
        assert_eq!(unchanged(&plan, &at("T1", "running", 2)), Ok(()));
        assert_eq!(unchanged(&plan, &at("T2", "restarting", 3)), Ok(()));
        let paused = unchanged(&plan, &at("T1", "paused", 2)).unwrap_err().to_string();
        assert!(paused.contains("is paused now"), "{paused}");
        let started = unchanged(&plan, &at("T2", "running", 0)).unwrap_err().to_string();
        assert!(started.contains("started again at T2"), "{started}");
        let other = json!({"Id": "d", "RestartCount": 9, "State": {"Status": "running", "StartedAt": "T9"}});
        assert!(unchanged(&plan, &serde_json::from_value(other).unwrap()).is_err());
    }
}
