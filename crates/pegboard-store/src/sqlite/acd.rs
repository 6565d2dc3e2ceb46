//! Rows that the ACD computed itself, and their revisions.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::{Fault, Tried};
use super::writer::Step;
use crate::column::{from_column, to_column};
use crate::{AcdRowWrite, StoredAcdRow, StoredRow};

/// Writes rows; answers what is told of those that are new or differ.
pub(super) fn write(step: &Step<'_>, source: &SourceName, rows: &[AcdRowWrite]) -> Tried<Vec<String>> {
    let mut entries = Vec::new();
    for row in rows {
        let stands = find(step, source, row)?;
        let revision = match &stands {
            Some(stands) if row.told < stands.told => continue,
            Some(stands) if stands.body == row.body => {
                confirm(step, source, row)?;
                continue;
            }
            Some(stands) => {
                remember(step, source, row, stands)?;
                stands.revision + 1
            }
            None => 1,
        };
        put(step, source, row, revision)?;
        entries.push(row.entry(revision).map_err(Fault::Unfit)?);
    }
    Ok(entries)
}

/// A row as it is stored.
struct Stored {
    revision: u64,
    at: i64,
    reason: String,
    file: String,
    told: Timestamp,
    body: String,
}

fn find(step: &Step<'_>, source: &SourceName, row: &AcdRowWrite) -> Tried<Option<Stored>> {
    let stored = step
        .connection
        .prepare_cached(
            "SELECT revision, at, reason, file, told, body FROM acd_rows
             WHERE source = ?1 AND report = ?2 AND interval_start = ?3 AND key = ?4",
        )?
        .query_row(params![source.as_str(), &*row.report, row.interval_start.as_millis(), row.key], |found| {
            Ok(Stored {
                revision: from_column(found.get(0)?),
                at: found.get(1)?,
                reason: found.get(2)?,
                file: found.get(3)?,
                told: Timestamp::from_millis(found.get(4)?),
                body: found.get(5)?,
            })
        })
        .optional()?;
    Ok(stored)
}

/// Notes that what stands was told again: what was told between the two is old, too.
fn confirm(step: &Step<'_>, source: &SourceName, row: &AcdRowWrite) -> Tried<()> {
    step.connection
        .prepare_cached(
            "UPDATE acd_rows SET told = ?5
             WHERE source = ?1 AND report = ?2 AND interval_start = ?3 AND key = ?4 AND told < ?5",
        )?
        .execute(params![
            source.as_str(),
            &*row.report,
            row.interval_start.as_millis(),
            row.key,
            row.told.as_millis(),
        ])?;
    Ok(())
}

fn remember(step: &Step<'_>, source: &SourceName, row: &AcdRowWrite, stands: &Stored) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO acd_row_history
                 (source, report, interval_start, key, revision, at, reason, file, told, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            source.as_str(),
            &*row.report,
            row.interval_start.as_millis(),
            row.key,
            to_column(stands.revision),
            stands.at,
            stands.reason,
            stands.file,
            stands.told.as_millis(),
            stands.body,
        ])?;
    Ok(())
}

fn put(step: &Step<'_>, source: &SourceName, row: &AcdRowWrite, revision: u64) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO acd_rows (source, report, interval_start, key, revision, at, reason, file, told, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET revision = excluded.revision, at = excluded.at,
                 reason = excluded.reason, file = excluded.file, told = excluded.told, body = excluded.body",
        )?
        .execute(params![
            source.as_str(),
            &*row.report,
            row.interval_start.as_millis(),
            row.key,
            to_column(revision),
            step.now.as_millis(),
            row.reason_of(revision),
            &*row.file,
            row.told.as_millis(),
            row.body,
        ])?;
    Ok(())
}

/// The latest revision of the rows of a report.
pub(super) fn rows(
    connection: &Connection,
    source: &SourceName,
    report: &str,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<StoredAcdRow>> {
    let mut query = connection.prepare_cached(
        "SELECT interval_start, key, body, revision, reason, at, file, told FROM acd_rows
         WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
         ORDER BY interval_start, key",
    )?;
    let window = params![source.as_str(), report, from.as_millis(), to.as_millis()];
    let rows = query.query_map(window, |row| {
        Ok(StoredAcdRow {
            row: StoredRow {
                interval_start: Timestamp::from_millis(row.get(0)?),
                key: row.get(1)?,
                body: row.get(2)?,
                revision: row.get(3)?,
                reason: row.get::<_, String>(4)?.into(),
                at: Timestamp::from_millis(row.get(5)?),
            },
            file: row.get::<_, String>(6)?.into(),
            told: Timestamp::from_millis(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
