//! Commands that change the world. None of them does: each asks for a plan, which the user is
//! shown and has to consent to.

use super::{Cmd, Outcome, refusal};
use crate::actions::Action;
use crate::effect::{Effect, Effects};
use crate::model::{EngineState, Key, Kind};
use crate::panes::Ask;
use crate::ui::overlay::{Item, Overlay, Pick, Picker, Prompt, PromptKind};

/// Asks for plans, after checking what can be checked here.
pub fn plan(cmd: &mut Cmd, actions: Vec<Action>) -> Outcome {
    let mut effects = Effects::new();
    for action in actions {
        let key = action.key().clone();
        if !action.fits() {
            return Err(format!("{} does not apply to a {}", action.verb(), key.kind.word()));
        }
        if let Some(why) = refusal(cmd.state, action.deed(), &key) {
            return Err(why);
        }
        if gone(cmd, &key) {
            return Err(format!("{key} is gone: move the cursor"));
        }
        let job = cmd.state.data.jobs.begin(action.clone(), cmd.now.wall);
        cmd.state.notify(format!("planning: {} {}", action.verb(), key.slug()), false, cmd.now);
        effects.push(Effect::Plan(job, action));
    }
    // what was marked for this is not marked for the next
    let (id, now) = (cmd.state.focus, cmd.now);
    let (pane, cx) = cmd.state.pane_cx(id, now);
    pane.on(&Ask::Unmark, &cx);
    Ok(effects)
}

/// True for an object that was seen and is no longer there.
fn gone(cmd: &Cmd, key: &Key) -> bool {
    let world = &cmd.state.data.world;
    match key.kind {
        Kind::Pod => world.pods.get(key).is_none() && world.pods.grave(key).is_some(),
        Kind::Container => world.containers.get(key).is_none() && world.containers.grave(key).is_some(),
        _ => world.workloads.get(key).is_none() && world.workloads.grave(key).is_some(),
    }
}

/// The marked objects, or the one under the cursor.
fn objects(cmd: &Cmd) -> Result<Vec<Key>, String> {
    let marked = cmd.state.pane(cmd.state.focus).marked(&cmd.state.data.cx(cmd.now));
    if !marked.is_empty() {
        return Ok(marked);
    }
    cmd.state.object(cmd.now).map(|key| vec![key]).ok_or_else(|| "nothing under the cursor".to_owned())
}

/// The workload that is meant, also from its rollout pane.
fn workload(cmd: &Cmd) -> Result<Key, String> {
    let key = cmd.state.object(cmd.now).ok_or("nothing under the cursor")?;
    match key.kind {
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout | Kind::Canary => Ok(key),
        kind => Err(format!("a {} has no revisions or replicas of its own: choose a workload", kind.word())),
    }
}

pub fn scale(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let key = workload(cmd)?;
    let Some(number) = args.first() else {
        if let Some(why) = refusal(cmd.state, crate::model::Deed::Scale, &key) {
            return Err(why);
        }
        let now = cmd.state.data.world.workloads.get(&key).map_or(0, |w| w.desired);
        let prompt = Prompt::new(PromptKind::Scale(key, now), "", Vec::new());
        cmd.state.overlays.push(Overlay::Prompt(Box::new(prompt)));
        return Ok(Vec::new());
    };
    scale_to(cmd, key, number)
}

/// Plans a scale to what was typed.
pub fn scale_to(cmd: &mut Cmd, key: Key, number: &str) -> Outcome {
    let replicas = number.trim().parse().map_err(|_| format!("\"{number}\" is no number of replicas"))?;
    plan(cmd, vec![Action::Scale { key, replicas }])
}

pub fn restart(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let actions = objects(cmd)?.into_iter().map(|key| Action::Restart { key }).collect();
    plan(cmd, actions)
}

pub fn delete(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let actions = objects(cmd)?.into_iter().map(|key| Action::Delete { key }).collect();
    plan(cmd, actions)
}

pub fn rollback(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let key = workload(cmd)?;
    if let Some(number) = args.first() {
        let revision = number.parse().map_err(|_| format!("\"{number}\" is no revision"))?;
        return plan(cmd, vec![Action::Rollback { key, revision }]);
    }
    if let Some(why) = refusal(cmd.state, crate::model::Deed::Rollback, &key) {
        return Err(why);
    }
    choose_revision(cmd, key)
}

/// Lets the user choose among the revisions of a workload, once they are known.
pub fn choose_revision(cmd: &mut Cmd, key: Key) -> Outcome {
    let known = cmd.state.data.world.revisions.get(&key);
    let Some(revisions) = known.and_then(|fetched| fetched.value.as_ref()) else {
        if known.is_some_and(|fetched| fetched.fault.is_some()) {
            // they cannot be listed: the plan says what it can, for the one before the current
            return plan(cmd, vec![Action::Rollback { key, revision: 0 }]);
        }
        cmd.state.notify(format!("reading the revisions of {}", key.slug()), false, cmd.now);
        cmd.state.choosing = Some(key);
        return Ok(Vec::new());
    };
    let items: Vec<Item> = revisions
        .list
        .iter()
        .filter(|revision| !revision.current)
        .map(|revision| Item {
            label: format!("revision {}", revision.number),
            detail: format!("{} ago  {}  {}", revision.created.age(cmd.now.wall), revision.images, revision.cause),
            pick: Pick::Revision(key.clone(), revision.number),
        })
        .collect();
    if items.is_empty() {
        return Err(format!("{} has no other revision to go back to", key.slug()));
    }
    let title = format!("Roll {} back to", key.slug());
    cmd.state.overlays.push(Overlay::Picker(Picker::new(&title, items)));
    Ok(Vec::new())
}

fn engine_actions(cmd: &Cmd, choose: impl Fn(Key, EngineState) -> Action) -> Result<Vec<Action>, String> {
    objects(cmd)?
        .into_iter()
        .map(|key| {
            let row = cmd.state.data.world.containers.get(&key);
            let state = row.map(|row| row.state).ok_or_else(|| format!("{key} is not a container of an engine"))?;
            Ok(choose(key, state))
        })
        .collect()
}

pub fn stop_start(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let actions =
        engine_actions(cmd, |key, state| if state.is_up() { Action::Stop { key } } else { Action::Start { key } })?;
    plan(cmd, actions)
}

pub fn pause(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let actions = engine_actions(cmd, |key, state| {
        if state == EngineState::Paused { Action::Unpause { key } } else { Action::Pause { key } }
    })?;
    plan(cmd, actions)
}

pub fn promote(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let full = match args.first().map(String::as_str) {
        None => false,
        Some("full") => true,
        Some(other) => return Err(format!("promote \"{other}\"? full, or nothing")),
    };
    let key = workload(cmd)?;
    plan(cmd, vec![Action::Promote { key, full }])
}

pub fn abort(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let key = workload(cmd)?;
    plan(cmd, vec![Action::Abort { key }])
}

pub fn hold(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let key = workload(cmd)?;
    let held = cmd.state.data.world.releases.get(&key).is_some_and(|release| release.is_held);
    plan(cmd, vec![if held { Action::Resume { key } } else { Action::Hold { key } }])
}

pub fn retry(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let key = workload(cmd)?;
    plan(cmd, vec![Action::Retry { key }])
}

pub fn undo(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let action = cmd.state.data.jobs.undo().ok_or("the last action cannot be taken back, or there was none")?;
    plan(cmd, vec![action])
}
