//! What an event does to the state. No I/O, no clock, no await: it routes, and returns wishes.

use std::sync::Arc;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;

use crate::actions::{Action, Consent, Given, Observation, Progress};
use crate::commands;
use crate::effect::{Effect, Effects};
use crate::event::{Event, JobEvent, JobId, Signal};
use crate::input::{Binding, Chord};
use crate::model::Now;
use crate::panes::{Ask, Motion};
use crate::state::{Stage, State};
use crate::ui::overlay::{Answer, Chosen, Confirm, Overlay, Pick, PromptKind, Verdict};

/// Applies one event.
pub fn update(state: &mut State, event: Event, now: Now) -> Effects {
    match event {
        Event::Input(input) => self::input(state, input, now),
        Event::Feed(spec, event) => {
            state.data.world.take(&spec, event, now.wall);
            chosen_revisions(state, now)
        }
        Event::Job(id, event) => job(state, id, event, now),
        Event::Tick => {
            state.notices.retain(|notice| notice.until > now.tick);
            // a cursor that stands still may still change its object: rows come and go
            if state.settle_at.is_none_or(|at| at <= now.tick) {
                state.settle();
            }
            Effects::new()
        }
        Event::Signal(Signal::End) => vec![Effect::Quit],
        Event::Signal(Signal::Stop) => vec![Effect::Suspend],
        Event::Signal(Signal::Continue) => {
            state.redraw = true;
            Effects::new()
        }
    }
}

/// Goes on with a rollback once the revisions to choose from have come, or cannot.
fn chosen_revisions(state: &mut State, now: Now) -> Effects {
    let come = state.choosing.as_ref().is_some_and(|key| state.data.world.revisions.contains_key(key));
    let Some(key) = state.choosing.take_if(|_| come) else { return Effects::new() };
    state.notices.clear();
    match commands::choose_revision(&mut commands::Cmd { state, now }, key) {
        Ok(effects) => effects,
        Err(why) => {
            state.notify(why, true, now);
            Effects::new()
        }
    }
}

fn input(state: &mut State, input: Input, now: Now) -> Effects {
    match input {
        Input::Key(event) if event.kind == KeyEventKind::Press => {
            if state.overlays.is_empty() {
                key(state, event, now)
            } else {
                overlay_key(state, event, now)
            }
        }
        Input::Resize(width, height) => {
            state.size = Size { width, height };
            state.redraw = true;
            Effects::new()
        }
        Input::Paste(text) => {
            if let Some(Overlay::Prompt(prompt)) = state.overlays.last_mut() {
                prompt.paste(&text);
            }
            Effects::new()
        }
        _ => Effects::new(),
    }
}

fn key(state: &mut State, event: KeyEvent, now: Now) -> Effects {
    let chord = Chord::of(&event);
    let Some(Binding { command, args }) = state.keymap.find(chord, &state.contexts()).cloned() else {
        state.notify(format!("{chord} does nothing here: ? lists the keys"), true, now);
        return Effects::new();
    };
    commands::run(state, &command, &args, now)
}

