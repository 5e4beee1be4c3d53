//! Where panes stand, for every size of terminal.
//!
//! ```text
//! 160x45                                   120x40                    80x24
//! +-header-------------------------------+ +-header--------------+   +-header------+
//! | Pods              | Containers       | | [Pods|Work|Docker]  |   | [Pods|...]  |
//! |                   | Metrics          | |                     |   |             |
//! | Workloads         | Rollout          | | Logs    |[Rollout|…]|   | [Logs|...]  |
//! | Docker            |                  | |         |           |   |             |
//! | Logs                                 | +-hints---------------+   +-hints-------+
//! +-hints--------------------------------+
//! ```

use ratatui::layout::{Constraint, Layout, Rect, Size};

use crate::panes::PaneId;

/// Smallest screen that can show anything useful.
pub const SMALLEST: Size = Size { width: 40, height: 10 };

/// What is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// All panes that fit.
    Overview,
    /// One pane alone.
    Only(PaneId),
}

impl View {
    /// The name that `:view` and `pilothouse snapshot` take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Only(id) => id.name(),
        }
    }

    /// The view of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "overview" { Some(Self::Overview) } else { PaneId::parse(name).map(Self::Only) }
    }
}

/// A place on screen and the panes that share it, as tabs when several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Border included.
    pub area: Rect,
    /// Panes, in tab order.
    pub tabs: Vec<PaneId>,
}

/// Which kinds of targets are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// A cluster.
    pub kubernetes: bool,
    /// An engine.
    pub docker: bool,
}

/// Places for the panes within `area`, in the order in which Tab visits them.
#[must_use]
pub fn places(view: View, area: Rect, kinds: Kinds) -> Vec<Place> {
    match view {
        View::Only(id) => vec![Place { area, tabs: vec![id] }],
        View::Overview if area.width >= 140 && area.height >= 36 => wide(area, kinds),
        View::Overview if area.width >= 110 && area.height >= 28 => medium(area, kinds),
        View::Overview => narrow(area, kinds),
    }
}

fn lists(kinds: Kinds) -> Vec<PaneId> {
    let mut tabs = Vec::new();
    if kinds.kubernetes || !kinds.docker {
        tabs.extend([PaneId::Pods, PaneId::Workloads]);
    }
    if kinds.docker {
        tabs.push(PaneId::Docker);
    }
    if kinds.kubernetes {
        tabs.push(PaneId::Events);
    }
    tabs
}

fn rows(area: Rect, constraints: &[Constraint]) -> std::rc::Rc<[Rect]> {
    Layout::vertical(constraints).split(area)
}

fn columns(area: Rect, constraints: &[Constraint]) -> std::rc::Rc<[Rect]> {
    Layout::horizontal(constraints).split(area)
}

fn place(area: Rect, tabs: &[PaneId]) -> Place {
    Place { area, tabs: tabs.to_vec() }
}

fn wide(area: Rect, kinds: Kinds) -> Vec<Place> {
    use Constraint::{Fill, Percentage};
    let halves = rows(area, &[Fill(1), Percentage(27)]);
    let top = columns(halves[0], &[Percentage(62), Fill(1)]);
    let right = rows(top[1], &[Percentage(30), Percentage(34), Fill(1)]);
    let mut out = Vec::new();
    match (kinds.kubernetes, kinds.docker) {
        (true, true) => {
            let left = rows(top[0], &[Fill(5), Fill(3), Fill(4)]);
            out.push(place(left[0], &[PaneId::Pods]));
            out.push(place(left[1], &[PaneId::Workloads, PaneId::Events]));
            out.push(place(left[2], &[PaneId::Docker]));
        }
        (false, true) => out.push(place(top[0], &[PaneId::Docker])),
        _ => {
            let left = rows(top[0], &[Fill(3), Fill(2)]);
            out.push(place(left[0], &[PaneId::Pods]));
            out.push(place(left[1], &[PaneId::Workloads, PaneId::Events]));
        }
    }
    out.push(place(right[0], &[PaneId::Containers]));
    out.push(place(right[1], &[PaneId::Metrics]));
    out.push(place(right[2], &[PaneId::Rollout, PaneId::Jobs]));
    out.push(place(halves[1], &[PaneId::Logs]));
    out
}

fn medium(area: Rect, kinds: Kinds) -> Vec<Place> {
    use Constraint::{Fill, Percentage};
    let halves = rows(area, &[Percentage(50), Fill(1)]);
    let below = columns(halves[1], &[Percentage(52), Fill(1)]);
    vec![
        place(halves[0], &lists(kinds)),
        place(below[0], &[PaneId::Logs]),
        place(below[1], &[PaneId::Containers, PaneId::Metrics, PaneId::Rollout, PaneId::Jobs]),
    ]
}

fn narrow(area: Rect, kinds: Kinds) -> Vec<Place> {
    use Constraint::{Fill, Percentage};
    let details = [PaneId::Logs, PaneId::Containers, PaneId::Metrics, PaneId::Rollout, PaneId::Jobs];
    if area.height < 16 {
        let mut tabs = lists(kinds);
        tabs.extend(details);
        return vec![place(area, &tabs)];
    }
    let halves = rows(area, &[Percentage(54), Fill(1)]);
    vec![place(halves[0], &lists(kinds)), place(halves[1], &details)]
}

/// Header, panes and hints within a screen; `targets` lines of header.
#[must_use]
pub fn frame(area: Rect, targets: u16) -> (Rect, Rect, Rect) {
    let split = rows(area, &[Constraint::Length(targets), Constraint::Fill(1), Constraint::Length(1)]);
    (split[0], split[1], split[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_cover_the_area_without_overlap_at_every_size() {
        for (kubernetes, docker) in [(true, true), (true, false), (false, true), (false, false)] {
            for width in (40..200).step_by(7) {
                for height in (8..60).step_by(3) {
                    let area = Rect::new(0, 2, width, height);
                    let places = places(View::Overview, area, Kinds { kubernetes, docker });
                    let total: u32 = places.iter().map(|p| p.area.area()).sum();
                    assert_eq!(total, area.area(), "{width}x{height}");
                    for (i, a) in places.iter().enumerate() {
                        assert!(!a.tabs.is_empty());
                        for b in &places[i + 1..] {
                            assert!(!a.area.intersects(b.area), "{width}x{height}");
                        }
                    }
                }
            }
        }
    }
}
