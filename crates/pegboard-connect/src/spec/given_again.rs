//! What a source gives once more, when somebody asks for days of the past.

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, Timestamp};

use super::{Chunk, PartitionReader, SourceError};

/// An input of a source that can be read once more, beside what is read of it anyway.
#[derive(Debug)]
pub struct GivenAgain {
    /// What it is, for people.
    pub name: String,
    /// From when on it has what happened; nothing where it has whatever is still there.
    pub reaches: Option<Timestamp>,
    /// Its partitions, by the names that their records have anyway. Each is to be read until it says that it has ended.
    pub readers: Vec<(PartitionId, Box<dyn PartitionReader>)>,
}

/// Ends a reader that would wait for more.
#[derive(Debug)]
pub(crate) struct Ending {
    reader: Box<dyn PartitionReader>,
    until: Timestamp,
}

impl Ending {
    /// Ends it once it has read everything that there is, or everything up to `until`.
    pub(crate) fn at(until: Timestamp, reader: Box<dyn PartitionReader>) -> Box<dyn PartitionReader> {
        Box::new(Self { reader, until })
    }
}

#[async_trait]
impl PartitionReader for Ending {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let mut chunk = self.reader.next().await?;
        let is_far = chunk.watermark.is_some_and(|complete| complete >= self.until);
        chunk.ended |= is_far || chunk.behind == Some(Millis::ZERO);
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::Position;

    use super::*;

    #[derive(Debug)]
    struct Told(Vec<Chunk>);

    #[async_trait]
    impl PartitionReader for Told {
        async fn next(&mut self) -> Result<Chunk, SourceError> {
            self.0.pop().ok_or_else(|| SourceError::passing("there is no more"))
        }
    }

    async fn ends(until: i64, chunks: &[(Option<i64>, Option<i64>)]) -> usize {
        let chunk = |(complete, behind): &(Option<i64>, Option<i64>)| Chunk {
            watermark: complete.map(Timestamp::from_seconds),
            behind: behind.map(Millis::from_seconds),
            ..Chunk::at(Position::Number(0))
        };
        let told = chunks.iter().rev().map(chunk).collect();
        let mut reader = Ending::at(Timestamp::from_seconds(until), Box::new(Told(told)));
        let mut read = 1;
        while !reader.next().await.unwrap().ended {
            read += 1;
        }
        read
    }

    #[tokio::test]
    async fn a_reader_ends_at_its_time_or_where_nothing_is_left() {
        let chunks = [(None, None), (Some(7), Some(3)), (Some(8), Some(2)), (Some(9), Some(0))];
        assert_eq!(ends(8, &chunks).await, 3);
        assert_eq!(ends(80, &chunks).await, 4);
    }
}
