//! The requests themselves: our types in, the SDK's calls, our types out. No decision is made here.

use aws_sdk_kinesis::config::StalledStreamProtectionConfig;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    self, ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream,
};

use crate::access::Access;
use crate::batch::Record;
use crate::config::{KinesisConfig, StreamRef};
use crate::cursor::{Heard, Reply};
use crate::error::KinesisError;
use crate::fault::Fault;
use crate::position::Position;
use crate::sequence::{InvalidSequenceNumber, ShardId};
use crate::shards::Shard;
use crate::stream::StreamDescription;

/// How many shards one page of a listing may hold.
const SHARDS_PER_PAGE: i32 = 1_000;

/// One page of a listing.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) shards: Vec<Shard>,
    pub(crate) next: Option<String>,
}

/// A registered consumer of enhanced fan-out.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) arn: String,
    pub(crate) is_active: bool,
}

/// The events of a subscription.
pub(crate) type Events = EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>;

/// A client for one stream.
#[derive(Debug)]
pub(crate) struct Client {
    sdk: aws_sdk_kinesis::Client,
    stream: StreamRef,
    max_records: i32,
}

impl Client {
    pub(crate) async fn build(config: &KinesisConfig) -> Result<Self, KinesisError> {
        let refuse = |detail: &str| KinesisError::config(config.stream.name(), detail);
        let access = Access {
            region: config.region.as_deref().or_else(|| config.stream.region()),
            endpoint: config.endpoint.as_deref(),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let loaded = access.load().await;
        if loaded.region().is_none() {
            return Err(refuse("no region is set, neither here nor in the AWS environment or profile"));
        }
        let max_records = i32::try_from(config.max_records).map_err(|_| refuse("too many records a read"))?;
        Ok(Self { sdk: aws_sdk_kinesis::Client::new(&loaded), stream: config.stream.clone(), max_records })
    }

    pub(crate) async fn describe(&self) -> Result<StreamDescription, Fault> {
        let answer = self
            .sdk
            .describe_stream_summary()
            .stream_name(self.stream.name())
            .set_stream_arn(self.arn())
            .send()
            .await?;
        let Some(summary) = answer.stream_description_summary else {
            return Err(Fault::unreadable("the answer describes no stream"));
        };
        Ok(StreamDescription {
            created_ms: millis(summary.stream_creation_timestamp()),
            retention_hours: summary.retention_period_hours,
            status: summary.stream_status.as_str().to_owned(),
            arn: summary.stream_arn,
        })
    }

    /// One page; the first without a token. A token stands for the stream, and must come alone.
    pub(crate) async fn list_shards(&self, token: Option<&str>) -> Result<Page, Fault> {
        let request = self.sdk.list_shards().max_results(SHARDS_PER_PAGE);
        let request = match token {
            Some(token) => request.next_token(token),
            None => request.stream_name(self.stream.name()).set_stream_arn(self.arn()),
        };
        let answer = request.send().await?;
        let shards = answer.shards.unwrap_or_default().into_iter().map(shard).collect::<Result<_, _>>()?;
        Ok(Page { shards, next: answer.next_token })
    }

    pub(crate) async fn get_iterator(&self, shard: &ShardId, from: &Position) -> Result<String, Fault> {
        let request = self
            .sdk
            .get_shard_iterator()
            .stream_name(self.stream.name())
            .set_stream_arn(self.arn())
            .shard_id(shard.as_str());
        let (kind, at, sequence) = seek(from);
        let answer = request
            .shard_iterator_type(kind)
            .set_timestamp(at)
            .set_starting_sequence_number(sequence.map(str::to_owned))
            .send()
            .await?;
        answer.shard_iterator.ok_or_else(|| Fault::unreadable("the answer has no iterator"))
    }

    pub(crate) async fn get_records(&self, iterator: &str) -> Result<Reply, Fault> {
        let answer = self
            .sdk
            .get_records()
            .set_stream_arn(self.arn())
            .shard_iterator(iterator)
            .limit(self.max_records)
            .send()
            .await?;
        // Without it the watermark is unknown, and a guess would let intervals close too early.
        let Some(millis_behind_latest) = answer.millis_behind_latest else {
            return Err(Fault::unreadable("the answer has no MillisBehindLatest"));
        };
        let children = answer.child_shards.unwrap_or_default();
        Ok(Reply {
            records: answer.records.into_iter().map(record).collect::<Result<_, _>>()?,
            next_iterator: answer.next_shard_iterator,
            millis_behind_latest,
            children: children.into_iter().map(|child| ShardId::new(child.shard_id)).collect(),
        })
    }

    /// The consumer with this name of the stream with this ARN.
    pub(crate) async fn describe_consumer(&self, stream: &str, name: &str) -> Result<Consumer, Fault> {
        let answer =
            self.sdk.describe_stream_consumer().stream_arn(stream).consumer_name(name).send().await?;
        let Some(consumer) = answer.consumer_description else {
            return Err(Fault::unreadable("the answer describes no consumer"));
        };
        Ok(Consumer {
            is_active: consumer.consumer_status == ConsumerStatus::Active,
            arn: consumer.consumer_arn,
        })
    }

    pub(crate) async fn register_consumer(&self, stream: &str, name: &str) -> Result<(), Fault> {
        self.sdk.register_stream_consumer().stream_arn(stream).consumer_name(name).send().await?;
        Ok(())
    }

    pub(crate) async fn subscribe(
        &self,
        consumer: &str,
        shard: &ShardId,
        from: &Position,
    ) -> Result<Events, Fault> {
        let (kind, at, sequence) = seek(from);
        let position = StartingPosition::builder()
            .r#type(kind)
            .set_timestamp(at)
            .set_sequence_number(sequence.map(str::to_owned))
            .build()
            .map_err(|error| Fault::unreadable(error.to_string()))?;
        // A quiet subscription is one event in five seconds; the reader itself watches that they come.
        let patient = aws_sdk_kinesis::config::Builder::default()
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let answer = self
            .sdk
            .subscribe_to_shard()
            .consumer_arn(consumer)
            .shard_id(shard.as_str())
            .starting_position(position)
            .customize()
            .config_override(patient)
            .send()
            .await?;
        Ok(answer.event_stream)
    }

    fn arn(&self) -> Option<String> {
        self.stream.arn().map(str::to_owned)
    }
}

/// A position in the words of the API.
fn seek(from: &Position) -> (ShardIteratorType, Option<DateTime>, Option<&str>) {
    match from {
        Position::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
        Position::Latest => (ShardIteratorType::Latest, None, None),
        Position::AtTimestamp(millis) => {
            (ShardIteratorType::AtTimestamp, Some(DateTime::from_millis(*millis)), None)
        }
        Position::AfterSequence(sequence) => {
            (ShardIteratorType::AfterSequenceNumber, None, Some(sequence.as_str()))
        }
    }
}

/// What an event of a subscription says.
pub(crate) fn heard(event: types::SubscribeToShardEvent) -> Result<Heard, Fault> {
    let children: Vec<_> = event.child_shards.into_iter().flatten().collect();
    // The last event of a shard names its children instead.
    let continuation = match event.continuation_sequence_number.as_str() {
        "" if children.is_empty() => {
            return Err(Fault::unreadable("the event says neither where to go on nor which shards do"));
        }
        "" => None,
        number => Some(number.parse()?),
    };
    Ok(Heard {
        records: event.records.into_iter().map(record).collect::<Result<_, _>>()?,
        continuation,
        millis_behind_latest: event.millis_behind_latest,
        children: children.into_iter().map(|child| ShardId::new(child.shard_id)).collect(),
    })
}

fn shard(shard: types::Shard) -> Result<Shard, Fault> {
    let Some(range) = shard.sequence_number_range else {
        return Err(Fault::unreadable(format!("shard {} has no sequence number range", shard.shard_id)));
    };
    let parents = shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id);
    Ok(Shard {
        id: ShardId::new(shard.shard_id),
        parents: parents.map(ShardId::new).collect(),
        closed: range.ending_sequence_number.is_some(),
        starting_sequence: range.starting_sequence_number.parse()?,
    })
}

