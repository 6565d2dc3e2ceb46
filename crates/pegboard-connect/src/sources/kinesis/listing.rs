//! What a stream has, and which of it is to be read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_aws as aws;
use pegboard_model::{PartitionId, Position};

use crate::spec::{Opening, Plan, Progress, SourceError};

pub(super) type SharedListing = Arc<Mutex<Listing>>;

pub(super) fn lock(listing: &SharedListing) -> MutexGuard<'_, Listing> {
    listing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the last listing of the stream gave.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) shards: BTreeMap<PartitionId, aws::Shard>,
    /// Where partitions start that are not remembered yet. Openings are remembered one by one, and the first one makes
    /// late-comers of the others, which are read whole; so every plan names the start that the first one named.
    starts: BTreeMap<PartitionId, Position>,
}

/// What the partition of a shard of the stream `identity` is called.
pub(super) fn partition_of(identity: &str, shard: &aws::ShardId) -> PartitionId {
    format!("{identity}/{shard}").into()
}

impl Listing {
    /// All shards of the stream `identity`.
    pub(super) fn of(identity: &str, listed: &[aws::Shard]) -> Self {
        let shards = listed.iter().map(|shard| (partition_of(identity, &shard.id), shard.clone()));
        Self { shards: shards.collect(), starts: BTreeMap::new() }
    }

    /// Decides over the stream `identity`, of which `listed` are all shards.
    pub(super) fn plan(
        &mut self,
        identity: &str,
        listed: &[aws::Shard],
        known: &BTreeMap<PartitionId, Progress>,
        start: &aws::Position,
    ) -> Result<Plan, SourceError> {
        let name = |shard: &aws::ShardId| partition_of(identity, shard);
        let mut remembered = BTreeMap::new();
        // What was not read of another stream, or of this one before it was made again, is not to be had any more.
        let mut lost = Vec::new();
        for (partition, progress) in known {
            let shard = partition.as_str().strip_prefix(identity).and_then(|rest| rest.strip_prefix('/'));
            let progress = match (progress, shard) {
                (Progress::Finished, _) => aws::Progress::Finished,
                (Progress::Started { .. }, None) => {
                    lost.push(partition.clone());
                    continue;
                }
                (Progress::Started { position, .. }, Some(_)) => {
                    aws::Progress::Started(stored_position(position)?)
                }
            };
            remembered.extend(shard.map(|shard| (aws::ShardId::new(shard), progress)));
        }
        let plan = aws::plan(listed, &remembered, start);
        self.shards = listed.iter().map(|shard| (name(&shard.id), shard.clone())).collect();
        self.starts
            .retain(|partition, _| self.shards.contains_key(partition) && !known.contains_key(partition));
        let open = plan.open.iter().map(|opening| {
            let partition = name(&opening.shard.id);
            let planned = Position::Sequence(opening.from.to_string().into());
            let (from, watermark) = match known.get(&partition) {
                Some(Progress::Started { watermark, .. }) => (planned, *watermark),
                _ => (self.starts.entry(partition.clone()).or_insert(planned).clone(), None),
            };
            let parents = opening.shard.parents.iter().map(name).collect();
            Opening { partition, from, watermark, parents }
        });
        let open = open.collect();
        lost.extend(plan.lost.iter().map(name));
        Ok(Plan { open, waiting: plan.waiting.iter().map(|waiting| name(&waiting.shard)).collect(), lost })
    }
}

/// Where a partition goes on, as the stream has it.
pub(super) fn stored_position(position: &Position) -> Result<aws::Position, SourceError> {
    position.to_string().parse().map_err(|error| SourceError::permanent(format!("stored position: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kinesis:eu-central-1:1:stream/agents@1";
    const NOW: aws::Position = aws::Position::AtTimestamp(1_800_000_000_000);

    fn shard(id: &str) -> aws::Shard {
        aws::Shard {
            id: aws::ShardId::new(id),
            parents: Vec::new(),
            closed: false,
            starting_sequence: "1".parse().unwrap(),
        }
    }

    fn started(from: &Position) -> Progress {
        Progress::Started { position: from.clone(), watermark: None }
    }

    fn froms(plan: &Plan) -> Vec<(&str, String)> {
        plan.open.iter().map(|opening| (opening.partition.as_str(), opening.from.to_string())).collect()
    }

    #[test]
    fn what_was_not_read_of_another_stream_is_lost() {
        let oldest = Position::Sequence("TRIM_HORIZON".into());
        let other = |created: &str| PartitionId::from(format!("{}{created}/s0", ARN.trim_end_matches('1')));
        let known = BTreeMap::from([
            (other("0"), started(&oldest)),
            (other("11"), started(&oldest)),
            (other("2"), Progress::Finished),
        ]);
        let plan = Listing::default().plan(ARN, &[shard("s0")], &known, &NOW).unwrap();
        assert_eq!(plan.lost, [other("0"), other("11")]);
        let name = format!("{ARN}/s0");
        assert_eq!(froms(&plan), [(name.as_str(), NOW.to_string())], "to this stream it is the first start");
    }

    #[test]
    fn a_start_that_was_named_once_is_named_until_it_is_remembered() {
        let mut listing = Listing::default();
        let listed = [shard("s0"), shard("s1")];
        let first = listing.plan(ARN, &listed, &BTreeMap::new(), &NOW).unwrap();
        let known = BTreeMap::from([(first.open[0].partition.clone(), started(&first.open[0].from))]);
        let later = aws::Position::AtTimestamp(1_800_000_060_000);
        assert_eq!(listing.plan(ARN, &listed, &known, &later).unwrap(), first);

        let listed = [shard("s0"), shard("s1"), shard("s2")];
        let third = listing.plan(ARN, &listed, &known, &later).unwrap();
        assert_eq!(third.open[2].from.to_string(), "TRIM_HORIZON", "that one is new indeed");
    }

    #[test]
    fn a_stream_made_again_is_another_one() {
        let mut listing = Listing::default();
        let first = listing.plan(ARN, &[shard("s0")], &BTreeMap::new(), &NOW).unwrap();
        let known = BTreeMap::from([(first.open[0].partition.clone(), started(&first.open[0].from))]);
        let again = listing.plan("arn@2", &[shard("s0")], &known, &NOW).unwrap();
        assert_eq!(again.lost, [first.open[0].partition.clone()]);
        assert_eq!(again.open[0].partition.as_str(), "arn@2/s0");
        assert!(!listing.shards.contains_key(&first.open[0].partition), "its reader sees that it is gone");
    }
}
