//! Partitions: who owns them, and where they stand.

use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{from_json, to_json};
use super::fault::Tried;
use super::writer::Step;
use crate::column::{from_column, to_column};
use crate::failpoint;
use crate::{Batch, Counts, PartitionState, StoreError};

/// The columns that [`read`] takes, in its order.
const COLUMNS: &str =
    "partition, epoch, position, watermark, behind, finished, parents, records, events, contacts,
                       duplicates, foreigners, failed";

/// Raises the epoch of a partition, or creates it.
pub(super) fn take(
    step: &mut Step<'_>,
    source: &SourceName,
    partition: &PartitionId,
    parents: &[PartitionId],
) -> Tried<PartitionState> {
    failpoint!("take_partition.before", fails);
    step.connection
        .prepare_cached(
            "INSERT INTO partitions (source, partition, epoch, finished, parents, records, events, contacts,
                                     duplicates, foreigners, failed, touched)
             VALUES (?1, ?2, 1, 0, ?3, 0, 0, 0, 0, 0, 0, ?4)
             ON CONFLICT DO UPDATE SET epoch = epoch + 1",
        )?
        .execute(params![source.as_str(), partition.as_str(), to_json(parents)?, step.now.as_millis()])?;
    failpoint!("take_partition.after", fails);
    let missing = || StoreError::Damaged { what: "partition", detail: format!("{partition}: not there") };
    Ok(find(step.connection, source, partition)?.ok_or_else(missing)?)
}

fn find(
    connection: &Connection,
    source: &SourceName,
    partition: &PartitionId,
) -> Tried<Option<PartitionState>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM partitions WHERE source = ?1 AND partition = ?2"))?
        .query_row(params![source.as_str(), partition.as_str()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// All partitions of a source, by name.
pub(super) fn list(connection: &Connection, source: &SourceName) -> Tried<Vec<PartitionState>> {
    let mut query = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM partitions WHERE source = ?1 ORDER BY partition"))?;
    let mut rows = query.query([source.as_str()])?;
    let mut partitions = Vec::new();
    while let Some(row) = rows.next()? {
        partitions.push(read(row)?);
    }
    Ok(partitions)
}

fn read(row: &Row<'_>) -> Tried<PartitionState> {
    let position: Option<String> = row.get(2)?;
    let parents: String = row.get(6)?;
    let count = |column| row.get(column).map(from_column);
    Ok(PartitionState {
        partition: row.get::<_, String>(0)?.into(),
        epoch: from_column(row.get(1)?),
        position: position.map(|position| from_json("position", &position)).transpose()?,
        watermark: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
        behind: row.get::<_, Option<i64>>(4)?.map(Millis::new),
        finished: row.get(5)?,
        parents: from_json("list of parents", &parents)?,
        counts: Counts {
            records: count(7)?,
            events: count(8)?,
            contacts: count(9)?,
            duplicates: count(10)?,
            foreign: count(11)?,
            failed: count(12)?,
        },
    })
}

/// Compares epoch and position, and lets nobody begin a partition before its parents have ended. A parent that
/// was never begun does not count: it may have gone from its stream before anybody read it.
pub(super) fn check_owner(step: &Step<'_>, batch: &Batch) -> Tried<PartitionState> {
    let refused = |expected: String, found: String| StoreError::NotOwner {
        source_name: batch.source.clone(),
        partition: batch.partition.clone(),
        expected,
        found,
    };
    let expected = || place(batch.epoch, batch.expected.as_ref());
    let Some(stands) = find(step.connection, &batch.source, &batch.partition)? else {
        return Err(refused(expected(), "no such partition".to_string()).into());
    };
    if stands.epoch != batch.epoch || stands.position != batch.expected {
        return Err(refused(expected(), place(stands.epoch, stands.position.as_ref())).into());
    }
    if stands.position.is_none() && batch.position.is_some() {
        for parent in &stands.parents {
            let known = find(step.connection, &batch.source, parent)?;
            if known.is_some_and(|parent| parent.position.is_some() && !parent.finished) {
                let found = format!("parent {parent} has not ended");
                return Err(refused("all parents ended".to_string(), found).into());
            }
        }
    }
    Ok(stands)
}

fn place(epoch: u64, position: Option<&Position>) -> String {
    match position {
        Some(position) => format!("epoch {epoch} at position {position}"),
        None => format!("epoch {epoch} before the first position"),
    }
}

/// Moves a partition on.
pub(super) fn advance(step: &Step<'_>, batch: &Batch, stands: &PartitionState) -> Tried<()> {
    let position = batch.position.as_ref().map(to_json).transpose()?;
    let Counts { records, events, contacts, duplicates, foreign, failed } = batch.counts;
    step.connection
        .prepare_cached(
            "UPDATE partitions
             SET position = coalesce(?3, position), watermark = ?4, behind = coalesce(?5, behind),
                 finished = ?6, records = records + ?7, events = events + ?8, contacts = contacts + ?9,
                 duplicates = duplicates + ?10, foreigners = foreigners + ?11, failed = failed + ?12,
                 touched = ?13
             WHERE source = ?1 AND partition = ?2",
        )?
        .execute(params![
            batch.source.as_str(),
            batch.partition.as_str(),
            position,
            stands.watermark.max(batch.watermark).map(Timestamp::as_millis),
            batch.behind.map(Millis::get),
            stands.finished || batch.finished,
            to_column(records),
            to_column(events),
            to_column(contacts),
            to_column(duplicates),
            to_column(foreign),
            to_column(failed),
            step.now.as_millis(),
        ])?;
    Ok(())
}