fn record(record: types::Record) -> Result<Record, Fault> {
    Ok(Record {
        sequence: record.sequence_number.parse()?,
        arrived_ms: record.approximate_arrival_timestamp.as_ref().map(millis),
        data: record.data.into_inner(),
    })
}

/// Kinesis writes times as seconds in floating point, so that `.166` arrives as `.165999889`: the nearest
/// millisecond is the one that was meant.
fn millis(time: &DateTime) -> i64 {
    let rounded = (i64::from(time.subsec_nanos()) + 500_000) / 1_000_000;
    time.secs().saturating_mul(1_000).saturating_add(rounded)
}

impl From<InvalidSequenceNumber> for Fault {
    fn from(error: InvalidSequenceNumber) -> Self {
        Self::unreadable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_floating_point_is_the_millisecond_that_was_meant() {
        for meant in [0, 1, 999, 1_795_261_907_166, 1_700_000_000_001, 1_700_000_000_999] {
            #[expect(clippy::cast_precision_loss, reason = "that is what the wire format does")]
            let sent = DateTime::from_secs_f64(meant as f64 / 1_000.0);
            assert_eq!(millis(&sent), meant);
        }
    }

    #[test]
    fn a_time_at_the_end_of_its_range_does_not_overflow() {
        assert_eq!(millis(&DateTime::from_secs(i64::MAX)), i64::MAX);
    }
}
