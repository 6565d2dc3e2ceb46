//! What was sent under its own name, or left out, because no row of the mapping names it: it waits here until it is written down with
//! what was delivered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pegboard_model::{Text, Timestamp};
use pegboard_sinks::mapping::Inbox;
use pegboard_store::UnmappedSeen;

use super::Deliverer;

/// The kind under which notes are kept.
const NOTE: &str = "note";

/// What was listed and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    inbox: Inbox,
    notes: BTreeMap<Text, UnmappedSeen>,
}

/// What an encoder tells besides its documents.
#[derive(Debug)]
pub(super) struct Remarks {
    /// What no row of the mapping names.
    pub(super) unmapped: Inbox,
    /// What whoever reads the documents should know: what they leave out, and why.
    pub(super) notes: Vec<String>,
}

impl Deliverer {
    /// Lists what an encoder has told besides its documents, which were about `at`.
    pub(super) fn list(&self, remarks: Remarks, at: Timestamp) {
        let pending = &mut *self.listed.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.inbox.take_in(remarks.unmapped);
        for text in remarks.notes {
            let note = noted(&text, at);
            let known = pending.notes.entry(note.id.clone()).or_insert(UnmappedSeen { count: 0, ..note });
            known.count += 1;
            known.first = known.first.min(at);
            known.last = known.last.max(at);
            known.suggestion = text.into();
        }
    }

    /// Takes what is to be written down.
    pub(super) fn take_listed(&self) -> Vec<UnmappedSeen> {
        let mut pending = self.listed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Pending { inbox, notes } = std::mem::take(&mut *pending);
        let seen = |seen: &pegboard_sinks::mapping::Unmapped| UnmappedSeen {
            kind: seen.kind.as_str().into(),
            source: seen.source.clone(),
            id: seen.id.clone(),
            detail: seen.detail.clone(),
            count: seen.count,
            first: seen.first,
            last: seen.last,
            suggestion: seen.suggestion.clone(),
            agents: seen.agents.iter().cloned().collect(),
        };
        inbox.entries().map(seen).chain(notes.into_values()).collect()
    }
}

/// A note as it is counted: two that differ in their numbers only are one.
fn noted(text: &str, at: Timestamp) -> UnmappedSeen {
    UnmappedSeen {
        kind: NOTE.into(),
        source: "".into(),
        id: without_numbers(text).into(),
        detail: "".into(),
        count: 1,
        first: at,
        last: at,
        suggestion: text.into(),
        agents: Vec::new(),
    }
}

fn without_numbers(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' if written.ends_with('…') => {}
            '0'..='9' => written.push('…'),
            other => written.push(other),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_that_differ_in_numbers_are_one() {
        let id = |text: &str| noted(text, Timestamp::default()).id;
        assert_eq!(id("left out: 12 contacts, 3 queues"), "left out: … contacts, … queues".into());
        assert_eq!(id("left out: 7 contacts, 14 queues"), id("left out: 12 contacts, 3 queues"));
    }
}
