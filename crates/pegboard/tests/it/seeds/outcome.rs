//! Everything that a hub shows once all is read and closed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use pegboard::runtime::hub::Hub;
use pegboard_model::{AgentNow, SourceName, Timestamp};
use pegboard_sim::truth::{ReportSettings, Silence};
use pegboard_store::{Cursor, FeedKind, SqliteStore, Store as _};

use super::at_once::at_once;
use super::case::{Case, Centre};
use crate::support::compare::first_difference;
use crate::support::live::{Tables, replayed_tables, tables, values};
use crate::support::replayed::replay;

/// Of one source.
#[derive(Debug)]
pub(super) struct Outcome {
    tables: Tables,
    agents: Vec<String>,
    timelines: Vec<String>,
    contacts: Vec<String>,
    dead_letters: Vec<String>,
    partitions: Vec<String>,
    totals: [u64; 6],
    /// How many rows have more than one revision.
    revised: u64,
    gaps: Vec<String>,
    /// Of each agent, its states as the feed told them.
    told: BTreeMap<String, Vec<String>>,
}

fn lines<T: Debug>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| format!("{value:?}")).collect()
}

impl Outcome {
    pub(super) async fn read(hub: &Hub, store: &SqliteStore, centre: &Centre) -> Self {
        let name: SourceName = centre.name.into();
        let own = std::slice::from_ref(&name);
        let partitions = at_once(store.partitions(&name)).unwrap();
        let mut totals = [0; 6];
        for state in &partitions {
            let counts = state.counts;
            let more = [
                counts.records,
                counts.events,
                counts.contacts,
                counts.duplicates,
                counts.foreign,
                counts.failed,
            ];
            totals.iter_mut().zip(more).for_each(|(total, more)| *total += more);
        }
        let letters = at_once(store.dead_letters(own, None, 10_000)).unwrap();
        let mut dead_letters = lines(
            letters
                .iter()
                .map(|letter| (&letter.partition, &letter.position, &letter.reason, &letter.payload)),
        );
        dead_letters.sort();
        Self {
            tables: tables(hub, own, centre.day.start, centre.day.end).await,
            agents: lines(at_once(store.agents(own)).unwrap().agents),
            timelines: lines(at_once(store.segments(&name, None, Timestamp::MIN, Timestamp::MAX)).unwrap()),
            contacts: lines(at_once(store.contacts(&name, Timestamp::MIN, Timestamp::MAX)).unwrap()),
            dead_letters,
            partitions: lines(
                partitions.iter().map(|state| (&state.partition, &state.position, state.finished)),
            ),
            totals,
            revised: revised(store, &name, centre),
            gaps: lines(at_once(store.gaps(&name, 100)).unwrap()),
            told: told(store, &name),
        }
    }

    /// How this differs from an undisturbed run, and from replay of the same records.
    pub(super) fn faults(&self, case: &Case, centre: &Centre, undisturbed: &Self) -> Vec<String> {
        let mut faults = vec![
            first_difference("partitions", &undisturbed.partitions, &self.partitions),
            first_difference("totals", &undisturbed.totals, &self.totals),
            first_difference("dead letters", &undisturbed.dead_letters, &self.dead_letters),
            first_difference("gaps", &undisturbed.gaps, &self.gaps),
            first_difference("agents", &undisturbed.agents, &self.agents),
            first_difference("timelines", &undisturbed.timelines, &self.timelines),
            first_difference("contacts", &undisturbed.contacts, &self.contacts),
        ];
        for (name, rows) in &undisturbed.tables {
            faults.push(first_difference(name, rows, &self.tables[name]));
        }
        // With late evidence or silence it depends on when something came what was the present meanwhile.
        if case.is_clean && !centre.has_heartbeat {
            for (agent, states) in &undisturbed.told {
                let none = Vec::new();
                let own = self.told.get(agent).unwrap_or(&none);
                faults.push(first_difference(&format!("states told of {agent}"), states, own));
            }
        }
        let events: BTreeSet<_> = centre.day.events.iter().map(|event| event.id).collect();
        faults.push(first_difference("distinct events", &[events.len() as u64], &self.totals[1..2]));
        for (name, rows) in known(centre) {
            faults.push(first_difference(&format!("truth of {name}"), &rows, &self.tables[name]));
        }
        faults.into_iter().flatten().map(|fault| format!("{}: {fault}", centre.name)).collect()
    }

    /// How much there is of everything that a seed may show.
    pub(super) fn seen(&self) -> Vec<(&'static str, u64)> {
        let [_, events, contacts, duplicates, foreign, failed] = self.totals;
        let mut seen = vec![
            ("seen: an event", events),
            ("seen: a contact", contacts),
            ("seen: a duplicate", duplicates),
            ("seen: a foreign record", foreign),
            ("seen: a dead letter", failed.min(self.dead_letters.len() as u64)),
            ("seen: a revised row", self.revised),
        ];
        seen.extend(self.tables.iter().map(|(name, rows)| (*name, rows.len() as u64)));
        seen
    }
}

/// What replay makes of the records; where silence means something, what the simulated centre says can be known.
fn known(centre: &Centre) -> Tables {
    let day = &centre.day;
    let settings = ReportSettings { source: centre.name.into(), ..day.settings() };
    if !centre.has_heartbeat {
        return replayed_tables(&replay(day, &settings));
    }
    let silence =
        Silence { stale_after: pegboard_model::Millis::from_minutes(5), watermark: centre.stream.end };
    let truth = day.knowable(&ReportSettings { silence: Some(silence), ..settings });
    Tables::from([
        ("segments", values(&truth.segments)),
        ("sessions", values(&truth.sessions)),
        ("agent_interval", values(&truth.agent_intervals)),
        ("group_interval", values(&truth.group_intervals)),
        ("queue_interval", values(&truth.queue_intervals)),
        ("agent_queue_interval", values(&truth.agent_queue_intervals)),
    ])
}

fn revised(store: &SqliteStore, source: &SourceName, centre: &Centre) -> u64 {
    let rows = at_once(store.rows(source, "agent_interval", centre.day.start, centre.day.end)).unwrap();
    rows.iter().filter(|row| row.revision > 1).count() as u64
}

fn told(store: &SqliteStore, source: &SourceName) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor = Cursor { store: store.id().clone(), seen: BTreeMap::new() };
    let mut number = 0;
    loop {
        let own = std::slice::from_ref(source);
        let page = at_once(store.feed(FeedKind::States, &cursor, own, 10_000)).unwrap();
        for entry in page.entries {
            number += 1;
            assert_eq!(entry.number, number, "the feed of {source} has a gap");
            let now: AgentNow = serde_json::from_str(&entry.body).unwrap();
            told.entry(now.agent_id.to_string()).or_default().push(entry.body);
        }
        cursor = page.cursor;
        if !page.more {
            return told;
        }
    }
}
