//! What the closer writes: rows and their revisions.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::to_json;
use super::dirty;
use super::fault::{Fault, Tried};
use super::feed;
use super::writer::Step;
use crate::column::{from_column, to_column};
use crate::failpoint;
use crate::paging::RowEntry;
use crate::{Close, Closed, ClosedUntil, CloserState, FeedKind, Origin, StoreError};

/// The reason of a revision that says that the row no longer exists.
pub(super) const GONE: &str = "gone";

/// Raises the epoch of a source's closer.
pub(super) fn take_closer(step: &mut Step<'_>, source: &SourceName) -> Tried<CloserState> {
    failpoint!("take_closer.before", fails);
    let state = step
        .connection
        .prepare_cached(
            "INSERT INTO closers (source, epoch) VALUES (?1, 1)
             ON CONFLICT DO UPDATE SET epoch = epoch + 1
             RETURNING epoch, closed_until, contacts_closed_until",
        )?
        .query_row([source.as_str()], |row| {
            Ok(CloserState { epoch: from_column(row.get(0)?), closed_until: closed_until(row, 1)? })
        })?;
    failpoint!("take_closer.after", fails);
    Ok(state)
}

/// Two columns from `column` on: of agents, of contacts.
pub(super) fn closed_until(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<ClosedUntil> {
    let instant = |column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    };
    Ok(ClosedUntil { agents: instant(column)?, contacts: instant(column + 1)? })
}

/// Up to where a source is closed, or about to be.
pub(super) fn announced(connection: &Connection, source: &SourceName) -> Tried<ClosedUntil> {
    let announced = connection
        .prepare_cached(
            "SELECT closed_until, contacts_closed_until, closing_until, contacts_closing_until
             FROM closers WHERE source = ?1",
        )?
        .query_row([source.as_str()], |row| Ok(closed_until(row, 0)?.raised(closed_until(row, 2)?)))
        .optional()?;
    Ok(announced.unwrap_or_default())
}

/// Notes up to where a source is about to be closed.
pub(super) fn announce(step: &Step<'_>, source: &SourceName, epoch: u64, until: ClosedUntil) -> Tried<()> {
    check_closer(step, source, epoch)?;
    step.connection
        .prepare_cached(
            "UPDATE closers SET closing_until = max(coalesce(closing_until, ?2), coalesce(?2, closing_until)),
                 contacts_closing_until =
                     max(coalesce(contacts_closing_until, ?3), coalesce(?3, contacts_closing_until))
             WHERE source = ?1",
        )?
        .execute(params![
            source.as_str(),
            until.agents.map(Timestamp::as_millis),
            until.contacts.map(Timestamp::as_millis),
        ])?;
    Ok(())
}

/// Writes what closing intervals came to.
pub(super) fn close(step: &mut Step<'_>, close: &Close) -> Tried<Closed> {
    failpoint!("close.before", fails);
    let closed_until = check_closer(step, &close.source, close.epoch)?.raised(close.closed_until);
    let mut closed = Closed::default();
    let mut entries = Vec::new();
    for row in &close.rows {
        let next = Row {
            report: &row.report,
            interval_start: row.interval_start,
            key: &row.key,
            reason: &row.reason,
            body: Some(&row.body),
        };
        match write(step, close, &next)? {
            Written::Unchanged => closed.unchanged += 1,
            Written::First => {
                closed.first += 1;
                entries.push(entry(&next, 1)?);
            }
            Written::Revised(revision) => {
                closed.revised += 1;
                entries.push(entry(&next, revision)?);
            }
        }
    }
    for (report, interval_start, key) in &close.gone {
        let next = Row { report, interval_start: *interval_start, key, reason: GONE, body: None };
        if let Written::Revised(revision) = write(step, close, &next)? {
            closed.revised += 1;
            entries.push(entry(&next, revision)?);
        }
    }
    failpoint!("close.rows_written", fails);
    dirty::answer(step, &close.source, &close.answered)?;
    step.connection
        .prepare_cached("UPDATE closers SET closed_until = ?2, contacts_closed_until = ?3 WHERE source = ?1")?
        .execute(params![
            close.source.as_str(),
            closed_until.agents.map(Timestamp::as_millis),
            closed_until.contacts.map(Timestamp::as_millis),
        ])?;
    feed::append(step, FeedKind::Rows, &close.source, &entries)?;
    failpoint!("close.after", fails);
    Ok(closed)
}

