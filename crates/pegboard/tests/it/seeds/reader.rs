//! A reader of the state feed: it comes and goes, with its cursor or without, and believes nothing.

use std::collections::BTreeMap;

use pegboard_model::{AgentId, AgentNow, SourceName};
use pegboard_sim::random::Random;
use pegboard_store::{Cursor, FeedEntry, FeedKind, Result, Store};

use super::at_once::at_once;
use super::journal::Journal;

pub(super) type Present = BTreeMap<(SourceName, AgentId), AgentNow>;

#[derive(Debug, Default)]
pub(super) struct Reader {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    cursor: Cursor,
    present: Present,
}

/// The present of all agents, and the cursor that belongs to it.
pub(super) fn snapshot(store: &dyn Store) -> Result<(Present, Cursor)> {
    let snapshot = at_once(store.agents(&[]))?;
    let entry = |now: AgentNow| ((now.source.clone(), now.agent_id.clone()), now);
    let present = snapshot.agents.into_iter().map(|agent| entry(agent.now)).collect();
    Ok((present, snapshot.cursor))
}

impl Reader {
    /// Reads on. Once it has read to the end, what it has been told is the snapshot.
    pub(super) fn read(&mut self, store: &dyn Store, journal: &Journal, random: &mut Random) -> Result<()> {
        if random.chance(0.05) {
            self.seen = None;
        }
        if self.seen.is_none() {
            let (present, cursor) = snapshot(store)?;
            self.seen = Some(Seen { cursor, present });
            journal.count("reader: comes anew");
        }
        let Some(seen) = &mut self.seen else { return Ok(()) };
        for _ in 0..=random.below(6) {
            let limit = 1 + random.below(40);
            let page = at_once(store.feed(FeedKind::States, &seen.cursor, &[], limit))?;
            for entry in &page.entries {
                seen.take(entry, journal);
                journal.note(&format!("told: {} {}", entry.number, entry.body));
            }
            journal.check(page.cursor == seen.cursor, || format!("{} after {}", page.cursor, seen.cursor));
            if !page.more {
                let (present, cursor) = snapshot(store)?;
                let right = (&present, &cursor) == (&seen.present, &seen.cursor);
                journal.check(right, || format!("told {seen:?}, and in the snapshot {present:?}, {cursor}"));
                journal.count("reader: has caught up");
                break;
            }
        }
        Ok(())
    }
}

impl Seen {
    fn take(&mut self, entry: &FeedEntry, journal: &Journal) {
        let number = self.cursor.seen.entry(entry.source.clone()).or_default();
        journal.check(*number + 1 == entry.number, || format!("{entry:?} comes after {number}"));
        *number = entry.number;
        let now: AgentNow = serde_json::from_str(&entry.body).unwrap();
        let before = self.present.insert((now.source.clone(), now.agent_id.clone()), now.clone());
        journal.check(before.as_ref() != Some(&now), || format!("{entry:?} changes nothing"));
    }
}