fn overlay_key(state: &mut State, event: KeyEvent, now: Now) -> Effects {
    let Some(mut overlay) = state.overlays.pop() else { return Effects::new() };
    match &mut overlay {
        Overlay::Help(help) => {
            let motion = match event.code {
                KeyCode::Char('j') | KeyCode::Down => Motion::Down,
                KeyCode::Char('k') | KeyCode::Up => Motion::Up,
                KeyCode::Char(' ') | KeyCode::PageDown => Motion::PageDown,
                KeyCode::PageUp => Motion::PageUp,
                KeyCode::Char('g') => Motion::Top,
                KeyCode::Char('G') => Motion::Bottom,
                _ => return Effects::new(),
            };
            help.scroll(motion);
            state.overlays.push(overlay);
            Effects::new()
        }
        Overlay::Quit => match event.code {
            KeyCode::Char('q') => vec![Effect::Quit],
            KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => vec![Effect::Quit],
            _ => Effects::new(),
        },
        Overlay::Picker(picker) => match picker.key(event) {
            Chosen::Open => {
                state.overlays.push(overlay);
                Effects::new()
            }
            Chosen::Dropped => Effects::new(),
            Chosen::Item(pick) => picked(state, pick, now),
        },
        Overlay::Prompt(prompt) => {
            let answer = prompt.key(event);
            let (kind, text) = (prompt.kind.clone(), prompt.text());
            let best = prompt.best().map(str::to_owned);
            match answer {
                Answer::Typing(changed) => {
                    state.overlays.push(overlay);
                    if changed && kind == PromptKind::Filter {
                        ask_focused(state, &Ask::Filter(text), now);
                    }
                    Effects::new()
                }
                Answer::Dropped => {
                    if kind == PromptKind::Filter {
                        ask_focused(state, &Ask::Filter(String::new()), now);
                    }
                    Effects::new()
                }
                Answer::Entered(entered) => entered_prompt(state, kind, &entered, best.as_deref(), now),
            }
        }
        Overlay::Confirm(confirm) => {
            let verdict = confirm.key(event, now.tick);
            answer_confirm(state, overlay, verdict, now)
        }
    }
}

fn ask_focused(state: &mut State, ask: &Ask, now: Now) -> bool {
    let id = state.focus;
    let (pane, cx) = state.pane_cx(id, now);
    pane.on(ask, &cx)
}

fn entered_prompt(state: &mut State, kind: PromptKind, text: &str, best: Option<&str>, now: Now) -> Effects {
    match kind {
        PromptKind::Filter => {
            ask_focused(state, &Ask::Filter(text.to_owned()), now);
            state.settle();
            Effects::new()
        }
        PromptKind::Search => {
            if !ask_focused(state, &Ask::Search(text.to_owned()), now) && !text.is_empty() {
                state.notify(format!("\"{text}\" not found"), true, now);
            }
            Effects::new()
        }
        PromptKind::Scale(key, _) => match commands::scale_to(&mut commands::Cmd { state, now }, key, text) {
            Ok(effects) => effects,
            Err(why) => {
                state.notify(why, true, now);
                Effects::new()
            }
        },
        PromptKind::Command => {
            let typed = Binding::parse(text);
            // what is typed may be short for a command, but never a guess
            let binding = match best {
                Some(best) if commands::find(&typed.command).is_none() && best.starts_with(&typed.command) => {
                    Binding::parse(best)
                }
                _ => typed,
            };
            if binding.command.is_empty() {
                return Effects::new();
            }
            commands::run(state, &binding.command, &binding.args, now)
        }
    }
}

fn picked(state: &mut State, pick: Pick, now: Now) -> Effects {
    match pick {
        Pick::Namespace(scope) => {
            commands::look_at(state, scope);
            Effects::new()
        }
        Pick::Target(id) => {
            let cx = state.data.cx(now);
            if let Some(target) = cx.world.target(id) {
                let (word, _) = crate::ui::chrome::freshness(&target.link, &cx);
                let facts = target.server.as_ref().map(|s| {
                    let facts: Vec<String> = s.facts.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                    facts.join(", ")
                });
                let text = format!("{} {word} {}", target.meta.name, facts.unwrap_or_default());
                state.notify(text, false, now);
            }
            Effects::new()
        }
        Pick::Revision(key, revision) => {
            match commands::plan(&mut commands::Cmd { state, now }, vec![Action::Rollback { key, revision }]) {
                Ok(effects) => effects,
                Err(why) => {
                    state.notify(why, true, now);
                    Effects::new()
                }
            }
        }
    }
}