/// Compares the epoch; answers until when the source was closed.
pub(super) fn check_closer(step: &Step<'_>, source: &SourceName, expected: u64) -> Tried<ClosedUntil> {
    let stands: Option<(u64, ClosedUntil)> = step
        .connection
        .prepare_cached("SELECT epoch, closed_until, contacts_closed_until FROM closers WHERE source = ?1")?
        .query_row([source.as_str()], |row| Ok((from_column(row.get(0)?), closed_until(row, 1)?)))
        .optional()?;
    match stands {
        Some((epoch, closed_until)) if epoch == expected => Ok(closed_until),
        stands => Err(StoreError::NotOwner {
            source_name: source.clone(),
            partition: "(closer)".into(),
            expected: format!("epoch {expected}"),
            found: stands.map_or_else(|| "no closer".to_string(), |(epoch, _)| format!("epoch {epoch}")),
        }
        .into()),
    }
}

/// A row as it has to be. Without a body it has to be gone.
pub(super) struct Row<'a> {
    pub(super) report: &'a str,
    pub(super) interval_start: Timestamp,
    pub(super) key: &'a str,
    pub(super) reason: &'a str,
    pub(super) body: Option<&'a str>,
}

/// What became of it.
enum Written {
    First,
    Revised(u64),
    Unchanged,
}

fn write(step: &Step<'_>, close: &Close, next: &Row<'_>) -> Tried<Written> {
    let Some(stands) = find(step, &close.source, next)? else {
        if next.body.is_none() {
            return Ok(Written::Unchanged);
        }
        put(step, &close.source, next, 1, close.at.as_millis())?;
        return Ok(Written::First);
    };
    if stands.body.as_deref() == next.body {
        return Ok(Written::Unchanged);
    }
    let revision = stands.revision + 1;
    remember(step, &close.source, next, &stands)?;
    failpoint!("close.history_written", fails);
    put(step, &close.source, next, revision, close.at.as_millis())?;
    Ok(Written::Revised(revision))
}

/// A row as it is stored.
pub(super) struct Kept {
    pub(super) revision: u64,
    pub(super) at: i64,
    pub(super) reason: String,
    pub(super) body: Option<String>,
}

pub(super) fn find(step: &Step<'_>, source: &SourceName, row: &Row<'_>) -> Tried<Option<Kept>> {
    let stored = step
        .connection
        .prepare_cached(
            "SELECT revision, at, reason, body FROM rows
             WHERE source = ?1 AND report = ?2 AND interval_start = ?3 AND key = ?4",
        )?
        .query_row(params![source.as_str(), row.report, row.interval_start.as_millis(), row.key], |found| {
            Ok(Kept {
                revision: from_column(found.get(0)?),
                at: found.get(1)?,
                reason: found.get(2)?,
                body: found.get(3)?,
            })
        })
        .optional()?;
    Ok(stored)
}

/// Moves what stands to the history. Not by `INSERT ... SELECT`: SQLite guards that with a savepoint, whose end
/// takes time in proportion to all that the transaction changed before.
pub(super) fn remember(step: &Step<'_>, source: &SourceName, row: &Row<'_>, stands: &Kept) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO row_history (source, report, interval_start, key, revision, at, reason, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            source.as_str(),
            row.report,
            row.interval_start.as_millis(),
            row.key,
            to_column(stands.revision),
            stands.at,
            stands.reason,
            stands.body,
        ])?;
    Ok(())
}

pub(super) fn put(step: &Step<'_>, source: &SourceName, row: &Row<'_>, revision: u64, at: i64) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO rows (source, report, interval_start, key, revision, at, reason, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET revision = excluded.revision, at = excluded.at,
                 reason = excluded.reason, body = excluded.body",
        )?
        .execute(params![
            source.as_str(),
            row.report,
            row.interval_start.as_millis(),
            row.key,
            to_column(revision),
            at,
            row.reason,
            row.body,
        ])?;
    Ok(())
}

fn entry(row: &Row<'_>, revision: u64) -> Tried<String> {
    let columns = row.body.map(serde_json::from_str).transpose().map_err(Fault::Unfit)?;
    to_json(&RowEntry {
        origin: Origin::Computed.as_str(),
        report: row.report,
        interval_start: row.interval_start,
        key: row.key,
        revision,
        reason: row.reason,
        row: columns,
    })
}
