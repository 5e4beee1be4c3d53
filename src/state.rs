//! The one owner of everything that changes while the program runs.

use std::sync::Arc;
use std::time::Duration;

use crate::actions::{Action, Plan, Policy};
use crate::event::JobId;
use crate::input::{Context, Keymap};
use crate::model::{Key, Now, Scope, Stamp};
use crate::panes::{self, Cx, Pane, PaneId, Subject};
use crate::ui::Look;
use crate::ui::layout::View;
use crate::ui::overlay::Overlay;
use crate::world::World;

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(8);
/// The panes beside a list follow its cursor after it has stood still for this long.
pub const SETTLE: Duration = Duration::from_millis(120);

/// What the user can set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The namespace looked at, or all.
    pub namespace: Scope,
    /// What may be changed.
    pub policy: Policy,
    /// Everything shown is simulated.
    pub demo: bool,
}

/// Everything but the panes' own state.
#[derive(Debug, Default)]
pub struct Data {
    /// Reality as known.
    pub world: World,
    /// The selection that the panes beside the lists follow.
    pub subject: Subject,
    /// Settings.
    pub settings: Settings,
    /// Actions.
    pub jobs: Jobs,
}

impl Data {
    /// What a pane may read.
    #[must_use]
    pub fn cx(&self, now: Now) -> Cx<'_> {
        Cx { world: &self.world, subject: &self.subject, settings: &self.settings, jobs: &self.jobs, now }
    }
}

/// The state of the program.
pub struct State {
    /// World, selection, settings, jobs.
    pub data: Data,
    /// All panes, in [`PaneId::ALL`] order.
    pub panes: Vec<Box<dyn Pane>>,
    /// What is on screen.
    pub view: View,
    /// The pane that has the keys.
    pub focus: PaneId,
    /// What lies above the panes, topmost last.
    pub overlays: Vec<Overlay>,
    /// Short messages, newest last.
    pub notices: Vec<Notice>,
    /// Keys.
    pub keymap: Keymap,
    /// Looks.
    pub look: Look,
    /// Size of the terminal.
    pub size: ratatui::layout::Size,
    /// The workload whose revisions are waited for, to choose one.
    pub choosing: Option<Key>,
    /// When the selection will follow the cursor.
    pub settle_at: Option<Duration>,
    /// The whole screen has to be drawn anew.
    pub redraw: bool,
}

/// A short message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Text.
    pub text: String,
    /// True for bad news.
    pub bad: bool,
    /// When it goes.
    pub until: Duration,
}

impl State {
    /// A state with nothing known yet.
    #[must_use]
    pub fn new(settings: Settings, keymap: Keymap, look: Look, size: ratatui::layout::Size) -> Self {
        Self {
            data: Data { settings, ..Data::default() },
            panes: panes::all(),
            view: View::Overview,
            focus: PaneId::Pods,
            overlays: Vec::new(),
            notices: Vec::new(),
            keymap,
            look,
            size,
            choosing: None,
            settle_at: None,
            redraw: false,
        }
    }

    /// A pane and what it may read.
    pub fn pane_cx(&mut self, id: PaneId, now: Now) -> (&mut Box<dyn Pane>, Cx<'_>) {
        let at = PaneId::ALL.iter().position(|p| *p == id).unwrap_or(0);
        (&mut self.panes[at], self.data.cx(now))
    }

    /// A pane.
    #[must_use]
    pub fn pane(&self, id: PaneId) -> &dyn Pane {
        let at = PaneId::ALL.iter().position(|p| *p == id).unwrap_or(0);
        self.panes[at].as_ref()
    }

    /// Keymap sections that apply where the user is, innermost first.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        if self.is_welcome() {
            return vec![Context::Welcome, Context::Global];
        }
        let mut contexts = self.pane(self.focus).contexts().to_vec();
        contexts.push(Context::Global);
        contexts
    }

    /// Tells the user something.
    pub fn notify(&mut self, text: impl Into<String>, bad: bool, now: Now) {
        let text = text.into();
        self.notices.retain(|n| n.text != text);
        self.notices.push(Notice { text, bad, until: now.tick + NOTICE });
        let extra = self.notices.len().saturating_sub(5);
        self.notices.drain(..extra);
    }

    /// When something on screen changes by itself next, beside the ticks.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        self.settle_at
    }

    /// The object that a command is about: the one under the cursor of the pane that has the keys,
    /// else the selection.
    #[must_use]
    pub fn object(&self, now: Now) -> Option<Key> {
        match self.focus {
            PaneId::Rollout => {
                let cx = self.data.cx(now);
                cx.release().map(|r| r.key.clone()).or_else(|| cx.workload().map(|w| w.key.clone()))
            }
            PaneId::Containers | PaneId::Metrics | PaneId::Logs | PaneId::Jobs => self.data.subject.key.clone(),
            id => self.pane(id).selected().cloned().or_else(|| self.data.subject.key.clone()),
        }
    }

    /// Makes the panes beside the lists follow the cursor now.
    pub fn settle(&mut self) {
        self.settle_at = None;
        if self.focus.leads()
            && let Some(key) = self.pane(self.focus).selected().cloned()
            && self.data.subject.key.as_ref() != Some(&key)
        {
            self.data.subject = Subject { key: Some(key), container: None };
        }
    }
}

/// Actions under way and done, oldest first.
#[derive(Debug, Default)]
pub struct Jobs {
    /// All of this run.
    pub list: Vec<Job>,
    next: u32,
}

/// One action.
#[derive(Debug)]
pub struct Job {
    /// Number.
    pub id: JobId,
    /// What was asked for.
    pub action: Action,
    /// The plan, once there is one.
    pub plan: Option<Arc<Plan>>,
    /// How far it is.
    pub stage: Stage,
    /// When it was asked for.
    pub begun: Stamp,
    /// When it ended.
    pub ended: Option<Stamp>,
}

/// How far an action is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The plan is being worked out.
    Planning,
    /// The user is asked.
    Asking,
    /// Requests are sent.
    Executing(String),
    /// Sent; waiting for the truth.
    Verifying(String),
    /// The change has truly happened.
    Done(String),
    /// It has not, and why.
    Failed(String),
    /// Not carried out.
    Cancelled(String),
}

impl Stage {
    /// True while something is under way that quitting would interrupt.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self, Self::Executing(_) | Self::Verifying(_))
    }
}

impl Jobs {
    /// A new job for this action.
    pub fn begin(&mut self, action: Action, now: Stamp) -> JobId {
        self.next += 1;
        let id = JobId(self.next);
        self.list.push(Job { id, action, plan: None, stage: Stage::Planning, begun: now, ended: None });
        id
    }

    /// The job of this number.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.list.iter().find(|job| job.id == id)
    }

    /// The job of this number.
    pub fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.list.iter_mut().find(|job| job.id == id)
    }

    /// Jobs that are under way.
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.list.iter().filter(|job| job.stage.is_running())
    }

    /// What takes the last done change back, if anything does.
    #[must_use]
    pub fn undo(&self) -> Option<Action> {
        let last = self.list.iter().rev().find(|job| matches!(job.stage, Stage::Done(_) | Stage::Failed(_)))?;
        last.plan.as_ref()?.inverse.clone()
    }
}