fn answer_confirm(state: &mut State, overlay: Overlay, verdict: Verdict, now: Now) -> Effects {
    let Overlay::Confirm(confirm) = &overlay else { return Effects::new() };
    let (id, plan) = (confirm.job, confirm.plan.clone());
    let given = match verdict {
        Verdict::Open => {
            state.overlays.push(overlay);
            return Effects::new();
        }
        Verdict::Copy => {
            state.overlays.push(overlay);
            state.notify("command copied", false, now);
            return vec![Effect::Copy(plan.command.clone())];
        }
        Verdict::No => {
            end(state, id, Stage::Cancelled("you said no; nothing was sent".into()), now);
            return Effects::new();
        }
        Verdict::Yes => Given::Yes,
        Verdict::Typed(text) => Given::Typed(text),
    };
    match Arc::unwrap_or_clone(plan).approve(&state.data.settings.policy, &given) {
        Ok(approved) => {
            if let Some(job) = state.data.jobs.get_mut(id) {
                job.stage = Stage::Executing("recording the intent".into());
            }
            vec![Effect::Run(id, Box::new(approved))]
        }
        Err(fault) => {
            end(state, id, Stage::Cancelled(fault.to_string()), now);
            Effects::new()
        }
    }
}

/// Ends a job and tells the user.
fn end(state: &mut State, id: JobId, stage: Stage, now: Now) {
    let Some(job) = state.data.jobs.get_mut(id) else { return };
    let what = job.plan.as_ref().map_or_else(|| job.action.verb().to_owned(), |plan| plan.title.clone());
    let (text, bad) = match &stage {
        Stage::Done(text) => (format!("{what}: {text}"), false),
        Stage::Failed(text) | Stage::Cancelled(text) => (format!("{what}: {text}"), true),
        _ => return,
    };
    let undo = matches!(stage, Stage::Done(_)) && job.plan.as_ref().is_some_and(|plan| plan.inverse.is_some());
    job.stage = stage;
    job.ended = Some(now.wall);
    state.notify(if undo { format!("{text}   (:undo takes it back)") } else { text }, bad, now);
}

fn job(state: &mut State, id: JobId, event: JobEvent, now: Now) -> Effects {
    match event {
        JobEvent::Planned(plan) => {
            let plan: Arc<crate::actions::Plan> = Arc::from(plan);
            let consent = plan.consent(&state.data.settings.policy);
            let Some(job) = state.data.jobs.get_mut(id) else { return Effects::new() };
            job.plan = Some(plan.clone());
            if let Consent::Refused(fault) = consent {
                end(state, id, Stage::Cancelled(fault.to_string()), now);
            } else {
                job.stage = Stage::Asking;
                state.notices.clear();
                // the question goes under whatever the user is typing now
                let under =
                    usize::from(matches!(state.overlays.last(), Some(Overlay::Prompt(_) | Overlay::Confirm(_))));
                let at = state.overlays.len() - under;
                state.overlays.insert(at, Overlay::Confirm(Box::new(Confirm::new(id, plan, consent))));
            }
        }
        JobEvent::Refused(fault) => end(state, id, Stage::Cancelled(fault.to_string()), now),
        JobEvent::NotRecorded(fault) => {
            let text = format!("nothing was sent: the audit log cannot be written: {fault}");
            end(state, id, Stage::Failed(text), now);
        }
        JobEvent::Progress(Progress::Sent(text)) => stage(state, id, Stage::Executing(text)),
        JobEvent::Progress(Progress::Done(_)) => stage(state, id, Stage::Verifying("accepted; verifying".into())),
        JobEvent::Progress(Progress::Failed(fault)) => {
            let again = matches!(fault, crate::model::Fault::Conflict { .. });
            let text = if again { format!("nothing was changed: plan it again. {fault}") } else { fault.to_string() };
            end(state, id, Stage::Failed(text), now);
        }
        JobEvent::Observed(Observation::Waiting(text)) => stage(state, id, Stage::Verifying(text)),
        JobEvent::Observed(Observation::Met(text)) => end(state, id, Stage::Done(text), now),
        JobEvent::Observed(Observation::Contradicted(text)) => end(state, id, Stage::Failed(text), now),
        JobEvent::Observed(Observation::Overdue(text)) => {
            end(state, id, Stage::Failed(format!("not in time: {text}")), now);
        }
    }
    Effects::new()
}

fn stage(state: &mut State, id: JobId, stage: Stage) {
    if let Some(job) = state.data.jobs.get_mut(id) {
        job.stage = stage;
    }
}
