//! What waits to be written to the archive.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use crate::archive::HOUR;
use crate::column::{from_column, limit, to_column};
use crate::{ArchiveBacklog, ArchiveFile, ArchiveStep, Batch};

/// Keeps what a batch leaves for the archive.
pub(super) fn keep(step: &Step<'_>, batch: &Batch) -> Tried<()> {
    let Some(archive) = &batch.archive else { return Ok(()) };
    step.connection
        .prepare_cached("INSERT INTO archive (source, partition, read, frame) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            batch.source.as_str(),
            batch.partition.as_str(),
            archive.read.as_millis(),
            archive.frame
        ])?;
    Ok(())
}

/// Files of hours that ended at or before `before`, the oldest first.
pub(super) fn files(
    connection: &Connection,
    source: &SourceName,
    before: Timestamp,
    most: usize,
) -> Tried<Vec<ArchiveFile>> {
    let sql = "SELECT partition, read / ?3 * ?3 AS hour, min(id), max(id), count(*) FROM archive
               WHERE source = ?1 GROUP BY partition, hour HAVING hour + ?3 <= ?2
               ORDER BY hour, partition LIMIT ?4";
    all(connection, sql, params![source.as_str(), before.as_millis(), HOUR, limit(most)], |row| {
        Ok(ArchiveFile {
            partition: text(row, 0)?.into(),
            hour: instant(row, 1)?,
            first: from_column(row.get(2)?),
            last: from_column(row.get(3)?),
            steps: from_column(row.get(4)?),
        })
    })
}

/// How much waits. The length of a frame is known without reading it.
pub(super) fn backlog(connection: &Connection, source: &SourceName) -> Tried<ArchiveBacklog> {
    let sql = "SELECT min(read), coalesce(sum(length(frame)), 0) FROM archive WHERE source = ?1";
    let found = all(connection, sql, params![source.as_str()], |row| {
        let oldest: Option<i64> = row.get(0)?;
        Ok(ArchiveBacklog { oldest: oldest.map(Timestamp::from_millis), bytes: from_column(row.get(1)?) })
    })?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// Steps of a file from number `from` on, in order.
pub(super) fn steps(
    connection: &Connection,
    source: &SourceName,
    file: &ArchiveFile,
    from: u64,
    most: usize,
) -> Tried<Vec<ArchiveStep>> {
    let sql = "SELECT id, frame FROM archive
               WHERE id >= ?1 AND id <= ?2 AND source = ?3 AND partition = ?4 AND read >= ?5 AND read < ?5 + ?6
               ORDER BY id LIMIT ?7";
    let bounds = params![
        to_column(from),
        to_column(file.last),
        source.as_str(),
        file.partition.as_str(),
        file.hour.as_millis(),
        HOUR,
        limit(most)
    ];
    all(connection, sql, bounds, |row| {
        Ok(ArchiveStep { number: from_column(row.get(0)?), frame: row.get(1)? })
    })
}

/// Removes the steps of a file.
pub(super) fn written(step: &mut Step<'_>, source: &SourceName, file: &ArchiveFile) -> Tried<()> {
    let sql = "DELETE FROM archive
               WHERE id >= ?1 AND id <= ?2 AND source = ?3 AND partition = ?4 AND read >= ?5 AND read < ?5 + ?6";
    step.connection.prepare_cached(sql)?.execute(params![
        to_column(file.first),
        to_column(file.last),
        source.as_str(),
        file.partition.as_str(),
        file.hour.as_millis(),
        HOUR
    ])?;
    Ok(())
}
