//! A source in this process: days of a simulated contact centre, as its platform tells of them, one after the other, and beside
//! them a partition of live events.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use pegboard::report_text::json_object;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::report::Row;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_sim::events::ContactRecordOut;
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Centre as Simulated, Config, Stream, Truth};
use serde::{Deserialize, Serialize};

use super::centre::Centre;

/// How much of the centre's time is lived through at once.
const STEP: Millis = Millis::from_minutes(5);

/// What a read gives at most.
const AT_ONCE: usize = 2000;

/// How long after the last day all of it is told.
const AFTER: Millis = Millis::from_hours(3);

/// The partition of the days.
const DAYS: &str = "days";

const DAY: Millis = Millis::from_hours(24);

/// By which goals rows of queues are reckoned: those that the days are read with, and those that they are reloaded by.
pub(crate) const SERVICE_LEVELS: [Millis; 2] = [Millis::from_seconds(20), Millis::from_seconds(45)];

/// What the days came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) events: u64,
    pub(crate) contacts: u64,
    pub(crate) days: Vec<TrueDay>,
}

/// What the rows of contacts of a day must be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrueDay {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// By each of the goals: how many, and their hash.
    pub(crate) rows: [(usize, u64); 2],
}

/// Rows as one number: of each its report and what it says, in order.
pub(crate) fn fingerprint(mut rows: Vec<(&str, String)>) -> (usize, u64) {
    rows.sort_unstable();
    let mut hasher = DefaultHasher::new();
    rows.hash(&mut hasher);
    (rows.len(), hasher.finish())
}

/// The centre, and how far it is.
struct Life {
    centre: Simulated,
    now: Timestamp,
    end: Timestamp,
    ready: VecDeque<Chunk>,
    chunks: u64,
    records: u64,
    told: Told,
    /// Records of contacts since the day before the present one.
    contacts: Vec<ContactRecordOut>,
    day: Timestamp,
}

impl Life {
    fn next(&mut self) -> Option<Chunk> {
        while self.ready.is_empty() && self.now < self.end {
            self.live();
        }
        self.ready.pop_front()
    }

    fn live(&mut self) {
        self.now = (self.now + STEP).min(self.end);
        let (deliveries, passage) = self.centre.tell_until(self.now);
        self.told.contacts += passage.contact_records.len() as u64;
        self.contacts.extend(passage.contact_records);
        let events = deliveries.iter().filter(|delivery| delivery.stream == Stream::AgentEvents);
        self.told.events += events.count() as u64;
        let mut records = deliveries.into_iter().map(|delivery| {
            self.records += 1;
            Record { position: Position::Number(self.records), data: delivery.json.into_bytes() }
        });
        loop {
            let part: Vec<_> = records.by_ref().take(AT_ONCE).collect();
            let is_last = part.len() < AT_ONCE;
            self.chunks += 1;
            let watermark = is_last.then_some(self.now);
            self.ready.push_back(Chunk {
                records: part,
                watermark,
                ..Chunk::at(Position::Number(self.chunks))
            });
            if is_last {
                break;
            }
        }
        if self.now >= self.day + DAY + AFTER {
            self.end_day();
        }
    }

    /// Reckons what the rows of the day must be, once all of it is told.
    fn end_day(&mut self) {
        let (from, to) = (self.day, self.day + DAY);
        let organisation = self.centre.organisation();
        let rows = SERVICE_LEVELS.map(|service_level| {
            let settings =
                ReportSettings { source: "bench".into(), service_level, ..ReportSettings::new(from, to) };
            let truth = Truth::knowable(organisation, &[], &self.contacts, &settings);
            let rows = lines(&truth.queue_intervals).chain(lines(&truth.agent_queue_intervals));
            fingerprint(rows.collect())
        });
        self.told.days.push(TrueDay { from, to, rows });
        // Who called on that day may hang up on the next.
        let late = to - Millis::from_hours(6);
        self.contacts.retain(|record| record.delivered >= late);
        self.day = to;
    }
}

fn lines<R: Row>(rows: &[R]) -> impl Iterator<Item = (&'static str, String)> {
    rows.iter().map(|row| (R::REPORT, json_object(row)))
}

/// Copies are the same source.
#[derive(Clone)]
pub(crate) struct Month {
    /// Nothing where the days are read already.
    life: Option<Arc<Mutex<Life>>>,
    live: Option<Centre>,
}

impl std::fmt::Debug for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Month").finish_non_exhaustive()
    }
}

impl Month {
    /// So many days of so many agents, the last of them yesterday.
    pub(crate) fn lived(days: u32, agents: usize, now: Timestamp) -> Self {
        let midnight = (now - AFTER).as_millis().div_euclid(DAY.get()) * DAY.get();
        let to = Timestamp::from_millis(midnight);
        let start = to - Millis::from_hours(24 * i64::from(days));
        let life = Life {
            centre: Simulated::new(Config::new(agents, start, 24 * days + 24, 7)),
            now: start,
            end: to + AFTER,
            ready: VecDeque::new(),
            chunks: 0,
            records: 0,
            told: Told::default(),
            contacts: Vec::new(),
            day: start,
        };
        Self { life: Some(Arc::new(Mutex::new(life))), live: None }
    }

    /// The same source when its days are read, beside events of the present.
    pub(crate) fn beside(live: Centre) -> Self {
        Self { life: None, live: Some(live) }
    }

    /// What the days came to, once all of them are told; nothing before.
    pub(crate) fn told(&self) -> Option<Told> {
        let life = self.life.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        (life.now == life.end && life.ready.is_empty()).then(|| life.told.clone())
    }
}

#[async_trait]
impl Source for Month {
    fn kind(&self) -> &'static str {
        "bench"
    }

    fn has_heartbeat(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok("a bench".into())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut plan = match &self.live {
            Some(live) => live.plan(known).await?,
            None => Plan::default(),
        };
        let days = PartitionId::from(DAYS);
        let (from, watermark) = match known.get(&days) {
            Some(Progress::Started { position, watermark }) => (position.clone(), *watermark),
            _ => (Position::Number(0), None),
        };
        plan.open.push(Opening { partition: days, from, watermark, parents: Vec::new() });
        Ok(plan)
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        match &self.live {
            Some(live) if opening.partition.as_str() != DAYS => live.open(opening),
            _ => Ok(Box::new(Reader(self.clone()))),
        }
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

#[derive(Debug)]
struct Reader(Month);

#[async_trait]
impl PartitionReader for Reader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        if let Some(life) = self.0.life.clone() {
            let next = move || life.lock().unwrap_or_else(PoisonError::into_inner).next();
            let next = tokio::task::spawn_blocking(next).await;
            if let Some(chunk) = next.map_err(|error| SourceError::passing(error.to_string()))? {
                return Ok(chunk);
            }
        }
        std::future::pending().await
    }
}
