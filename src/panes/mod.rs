//! Panes: each shows one thing about the World. A pane owns what the user is looking at in it
//! (cursor, filter, scroll); everything else it is given.

pub mod containers;
pub mod delivery;
pub mod describe;
pub mod docker;
pub mod events;
pub mod filter;
pub mod jobs;
pub mod list;
pub mod logs;
pub mod metrics;
pub mod pods;
pub mod releases;
pub mod rollout;
pub mod workloads;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::input::Context;
use crate::model::{Feed, FeedSpec, Key, Kind, Now, Pod, Release, Scope, TargetKind, Workload};
use crate::state::{Jobs, Settings};
use crate::ui::Look;
use crate::world::{Freshness, World};

/// Names of the panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaneId {
    /// Pods of all clusters.
    Pods,
    /// Deployments, StatefulSets, DaemonSets.
    Workloads,
    /// Containers of all engines.
    Docker,
    /// Containers of the selected pod.
    Containers,
    /// Usage of the selection over time.
    Metrics,
    /// Log of the selected container.
    Logs,
    /// Releases, whatever delivers them.
    Releases,
    /// Rollout of the selection's workload.
    Rollout,
    /// Events.
    Events,
    /// Actions under way and done.
    Jobs,
    /// The selected object as YAML.
    Describe,
}

impl PaneId {
    /// Every pane.
    pub const ALL: [Self; 11] = [
        Self::Pods,
        Self::Workloads,
        Self::Docker,
        Self::Containers,
        Self::Metrics,
        Self::Logs,
        Self::Releases,
        Self::Rollout,
        Self::Events,
        Self::Jobs,
        Self::Describe,
    ];

    /// The name that `:view` and `pilothouse snapshot` take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Workloads => "workloads",
            Self::Docker => "docker",
            Self::Containers => "containers",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Releases => "rollouts",
            Self::Rollout => "rollout",
            Self::Events => "events",
            Self::Jobs => "jobs",
            Self::Describe => "describe",
        }
    }

    /// The pane of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// True for panes that choose the selection; the others follow it.
    #[must_use]
    pub const fn leads(self) -> bool {
        matches!(self, Self::Pods | Self::Workloads | Self::Docker | Self::Releases)
    }
}

/// What the panes beside the lists are about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// A pod, a workload or an engine's container.
    pub key: Option<Key>,
    /// The chosen container of the pod; `None` is its first main container.
    pub container: Option<Arc<str>>,
}

/// What a pane may read.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// Reality as known.
    pub world: &'a World,
    /// The selection.
    pub subject: &'a Subject,
    /// Settings.
    pub settings: &'a Settings,
    /// Actions.
    pub jobs: &'a Jobs,
    /// The time.
    pub now: Now,
}

impl<'a> Cx<'a> {
    /// The pod that the selection is about: itself, or the most troubled pod of a workload.
    #[must_use]
    pub fn pod(&self) -> Option<&'a Pod> {
        let key = self.subject.key.as_ref()?;
        match key.kind {
            Kind::Pod => self.world.pods.get(key).or_else(|| self.world.pods.grave(key)),
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => {
                self.pods_of(key).max_by(|a, b| a.severity.cmp(&b.severity).then_with(|| b.key.name.cmp(&a.key.name)))
            }
            _ => None,
        }
    }

    /// Pods of a workload.
    pub fn pods_of(&self, workload: &'a Key) -> impl Iterator<Item = &'a Pod> {
        self.world.pods_of(workload)
    }

    /// The workload that the selection is about: itself, or the owner of the pod.
    #[must_use]
    pub fn workload(&self) -> Option<&'a Workload> {
        let key = self.subject.key.as_ref()?;
        match key.kind {
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => {
                self.world.workloads.get(key).or_else(|| self.world.workloads.grave(key))
            }
            Kind::Pod => {
                let pod = self.world.pods.get(key)?;
                let (kind, name) = pod.workload.as_ref()?;
                self.world.workload_named(key.target, *kind, &key.namespace, name)
            }
            _ => None,
        }
    }

    /// The release that the selection is about, when a delivery tool makes it.
    #[must_use]
    pub fn release(&self) -> Option<&'a Release> {
        let key = self.subject.key.as_ref().filter(|key| matches!(key.kind, Kind::Rollout | Kind::Canary))?;
        self.world.releases.get(key).or_else(|| self.world.releases.grave(key))
    }

    /// The container of [`Self::pod`] that logs and metrics are about.
    #[must_use]
    pub fn container_name(&self) -> Option<Arc<str>> {
        let pod = self.pod()?;
        let chosen = self.subject.container.as_ref();
        if let Some(name) = chosen
            && pod.containers.iter().any(|c| c.name == *name)
        {
            return Some(name.clone());
        }
        let running_trouble = pod.containers.iter().find(|c| {
            matches!(c.role, crate::model::Role::Init)
                && !matches!(c.state, crate::model::ContainerState::Terminated(_))
                && pod.status.starts_with("Init:")
        });
        running_trouble
            .or_else(|| pod.containers.iter().find(|c| c.role == crate::model::Role::Main))
            .map(|c| c.name.clone())
    }

    /// The namespace looked at, or `None` for all.
    #[must_use]
    pub fn scope(&self) -> &'a Scope {
        &self.settings.namespace
    }

    /// One spec a target of this kind.
    #[must_use]
    pub fn each(&self, kind: TargetKind, feed: impl Fn(&Scope) -> Feed) -> Vec<FeedSpec> {
        self.world
            .targets
            .iter()
            .filter(|target| target.meta.kind == kind)
            .map(|target| FeedSpec { target: target.meta.id, feed: feed(self.scope()) })
            .collect()
    }
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One back.
    Up,
    /// One on.
    Down,
    /// To the first.
    Top,
    /// To the last.
    Bottom,
    /// A page back.
    PageUp,
    /// A page on.
    PageDown,
    /// Half a page back.
    HalfUp,
    /// Half a page on.
    HalfDown,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

