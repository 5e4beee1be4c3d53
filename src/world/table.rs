//! Rows of one kind from all targets, with how fresh they are and a journal of what changed, so
//! that views can follow changes instead of sorting everything again.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::model::{Fault, FeedSpec, Key, Stamp};

/// How many changes the journal holds; a view further behind rebuilds.
const JOURNAL: usize = 8192;
/// How many removed rows are kept for cursors that still stand on them.
const GRAVES: usize = 128;

/// Something with an identity.
pub trait Keyed: Clone {
    /// Its key.
    fn key(&self) -> &Key;
}

/// How far one feed can be believed.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Freshness {
    /// Asked, nothing heard yet.
    #[default]
    Waiting,
    /// Listing: rows are incomplete.
    Loading,
    /// Complete and watched.
    Live,
    /// Was live; the rows are as of `since`.
    Stale {
        /// When the stream was lost.
        since: Stamp,
        /// Why.
        fault: Fault,
    },
    /// Never complete: not allowed, not served, not reachable yet.
    Failed(Fault),
}

/// State of one feed into a table.
#[derive(Debug, Clone, Default)]
struct Intake {
    freshness: Freshness,
    seen: Option<HashSet<u32>>,
    synced_once: bool,
}

/// Rows of one kind.
#[derive(Debug)]
pub struct Table<T> {
    slots: Vec<Option<Box<T>>>,
    free: Vec<u32>,
    index: HashMap<Key, u32>,
    intakes: BTreeMap<FeedSpec, Intake>,
    generation: u64,
    journal: VecDeque<u32>,
    graves: VecDeque<Box<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashMap::new(),
            intakes: BTreeMap::new(),
            generation: 0,
            journal: VecDeque::new(),
            graves: VecDeque::new(),
        }
    }
}

