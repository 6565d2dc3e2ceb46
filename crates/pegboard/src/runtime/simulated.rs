//! A source that is a simulated contact centre: a day of history at once, then as time passes. For the demo.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_sim::Centre;

use crate::clock::Clock;

/// How much simulated time one read covers while it catches up.
const STRIDE: Millis = Millis::from_minutes(15);

/// The pause between two reads once it has caught up.
const PACE: Duration = Duration::from_millis(500);

/// How much has happened before the first start.
const HISTORY: Millis = Millis::from_hours(24);

/// A simulated contact centre. Its partition is named after its beginning, so that after a restart the same centre
/// lives on.
pub struct SimulatedSource {
    agents: usize,
    seed: u64,
    clock: Clock,
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
    /// A centre of so many agents, in which everything random follows from `seed`.
    pub fn new(agents: usize, seed: u64, clock: Clock) -> Self {
        Self { agents, seed, clock }
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
            let hour = 3_600_000;
            let begin = (self.clock)() - HISTORY;
            let begin = Timestamp::from_millis(begin.as_millis().div_euclid(hour) * hour);
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
        let mut centre = Centre::new(pegboard_sim::Config::new(self.agents, begin, 0, self.seed));
        drop(centre.step_until(reached));
        Ok(Box::new(SimulatedPartition { centre, reached, clock: self.clock, count: 0 }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

struct SimulatedPartition {
    centre: Centre,
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
        let deliveries = self.centre.step_until(until);
        self.reached = until;
        let records = deliveries.into_iter().map(|delivery| {
            self.count += 1;
            Record { position: Position::Number(self.count), data: delivery.json.into_bytes() }
        });
        Ok(Chunk {
            records: records.collect(),
            watermark: Some(until),
            behind: Some(now.since(until)),
            ..Chunk::at(Position::Number(until.as_millis().unsigned_abs()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_centre_starts_at_its_oldest_record() {
        let source = SimulatedSource::new(3, 1, || Timestamp::from_seconds(1_800_000_000));
        let plan = source.plan(&BTreeMap::new()).await.unwrap();
        assert_eq!(plan.open[0].from, source.oldest(&plan.open[0].partition));
    }
}
