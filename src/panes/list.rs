//! The list that all tables of objects share: order, cursor, marks, filter, sort, columns.
//!
//! The cursor stands on an object, not on a row. When its object is gone the cursor stays on a
//! greyed tombstone until it is moved.

mod draw;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

use self::draw::RowState;
use super::filter::Filter;
use super::{Ask, Cx, Motion, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::{FeedSpec, Key, Severity, TargetId, TargetKind};
use crate::theme::Role;
use crate::ui::{Look, text};
use crate::world::order::Order;
use crate::world::{Freshness, Keyed, Table, World};

/// What a cell shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Text.
    pub text: String,
    /// Its role.
    pub role: Role,
}

impl Cell {
    /// Ordinary text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), role: Role::Text }
    }

    /// Text in a role.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role }
    }

    /// Nothing known.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Role::Dim, "-")
    }
}

/// Compares two rows.
pub type Compare<T> = fn(&T, &T, &Cx) -> Ordering;

/// One column.
pub struct Column<T: 'static> {
    /// Header.
    pub title: &'static str,
    /// 0 is always shown; the highest goes first when there is no room; over 9 only when wide.
    pub priority: u8,
    /// Widest it may grow.
    pub max: u16,
    /// Numbers stand to the right.
    pub right: bool,
    /// What it shows.
    pub cell: fn(&T, &Cx) -> Cell,
    /// How it sorts, when it does.
    pub order: Option<Compare<T>>,
    /// True when its order follows usage samples rather than rows.
    pub live: bool,
    /// When it tells anything.
    pub when: fn(&Cx) -> bool,
}

/// A column that is always worth its room.
#[must_use]
pub fn always(_: &Cx) -> bool {
    true
}

/// A column for when all namespaces are looked at.
#[must_use]
pub fn all_namespaces(cx: &Cx) -> bool {
    cx.scope().is_none()
}

/// A column for when several targets of a kind are open.
#[must_use]
pub fn several_targets(cx: &Cx) -> bool {
    let count = |kind| cx.world.targets.iter().filter(|t| t.meta.kind == kind).count();
    count(TargetKind::Kubernetes) > 1 || count(TargetKind::Docker) > 1
}

/// A row type that can be listed.
pub trait ListRow: Keyed + Sized + 'static {
    /// Its table.
    fn table(world: &World) -> &Table<Self>;
    /// Its columns; the first is what the cursor underlines.
    fn columns() -> &'static [Column<Self>];
    /// Where they come from.
    fn needs(cx: &Cx) -> Vec<FeedSpec>;
    /// Where what some columns add comes from.
    fn extras(_cx: &Cx) -> Vec<FeedSpec> {
        Vec::new()
    }
    /// Keymap sections.
    fn contexts() -> &'static [Context];
    /// How much it needs a human.
    fn severity(&self) -> Severity;
    /// Texts that a filter looks at.
    fn fields(&self) -> Vec<&str>;
    /// True when it belongs to what is looked at now (namespace, subject).
    fn in_scope(&self, cx: &Cx) -> bool;
    /// What [`Self::in_scope`] depends on beyond settings.
    fn scope_signature(_cx: &Cx) -> u64 {
        0
    }
    /// What an empty list says.
    fn empty(cx: &Cx) -> String;
    /// Column sorted by at first, and whether downwards.
    const SORT: (usize, bool) = (0, false);
}

/// A list of objects.
pub struct List<T: ListRow> {
    id: PaneId,
    cursor: Option<Key>,
    moved: bool,
    marks: HashSet<Key>,
    filter: String,
    parsed: Filter,
    sort: (usize, bool),
    wide: bool,
    only_trouble: bool,
    scratch: Scratch,
    rows: std::marker::PhantomData<fn() -> T>,
}

/// What is derived and can be thrown away.
#[derive(Default)]
struct Scratch {
    order: Order,
    offset: usize,
    page: usize,
    at: usize,
    widths: Vec<u16>,
}