impl Motion {
    /// Reads the keymap's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "up" => Self::Up,
            "down" => Self::Down,
            "top" => Self::Top,
            "bottom" => Self::Bottom,
            "page-up" => Self::PageUp,
            "page-down" => Self::PageDown,
            "half-up" => Self::HalfUp,
            "half-down" => Self::HalfDown,
            "left" => Self::Left,
            "right" => Self::Right,
            _ => return None,
        })
    }

    /// Moves `at` within `0..len` by rows, with pages of `page`.
    #[must_use]
    pub fn apply(self, at: usize, len: usize, page: usize) -> usize {
        let page = page.max(1);
        let last = len.saturating_sub(1);
        match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => (at + 1).min(last),
            Self::Top => 0,
            Self::Bottom => last,
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => (at + page).min(last),
            Self::HalfUp => at.saturating_sub(page / 2),
            Self::HalfDown => (at + page / 2).min(last),
            Self::Left | Self::Right => at,
        }
    }
}

/// What a command asks of the pane that has the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Move the cursor or scroll.
    Move(Motion),
    /// Show only rows or lines that match; empty shows all.
    Filter(String),
    /// Find this text; empty forgets it.
    Search(String),
    /// Go to the next match, or the one before.
    SearchStep {
        /// Forward.
        forward: bool,
    },
    /// Sort by the next column.
    Sort,
    /// Show all columns.
    Wide,
    /// Mark or unmark the row under the cursor.
    Mark,
    /// Unmark every row.
    Unmark,
    /// Show only rows that need a human.
    OnlyTrouble,
    /// Follow the end, or stop.
    Follow,
    /// Wrap long lines, or do not.
    Wrap,
    /// Show timestamps, or do not.
    Timestamps,
    /// The previous container instance's log, or the current one's.
    Previous,
    /// Put the cursor on this object.
    Select(Key),
}

/// A pane's title bar.
#[derive(Debug, Clone, Default)]
pub struct Title {
    /// What it shows.
    pub text: String,
    /// Counts, filter, sort: shown after the text.
    pub detail: String,
    /// How fresh it is; `None` when nothing it shows can be stale.
    pub freshness: Option<Freshness>,
}

/// One pane.
pub trait Pane {
    /// Its name.
    fn id(&self) -> PaneId;
    /// Keymap sections that apply, innermost first, without `global`.
    fn contexts(&self) -> &'static [Context];
    /// Brings what it derives in line with the world, before it is asked for title and view.
    fn derive(&mut self, _cx: &Cx) {}
    /// Its title bar.
    fn title(&self, cx: &Cx) -> Title;
    /// Feeds it wants while it is on screen.
    fn needs(&self, cx: &Cx) -> Vec<FeedSpec>;
    /// Does what a command asks; returns false when that means nothing here.
    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool;
    /// The object under the cursor.
    fn selected(&self) -> Option<&Key> {
        None
    }
    /// The objects that are marked and can be seen.
    fn marked(&self, _cx: &Cx) -> Vec<Key> {
        Vec::new()
    }
    /// What `copy` puts on the clipboard.
    fn copy(&self, cx: &Cx) -> Option<String>;
    /// The filter in force.
    fn filter(&self) -> Option<&str> {
        None
    }
    /// Draws it.
    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer);
    /// Its rows as JSON, for scripts.
    fn json(&mut self, cx: &Cx) -> serde_json::Value;
    /// Throws away what can be derived again.
    fn forget_derived(&mut self) {}
}

/// All panes, in [`PaneId::ALL`] order.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(list::List::<Pod>::new(PaneId::Pods)),
        Box::new(list::List::<Workload>::new(PaneId::Workloads)),
        Box::new(list::List::<crate::model::EngineContainer>::new(PaneId::Docker)),
        Box::new(containers::Containers::default()),
        Box::new(metrics::Metrics),
        Box::new(logs::Logs::default()),
        Box::new(list::List::<crate::model::Release>::new(PaneId::Releases)),
        Box::new(rollout::Rollout::default()),
        Box::new(list::List::<crate::model::ClusterEvent>::new(PaneId::Events)),
        Box::new(jobs::JobsPane::default()),
        Box::new(describe::Describe::default()),
    ]
}
