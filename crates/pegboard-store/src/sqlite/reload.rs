//! Days that are reloaded: set aside, swapped, moved to where rows are kept.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::close::{self, GONE, Kept};
use super::codec::{source_filter, to_json};
use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use super::{dirty, feed};
use crate::column::{from_column, limit, to_column};
use crate::reload::SwapEntry;
use crate::{
    FeedKind, Reload, ReloadDay, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Reloaded, RowWrite,
    StoreError, failpoint,
};

/// Notes what is asked for; nothing if as many of the source are open as may be.
pub(super) fn add(step: &Step<'_>, write: &ReloadWrite, most_open: usize) -> Tried<Option<u64>> {
    let id = step
        .connection
        .prepare_cached(
            "INSERT INTO reloads (source, at, state, asked, progress)
             SELECT ?1, ?2, 'waiting', ?3, ?4
             WHERE (SELECT count(*) FROM reloads
                    WHERE source = ?1 AND state IN ('waiting', 'running', 'cancelling')) < ?5
             RETURNING id",
        )?
        .query_row(
            params![
                write.source.as_str(),
                write.at.as_millis(),
                write.asked,
                write.progress,
                limit(most_open)
            ],
            |row| row.get(0).map(from_column),
        )
        .optional()?;
    Ok(id)
}

/// Reloads, newest first.
pub(super) fn list(
    connection: &Connection,
    sources: &[SourceName],
    before: Option<u64>,
    only_open: bool,
    most: usize,
) -> Tried<Vec<Reload>> {
    let sql = "SELECT id, source, at, state, asked, progress FROM reloads
               WHERE id < ?1 AND (?2 IS NULL OR source IN (SELECT value FROM json_each(?2)))
                 AND (?3 = 0 OR state IN ('waiting', 'running', 'cancelling'))
               ORDER BY id DESC LIMIT ?4";
    let before = before.map_or(i64::MAX, to_column);
    all(connection, sql, params![before, source_filter(sources)?, only_open, limit(most)], read)
}

fn read(row: &Row<'_>) -> Tried<Reload> {
    Ok(Reload {
        id: from_column(row.get(0)?),
        source: text(row, 1)?.into(),
        at: instant(row, 2)?,
        state: state(&text(row, 3)?)?,
        asked: text(row, 4)?,
        progress: text(row, 5)?,
    })
}

fn state(name: &str) -> Tried<ReloadState> {
    let unknown = || StoreError::Damaged { what: "state of a reload", detail: name.to_owned() };
    Ok(ReloadState::from_name(name).ok_or_else(unknown)?)
}

/// Has a reload end; answers how it stands then, if there is one.
pub(super) fn cancel(step: &Step<'_>, id: u64) -> Tried<Option<ReloadState>> {
    let stands: Option<String> = step
        .connection
        .prepare_cached(
            "UPDATE reloads SET state =
                 CASE state WHEN 'waiting' THEN 'cancelled' WHEN 'running' THEN 'cancelling' ELSE state END
             WHERE id = ?1 RETURNING state",
        )?
        .query_row([to_column(id)], |row| row.get(0))
        .optional()?;
    stands.map(|name| state(&name)).transpose()
}

/// The day of a source that is being reloaded.
pub(super) fn day(connection: &Connection, source: &SourceName) -> Tried<Option<ReloadDay>> {
    let day = connection
        .prepare_cached("SELECT reload, low, high, swapped FROM reload_days WHERE source = ?1")?
        .query_row([source.as_str()], |row| {
            Ok(ReloadDay {
                id: from_column(row.get(0)?),
                from: Timestamp::from_millis(row.get(1)?),
                to: Timestamp::from_millis(row.get(2)?),
                swapped: row.get(3)?,
            })
        })
        .optional()?;
    Ok(day)
}

/// Does a step.
pub(super) fn step(step: &mut Step<'_>, next: &ReloadStep) -> Tried<Reloaded> {
    failpoint!("reload.before", fails);
    close::check_closer(step, &next.source, next.epoch)?;
    let (rows, goes_on) = match &next.work {
        ReloadWork::Note => (0, false),
        ReloadWork::Begin { from, to } => (begin(step, next, *from, *to)?, true),
        ReloadWork::SetAside { rows, gone } => (set_aside(step, next, rows, gone)?, true),
        ReloadWork::Swap { rows, answered, reason } => {
            swap(step, next, *rows, reason)?;
            dirty::answer(step, &next.source, answered)?;
            (0, true)
        }
        ReloadWork::Move(most) => end_if_empty(step, next, move_rows(step, next, *most)?, *most)?,
        ReloadWork::Drop(most) => end_if_empty(step, next, drop_rows(step, next, *most)?, *most)?,
    };
    let stands: String = step
        .connection
        .prepare_cached(
            "UPDATE reloads SET progress = ?2,
                 state = CASE WHEN state = 'cancelling' AND ?3 = 'running' THEN state ELSE ?3 END
             WHERE id = ?1 RETURNING state",
        )?
        .query_row(params![to_column(next.id), next.progress, next.state.as_str()], |row| row.get(0))?;
    failpoint!("reload.after", fails);
    Ok(Reloaded { state: state(&stands)?, rows, goes_on })
}