impl<T: ListRow> List<T> {
    /// An empty list.
    #[must_use]
    pub fn new(id: PaneId) -> Self {
        Self {
            id,
            cursor: None,
            moved: false,
            marks: HashSet::new(),
            filter: String::new(),
            parsed: Filter::default(),
            sort: T::SORT,
            wide: false,
            only_trouble: false,
            scratch: Scratch::default(),
            rows: std::marker::PhantomData,
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        let column = &T::columns()[self.sort.0];
        let mut hasher = DefaultHasher::new();
        (&self.filter, self.sort, self.only_trouble, cx.scope(), T::scope_signature(cx)).hash(&mut hasher);
        if column.live {
            cx.world.usage.generation().hash(&mut hasher);
        }
        let (parsed, only_trouble, downwards) = (&self.parsed, self.only_trouble, self.sort.1);
        let by = column.order;
        self.scratch.order.refresh(
            T::table(cx.world),
            hasher.finish(),
            |row| {
                row.in_scope(cx) && (!only_trouble || row.severity() >= Severity::Warn) && parsed.matches(&row.fields())
            },
            |a, b| {
                let first = by.map_or(Ordering::Equal, |by| by(a, b, cx));
                let first = if downwards { first.reverse() } else { first };
                first.then_with(|| a.key().cmp(b.key()))
            },
        );
        self.find_cursor(cx);
    }

    /// Brings `at` in line with the object under the cursor.
    fn find_cursor(&mut self, cx: &Cx) {
        let table = T::table(cx.world);
        let slots = self.scratch.order.slots();
        if !self.moved {
            self.cursor = None;
        }
        let found = self.cursor.as_ref().and_then(|key| {
            let slot = table.slot(key)?;
            slots.iter().position(|&s| s == slot)
        });
        match (found, &self.cursor) {
            (Some(at), _) => self.scratch.at = at,
            (None, Some(key)) if table.grave(key).is_some() && table.slot(key).is_none() => {}
            _ => {
                self.scratch.at = self.scratch.at.min(slots.len().saturating_sub(1));
                self.cursor = slots.get(self.scratch.at).and_then(|&slot| table.at(slot)).map(|row| row.key().clone());
            }
        }
    }

    /// Number of rows shown, a tombstone included.
    fn shown(&self, cx: &Cx) -> usize {
        self.scratch.order.slots().len() + usize::from(self.tombstone(cx).is_some())
    }

    /// The removed row that the cursor still stands on.
    fn tombstone<'a>(&self, cx: &Cx<'a>) -> Option<&'a T> {
        let table = T::table(cx.world);
        let key = self.cursor.as_ref()?;
        if table.slot(key).is_some() { None } else { table.grave(key) }
    }

    /// The row at a place of the view, and whether it is a tombstone.
    fn row_at<'a>(&self, at: usize, cx: &Cx<'a>) -> Option<(&'a T, bool)> {
        let table = T::table(cx.world);
        let slots = self.scratch.order.slots();
        match self.tombstone(cx) {
            Some(grave) if at == self.scratch.at.min(slots.len()) => Some((grave, true)),
            Some(_) if at > self.scratch.at => Some((table.at(*slots.get(at - 1)?)?, false)),
            _ => Some((table.at(*slots.get(at)?)?, false)),
        }
    }

    fn step(&mut self, motion: Motion, cx: &Cx) {
        self.refresh(cx);
        let was_grave = self.tombstone(cx).is_some();
        let len = self.shown(cx);
        let mut to = motion.apply(self.scratch.at, len, self.scratch.page);
        if was_grave && to > self.scratch.at {
            to -= 1;
        }
        self.moved = true;
        let table = T::table(cx.world);
        let slots = self.scratch.order.slots();
        self.scratch.at = to.min(slots.len().saturating_sub(1));
        self.cursor = slots.get(self.scratch.at).and_then(|&slot| table.at(slot)).map(|row| row.key().clone());
    }

    fn columns(&self, cx: &Cx) -> Vec<(usize, &'static Column<T>)> {
        let limit = if self.wide { u8::MAX } else { 9 };
        T::columns().iter().enumerate().filter(|(_, c)| c.priority <= limit && (c.when)(cx)).collect()
    }
}

impl<T: ListRow> Pane for List<T> {
    fn id(&self) -> PaneId {
        self.id
    }

