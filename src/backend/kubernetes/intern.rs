//! Strings that many rows repeat (namespaces, nodes, images) are kept once for a feed.

use std::collections::HashSet;
use std::sync::Arc;

/// Size below which nothing is swept.
const SMALL: usize = 4096;

/// A set of shared strings that forgets what no row holds any more.
#[derive(Debug, Default)]
pub struct Interner {
    set: HashSet<Arc<str>>,
    sweep_at: usize,
}

impl Interner {
    /// The shared copy of `text`.
    pub fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.set.get(text) {
            return known.clone();
        }
        if self.set.len() >= self.sweep_at.max(SMALL) {
            self.set.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = self.set.len() * 2;
        }
        let new: Arc<str> = Arc::from(text);
        self.set.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_memory() {
        let mut interner = Interner::default();
        let first = interner.get("node-1");
        assert!(Arc::ptr_eq(&first, &interner.get("node-1")));
    }

    #[test]
    fn what_no_row_holds_is_forgotten() {
        let mut interner = Interner::default();
        let kept = interner.get("kept");
        for i in 0..SMALL * 3 {
            interner.get(&i.to_string());
        }
        assert!(interner.set.len() <= SMALL);
        assert!(Arc::ptr_eq(&kept, &interner.get("kept")));
    }
}