fn begin(step: &Step<'_>, next: &ReloadStep, from: Timestamp, to: Timestamp) -> Tried<u64> {
    step.connection
        .prepare_cached(
            "INSERT INTO reload_days (source, reload, low, high, swapped) VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT DO UPDATE SET reload = excluded.reload, low = excluded.low, high = excluded.high
             WHERE swapped = 0",
        )?
        .execute(params![next.source.as_str(), to_column(next.id), from.as_millis(), to.as_millis()])?;
    Ok(0)
}

fn set_aside(
    step: &Step<'_>,
    next: &ReloadStep,
    rows: &[RowWrite],
    gone: &[(pegboard_model::Text, Timestamp, String)],
) -> Tried<u64> {
    let mut set = 0;
    let wanted = rows.iter().map(|row| close::Row {
        report: &row.report,
        interval_start: row.interval_start,
        key: &row.key,
        reason: &row.reason,
        body: Some(&row.body),
    });
    let gone = gone.iter().map(|(report, interval_start, key)| close::Row {
        report,
        interval_start: *interval_start,
        key,
        reason: GONE,
        body: None,
    });
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO reload_rows (source, report, interval_start, key, revision, at, reason, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, at = excluded.at,
             reason = excluded.reason, body = excluded.body",
    )?;
    for row in wanted.chain(gone) {
        let stands = close::find(step, &next.source, &row)?;
        if stands.as_ref().and_then(|stands| stands.body.as_deref()) == row.body {
            continue;
        }
        set += 1;
        insert.execute(params![
            next.source.as_str(),
            row.report,
            row.interval_start.as_millis(),
            row.key,
            to_column(stands.map_or(1, |stands| stands.revision + 1)),
            next.at.as_millis(),
            row.reason,
            row.body,
        ])?;
    }
    Ok(set)
}

/// One mark, and readers see the new rows.
fn swap(step: &mut Step<'_>, next: &ReloadStep, rows: u64, reason: &str) -> Tried<()> {
    step.connection
        .prepare_cached("UPDATE reload_days SET swapped = 1 WHERE source = ?1")?
        .execute([next.source.as_str()])?;
    failpoint!("reload.swapping", fails);
    if let Some(day) = day(step.connection, &next.source)? {
        let entry = to_json(&SwapEntry::new(day, rows, reason))?;
        feed::append(step, FeedKind::Rows, &next.source, &[entry])?;
    }
    Ok(())
}

/// Moves some rows to where rows are kept. Those are what readers see in either place.
fn move_rows(step: &Step<'_>, next: &ReloadStep, most: usize) -> Tried<u64> {
    let sql = "SELECT report, interval_start, key, revision, at, reason, body FROM reload_rows
               WHERE source = ?1 ORDER BY report, interval_start, key LIMIT ?2";
    let aside = all(step.connection, sql, params![next.source.as_str(), limit(most)], |row| {
        let kept = Kept {
            revision: from_column(row.get(3)?),
            at: row.get(4)?,
            reason: text(row, 5)?,
            body: row.get(6)?,
        };
        Ok((text(row, 0)?, instant(row, 1)?, text(row, 2)?, kept))
    })?;
    let mut remove = step.connection.prepare_cached(
        "DELETE FROM reload_rows WHERE source = ?1 AND report = ?2 AND interval_start = ?3 AND key = ?4",
    )?;
    for (report, interval_start, key, kept) in &aside {
        let row = close::Row {
            report,
            interval_start: *interval_start,
            key,
            reason: &kept.reason,
            body: kept.body.as_deref(),
        };
        if let Some(stands) = close::find(step, &next.source, &row)? {
            close::remember(step, &next.source, &row, &stands)?;
        }
        close::put(step, &next.source, &row, kept.revision, kept.at)?;
        remove.execute(params![next.source.as_str(), report, interval_start.as_millis(), key])?;
    }
    failpoint!("reload.moved", fails);
    Ok(aside.len() as u64)
}

fn drop_rows(step: &Step<'_>, next: &ReloadStep, most: usize) -> Tried<u64> {
    let dropped = step
        .connection
        .prepare_cached(
            "DELETE FROM reload_rows WHERE source = ?1 AND (report, interval_start, key) IN
                 (SELECT report, interval_start, key FROM reload_rows WHERE source = ?1 LIMIT ?2)",
        )?
        .execute(params![next.source.as_str(), limit(most)])?;
    Ok(dropped as u64)
}

/// Ends the day with the last of its rows.
fn end_if_empty(step: &Step<'_>, next: &ReloadStep, done: u64, most: usize) -> Tried<(u64, bool)> {
    let goes_on = done >= most as u64;
    if !goes_on {
        step.connection
            .prepare_cached("DELETE FROM reload_days WHERE source = ?1")?
            .execute([next.source.as_str()])?;
    }
    Ok((done, goes_on))
}
