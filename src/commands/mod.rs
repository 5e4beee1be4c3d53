//! Everything the user may ask for: one table that keys, palette, hints, help and documentation
//! are derived from.

mod act;
mod app;
mod navigate;
mod pane;

use crate::effect::Effects;
use crate::model::{Access, Deed, Key, Now, TargetKind};
use crate::state::State;

pub use act::{choose_revision, plan, scale_to};
pub use app::look_at;

/// What a command works on.
pub struct Cmd<'a> {
    /// The program's state.
    pub state: &'a mut State,
    /// The time.
    pub now: Now,
}

/// What came of a command: effects, or a sentence that says why not.
pub type Outcome = Result<Effects, String>;

/// One command.
pub struct Spec {
    /// Kebab-case name.
    pub name: &'static str,
    /// Its arguments, as in a usage line.
    pub args: &'static str,
    /// One word or two for the hint line; empty for commands that need no hint.
    pub hint: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// True when it changes the world.
    pub changes: bool,
    /// What one must be allowed to do for it.
    pub deed: Option<Deed>,
    /// Carries it out.
    pub run: fn(&mut Cmd, &[String]) -> Outcome,
}

const fn look(
    name: &'static str,
    args: &'static str,
    hint: &'static str,
    doc: &'static str,
    run: fn(&mut Cmd, &[String]) -> Outcome,
) -> Spec {
    Spec { name, args, hint, doc, changes: false, deed: None, run }
}

const fn change(
    name: &'static str,
    args: &'static str,
    deed: Option<Deed>,
    doc: &'static str,
    run: fn(&mut Cmd, &[String]) -> Outcome,
) -> Spec {
    Spec { name, args, hint: name, doc, changes: true, deed, run }
}

/// All commands.
pub static ALL: &[Spec] = &[
    look("view", "NAME", "", "show one pane alone, or the overview", navigate::view),
    look("zoom", "", "zoom", "show the focused pane alone, or all panes again", navigate::zoom),
    look("focus-next", "", "next pane", "give the keys to the next pane", navigate::focus_next),
    look("focus-previous", "", "", "give the keys to the previous pane", navigate::focus_previous),
    look("back", "", "", "clear the filter, or go back to the overview", navigate::back),
    look("drill", "", "open", "go into the object under the cursor", navigate::drill),
    look("logs", "", "logs", "show the log of the selection", navigate::logs),
    look("events", "", "events", "show the events of the selection", navigate::events),
    look("rollout", "", "rollout", "show the rollout of the selection's workload", navigate::rollout),
    look("describe", "", "describe", "show the whole object as YAML", navigate::describe),
    look(
        "move",
        "up|down|top|bottom|page-up|page-down|half-up|half-down|left|right",
        "",
        "move the cursor or scroll",
        pane::motion,
    ),
    look(
        "filter",
        "[TEXT]",
        "filter",
        "show only rows that match (word !without) or log lines that do (text, !text, /regex/)",
        pane::filter,
    ),
    look("search", "[TEXT]", "search", "find text; /regex/ for a regular expression", pane::search),
    look("search-next", "", "", "go to the next match", pane::search_next),
    look("search-previous", "", "", "go to the match before", pane::search_previous),
    look("sort", "", "sort", "sort by the next column, or turn the order around", pane::sort),
    look("wide", "", "wide", "show more columns, or fewer", pane::wide),
    look("mark", "", "mark", "mark the row under the cursor for an action on several", pane::mark),
    look("only-trouble", "", "trouble", "show only rows that need a human, or all", pane::only_trouble),
    look("follow", "", "follow", "follow the end of the log, or stop", pane::follow),
    look("wrap", "", "wrap", "wrap long lines, or do not", pane::wrap),
    look("timestamps", "", "times", "show timestamps of log lines, or hide them", pane::timestamps),
    look("previous-log", "", "previous", "show the log of the container's previous instance", pane::previous_log),
    look("next-container", "", "container", "turn to the pod's next container", pane::next_container),
    look("copy", "", "copy", "put what is under the cursor on the clipboard (OSC 52)", app::copy),
    look("namespaces", "", "namespace", "choose a namespace from a list", app::namespaces),
    look("namespace", "NAME|all", "", "look at this namespace", app::namespace),
    look("targets", "", "targets", "list the open targets and how they are", app::targets),
    look("help", "", "keys", "show every key of where you are", app::help),
    look("palette", "", "command", "type a command", app::palette),
    look("theme", "NAME", "", "use another theme", app::theme),
    look("login", "[TARGET]", "", "give the terminal to the credential plugin of a target", app::login),
    look("demo", "", "", "open the simulated world", app::demo),
    look("redraw", "", "", "draw the whole screen anew", app::redraw),
    look("suspend", "", "", "stop until the shell's fg", app::suspend),
    look("quit", "", "quit", "end; asks while an action is under way", app::quit),
    change("scale", "[REPLICAS]", Some(Deed::Scale), "set the number of replicas", act::scale),
    change("restart", "", Some(Deed::Restart), "restart the workload's pods, or the engine's container", act::restart),
    change("rollback", "[REVISION]", Some(Deed::Rollback), "go back to an earlier revision", act::rollback),
    change(
        "promote",
        "[full]",
        Some(Deed::Release),
        "let a waiting release go on; full skips its remaining steps",
        act::promote,
    ),
    change("abort", "", Some(Deed::Release), "take the new version of a release out of service", act::abort),
    change("hold", "", Some(Deed::Release), "hold a release where it stands, or let it go on", act::hold),
    change("retry", "", Some(Deed::Release), "try an aborted or failed release again", act::retry),
    change("delete", "", Some(Deed::Delete), "delete the pod, or remove the engine's container", act::delete),
    change("stop-start", "", Some(Deed::Stop), "stop the engine's container, or start it", act::stop_start),
    change("pause", "", Some(Deed::Pause), "pause the engine's container, or unpause it", act::pause),
    change("undo", "", None, "take the last action back", act::undo),
];

