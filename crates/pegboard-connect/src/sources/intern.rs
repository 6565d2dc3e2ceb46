//! Keeps one copy of what records repeat.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use pegboard_model::Text;

/// How many bytes of keys an interner holds before it starts afresh.
///
/// What repeats (names of people, teams, queues, statuses) takes far less even for the largest contact
/// centres. The bound is for a stream that writes something new each time: to clear costs some copies that
/// are kept twice, and nothing else, since equality is that of contents.
const MAX_BYTES: usize = 16 << 20;
/// What an entry costs besides its key, roughly.
const ENTRY_BYTES: usize = 128;

/// Values by a key that need not be built to look one up.
pub(crate) struct Interner<T> {
    entries: HashTable<(u64, T)>,
    hasher: DefaultHashBuilder,
    bytes: usize,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { entries: HashTable::new(), hasher: DefaultHashBuilder::default(), bytes: 0 }
    }
}

impl<T> fmt::Debug for Interner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interner").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl<T: Clone> Interner<T> {
    /// The value for `key`, which is the one that `is` accepts, or is made and kept. `bytes` is the length
    /// of the key.
    pub(crate) fn get(
        &mut self,
        key: impl Hash,
        bytes: usize,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> T {
        let hash = self.hasher.hash_one(key);
        if let Some((_, value)) = self.entries.find(hash, |(other, value)| *other == hash && is(value)) {
            return value.clone();
        }
        let value = make();
        let cost = bytes + ENTRY_BYTES;
        if self.bytes + cost > MAX_BYTES {
            self.entries.clear();
            self.bytes = 0;
        }
        self.bytes += cost;
        self.entries.insert_unique(hash, (hash, value.clone()), |(hash, _)| *hash);
        value
    }
}

impl Interner<Text> {
    /// The one copy of `text`.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        self.get(text, text.len(), |other| &**other == text, || text.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_same_text_is_one_copy() {
        let mut texts = Interner::default();
        let first = texts.text("Available");
        assert!(Arc::ptr_eq(&first, &texts.text("Available")));
        assert_eq!(&*texts.text("Break"), "Break");
        assert!(Arc::ptr_eq(&first, &texts.text("Available")));
    }

    #[test]
    fn r28_what_never_repeats_does_not_grow_without_end() {
        let mut texts = Interner::default();
        let long = "x".repeat(1 << 16);
        for n in 0..1000 {
            assert_eq!(texts.text(&format!("{long}{n}")).len(), long.len() + n.to_string().len());
            assert!(texts.bytes <= MAX_BYTES);
            assert!(texts.entries.len() * (long.len() + ENTRY_BYTES) <= MAX_BYTES);
        }
        assert!(!texts.entries.is_empty());
    }
}
