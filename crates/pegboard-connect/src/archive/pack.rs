//! From a step to its frame.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::acd::AcdRow;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Attributes, VERSION};
use crate::spec::{Chunk, Lost};

/// The level of compression: the fastest one still packs events to a twentieth.
pub(super) const LEVEL: i32 = 1;

#[derive(Serialize)]
struct Head<'a> {
    pegboard_archive: u32,
    partition: &'a PartitionId,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parents: &'a [PartitionId],
    read: Timestamp,
    from: &'a Position,
    position: &'a Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behind_ms: Option<Millis>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Gap<'a>>,
    #[serde(skip_serializing_if = "is_none_at_all")]
    foreign: u64,
    records: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none_at_all(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct Gap<'a> {
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
}

impl<'a> From<&'a Lost> for Gap<'a> {
    fn from(lost: &'a Lost) -> Self {
        Self { reason: &lost.reason, from: lost.from, to: lost.to }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    position: &'a Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<&'a str>,
}

#[derive(Serialize)]
struct Told<'a> {
    row: &'a AcdRow,
    file: &'a str,
    made: Timestamp,
}

/// Packs what one step of a partition brought: `from` is where the partition stood before, `read` when it was read.
/// Records that are JSON lose the attributes that are not to be kept; what is none is kept as it is.
pub fn pack(
    partition: &PartitionId,
    parents: &[PartitionId],
    (from, read): (&Position, Timestamp),
    chunk: &Chunk,
    dropped: &Attributes,
) -> std::io::Result<Vec<u8>> {
    let mut frame = zstd::Encoder::new(Vec::new(), LEVEL)?;
    frame.include_checksum(true)?;
    let head = Head {
        pegboard_archive: VERSION,
        partition,
        parents,
        read,
        from,
        position: &chunk.position,
        watermark: chunk.watermark,
        behind_ms: chunk.behind,
        ended: chunk.ended,
        gap: chunk.gap.as_ref().map(Gap::from),
        foreign: chunk.foreign,
        records: chunk.records.len() + chunk.broken.len() + chunk.rows.len(),
    };
    write(&mut frame, &head)?;
    for record in &chunk.records {
        write_record(&mut frame, &record.position, &record.data, dropped)?;
    }
    for broken in &chunk.broken {
        let base64 = Some(STANDARD.encode(&broken.data));
        write(
            &mut frame,
            &Line { position: &broken.position, json: None, base64, broken: Some(&broken.reason) },
        )?;
    }
    for row in &chunk.rows {
        write(&mut frame, &Told { row, file: &row.telling.file, made: row.telling.made })?;
    }
    frame.finish()
}

type Frame = zstd::Encoder<'static, Vec<u8>>;

fn write_record(
    frame: &mut Frame,
    position: &Position,
    data: &[u8],
    dropped: &Attributes,
) -> std::io::Result<()> {
    let Ok(record) = serde_json::from_slice::<&RawValue>(data) else {
        let base64 = Some(STANDARD.encode(data));
        return write(frame, &Line { position, json: None, base64, broken: None });
    };
    // Written by hand: what is left is JSON already, and need not be read again to know it.
    write!(frame, "{{\"position\":{},\"json\":", serde_json::to_string(position)?)?;
    frame.write_all(dropped.left_out_of(record).as_bytes())?;
    frame.write_all(b"}\n")
}

fn write(frame: &mut Frame, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *frame, line)?;
    frame.write_all(b"\n")
}
