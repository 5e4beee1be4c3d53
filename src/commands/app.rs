//! The program itself: help, palette, namespaces, targets, clipboard, end.

use indexmap::IndexMap;

use super::{Cmd, Outcome, find};
use crate::effect::Effect;
use crate::input::{Binding, Context};
use crate::model::{Scope, TargetKind};
use crate::panes::Subject;
use crate::state::State;
use crate::theme;
use crate::ui::overlay::{Help, Item, Overlay, Pick, Picker, Prompt, PromptKind};

pub fn quit(cmd: &mut Cmd, _: &[String]) -> Outcome {
    if cmd.state.data.jobs.running().next().is_some() {
        cmd.state.overlays.push(Overlay::Quit);
        return Ok(Vec::new());
    }
    Ok(vec![Effect::Quit])
}

pub fn help(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let mut lines = Vec::new();
    for context in cmd.state.contexts() {
        let heading =
            if context == Context::Global { "everywhere".to_owned() } else { format!("in {}", context.name()) };
        lines.push((String::new(), heading));
        let mut keys: IndexMap<&Binding, Vec<String>> = IndexMap::new();
        for (chord, binding) in cmd.state.keymap.section(context) {
            keys.entry(binding).or_default().push(chord.to_string());
        }
        for (binding, chords) in keys {
            let doc = find(&binding.command).map_or("", |spec| spec.doc);
            let what = match (binding.command.as_str(), binding.args.first()) {
                ("move", Some(to)) => format!("move {}", to.replace('-', " ")),
                ("view", Some(name)) => format!("show {name}"),
                _ => doc.to_owned(),
            };
            lines.push((chords.join(" "), what));
        }
    }
    cmd.state.overlays.push(Overlay::Help(Help::new(lines)));
    Ok(Vec::new())
}

pub fn palette(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let contexts = cmd.state.contexts();
    let mut candidates: Vec<(String, String)> = super::ALL
        .iter()
        .filter(|spec| !cmd.state.data.settings.policy.read_only || !spec.changes)
        .map(|spec| {
            let key = cmd.state.keymap.key_for(spec.name, &contexts).map(|k| format!("  [{k}]")).unwrap_or_default();
            (spec.name.to_owned(), format!("{}{key}", spec.doc))
        })
        .collect();
    candidates.extend(crate::panes::PaneId::ALL.iter().map(|id| (format!("view {}", id.name()), "view".to_owned())));
    candidates.extend(theme::BUILT_IN.iter().map(|(name, _)| (format!("theme {name}"), "theme".to_owned())));
    candidates.extend(namespaces_known(cmd).into_iter().map(|ns| (format!("namespace {ns}"), "namespace".to_owned())));
    cmd.state.overlays.push(Overlay::Prompt(Box::new(Prompt::new(PromptKind::Command, "", candidates))));
    Ok(Vec::new())
}

/// Names of namespaces of all clusters, sorted.
fn namespaces_known(cmd: &Cmd) -> Vec<String> {
    let world = &cmd.state.data.world;
    let listed = world.namespaces.iter().map(|(_, ns)| ns.0.name.to_string());
    let seen = world.pods.iter().map(|(_, pod)| pod.key.namespace.to_string());
    let mut names: Vec<String> = listed.chain(seen).collect();
    names.sort();
    names.dedup();
    names
}

pub fn namespaces(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let world = &cmd.state.data.world;
    if !world.targets.iter().any(|t| t.meta.kind == TargetKind::Kubernetes) {
        return Err("no cluster is open: engines have no namespaces".into());
    }
    let mut items = vec![Item { label: "all".into(), detail: "every namespace".into(), pick: Pick::Namespace(None) }];
    for name in namespaces_known(cmd) {
        let pods = cmd.state.data.world.pods.iter().filter(|(_, p)| *p.key.namespace == *name).count();
        let detail = if pods == 0 { String::new() } else { format!("{pods} pods") };
        items.push(Item { label: name.clone(), detail, pick: Pick::Namespace(Some(name.into())) });
    }
    cmd.state.overlays.push(Overlay::Picker(Picker::new("Namespaces", items)));
    Ok(Vec::new())
}

