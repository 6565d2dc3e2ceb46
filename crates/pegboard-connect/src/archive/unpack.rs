//! From the frames of a file to steps.

use std::io::{BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::acd::{AcdRow, Telling};
use pegboard_model::{Millis, PartitionId, Position, Text, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ArchiveError, Step, VERSION};
use crate::spec::{Broken, Chunk, Lost, Record};

/// The most bytes that come out of one step: more than any source hands over at once, so that what claims more is
/// damaged or hostile.
pub const MAX_STEP_BYTES: u64 = 256 << 20;

#[derive(Deserialize)]
struct Head {
    pegboard_archive: u32,
    partition: PartitionId,
    #[serde(default)]
    parents: Vec<PartitionId>,
    read: Timestamp,
    from: Position,
    position: Position,
    watermark: Option<Timestamp>,
    behind_ms: Option<Millis>,
    #[serde(default)]
    ended: bool,
    gap: Option<Gap>,
    #[serde(default)]
    foreign: u64,
    records: usize,
}

#[derive(Deserialize)]
struct Gap {
    reason: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Line<'a> {
    position: Option<Position>,
    #[serde(borrow)]
    json: Option<&'a RawValue>,
    base64: Option<String>,
    broken: Option<String>,
    row: Option<AcdRow>,
    #[serde(default)]
    file: Text,
    made: Option<Timestamp>,
}

/// The steps of a file, in order. After an error there are no more.
#[derive(Debug)]
pub struct Steps<R> {
    file: Option<R>,
    step: u64,
    max_bytes: u64,
}

impl<R: BufRead> Steps<R> {
    /// The steps of `file`.
    pub fn new(file: R) -> Self {
        Self::within(file, MAX_STEP_BYTES)
    }

    /// The same, where no step is larger than `max_bytes`.
    pub(super) fn within(file: R, max_bytes: u64) -> Self {
        Self { file: Some(file), step: 0, max_bytes }
    }

    fn read(&mut self) -> Result<Option<Step>, ArchiveError> {
        let Some(mut file) = self.file.take() else { return Ok(None) };
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.step += 1;
        let mut frame = zstd::Decoder::with_buffer(file)?.single_frame();
        let mut text = Vec::new();
        // Whatever the decoder does not like is damage: the file itself was read by the call above.
        let read = frame.by_ref().take(self.max_bytes + 1).read_to_end(&mut text);
        read.map_err(|error| self.damaged(&error))?;
        if text.len() as u64 > self.max_bytes {
            return Err(self.damaged(&format!("more than {} bytes come out of it", self.max_bytes)));
        }
        let step = self.parse(&text)?;
        self.file = Some(frame.finish());
        Ok(Some(step))
    }

    fn parse(&self, text: &[u8]) -> Result<Step, ArchiveError> {
        let version = |version| ArchiveError::Newer { step: self.step, version };
        let mut heads = serde_json::Deserializer::from_slice(text).into_iter::<Head>();
        let head = match heads.next() {
            Some(Ok(head)) if head.pegboard_archive > VERSION => return Err(version(head.pegboard_archive)),
            Some(Ok(head)) => head,
            Some(Err(error)) => return Err(self.damaged(&error)),
            None => return Err(self.damaged("it is empty")),
        };
        let mut chunk = Chunk {
            watermark: head.watermark,
            behind: head.behind_ms,
            ended: head.ended,
            gap: head.gap.map(|gap| Lost { from: gap.from, to: gap.to, reason: gap.reason }),
            foreign: head.foreign,
            ..Chunk::at(head.position)
        };
        let lines =
            serde_json::Deserializer::from_slice(&text[heads.byte_offset()..]).into_iter::<Line<'_>>();
        let mut count = 0;
        for line in lines {
            self.take(line.map_err(|error| self.damaged(&error))?, &mut chunk)?;
            count += 1;
        }
        if count != head.records {
            return Err(self.damaged(&format!("{count} records where there should be {}", head.records)));
        }
        let Head { partition, parents, read, from, .. } = head;
        Ok(Step { partition, parents, read, from, chunk })
    }

    fn take(&self, line: Line<'_>, chunk: &mut Chunk) -> Result<(), ArchiveError> {
        let Line { position, json, base64, broken, row, file, made } = line;
        let data = match (json, base64, row) {
            (Some(json), None, None) => json.get().as_bytes().to_vec(),
            (None, Some(base64), None) => STANDARD.decode(base64).map_err(|error| self.damaged(&error))?,
            (None, None, Some(mut row)) => {
                let made = made.ok_or_else(|| self.damaged("a row has to say when it was made"))?;
                row.telling = Telling { file, made };
                chunk.rows.push(row);
                return Ok(());
            }
            _ => return Err(self.damaged("a record has to have one of json, base64 and row")),
        };
        let position = position.ok_or_else(|| self.damaged("a record has to have a position"))?;
        match broken {
            Some(reason) => chunk.broken.push(Broken { position, data, reason }),
            None => chunk.records.push(Record { position, data }),
        }
        Ok(())
    }

    fn damaged(&self, reason: &(impl ToString + ?Sized)) -> ArchiveError {
        ArchiveError::Damaged { step: self.step, reason: reason.to_string() }
    }
}

impl<R: BufRead> Iterator for Steps<R> {
    type Item = Result<Step, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
