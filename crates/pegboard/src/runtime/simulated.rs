//! A source that is a simulated contact centre: some days of history at once, then as time passes; with the reports that its
//! ACD writes of it. For the demo.

mod reports;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_sim::Centre;

use self::reports::{PutBack, Reports};
use crate::clock::Clock;

/// How much simulated time one read covers while it catches up.
const STRIDE: Millis = Millis::from_minutes(15);

/// The pause between two reads once it has caught up.
const PACE: Duration = Duration::from_millis(500);

/// What somebody writes into the stream who tries something out, and at which quarter of a day.
const TRIAL: (&[u8], i64) = (b"{\"EventType\":\"STATE_CHANGE\",\"EventTimestamp\":\"2026-", 13 * 4 + 1);

/// A simulated contact centre. Its partition is named after its beginning, so that after a restart the same centre
/// lives on.
pub struct SimulatedSource {
    agents: usize,
    seed: u64,
    history: Millis,
    clock: Clock,
    put_back: Arc<PutBack>,
}

impl fmt::Debug for SimulatedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedSource")
            .field("agents", &self.agents)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl SimulatedSource {
    /// A centre of so many agents, in which everything random follows from `seed`. `history` is how much has happened before
    /// the first start.
    pub fn new(agents: usize, seed: u64, history: Millis, clock: Clock) -> Self {
        Self { agents, seed, history, clock, put_back: Arc::default() }
    }

    fn name(&self, begin: Timestamp) -> PartitionId {
        format!("simulated-{}-{}@{begin}", self.agents, self.seed).into()
    }

    fn beginning(partition: &PartitionId) -> Option<Timestamp> {
        partition.as_str().rsplit_once('@')?.1.parse().ok()
    }
}

#[async_trait]
impl Source for SimulatedSource {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn has_heartbeat(&self) -> bool {
        true
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok(format!("{} simulated agents", self.agents))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let prefix = format!("simulated-{}-{}@", self.agents, self.seed);
        let started = known.iter().find_map(|(partition, progress)| match progress {
            Progress::Started { position, watermark } if partition.as_str().starts_with(&prefix) => {
                Some((partition.clone(), position.clone(), *watermark))
            }
            _ => None,
        });
        let (partition, from, watermark) = started.unwrap_or_else(|| {
            let begin = beginning((self.clock)(), self.history);
            (self.name(begin), Position::Number(begin.as_millis().unsigned_abs()), None)
        });
        let others =
            known.iter().filter(|(other, progress)| **other != partition && **progress != Progress::Finished);
        let lost = others.map(|(other, _)| other.clone()).collect();
        let open = vec![Opening { partition, from, watermark, parents: Vec::new() }];
        Ok(Plan { open, waiting: Vec::new(), lost })
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        let begin = Self::beginning(partition).map_or(0, Timestamp::as_millis);
        Position::Number(begin.unsigned_abs())
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let begin = Self::beginning(&opening.partition);
        let (Some(begin), Position::Number(reached)) = (begin, &opening.from) else {
            return Err(SourceError::permanent(format!("{} is no simulated centre", opening.partition)));
        };
        let reached = Timestamp::from_millis(i64::try_from(*reached).unwrap_or(i64::MAX));
        let usual = pegboard_sim::Config::new(self.agents, begin, 0, self.seed);
        let mut centre =
            Centre::new(pegboard_sim::Config { utc_offset_minutes: morning_offset(begin), ..usual });
        let mut reports =
            Reports::new(centre.organisation().clone(), begin, self.seed, self.put_back.clone());
        // What was told before is in the store.
        let (_, passage) = centre.tell_until(reached);
        drop(reports.arrive(&passage, reached));
        Ok(Box::new(SimulatedPartition { centre, reports, reached, clock: self.clock, count: 0 }))
    }

    /// A file that was edited has been put back by then as the platform wrote it.
    async fn again(&self, _: &PartitionId, position: &Position) -> Result<Option<Chunk>, SourceError> {
        let chunk = |rows| Chunk { rows, ..Chunk::at(position.clone()) };
        Ok(self.put_back.rows(position).map(chunk))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

/// When a centre begins that has such a history now: with an hour.
pub fn beginning(now: Timestamp, history: Millis) -> Timestamp {
    let hour = Millis::from_hours(1).get();
    Timestamp::from_millis((now - history).as_millis().div_euclid(hour) * hour)
}

/// The clock that people live by, in minutes east of Greenwich: it is ten in the morning when the centre begins, and whole days
/// later, when somebody looks at it for the first time. At night there would be nobody to see.
pub fn morning_offset(begin: Timestamp) -> i64 {
    let hour = begin.as_millis().div_euclid(3_600_000).rem_euclid(24);
    let east = (10 - hour).rem_euclid(24);
    60 * if east > 12 { east - 24 } else { east }
}

struct SimulatedPartition {
    centre: Centre,
    reports: Reports,
    reached: Timestamp,
    clock: Clock,
    count: u64,
}

impl fmt::Debug for SimulatedPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedPartition").field("reached", &self.reached).finish_non_exhaustive()
    }
}

#[async_trait]
impl PartitionReader for SimulatedPartition {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let mut now = (self.clock)();
        if self.reached + STRIDE > now {
            tokio::time::sleep(PACE).await;
            now = (self.clock)();
        }
        let until = (self.reached + STRIDE).min(now).max(self.reached);
        let (deliveries, passage) = self.centre.tell_until(until);
        let arrived = self.reports.arrive(&passage, until);
        let quarter = |at: Timestamp| at.as_millis().div_euclid(STRIDE.get());
        let is_trial = quarter(self.reached) != quarter(until) && quarter(until).rem_euclid(96) == TRIAL.1;
        self.reached = until;
        let told = deliveries.into_iter().map(|delivery| delivery.json.into_bytes());
        let records = told.chain(is_trial.then(|| TRIAL.0.to_vec())).map(|data| {
            self.count += 1;
            Record { position: Position::Number(self.count), data }
        });
        Ok(Chunk {
            records: records.collect(),
            rows: arrived.rows,
            broken: arrived.broken,
            watermark: Some(until),
            behind: Some(now.since(until)),
            ..Chunk::at(Position::Number(until.as_millis().unsigned_abs()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whenever_a_centre_begins_it_is_ten_in_the_morning() {
        for hour in 0..24 {
            let offset = morning_offset(Timestamp::from_seconds(3600 * hour));
            assert_eq!((60 * hour + offset).rem_euclid(24 * 60), 600, "{hour}");
            assert!((-720..=720).contains(&offset), "{offset}");
        }
    }

    #[tokio::test]
    async fn a_centre_starts_at_its_oldest_record() {
        let source =
            SimulatedSource::new(3, 1, Millis::from_hours(24), || Timestamp::from_seconds(1_800_000_000));
        let plan = source.plan(&BTreeMap::new()).await.unwrap();
        assert_eq!(plan.open[0].from, source.oldest(&plan.open[0].partition));
    }
}
