//! What was seen that no row names.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::{SourceName, Text, Timestamp};

/// The most entries that are kept apart. More of them are counted in one.
pub(crate) const MOST_UNMAPPED: usize = 10_000;

/// The most agents of an entry that are named.
pub const MOST_AFFECTED: usize = 20;

/// What can be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MappedKind {
    /// A state.
    State,
    /// A queue.
    Queue,
    /// An agent.
    Agent,
}

impl MappedKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Queue => "queue",
            Self::Agent => "agent",
        }
    }

    /// The kind that a word is for.
    pub fn from_name(word: &str) -> Option<Self> {
        [Self::State, Self::Queue, Self::Agent].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Something that no row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// What it is.
    pub kind: MappedKind,
    /// The source.
    pub source: SourceName,
    /// The event id, or the id of the queue or agent; empty for contacts that were in no queue.
    pub id: Text,
    /// The reason of a state, channel and direction of a queue, the login of an agent.
    pub detail: Text,
    /// How often it was seen: changes of state, or rows of reports.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// What a row could say.
    pub suggestion: Text,
    /// Some of the agents it is about, by the id that the WFM knows: the first [`MOST_AFFECTED`] of them.
    pub agents: BTreeSet<Text>,
}

/// Everything of the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    entries: BTreeMap<(MappedKind, SourceName, Text, Text), Unmapped>,
    /// How often something was seen for which there was no room.
    pub beyond: u64,
}

impl Inbox {
    /// Counts one, in the order of time or not.
    pub(crate) fn note(&mut self, seen: Unmapped) {
        let key = (seen.kind, seen.source.clone(), seen.id.clone(), seen.detail.clone());
        if let Some(known) = self.entries.get_mut(&key) {
            known.count += seen.count;
            known.first = known.first.min(seen.first);
            known.last = known.last.max(seen.last);
            known.agents.extend(seen.agents);
            while known.agents.len() > MOST_AFFECTED {
                known.agents.pop_last();
            }
        } else if self.entries.len() < MOST_UNMAPPED {
            self.entries.insert(key, seen);
        } else {
            self.beyond += seen.count;
        }
    }

    /// Counts all that another has counted.
    pub fn take_in(&mut self, other: Self) {
        self.beyond += other.beyond;
        other.entries.into_values().for_each(|seen| self.note(seen));
    }

    /// By kind, source and id.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Unmapped> {
        self.entries.values()
    }

    /// Whether everything was mapped.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As CSV, one line each.
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["what", "source", "id", "detail", "count", "first_seen", "last_seen", "suggestion"];
        let lines = self.entries().map(|seen| {
            let [count, first, last] =
                [seen.count.to_string(), seen.first.to_string(), seen.last.to_string()];
            let kind = seen.kind.as_str().to_owned();
            let [id, detail, suggestion] = [&seen.id, &seen.detail, &seen.suggestion].map(Text::to_string);
            [kind, seen.source.to_string(), id, detail, count, first, last, suggestion]
        });
        let written = writer.write_record(header).and_then(|()| {
            let mut lines = lines;
            lines.try_for_each(|line| writer.write_record(line))
        });
        debug_assert!(written.is_ok(), "memory takes everything");
        writer.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str, at: i64) -> Unmapped {
        let at = Timestamp::from_seconds(at);
        Unmapped {
            kind: MappedKind::State,
            source: "acme".into(),
            id: id.into(),
            detail: "".into(),
            count: 1,
            first: at,
            last: at,
            suggestion: "Break,closed".into(),
            agents: BTreeSet::from([Text::from(format!("agent {}", at.as_millis() / 1000))]),
        }
    }

    #[test]
    fn what_is_seen_again_is_counted() {
        let mut inbox = Inbox::default();
        for seen in [seen("Lunch", 20), seen("Lunch", 10), seen("Ärger, \"x\"", 30)] {
            inbox.note(seen);
        }
        insta::assert_snapshot!(String::from_utf8(inbox.to_csv()).unwrap(), @r#"
        what,source,id,detail,count,first_seen,last_seen,suggestion
        state,acme,Lunch,,2,1970-01-01T00:00:10Z,1970-01-01T00:00:20Z,"Break,closed"
        state,acme,"Ärger, ""x""",,1,1970-01-01T00:00:30Z,1970-01-01T00:00:30Z,"Break,closed"
        "#);
    }

    #[test]
    fn r28_twenty_agents_of_an_entry_are_named() {
        let (mut inbox, mut more) = (Inbox::default(), Inbox::default());
        (10..25).for_each(|at| inbox.note(seen("Lunch", at)));
        (20..40).for_each(|at| more.note(seen("Lunch", at)));
        inbox.take_in(more);
        let entry = inbox.entries().next().unwrap();
        let named: Vec<_> = entry.agents.iter().map(ToString::to_string).collect();
        let expected: Vec<_> = (10..30).map(|at| format!("agent {at}")).collect();
        assert_eq!((entry.count, named), (35, expected));
    }

    #[test]
    fn r28_ten_thousand_unmapped_names_are_kept_apart_and_more_are_counted() {
        let mut inbox = Inbox::default();
        (0..10_001).for_each(|number| inbox.note(seen(&format!("status {number}"), number)));
        assert_eq!((inbox.entries().len(), inbox.beyond), (10_000, 1));
    }
}