pub fn namespace(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let Some(name) = args.first() else { return namespaces(cmd, &[]) };
    let known = namespaces_known(cmd);
    if name != "all" && !known.is_empty() && !known.contains(name) {
        return Err(format!("no namespace \"{name}\" is known: n lists them"));
    }
    look_at(cmd.state, (name != "all").then(|| name.as_str().into()));
    Ok(Vec::new())
}

/// Looks at a namespace, or all: what was selected elsewhere is not selected any more.
pub fn look_at(state: &mut State, scope: Scope) {
    state.data.settings.namespace = scope;
    state.data.subject = Subject::default();
}

pub fn targets(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let cx = cmd.state.data.cx(cmd.now);
    let items: Vec<Item> = cx
        .world
        .targets
        .iter()
        .map(|target| {
            let (word, _) = crate::ui::chrome::freshness(&target.link, &cx);
            let server = target.server.as_ref().map(|s| format!(" {} {}", s.version, s.address)).unwrap_or_default();
            let fault = match &target.link {
                crate::world::Freshness::Failed(fault) | crate::world::Freshness::Stale { fault, .. } => {
                    format!(" {fault}")
                }
                _ => String::new(),
            };
            let kind = if target.meta.kind == TargetKind::Docker { "docker" } else { "k8s" };
            Item {
                label: format!("{kind} {}", target.meta.name),
                detail: format!("{word}{server}{fault}"),
                pick: Pick::Target(target.meta.id),
            }
        })
        .collect();
    if items.is_empty() {
        return Err("no target is open: set KUBECONFIG or DOCKER_HOST, or :demo".into());
    }
    cmd.state.overlays.push(Overlay::Picker(Picker::new("Targets", items)));
    Ok(Vec::new())
}

pub fn copy(cmd: &mut Cmd, _: &[String]) -> Outcome {
    let (id, now) = (cmd.state.focus, cmd.now);
    let (pane, cx) = cmd.state.pane_cx(id, now);
    let Some(text) = pane.copy(&cx) else { return Err("nothing to copy here".into()) };
    let first = text.lines().next().unwrap_or_default();
    let message = format!("copied: {first}{}", if text.lines().count() > 1 { " …" } else { "" });
    cmd.state.notify(message, false, now);
    Ok(vec![Effect::Copy(text)])
}

pub fn theme(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let name = args.first().map_or("", String::as_str);
    let theme = theme::built_in(name).map_err(|e| e.to_string())?;
    cmd.state.look.theme = theme;
    Ok(Vec::new())
}

pub fn demo(cmd: &mut Cmd, _: &[String]) -> Outcome {
    if cmd.state.data.settings.demo {
        return Err("the simulated world is open already".into());
    }
    Ok(vec![Effect::OpenDemo])
}

pub fn login(cmd: &mut Cmd, args: &[String]) -> Outcome {
    let world = &cmd.state.data.world;
    let named = |name: &String| world.targets.iter().find(|t| *t.meta.name == **name);
    let target = match args.first() {
        Some(name) => named(name).ok_or_else(|| format!("no target \"{name}\""))?,
        // the one that is in trouble, else the first cluster
        None => world
            .targets
            .iter()
            .filter(|t| t.meta.kind == TargetKind::Kubernetes)
            .max_by_key(|t| !matches!(t.link, crate::world::Freshness::Live))
            .ok_or("no cluster is open")?,
    };
    Ok(vec![Effect::Login(target.meta.id)])
}

pub fn redraw(cmd: &mut Cmd, _: &[String]) -> Outcome {
    cmd.state.redraw = true;
    Ok(Vec::new())
}

pub fn suspend(_: &mut Cmd, _: &[String]) -> Outcome {
    Ok(vec![Effect::Suspend])
}