impl<T: Keyed> Table<T> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Counts every change of a row.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The row with this key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.slots[*self.index.get(key)? as usize].as_deref()
    }

    /// The slot of the row with this key.
    #[must_use]
    pub fn slot(&self, key: &Key) -> Option<u32> {
        self.index.get(key).copied()
    }

    /// The row in this slot.
    #[must_use]
    pub fn at(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_deref()
    }

    /// All rows with their slots, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..).zip(&self.slots).filter_map(|(slot, row)| Some((slot, row.as_deref()?)))
    }

    /// A row that was removed not long ago.
    #[must_use]
    pub fn grave(&self, key: &Key) -> Option<&T> {
        self.graves.iter().rev().map(|row| &**row).find(|row| row.key() == key)
    }

    /// Slots changed after `generation`, or `None` when the journal no longer reaches back.
    #[must_use]
    pub fn changed_since(&self, generation: u64) -> Option<impl Iterator<Item = u32> + '_> {
        let behind = usize::try_from(self.generation.checked_sub(generation)?).ok()?;
        let skip = self.journal.len().checked_sub(behind)?;
        Some(self.journal.iter().skip(skip).copied())
    }

    /// How fresh the rows of this feed are.
    #[must_use]
    pub fn freshness(&self, spec: &FeedSpec) -> &Freshness {
        self.intakes.get(spec).map_or(&Freshness::Waiting, |intake| &intake.freshness)
    }

    /// All feeds into this table with their freshness.
    pub fn feeds(&self) -> impl Iterator<Item = (&FeedSpec, &Freshness)> {
        self.intakes.iter().map(|(spec, intake)| (spec, &intake.freshness))
    }

    /// Forgets a feed that nobody wants any more; its rows stay until another listing sweeps them.
    pub fn forget(&mut self, spec: &FeedSpec) {
        self.intakes.remove(spec);
    }

    /// A listing begins.
    pub fn reset(&mut self, spec: &FeedSpec) {
        let intake = self.intakes.entry(spec.clone()).or_default();
        intake.seen = Some(HashSet::new());
        if !intake.synced_once {
            intake.freshness = Freshness::Loading;
        }
    }

    /// The listing is complete: rows of this target that it did not hold are gone. Returns their keys.
    pub fn synced(&mut self, spec: &FeedSpec) -> Vec<Key> {
        let intake = self.intakes.entry(spec.clone()).or_default();
        intake.freshness = Freshness::Live;
        intake.synced_once = true;
        let Some(seen) = intake.seen.take() else { return Vec::new() };
        let gone: Vec<Key> = (0u32..)
            .zip(&self.slots)
            .filter_map(|(slot, row)| Some((slot, row.as_ref()?.key())))
            .filter(|(slot, key)| key.target == spec.target && !seen.contains(slot))
            .map(|(_, key)| key.clone())
            .collect();
        for key in &gone {
            self.remove(key);
        }
        gone
    }

    /// Rows of this feed are as of `now`, because of `fault`. Rows stay.
    pub fn lost(&mut self, spec: &FeedSpec, fault: Fault, now: Stamp) {
        let intake = self.intakes.entry(spec.clone()).or_default();
        intake.freshness = match std::mem::take(&mut intake.freshness) {
            Freshness::Stale { since, .. } => Freshness::Stale { since, fault },
            Freshness::Live => Freshness::Stale { since: now, fault },
            Freshness::Waiting | Freshness::Loading | Freshness::Failed(_) => Freshness::Failed(fault),
        };
    }

    /// The server was heard from: a stale feed that still watches is live again.
    pub fn alive(&mut self, spec: &FeedSpec) {
        if let Some(intake) = self.intakes.get_mut(spec)
            && matches!(intake.freshness, Freshness::Stale { .. })
            && intake.seen.is_none()
        {
            intake.freshness = Freshness::Live;
        }
    }

    /// Puts a row in, staged when a listing is under way. Returns its slot.
    pub fn upsert(&mut self, spec: &FeedSpec, row: impl Into<Box<T>>) -> u32 {
        let row = row.into();
        let slot = if let Some(&slot) = self.index.get(row.key()) {
            slot
        } else {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            });
            self.index.insert(row.key().clone(), slot);
            slot
        };
        self.slots[slot as usize] = Some(row);
        if let Some(Intake { seen: Some(seen), .. }) = self.intakes.get_mut(spec) {
            seen.insert(slot);
        }
        self.note(slot);
        slot
    }

    /// Takes a row out; it stays in its grave for a while.
    pub fn remove(&mut self, key: &Key) {
        let Some(slot) = self.index.remove(key) else { return };
        if let Some(row) = self.slots[slot as usize].take() {
            if self.graves.len() == GRAVES {
                self.graves.pop_front();
            }
            self.graves.push_back(row);
        }
        self.free.push(slot);
        self.note(slot);
    }

    fn note(&mut self, slot: u32) {
        self.generation += 1;
        if self.journal.len() == JOURNAL {
            self.journal.pop_front();
        }
        self.journal.push_back(slot);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Feed, Kind, TargetId};

    impl Keyed for Key {
        fn key(&self) -> &Key {
            self
        }
    }

    fn key(name: &str) -> Key {
        Key {
            target: TargetId(0),
            kind: Kind::Namespace,
            namespace: Arc::from(""),
            name: name.into(),
            uid: name.into(),
        }
    }

    fn spec() -> FeedSpec {
        FeedSpec { target: TargetId(0), feed: Feed::Namespaces }
    }

    #[test]
    fn a_new_listing_sweeps_what_it_does_not_hold_only_when_complete() {
        let (mut table, spec) = (Table::default(), spec());
        table.reset(&spec);
        table.upsert(&spec, key("a"));
        table.upsert(&spec, key("b"));
        assert_eq!(*table.freshness(&spec), Freshness::Loading);
        table.synced(&spec);
        table.reset(&spec);
        table.upsert(&spec, key("b"));
        assert_eq!(table.len(), 2, "a half-loaded listing removes nothing");
        assert_eq!(table.synced(&spec), vec![key("a")]);
        assert_eq!(table.len(), 1);
        assert!(table.grave(&key("a")).is_some(), "removed rows can still be shown under a cursor");
    }

    #[test]
    fn rows_outlive_a_lost_stream_and_say_since_when() {
        let (mut table, spec) = (Table::default(), spec());
        table.reset(&spec);
        table.upsert(&spec, key("a"));
        table.synced(&spec);
        let fault = Fault::Gone { what: "x".into() };
        table.lost(&spec, fault.clone(), Stamp(5));
        table.lost(&spec, fault.clone(), Stamp(9));
        assert_eq!(*table.freshness(&spec), Freshness::Stale { since: Stamp(5), fault });
        assert_eq!(table.len(), 1);
        table.alive(&spec);
        assert_eq!(*table.freshness(&spec), Freshness::Live);
    }

    #[test]
    fn the_journal_tells_what_changed_or_that_it_cannot() {
        let (mut table, spec) = (Table::default(), spec());
        table.upsert(&spec, key("a"));
        let seen = table.generation();
        table.upsert(&spec, key("b"));
        table.remove(&key("a"));
        let changed: Vec<u32> = table.changed_since(seen).expect("the journal reaches back").collect();
        assert_eq!(changed, vec![1, 0]);
        for _ in 0..JOURNAL {
            table.upsert(&spec, key("c"));
        }
        assert!(table.changed_since(seen).is_none());
    }
}
