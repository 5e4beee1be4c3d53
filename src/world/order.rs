//! The order in which a view shows a table's rows: filtered, sorted, and kept so by following the
//! table's journal, so that one changed row in ten thousand costs one binary search.

use std::cmp::Ordering;

use super::table::{Keyed, Table};

/// A cached order. Disposable: built anew it is the same.
#[derive(Debug, Default)]
pub struct Order {
    slots: Vec<u32>,
    generation: u64,
    signature: u64,
    built: bool,
}

impl Order {
    /// Slots in view order.
    #[must_use]
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Brings the order up to date. `signature` must differ whenever `keep` or `compare` do;
    /// `compare` must be total (fall back to keys). Returns true when anything may have moved.
    pub fn refresh<T: Keyed>(
        &mut self,
        table: &Table<T>,
        signature: u64,
        keep: impl Fn(&T) -> bool,
        compare: impl Fn(&T, &T) -> Ordering,
    ) -> bool {
        if self.built && self.signature == signature {
            if self.generation == table.generation() {
                return false;
            }
            if let Some(changed) = table.changed_since(self.generation) {
                let mut changed: Vec<u32> = changed.collect();
                changed.sort_unstable();
                changed.dedup();
                if changed.len() < self.slots.len() / 8 + 64 {
                    self.generation = table.generation();
                    return self.follow(table, &changed, &keep, &compare);
                }
            }
        }
        self.slots = table.iter().filter(|(_, row)| keep(row)).map(|(slot, _)| slot).collect();
        self.slots.sort_unstable_by(|&a, &b| by(table, a, b, &compare));
        self.generation = table.generation();
        self.signature = signature;
        self.built = true;
        true
    }

    /// Takes the changed slots (sorted) out and puts those still wanted back where they belong.
    fn follow<T: Keyed>(
        &mut self,
        table: &Table<T>,
        changed: &[u32],
        keep: &impl Fn(&T) -> bool,
        compare: &impl Fn(&T, &T) -> Ordering,
    ) -> bool {
        let mut before = Vec::with_capacity(changed.len());
        let mut at = 0;
        self.slots.retain(|slot| {
            let stays = changed.binary_search(slot).is_err();
            if !stays {
                before.push((*slot, at));
            }
            at += 1;
            stays
        });
        let mut wanted: Vec<u32> = changed.iter().copied().filter(|&slot| table.at(slot).is_some_and(keep)).collect();
        wanted.sort_unstable_by(|&a, &b| by(table, a, b, compare));
        let mut moved = wanted.len() != before.len();
        for slot in wanted {
            let at = self.slots.partition_point(|&s| by(table, s, slot, compare).is_lt());
            self.slots.insert(at, slot);
            moved |= !before.contains(&(slot, at));
        }
        moved
    }
}

fn by<T: Keyed>(table: &Table<T>, a: u32, b: u32, compare: &impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (table.at(a), table.at(b)) {
        (Some(x), Some(y)) => compare(x, y),
        (x, y) => x.is_some().cmp(&y.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Feed, FeedSpec, Key, Kind, TargetId};

    #[derive(Clone)]
    struct Item(Key, u8);
    impl Keyed for Item {
        fn key(&self) -> &Key {
            &self.0
        }
    }

    fn item(id: u8, value: u8) -> Item {
        let name: std::sync::Arc<str> = format!("{id:03}").into();
        Item(Key { target: TargetId(0), kind: Kind::Pod, namespace: "".into(), name: name.clone(), uid: name }, value)
    }

    proptest! {
            /// Following the journal gives what sorting everything anew gives.
            #[test]
            fn following_equals_rebuilding(steps in prop::collection::vec((0u8..40, prop::option::of(0u8..9)), 1..200)) {
                let spec = FeedSpec { target: TargetId(0), feed: Feed::Containers };
                let mut table = Table::default();
                let mut followed = Order::default();
                let keep = |row: &Item| row.1 != 3;
                let compare = |a: &Item, b: &Item| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0));
                for chunk in steps.chunks(5) {
                    for &(id, value) in chunk {
                        match value {
                            Some(value) => {
     table.upsert(&spec, item(id, value));
    }
                            None => table.remove(&item(id, 0).0),
                        }
                    }
                    followed.refresh(&table, 1, keep, compare);
                    let mut fresh = Order::default();
                    fresh.refresh(&table, 1, keep, compare);
                    prop_assert_eq!(followed.slots(), fresh.slots());
                }
            }
        }
}