/// The command of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name == name)
}

/// Runs a command by name; a sentence when that cannot be.
pub fn run(state: &mut State, name: &str, args: &[String], now: Now) -> Effects {
    let Some(spec) = find(name) else {
        state.notify(format!("no command \"{name}\": ? lists keys, : completes"), true, now);
        return Vec::new();
    };
    match (spec.run)(&mut Cmd { state, now }, args) {
        Ok(effects) => effects,
        Err(why) => {
            state.notify(why, true, now);
            Vec::new()
        }
    }
}

/// Why this command cannot be used on this object now, before anything is asked of a server.
/// `None` when it may be tried.
#[must_use]
pub fn refusal(state: &State, deed: Deed, key: &Key) -> Option<String> {
    if state.data.settings.policy.read_only {
        return Some(crate::actions::policy::read_only_fault().to_string());
    }
    let target = state.data.world.target(key.target)?;
    let server = target.server.as_ref()?;
    // what is denied in one namespace, or in all at once, may be allowed in another
    let here = target.meta.kind == TargetKind::Docker || server.access_in.as_ref() == Some(&key.namespace);
    match server.access.get(&deed)? {
        Access::Denied(why) if here => Some(format!("not allowed: {why}")),
        _ => None,
    }
}

/// The commands as a Markdown table, for the README.
#[must_use]
pub fn markdown(keymap: &crate::input::Keymap) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("| command | keys | what it does |\n|---|---|---|\n");
    for spec in ALL {
        let keys: Vec<String> = crate::input::Context::ALL
            .iter()
            .flat_map(|context| keymap.section(*context))
            .filter(|(_, binding)| binding.command == spec.name)
            .map(|(chord, _)| format!("`{chord}`"))
            .fold(Vec::new(), |mut keys, key| {
                if !keys.contains(&key) {
                    keys.push(key);
                }
                keys
            });
        let name = if spec.args.is_empty() {
            spec.name.to_owned()
        } else {
            format!("{} {}", spec.name, spec.args.replace('|', "\\|"))
        };
        let _ = writeln!(out, "| `{name}` | {} | {} |", keys.join(" "), spec.doc);
    }
    out
}
