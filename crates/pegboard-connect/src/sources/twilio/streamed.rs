//! What Event Streams writes to a Kinesis data stream of the customer (a sink of type `kinesis`): a `CloudEvent` a record.

use async_trait::async_trait;
use pegboard_model::Position;

use super::body::split;
use crate::spec::{Chunk, PartitionReader, Record, SourceError};

/// Reads a shard, event by event.
#[derive(Debug)]
pub(super) struct StreamedEvents(pub(super) Box<dyn PartitionReader>);

#[async_trait]
impl PartitionReader for StreamedEvents {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        Ok(by_event(self.0.next().await?))
    }
}

/// The same chunk with each event as a record of its own, so that a bad one costs only itself: whether the sink ever writes
/// several as one record, as a webhook may be sent them, is not documented.
fn by_event(mut chunk: Chunk) -> Chunk {
    let records = std::mem::take(&mut chunk.records);
    for Record { position, data } in records {
        let events = split(&data);
        chunk.foreign += u64::from(events.is_empty());
        // Each has a place of its own, in order: as many digits as any other.
        let place = |number: usize| Position::Sequence(format!("{position}/{number:03}").into());
        let events = events.into_iter().enumerate();
        chunk.records.extend(events.map(|(number, data)| Record { position: place(number), data }));
    }
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(data: &[&str]) -> Vec<Record> {
        let record = |(number, data): (u32, &&str)| Record {
            position: Position::Sequence(
                format!("4959033827149025660855969253836157109592157598913658889{number}").into(),
            ),
            data: data.as_bytes().to_vec(),
        };
        (0..).zip(data).map(record).collect()
    }

    #[test]
    fn an_event_is_a_record_whether_it_comes_alone_or_among_others() {
        let records = records(&[r#"{"id":1}"#, r#"[{"id":2},{"id":3}]"#, "[]", r#"{"id":4}"#, "no JSON"]);
        let read = by_event(Chunk { records, ..Chunk::at(Position::Number(0)) });
        let data: Vec<_> = read.records.iter().map(|record| String::from_utf8_lossy(&record.data)).collect();
        assert_eq!(data, [r#"{"id":1}"#, r#"{"id":2}"#, r#"{"id":3}"#, r#"{"id":4}"#, "no JSON"]);
        assert!(read.records.is_sorted_by(|one, other| one.position < other.position), "{:?}", read.records);
        assert_eq!(read.foreign, 1, "what holds nothing is counted");
    }
}
