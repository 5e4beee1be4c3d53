//! Going from one thing to another.

use super::{Cmd, Outcome};
use crate::model::Kind;
use crate::panes::{Ask, PaneId};
use crate::ui::layout::View;

/// Shows a view and gives it the keys.
pub fn go(cmd: &mut Cmd, view: View) {
    cmd.state.settle();
    cmd.state.view = view;
    if let View::Only(id) = view {
        cmd.state.focus = id;
    }
}

pub fn view(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let name = args.first().map_or("", String::as_str);
    let Some(view) = View::parse(name) else {
        let names: Vec<&str> = PaneId::ALL.iter().map(|id| id.name()).collect();
        return Err(format!("no view \"{name}\": there are overview, {}", names.join(", ")));
    };
    go(cmd, view);
    Ok(Vec::new())
}

pub fn zoom(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let focus = cmd.state.focus;
    let view = if cmd.state.view == View::Overview { View::Only(focus) } else { View::Overview };
    go(cmd, view);
    Ok(Vec::new())
}

fn focus(cmd: &mut Cmd, forward: bool) -> Outcome {
    cmd.state.settle();
    let order = cmd.state.tab_order();
    let at = order.iter().position(|id| *id == cmd.state.focus).unwrap_or(0);
    let len = order.len().max(1);
    let next = if forward { at + 1 } else { at + len - 1 } % len;
    if let Some(id) = order.get(next) {
        cmd.state.focus = *id;
        if cmd.state.view != View::Overview {
            cmd.state.view = View::Only(*id);
        }
    }
    cmd.state.settle();
    Ok(Vec::new())
}

pub fn focus_next(cmd: &mut Cmd, _: &[String]) -> Outcome {
    focus(cmd, true)
}

pub fn focus_previous(cmd: &mut Cmd, _: &[String]) -> Outcome {
    focus(cmd, false)
}

pub fn back(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let (id, now) = (cmd.state.focus, cmd.now);
    cmd.state.notices.clear();
    let (pane, cx) = cmd.state.pane_cx(id, now);
    if pane.filter().is_some() {
        pane.on(&Ask::Filter(String::new()), &cx);
        return Ok(Vec::new());
    }
    pane.on(&Ask::Search(String::new()), &cx);
    if cmd.state.view != View::Overview {
        cmd.state.view = View::Overview;
    }
    Ok(Vec::new())
}

pub fn drill(cmd: &mut Cmd, _: &[String]) -> Outcome {
    cmd.state.settle();
    match cmd.state.focus {
        PaneId::Pods => go(cmd, View::Only(PaneId::Containers)),
        PaneId::Containers | PaneId::Docker => go(cmd, View::Only(PaneId::Logs)),
        PaneId::Workloads => {
            let Some(name) = cmd.state.pane(PaneId::Workloads).selected().map(|key| key.name.to_string()) else {
                return Err("nothing under the cursor".into());
            };
            let (pane, cx) = cmd.state.pane_cx(PaneId::Pods, cmd.now);
            pane.on(&Ask::Filter(name), &cx);
            go(cmd, View::Only(PaneId::Pods));
        }
        PaneId::Releases => go(cmd, View::Only(PaneId::Rollout)),
        PaneId::Rollout => return super::act::rollback(cmd, &[]),
        _ => return describe(cmd, &[]),
    }
    Ok(Vec::new())
}

pub fn logs(cmd: &mut Cmd, _: &[String]) -> Outcome {
    go(cmd, View::Only(PaneId::Logs));
    Ok(Vec::new())
}

pub fn rollout(cmd: &mut Cmd, _: &[String]) -> Outcome {
    go(cmd, View::Only(PaneId::Rollout));
    Ok(Vec::new())
}

pub fn events(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let object = cmd.state.object(cmd.now);
    if let Some(key) = object.filter(|key| key.kind != Kind::Event) {
        if key.kind == Kind::Container {
            return Err("an engine's container has no Kubernetes events; its end is in the why column".into());
        }
        let (pane, cx) = cmd.state.pane_cx(PaneId::Events, cmd.now);
        pane.on(&Ask::Filter(key.name.to_string()), &cx);
    }
    go(cmd, View::Only(PaneId::Events));
    Ok(Vec::new())
}

pub fn describe(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let Some(key) = cmd.state.object(cmd.now) else { return Err("nothing under the cursor".into()) };
    let (pane, cx) = cmd.state.pane_cx(PaneId::Describe, cmd.now);
    pane.on(&Ask::Select(key), &cx);
    go(cmd, View::Only(PaneId::Describe));
    Ok(Vec::new())
}
