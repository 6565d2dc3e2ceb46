//! Everything that a reader of the store can see, so that two stores can be compared.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pegboard_model::{AgentNow, Timestamp};
use pegboard_store::{Cursor, FeedEntry, FeedKind, Store};
use serde_json::Value;

use super::input::{Conserved, Input, SOURCES};
use crate::support::compare::first_difference;

const REPORTS: [&str; 4] = ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"];

/// What is seen of both sources. Not in it: epochs, the store's identity, and times of writing.
#[derive(Debug)]
pub(super) struct Outcome {
    agents: Vec<String>,
    timelines: Vec<String>,
    contacts: Vec<String>,
    /// Report, interval, key, revision, reason, columns.
    rows: Vec<String>,
    /// Of each row, its revisions as the feed told them.
    told_rows: BTreeMap<String, Vec<String>>,
    /// Of each agent, its states as the feed told them.
    told_states: BTreeMap<String, Vec<String>>,
    dead_letters: Vec<String>,
    gaps: Vec<String>,
    partitions: Vec<String>,
    counts: Conserved,
}

impl Outcome {
    /// Reads everything of intervals that start before `end`. Names of partitions are shown without `folder`.
    pub(super) async fn read(store: &dyn Store, end: Timestamp, folder: &str) -> Self {
        let mut outcome = Self {
            agents: Vec::new(),
            timelines: Vec::new(),
            contacts: Vec::new(),
            rows: Vec::new(),
            told_rows: BTreeMap::new(),
            told_states: BTreeMap::new(),
            dead_letters: Vec::new(),
            gaps: Vec::new(),
            partitions: Vec::new(),
            counts: Conserved::default(),
        };
        let snapshot = store.agents(&[]).await.unwrap();
        outcome.agents = snapshot.agents.iter().map(line).collect();
        for source in SOURCES {
            outcome.read_source(store, source, end, folder).await;
        }
        for entry in whole_feed(store, FeedKind::States).await {
            let now: AgentNow = serde_json::from_str(&entry.body).unwrap();
            let agent = format!("{} {}", entry.source, now.agent_id);
            outcome.told_states.entry(agent).or_default().push(entry.body);
        }
        for entry in whole_feed(store, FeedKind::Rows).await {
            let body: Value = serde_json::from_str(&entry.body).unwrap();
            let start: Timestamp = body["interval_start"].as_str().unwrap().parse().unwrap();
            if start < end {
                let key = format!("{} {} {start} {}", entry.source, body["report"], body["key"]);
                outcome.told_rows.entry(key).or_default().push(entry.body);
            }
        }
        for letter in store.dead_letters(&[], None, 100_000).await.unwrap() {
            let partition = letter.partition.as_str().replace(folder, "");
            outcome.dead_letters.push(format!(
                "{} {partition} {:?} {} {:?}",
                letter.source, letter.position, letter.reason, letter.payload
            ));
        }
        outcome.dead_letters.sort();
        outcome
    }

    async fn read_source(&mut self, store: &dyn Store, source: &str, end: Timestamp, folder: &str) {
        let name = source.into();
        let timelines = store.segments(&name, None, Timestamp::MIN, Timestamp::MAX).await.unwrap();
        self.timelines.extend(timelines.iter().map(line));
        let contacts = store.contacts(&name, Timestamp::MIN, Timestamp::MAX).await.unwrap();
        self.contacts.extend(contacts.iter().map(line));
        for report in REPORTS {
            for row in store.rows(&name, report, Timestamp::MIN, end).await.unwrap() {
                self.rows.push(format!(
                    "{source} {report} {} {} {} {} {}",
                    row.interval_start, row.key, row.revision, row.reason, row.body
                ));
            }
        }
        for partition in store.partitions(&name).await.unwrap() {
            self.counts.add(partition.counts);
            let id = partition.partition.as_str().replace(folder, "");
            self.partitions.push(format!("{source} {id} {:?} {:?}", partition.position, partition.counts));
        }
        self.gaps.extend(store.gaps(&name, 1000).await.unwrap().iter().map(line));
    }

    /// Two empty stores are the same, and show nothing.
    pub(super) fn assert_is_a_centre(&self) {
        assert!(self.agents.len() > 6 && self.contacts.len() > 50, "{} agents", self.agents.len());
        assert!(self.timelines.len() > 500 && self.rows.len() > 1000, "{} rows", self.rows.len());
    }

    /// A store that was there while everything happened shows also what was corrected.
    pub(super) fn assert_shows_something(&self) {
        self.assert_is_a_centre();
        assert!(self.told_states.values().any(|states| states.len() > 20));
        assert!(self.told_rows.values().any(|revisions| revisions.len() > 1), "nothing was revised");
        assert!(self.dead_letters.len() > 10 && self.gaps.is_empty(), "{:?}", self.gaps);
    }

    /// Every record that was read came to what it had to come to, once.
    #[track_caller]
    pub(super) fn assert_conserves(&self, input: &Input) {
        assert_eq!(self.counts, input.conserved);
        assert_eq!(self.dead_letters.len() as u64, input.conserved.failed);
    }

    /// It is the same as of another run; else says what differs first.
    #[track_caller]
    pub(super) fn assert_same(&self, other: &Self) {
        let differences = [
            first_difference("partitions", &self.partitions, &other.partitions),
            first_difference("dead letters", &self.dead_letters, &other.dead_letters),
            first_difference("gaps", &self.gaps, &other.gaps),
            first_difference("contacts", &self.contacts, &other.contacts),
            first_difference("timelines", &self.timelines, &other.timelines),
            first_difference("agents", &self.agents, &other.agents),
            first_difference("rows", &self.rows, &other.rows),
            first_of_map("revisions told", &self.told_rows, &other.told_rows),
            first_of_map("states told", &self.told_states, &other.told_states),
        ];
        let differences: Vec<String> = differences.into_iter().flatten().collect();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

fn first_of_map(
    what: &str,
    expected: &BTreeMap<String, Vec<String>>,
    found: &BTreeMap<String, Vec<String>>,
) -> Option<String> {
    let keys = |map: &BTreeMap<String, Vec<String>>| map.keys().cloned().collect::<Vec<_>>();
    let of_keys = first_difference(what, &keys(expected), &keys(found));
    of_keys.or_else(|| {
        expected.iter().find_map(|(key, own)| first_difference(&format!("{what} of {key}"), own, &found[key]))
    })
}

fn line<T: Debug>(value: &T) -> String {
    format!("{value:?}")
}

/// Everything in a feed, whose numbers have no gap.
async fn whole_feed(store: &dyn Store, kind: FeedKind) -> Vec<FeedEntry> {
    let mut cursor = Cursor { store: store.id().clone(), seen: BTreeMap::new() };
    let mut entries = Vec::new();
    loop {
        let page = store.feed(kind, &cursor, &[], 5000).await.unwrap();
        entries.extend(page.entries);
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    for source in SOURCES {
        let own = entries.iter().filter(|entry| entry.source.as_str() == source);
        assert!(
            (1..).zip(own).all(|(number, entry): (u64, _)| number == entry.number),
            "a number is missing"
        );
    }
    entries
}
