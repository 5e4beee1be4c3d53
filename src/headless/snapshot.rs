//! `pilothouse snapshot`: one frame, once what it shows is loaded.

use std::time::Duration;

use anyhow::{Result, bail};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::app::join;
use crate::backend::Opened;
use crate::cli::{Format, Snapshot};
use crate::clock::Clock;
use crate::event::Event;
use crate::model::{Fault, Feed, FeedSpec, Key, Kind, TargetKind};
use crate::panes::{Ask, PaneId, Subject};
use crate::runtime::feeds::Feeds;
use crate::state::State;
use crate::ui::layout::View;
use crate::update::update;
use crate::world::Freshness;

/// How long a loaded view is given for what comes in by itself.
const SETTLE: Duration = Duration::from_millis(300);
/// Longest wait for usage and logs of a loaded view.
const PATIENCE: Duration = Duration::from_secs(4);

/// Prints the view; fails when a list in it cannot be loaded in time.
///
/// # Errors
/// An unknown view or object, and any fault that keeps a list from loading.
pub async fn run(mut state: State, opened: Vec<Opened>, options: &Snapshot) -> Result<String> {
    let Some(view) = View::parse(&options.view) else { bail!("no view \"{}\"", options.view) };
    let clock = Clock::start();
    state.size = options.size;
    state.view = view;
    if let View::Only(id) = view {
        state.focus = id;
    }
    if opened.is_empty() {
        bail!("no target: set KUBECONFIG or DOCKER_HOST, or use --demo");
    }
    let (out, mut events) = mpsc::channel(1024);
    let mut feeds = Feeds::new(opened.iter().map(|o| o.source.clone()).collect(), out);
    for target in &opened {
        join(&mut state, target);
    }
    if let Some(filter) = &options.filter {
        let id = state.focus;
        let (pane, cx) = state.pane_cx(id, clock.now());
        pane.on(&Ask::Filter(filter.clone()), &cx);
    }
    let deadline = Instant::now() + Duration::from_secs(options.wait);
    let mut progress = Progress::Lists;
    loop {
        let now = clock.now();
        if progress == Progress::Lists && is_loaded(&state, options, &clock, is_list) {
            choose(&mut state, options, now)?;
            progress = Progress::Details(Instant::now() + PATIENCE);
        }
        if let Progress::Details(patience) = progress
            && is_loaded(&state, options, &clock, |_| true)
            && (Instant::now() >= patience || is_lively(&state, &clock))
        {
            progress = Progress::Settling(Instant::now() + SETTLE + Duration::from_secs(options.watch));
        }
        if let Progress::Settling(until) = progress
            && Instant::now() >= until
        {
            return Ok(render(&mut state, options, &clock));
        }
        if let Some(why) = hopeless(&state) {
            bail!(why);
        }
        let mut needs = state.needs(now);
        needs.extend(wanted_lists(&state, options));
        feeds.want(&needs, now.tick);
        let until = match progress {
            Progress::Lists => deadline,
            Progress::Details(patience) => {
                if Instant::now() < patience {
                    patience.min(deadline)
                } else {
                    deadline
                }
            }
            Progress::Settling(until) => until,
        };
        match timeout_at(until, events.recv()).await {
            Ok(Some((spec, event))) => {
                update(&mut state, Event::Feed(spec, event), clock.now());
            }
            Ok(None) => bail!("all feeds ended"),
            Err(_) if Instant::now() < deadline || matches!(progress, Progress::Settling(_)) => {}
            Err(_) => {
                let missing = failures(&state, options, &clock).unwrap_or_else(|| "the server is slow".into());
                bail!("not loaded within {} s: {missing}", options.wait);
            }
        }
    }
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Progress {
    /// Lists are loading.
    Lists,
    /// What the selection needs is loading; until then also usage and logs are waited for.
    Details(Instant),
    /// Loaded; drawn then.
    Settling(Instant),
}

/// Why no target can ever answer as things are set up, if so.
fn hopeless(state: &State) -> Option<String> {
    let mut whys = Vec::new();
    for target in &state.data.world.targets {
        match &target.link {
            Freshness::Failed(fault @ Fault::Config { .. }) => whys.push(format!("{}: {fault}", target.meta.name)),
            _ => return None,
        }
    }
    Some(whys.join("; "))
}

/// Lists that the object asked for is looked for in.
fn wanted_lists(state: &State, options: &Snapshot) -> Vec<FeedSpec> {
    if options.select.is_none() {
        return Vec::new();
    }
    let cx = state.data.cx(crate::model::Now::default());
    cx.each(TargetKind::Kubernetes, |scope| Feed::Workloads(scope.clone()))
}

/// True for feeds of rows.
const fn is_list(feed: &Feed) -> bool {
    matches!(
        feed,
        Feed::Pods(_) | Feed::Workloads(_) | Feed::Releases(_) | Feed::Events(_) | Feed::Containers | Feed::Server
    )
}

/// True when usage and log of the selection have come, or cannot.
fn is_lively(state: &State, clock: &Clock) -> bool {
    let world = &state.data.world;
    state.needs(clock.now()).iter().all(|spec| match &spec.feed {
        Feed::Usage(_) => world.usage.newest(spec.target).is_some() || world.usage_faults.contains_key(&spec.target),
        Feed::Log(source) => world.logs.get(source).is_some_and(|log| !log.buffer.is_empty() || log.fault.is_some()),
        _ => true,
    })
}

/// Puts the selection on the object asked for, or on the first row.
fn choose(state: &mut State, options: &Snapshot, now: crate::model::Now) -> Result<()> {
    let chosen = match &options.select {
        Some(text) => match find(state, text)? {
            Some(key) => Some(key),
            None => bail!("{text} is not there; -n or -A choose where to look"),
        },
        None => first(state, now),
    };
    if let Some(key) = chosen {
        if state.focus == PaneId::Describe {
            let (pane, cx) = state.pane_cx(PaneId::Describe, now);
            pane.on(&Ask::Select(key.clone()), &cx);
        }
        let list = match key.kind {
            Kind::Pod => PaneId::Pods,
            Kind::Container => PaneId::Docker,
            Kind::Rollout | Kind::Canary => PaneId::Releases,
            _ => PaneId::Workloads,
        };
        if options.select.is_some() {
            let (pane, cx) = state.pane_cx(list, now);
            pane.on(&Ask::Select(key.clone()), &cx);
            if state.view == View::Overview {
                state.focus = list;
            }
        }
        state.data.subject = Subject { key: Some(key), container: None };
    }
    Ok(())
}

fn first(state: &mut State, now: crate::model::Now) -> Option<Key> {
    [PaneId::Pods, PaneId::Docker].into_iter().find_map(|id| {
        let (pane, cx) = state.pane_cx(id, now);
        pane.on(&Ask::Move(crate::panes::Motion::Top), &cx);
        pane.selected().cloned()
    })
}

/// The object of this name, once its list holds it.
fn find(state: &State, text: &str) -> Result<Option<Key>> {
    let Some((kind, name)) = text.split_once('/') else { bail!("\"{text}\": expected KIND/NAME, such as deploy/web") };
    let Some(kind) = Kind::parse(kind) else { bail!("\"{kind}\" is no kind of object known here") };
    let world = &state.data.world;
    let fits = |key: &Key| key.kind == kind && *key.name == *name;
    Ok(match kind {
        Kind::Pod => world.pods.iter().map(|(_, row)| &row.key).find(|k| fits(k)).cloned(),
        Kind::Rollout | Kind::Canary => world.releases.iter().map(|(_, row)| &row.key).find(|k| fits(k)).cloned(),
        Kind::Container => world.containers.iter().map(|(_, row)| &row.key).find(|k| fits(k)).cloned(),
        _ => world.workloads.iter().map(|(_, row)| &row.key).find(|k| fits(k)).cloned(),
    })
}

/// Feeds of lists and fetched things that the view needs, with how they are.
fn states(state: &State, options: &Snapshot, clock: &Clock) -> Vec<(FeedSpec, Freshness)> {
    let world = &state.data.world;
    let mut needs = state.needs(clock.now());
    needs.extend(wanted_lists(state, options));
    let fetched = |has: bool, fault: Option<&crate::model::Fault>| match (has, fault) {
        (true, _) => Freshness::Live,
        (false, Some(fault)) => Freshness::Failed(fault.clone()),
        _ => Freshness::Waiting,
    };
    needs
        .into_iter()
        .filter_map(|spec| {
            let freshness = match &spec.feed {
                Feed::Pods(_) => world.pods.freshness(&spec).clone(),
                Feed::Workloads(_) => world.workloads.freshness(&spec).clone(),
                Feed::Releases(_) => world.releases.freshness(&spec).clone(),
                Feed::Events(_) => world.events.freshness(&spec).clone(),
                Feed::Containers => world.containers.freshness(&spec).clone(),
                Feed::Object(key) => {
                    let object = world.objects.get(key);
                    fetched(object.is_some_and(|o| o.value.is_some()), object.and_then(|o| o.fault.as_ref()))
                }
                Feed::Revisions(key) => {
                    let found = world.revisions.get(key);
                    fetched(found.is_some_and(|o| o.value.is_some()), found.and_then(|o| o.fault.as_ref()))
                }
                Feed::Server => world.target(spec.target)?.link.clone(),
                _ => return None,
            };
            Some((spec, freshness))
        })
        .collect()
}

/// True when all feeds of these kinds are complete; of several targets those that cannot be
/// reached do not count, as long as one can.
fn is_loaded(state: &State, options: &Snapshot, clock: &Clock, which: impl Fn(&Feed) -> bool) -> bool {
    let states = states(state, options, clock);
    let dead =
        |spec: &FeedSpec| state.data.world.target(spec.target).is_some_and(|t| matches!(t.link, Freshness::Failed(_)));
    let mut live = states.iter().filter(|(spec, _)| !dead(spec) && which(&spec.feed)).peekable();
    live.peek().is_some() && live.all(|(_, freshness)| matches!(freshness, Freshness::Live)) && shown_kind_alive(state)
}

/// The kind of target that the view is about must be there.
fn shown_kind_alive(state: &State) -> bool {
    let kind = match state.focus {
        PaneId::Docker => TargetKind::Docker,
        PaneId::Pods | PaneId::Workloads | PaneId::Events | PaneId::Rollout | PaneId::Releases => {
            TargetKind::Kubernetes
        }
        _ => return true,
    };
    let alive = |t: &crate::world::Target| t.meta.kind == kind && matches!(t.link, Freshness::Live);
    state.view == View::Overview || state.data.world.targets.iter().any(alive)
}

fn failures(state: &State, options: &Snapshot, clock: &Clock) -> Option<String> {
    let mut texts: Vec<String> = states(state, options, clock)
        .into_iter()
        .filter_map(|(spec, freshness)| {
            let target = state.data.world.target(spec.target)?.meta.name.clone();
            match freshness {
                Freshness::Failed(fault) | Freshness::Stale { fault, .. } => Some(format!("{target}: {fault}")),
                _ => None,
            }
        })
        .collect();
    texts.dedup();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn render(state: &mut State, options: &Snapshot, clock: &Clock) -> String {
    let now = clock.now();
    if options.format == Format::Json {
        let id = state.focus;
        let (pane, cx) = state.pane_cx(id, now);
        return format!("{:#}\n", pane.json(&cx));
    }
    let area = Rect::new(0, 0, options.size.width, options.size.height);
    let mut buffer = Buffer::empty(area);
    // twice: column widths and list orders settle on the first
    for _ in 0..2 {
        buffer.reset();
        state.draw(now, area, &mut buffer);
    }
    if options.format == Format::Svg {
        return super::svg::draw(&buffer);
    }
    rows(&buffer, options.format == Format::Ansi)
}

/// A buffer as lines; with `color`, each line carries its colours and ends reset.
fn rows(buffer: &Buffer, color: bool) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        if color {
            out.push_str(&crate::paint::ansi_row(buffer, y));
        } else {
            let mut line = String::new();
            let mut x = buffer.area.left();
            while x < buffer.area.right() {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += crate::ui::text::width(symbol).max(1);
            }
            out.push_str(line.trim_end());
        }
        out.push('\n');
    }
    out
}
