//! What the pane that has the keys is asked to do.

use super::{Cmd, Outcome};
use crate::panes::{Ask, Motion, PaneId};
use crate::state::SETTLE;
use crate::ui::overlay::{Overlay, Prompt, PromptKind};

/// Asks the focused pane; a sentence when that means nothing to it.
pub fn ask(cmd: &mut Cmd, ask: &Ask, otherwise: &str) -> Outcome {
    let (id, now) = (cmd.state.focus, cmd.now);
    let (pane, cx) = cmd.state.pane_cx(id, now);
    if pane.on(ask, &cx) { Ok(Vec::new()) } else { Err(otherwise.to_owned()) }
}

pub fn motion(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let Some(motion) = args.first().and_then(|word| Motion::parse(word)) else {
        return Err("move where? up, down, top, bottom, page-up, page-down, half-up, half-down, left or right".into());
    };
    if cmd.state.focus == PaneId::Containers {
        turn_container(cmd, |at, len| motion.apply(at, len, 5));
        return Ok(Vec::new());
    }
    let (id, now) = (cmd.state.focus, cmd.now);
    let (pane, cx) = cmd.state.pane_cx(id, now);
    pane.on(&Ask::Move(motion), &cx);
    if id.leads() {
        cmd.state.settle_at = Some(now.tick + SETTLE);
    }
    Ok(Vec::new())
}

/// Chooses another container of the pod.
fn turn_container(cmd: &mut Cmd, to: impl Fn(usize, usize) -> usize) {
    let cx = cmd.state.data.cx(cmd.now);
    let Some(pod) = cx.pod() else { return };
    let chosen = cx.container_name();
    let at = pod.containers.iter().position(|c| Some(&c.name) == chosen.as_ref()).unwrap_or(0);
    let next = pod.containers.get(to(at, pod.containers.len())).map(|c| c.name.clone());
    cmd.state.data.subject.container = next;
}

pub fn next_container(cmd: &mut Cmd, _: &[String]) -> Outcome {
    turn_container(cmd, |at, len| (at + 1) % len.max(1));
    Ok(Vec::new())
}

fn prompt(cmd: &mut Cmd, kind: PromptKind, text: &str) -> Outcome {
    cmd.state.overlays.push(Overlay::Prompt(Box::new(Prompt::new(kind, text, Vec::new()))));
    Ok(Vec::new())
}

pub fn filter(cmd: &mut Cmd, args: &[String]) -> Outcome {
    if args.is_empty() {
        return prompt(cmd, PromptKind::Filter, "");
    }
    ask(cmd, &Ask::Filter(args.join(" ")), "this pane has nothing to filter")
}

pub fn search(cmd: &mut Cmd, args: &[String]) -> Outcome {
    if args.is_empty() {
        return prompt(cmd, PromptKind::Search, "");
    }
    ask(cmd, &Ask::Search(args.join(" ")), "not found")
}

pub fn search_next(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::SearchStep { forward: true }, "no further match")
}

pub fn search_previous(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::SearchStep { forward: false }, "no match before")
}

pub fn sort(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Sort, "this pane is not sorted")
}

pub fn wide(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Wide, "this pane has no more columns")
}

pub fn mark(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Mark, "nothing to mark here")
}

pub fn only_trouble(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::OnlyTrouble, "this pane knows no trouble")
}

pub fn follow(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Follow, "only a log can be followed")
}

pub fn wrap(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Wrap, "only a log can be wrapped")
}

pub fn timestamps(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Timestamps, "only a log has timestamps")
}

pub fn previous_log(cmd: &mut Cmd, _: &[String]) -> Outcome {
    ask(cmd, &Ask::Previous, "only a log has a previous instance")
}
