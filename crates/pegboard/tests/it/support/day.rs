//! A day of a simulated contact centre, as it was delivered.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pegboard::replay::Input;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::events::{AgentEventRecord, ContactRecordOut};
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::wire::Writer;
use pegboard_sim::world::Change;
use pegboard_sim::{Centre, Config, Delivery, Organisation, Stream, Truth};

const HOUR: i64 = 3_600_000;

/// A Monday morning: people are at work, or on their way.
pub(crate) fn morning() -> Timestamp {
    "2026-03-02T07:00:00Z".parse().unwrap()
}

/// A centre whose simulation began so many full hours ago, at eight in the morning of its people: whatever the hour is now,
/// they are at work.
pub(crate) fn begun(hours_ago: u32, agents: usize, hours: u32, seed: u64) -> Config {
    let hour = pegboard::clock::system().as_millis().div_euclid(HOUR) - i64::from(hours_ago);
    let utc_offset_minutes = (8 - hour.rem_euclid(24)) * 60;
    Config { utc_offset_minutes, ..Config::new(agents, Timestamp::from_millis(hour * HOUR), hours, seed) }
}

/// Both streams of a day, in order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    pub(crate) organisation: Arc<Organisation>,
    /// What happened to agents, told or not.
    pub(crate) changes: Arc<Vec<Change>>,
    pub(crate) events: Vec<AgentEventRecord>,
    pub(crate) records: Vec<ContactRecordOut>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// What is delivered.
#[derive(Clone, Copy)]
enum Item<'a> {
    Event(&'a AgentEventRecord),
    Record(&'a ContactRecordOut),
}

impl Day {
    pub(crate) fn simulate(config: Config) -> Self {
        let (start, end) = (config.start, config.end());
        let simulation = Centre::new(config).run();
        Self {
            organisation: simulation.organisation,
            changes: Arc::new(simulation.changes),
            events: simulation.agent_events,
            records: simulation.contact_records,
            start,
            end,
        }
    }

    /// From 07:00 on.
    pub(crate) fn of(agents: usize, hours: u32, seed: u64) -> Self {
        Self::simulate(Config::new(agents, morning(), hours, seed))
    }

    /// The same day as it arrives over a worse line.
    pub(crate) fn disturbed(&self, disturbance: &Disturbance) -> Self {
        Self {
            events: disturbance.disturb(&self.events),
            records: disturbance.disturb(&self.records),
            ..self.clone()
        }
    }

    /// The same day, of which some agent events are disturbed or lost on the way.
    pub(crate) fn with_events(&self, disturbance: &Disturbance) -> Self {
        Self { events: disturbance.disturb(&self.events), ..self.clone() }
    }

    /// What can be known from what was delivered.
    pub(crate) fn knowable(&self, settings: &ReportSettings) -> Truth {
        Truth::knowable(&self.organisation, &self.events, &self.records, settings)
    }

    /// The whole day, every policy at its default.
    pub(crate) fn settings(&self) -> ReportSettings {
        ReportSettings::new(self.start, self.end)
    }

    /// Writes both streams as the platform would, one record a line.
    pub(crate) fn write(&self, folder: &Path) -> [Input; 2] {
        let writer = Writer::new(self.organisation.clone());
        let (mut events, mut records) = (String::new(), String::new());
        for event in &self.events {
            events.push_str(&writer.agent_event_json(event));
            events.push('\n');
        }
        for record in &self.records {
            records.push_str(&writer.contact_record_json(record));
            records.push('\n');
        }
        [("agent-events.ndjson", events), ("contact-records.ndjson", records)].map(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            Input::parse(path.to_str().unwrap())
        })
    }

    /// Both streams as one, in order of arrival.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let writer = Writer::new(self.organisation.clone());
        let delivery = |item| match item {
            Item::Event(event) => Delivery {
                at: event.delivered,
                stream: Stream::AgentEvents,
                partition_key: writer.agent_arn(event.agent),
                json: writer.agent_event_json(event),
            },
            Item::Record(record) => Delivery {
                at: record.delivered,
                stream: Stream::ContactRecords,
                partition_key: record.leg.id.to_string(),
                json: writer.contact_record_json(record),
            },
        };
        self.arriving().into_iter().map(delivery).collect()
    }

    /// What arrives, in order of arrival.
    fn arriving(&self) -> Vec<Item<'_>> {
        let events = self.events.iter().map(Item::Event);
        let mut items: Vec<_> = events.chain(self.records.iter().map(Item::Record)).collect();
        items.sort_by_key(|item| match item {
            Item::Event(event) => event.delivered,
            Item::Record(record) => record.delivered,
        });
        items
    }

    /// When each delivery happened that is an event.
    pub(crate) fn event_times(&self) -> Vec<Option<Timestamp>> {
        let time = |item| match item {
            Item::Event(event) => Some(event.at),
            Item::Record(_) => None,
        };
        self.arriving().into_iter().map(time).collect()
    }

    /// The same day without some of the deliveries, by their number.
    pub(crate) fn without(&self, lost: &BTreeSet<usize>) -> Self {
        let mut kept = Self { events: Vec::new(), records: Vec::new(), ..self.clone() };
        for (number, item) in self.arriving().into_iter().enumerate() {
            match item {
                _ if lost.contains(&number) => {}
                Item::Event(event) => kept.events.push(event.clone()),
                Item::Record(record) => kept.records.push(record.clone()),
            }
        }
        kept
    }
}

/// Records that come twice, late by up to half an hour, and in any order over the whole day.
pub(crate) fn shuffled(seed: u64) -> Disturbance {
    Disturbance { twice: 0.05, late: 0.1, shuffled: true, ..Disturbance::none(seed) }
}

/// Records that come twice, and late by up to `late_by`.
pub(crate) fn late(seed: u64, late_by: Millis) -> Disturbance {
    Disturbance { twice: 0.03, late: 0.1, late_by, ..Disturbance::none(seed) }
}
