//! Everything that a hub shows once all is read and closed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use pegboard::config::SourceConfig;
use pegboard::runtime::hub::Hub;
use pegboard::runtime::reconcile::is_lane;
use pegboard_model::{AgentId, AgentNow, Class, Position, Segment, SourceName, Timestamp};
use pegboard_sim::truth::{ReportSettings, Silence};
use pegboard_store::{Cursor, DeadLetter, FeedKind, Gap, Store};

use super::at_once::at_once;
use super::case::{Case, Centre};
use super::repairs::Repairs;
use super::witness::Missing;
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
    /// How many rows a reload wrote last.
    reloaded: u64,
    /// How often an agent was known again after he was unknown because of a gap.
    known_again: u64,
    /// What of the stream is not in this.
    pub(super) missing: Missing,
    /// What the looks at its platform left behind, if it can be asked.
    repairs: Option<Repairs>,
    /// Of each agent, its states as the feed told them.
    told: BTreeMap<String, Vec<String>>,
}

fn lines<T: Debug>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| format!("{value:?}")).collect()
}

impl Outcome {
    pub(super) async fn read(
        hub: &Hub,
        store: &dyn Store,
        centre: &Centre,
        config: &SourceConfig,
        missing: Missing,
    ) -> Self {
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
        let refused = missing.refused.len() as u64;
        let [records, .., failed] = &mut totals;
        (*records, *failed) = (*records - refused, *failed - refused);
        let letters = at_once(store.dead_letters(own, None, 100_000)).unwrap();
        let is_bad = |letter: &&DeadLetter| {
            let Position::Number(number) = letter.position else { return true };
            !missing.refused.contains(&(letter.partition.clone(), number))
        };
        let mut dead_letters = lines(
            letters
                .iter()
                .filter(is_bad)
                .map(|letter| (&letter.partition, &letter.position, &letter.reason, &letter.payload)),
        );
        dead_letters.sort();
        let segments = at_once(store.segments(&name, None, Timestamp::MIN, Timestamp::MAX)).unwrap();
        let gaps = at_once(store.gaps(&name, 1_000)).unwrap();
        let tables = tables(hub, own, centre.day.start, centre.day.end).await;
        let read = partitions.iter().filter(|state| !is_lane(&state.partition));
        Self {
            repairs: centre.is_watched.then(|| Repairs::read(store, centre, config, &tables)),
            tables,
            agents: lines(at_once(store.agents(own)).unwrap().agents),
            known_again: known_again(&segments, &gaps),
            timelines: lines(segments),
            contacts: lines(at_once(store.contacts(&name, Timestamp::MIN, Timestamp::MAX)).unwrap()),
            dead_letters,
            partitions: lines(read.map(|state| (&state.partition, &state.position, state.finished))),
            totals,
            revised: revised(store, &name, centre),
            reloaded: reloaded(store, &name, centre),
            missing,
            told: told(store, &name),
        }
    }

    /// How this differs from an undisturbed run, and from replay of the same records.
    pub(super) fn faults(&self, case: &Case, centre: &Centre, undisturbed: &Self) -> Vec<String> {
        let mut faults = vec![
            first_difference("partitions", &undisturbed.partitions, &self.partitions),
            first_difference("totals", &undisturbed.totals, &self.totals),
            first_difference("dead letters", &undisturbed.dead_letters, &self.dead_letters),
            first_difference("contacts", &undisturbed.contacts, &self.contacts),
        ];
        let events: BTreeSet<_> = centre.day.events.iter().map(|event| event.id).collect();
        faults.push(first_difference("distinct events", &[events.len() as u64], &self.totals[1..2]));
        match &self.repairs {
            // When there was a look, and what it found, is another thing each time.
            Some(repairs) => faults.extend(repairs.faults.iter().cloned().map(Some)),
            None => faults.extend(self.differences(case, centre, undisturbed)),
        }
        faults.into_iter().flatten().map(|fault| format!("{}: {fault}", centre.name)).collect()
    }

    /// The same of everything that only the stream decides.
    fn differences(&self, case: &Case, centre: &Centre, undisturbed: &Self) -> Vec<Option<String>> {
        let mut faults = vec![
            first_difference("agents", &undisturbed.agents, &self.agents),
            first_difference("timelines", &undisturbed.timelines, &self.timelines),
        ];
        for (name, rows) in &undisturbed.tables {
            faults.push(first_difference(name, rows, &self.tables[name]));
        }
        // With late evidence or silence it depends on when something came what was the present meanwhile.
        if case.is_clean && !centre.has_heartbeat && self.missing.all().is_empty() {
            for (agent, states) in &undisturbed.told {
                let none = Vec::new();
                let own = self.told.get(agent).unwrap_or(&none);
                faults.push(first_difference(&format!("states told of {agent}"), states, own));
            }
        }
        for (name, rows) in known(centre) {
            faults.push(first_difference(&format!("truth of {name}"), &rows, &self.tables[name]));
        }
        faults
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
            ("seen: a row of a reload", self.reloaded),
            ("seen: a lost record", self.missing.lost.len() as u64),
            ("seen: an agent is known again after a gap", self.known_again),
        ];
        if let Some(repairs) = &self.repairs {
            seen.push(("seen: an agent is repaired", repairs.repaired));
            seen.push(("seen: a missed sign-out is repaired", repairs.sign_outs));
        }
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

fn revised(store: &dyn Store, source: &SourceName, centre: &Centre) -> u64 {
    let rows = at_once(store.rows(source, "agent_interval", centre.day.start, centre.day.end)).unwrap();
    rows.iter().filter(|row| row.revision > 1).count() as u64
}

fn reloaded(store: &dyn Store, source: &SourceName, centre: &Centre) -> u64 {
    let reports = ["agent_interval", "queue_interval"].iter();
    let rows = reports
        .flat_map(|report| at_once(store.rows(source, report, centre.day.start, centre.day.end)).unwrap());
    rows.filter(|row| &*row.reason == "reload").count() as u64
}

/// How many unknown stretches began in a gap and ended.
fn known_again(segments: &[(AgentId, Segment)], gaps: &[Gap]) -> u64 {
    let in_gap =
        |at: Timestamp| gaps.iter().any(|gap| gap.from.is_some_and(|from| from <= at) && at <= gap.at);
    let ended = segments.iter().filter(|(_, segment)| segment.state.class == Class::Unknown);
    ended.filter(|(_, segment)| segment.end.is_some() && in_gap(segment.start)).count() as u64
}

fn told(store: &dyn Store, source: &SourceName) -> BTreeMap<String, Vec<String>> {
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
