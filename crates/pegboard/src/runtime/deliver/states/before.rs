//! What the target was told before this start, as far as a correction may concern it.

use pegboard_store::{Cursor, FeedKind, StoreError};

use super::{Delivery, PAGE, state_of};

/// How many entries of each source are looked back at: what is corrected was told minutes ago, not days. Where the feed does not reach
/// back as far, fewer.
const LOOK_BACK: [u64; 3] = [5_000, 500, 50];

impl Delivery<'_> {
    /// Remembers what the feed told last before that with which the lane goes on.
    pub(super) async fn remember_told(&mut self) -> Result<(), StoreError> {
        for entries in LOOK_BACK {
            match self.remember(entries).await {
                Err(StoreError::CursorGone) => {}
                done => return done,
            }
        }
        Ok(())
    }

    async fn remember(&mut self, entries: u64) -> Result<(), StoreError> {
        let Some(upto) = self.noted.clone() else { return Ok(()) };
        let seen = upto.seen.iter().map(|(source, number)| (source.clone(), number.saturating_sub(entries)));
        let mut cursor = Cursor { store: upto.store.clone(), seen: seen.collect() };
        loop {
            let names = &self.deliverer.names;
            let page = self.deliverer.store.feed(FeedKind::States, &cursor, names, PAGE).await?;
            for entry in &page.entries {
                let now = state_of(entry)?;
                if upto.seen.get(&now.source).is_some_and(|upto| entry.number <= *upto) {
                    self.waiting.remember(&now);
                }
            }
            cursor = page.cursor;
            let is_behind =
                |(source, upto): (_, &u64)| cursor.seen.get(source).is_none_or(|seen| seen < upto);
            if !page.more || !upto.seen.iter().any(is_behind) {
                return Ok(());
            }
        }
    }
}