    fn contexts(&self) -> &'static [Context] {
        T::contexts()
    }

    fn derive(&mut self, cx: &Cx) {
        self.refresh(cx);
    }

    fn title(&self, cx: &Cx) -> Title {
        let shown = self.scratch.order.slots().len();
        let mut detail = format!("{shown}");
        if !self.filter.is_empty() {
            detail.push_str(&format!(" /{}", self.filter));
        }
        if self.only_trouble {
            detail.push_str(" trouble only");
        }
        match (self.marked(cx).len(), self.marks.len()) {
            (0, 0) => {}
            (shown, all) if shown == all => detail.push_str(&format!(" {all} marked")),
            (shown, all) => detail.push_str(&format!(" {shown} marked, {} hidden", all - shown)),
        }
        let needs = T::needs(cx);
        let table = T::table(cx.world);
        let all: Vec<&Freshness> = needs.iter().map(|spec| table.freshness(spec)).collect();
        let failed = all.iter().filter(|f| matches!(f, Freshness::Failed(_))).count();
        // what one target does not give says nothing about the rows of another
        let freshness = if failed == 0 || failed == all.len() {
            worst(all.into_iter())
        } else {
            detail.push_str(&format!(" ({failed} of {} feeds missing)", all.len()));
            worst(all.into_iter().filter(|f| !matches!(f, Freshness::Failed(_))))
        };
        Title { text: title_word(self.id).to_owned(), detail, freshness }
    }

    fn needs(&self, cx: &Cx) -> Vec<FeedSpec> {
        let mut needs = T::needs(cx);
        needs.extend(T::extras(cx));
        needs
    }

    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool {
        match ask {
            Ask::Move(motion) => self.step(*motion, cx),
            Ask::Filter(text) => {
                self.filter.clone_from(text);
                self.parsed = Filter::parse(text);
                // what is filtered to is chosen: it stays when the filter goes
                self.moved |= !text.is_empty();
            }
            Ask::Sort => {
                let columns = T::columns();
                let sortable = |i: usize| columns[i].order.is_some();
                if self.sort.1 == T::columns()[self.sort.0].right || !sortable(self.sort.0) {
                    let next = (1..=columns.len()).map(|d| (self.sort.0 + d) % columns.len()).find(|&i| sortable(i));
                    let next = next.unwrap_or(0);
                    // numbers begin with the largest
                    self.sort = (next, columns[next].right);
                    if next == self.sort.0 && self.sort.1 != columns[next].right {
                        self.sort.1 = columns[next].right;
                    }
                } else {
                    self.sort.1 = !self.sort.1;
                }
            }
            Ask::Wide => self.wide = !self.wide,
            Ask::Mark => {
                if let Some(key) = self.cursor.clone() {
                    if !self.marks.remove(&key) {
                        self.marks.insert(key);
                    }
                    self.step(Motion::Down, cx);
                }
            }
            Ask::Unmark => self.marks.clear(),
            Ask::OnlyTrouble => self.only_trouble = !self.only_trouble,
            Ask::Select(key) => {
                self.moved = true;
                self.cursor = Some(key.clone());
            }
            _ => return false,
        }
        self.refresh(cx);
        true
    }

    fn selected(&self) -> Option<&Key> {
        self.cursor.as_ref()
    }

    fn marked(&self, cx: &Cx) -> Vec<Key> {
        let (table, slots) = (T::table(cx.world), self.scratch.order.slots());
        let visible = |key: &&Key| table.slot(key).is_some_and(|slot| slots.contains(&slot));
        // only what can be seen is acted on
        let mut marks: Vec<Key> = self.marks.iter().filter(visible).cloned().collect();
        marks.sort();
        marks
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        self.cursor.as_ref().map(|key| key.name.to_string())
    }

    fn filter(&self) -> Option<&str> {
        (!self.filter.is_empty()).then_some(self.filter.as_str())
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        if area.height < 2 || area.width < 8 {
            return;
        }
        let height = usize::from(area.height - 1);
        self.scratch.page = height;
        let len = self.shown(cx);
        if len == 0 {
            let needs = T::needs(cx);
            let table = T::table(cx.world);
            let waiting = needs.iter().find_map(|spec| match table.freshness(spec) {
                Freshness::Failed(fault) => Some((fault.to_string(), Role::Bad)),
                Freshness::Waiting | Freshness::Loading => Some(("loading…".to_owned(), Role::Busy)),
                _ => None,
            });
            let (message, role) = waiting.unwrap_or_else(|| {
                if self.filter.is_empty() && !self.only_trouble {
                    (T::empty(cx), Role::Dim)
                } else {
                    ("nothing matches; esc clears the filter".to_owned(), Role::Dim)
                }
            });
            text::paragraph(
                buf,
                Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area },
                &message,
                look.style(role),
            );
            return;
        }
        let at = self.scratch.at;
        let offset = self.scratch.offset.min(len.saturating_sub(height)).min(at).max((at + 1).saturating_sub(height));
        self.scratch.offset = offset;
        let mut columns = self.columns(cx);
        let visible: Vec<(&T, bool)> =
            (offset..(offset + height).min(len)).filter_map(|i| self.row_at(i, cx)).collect();
        let cells: Vec<(Vec<Cell>, bool)> = visible
            .iter()
            .map(|(row, grave)| (columns.iter().map(|(_, c)| (c.cell)(row, cx)).collect(), *grave))
            .collect();
        let all = columns.clone();
        let table = T::table(cx.world);
        let is_stale = |spec: &&FeedSpec| matches!(table.freshness(spec), Freshness::Stale { .. });
        let needs = T::needs(cx);
        let stale: Vec<TargetId> = needs.iter().filter(is_stale).map(|spec| spec.target).collect();
        self.lay_out(&cells, &mut columns, area.width.saturating_sub(3));
        self.view_header(&columns, look, Rect { x: area.x + 1, ..area }, buf);
        for (line, ((row, grave), (cells, _))) in visible.iter().zip(&cells).enumerate() {
            let kept: Vec<Cell> = all
                .iter()
                .zip(cells)
                .filter(|((i, _), _)| columns.iter().any(|(j, _)| i == j))
                .map(|(_, cell)| cell.clone())
                .collect();
            let y = area.y + 1 + u16::try_from(line).unwrap_or(0);
            let state = match *grave {
                true => RowState::Gone,
                false if stale.contains(&row.key().target) => RowState::Stale,
                false => RowState::Fresh,
            };
            self.view_row(row, state, &kept, &columns, look, Rect { y, height: 1, ..area }, buf);
        }
    }

    fn json(&mut self, cx: &Cx) -> Value {
        self.refresh(cx);
        let rows = self.scratch.order.slots().iter().filter_map(|&slot| T::table(cx.world).at(slot)).map(|row| {
            let mut object = Map::new();
            let key = row.key();
            if let Some(target) = cx.world.target(key.target) {
                object.insert("target".into(), target.meta.name.to_string().into());
            }
            object.insert("kind".into(), key.kind.word().into());
            object.insert("namespace".into(), key.namespace.to_string().into());
            object.insert("uid".into(), key.uid.to_string().into());
            object.insert("severity".into(), format!("{:?}", row.severity()).to_lowercase().into());
            for column in T::columns() {
                let name = column.title.to_lowercase().replace([' ', '%', '/'], "_");
                object.insert(name, (column.cell)(row, cx).text.into());
            }
            Value::Object(object)
        });
        rows.collect()
    }

    fn forget_derived(&mut self) {
        self.scratch = Scratch { at: self.scratch.at, ..Scratch::default() };
    }
}

/// A pane's name as its title shows it.
#[must_use]
pub const fn title_word(id: PaneId) -> &'static str {
    match id {
        PaneId::Pods => "Pods",
        PaneId::Workloads => "Workloads",
        PaneId::Docker => "Docker",
        PaneId::Containers => "Containers",
        PaneId::Metrics => "Metrics",
        PaneId::Logs => "Logs",
        PaneId::Releases => "Rollouts",
        PaneId::Rollout => "Rollout",
        PaneId::Events => "Events",
        PaneId::Jobs => "Jobs",
        PaneId::Describe => "Describe",
    }
}

/// The freshness that a reader must know of: the worst of several.
pub fn worst<'a>(all: impl Iterator<Item = &'a Freshness>) -> Option<Freshness> {
    let rank = |f: &Freshness| match f {
        Freshness::Live => 0,
        Freshness::Loading => 1,
        Freshness::Waiting => 2,
        Freshness::Stale { .. } => 3,
        Freshness::Failed(_) => 4,
    };
    all.max_by_key(|f| rank(f)).cloned()
}
