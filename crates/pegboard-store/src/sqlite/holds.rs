//! Whole pictures that sinks are not sent yet, and what sinks were told of sources.

use pegboard_model::{SinkName, SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Tried;
use super::read::{all, instant, maybe_instant, text};
use super::writer::Step;
use crate::column::{from_column, to_column};
use crate::delivery::DeliveryNote;
use crate::hold::{Hold, HoldNote, Present};

/// What of a sink is held back.
pub(super) fn hold(connection: &Connection, sink: &SinkName) -> Tried<Option<Hold>> {
    let sql = "SELECT since, reason, released FROM sink_holds WHERE sink = ?1";
    let mut found = all(connection, sql, [sink.as_str()], |row| {
        let (since, reason) = (instant(row, 0)?, text(row, 1)?.into());
        Ok(Hold { since, reason, released: maybe_instant(row, 2)? })
    })?;
    Ok(found.pop())
}

/// Answers whether something was held back.
pub(super) fn release(step: &Step<'_>, sink: &SinkName, at: Timestamp) -> Tried<bool> {
    let released = step
        .connection
        .prepare_cached("UPDATE sink_holds SET released = ?2 WHERE sink = ?1 AND released IS NULL")?
        .execute(params![sink.as_str(), at.as_millis()])?;
    Ok(released > 0)
}

/// How many agents the sink knows as signed in.
pub(super) fn present(connection: &Connection, sink: &SinkName) -> Tried<Option<Present>> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT agents, at FROM sink_present WHERE sink = ?1")?
        .query_row([sink.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let present = |(agents, at)| Present { agents: from_column(agents), at: Timestamp::from_millis(at) };
    Ok(found.map(present))
}

/// The sources that the sink was told are stale.
pub(super) fn stale(connection: &Connection, sink: &SinkName) -> Tried<Vec<(SourceName, Timestamp)>> {
    let sql = "SELECT source, since FROM sink_stale WHERE sink = ?1 ORDER BY source";
    all(connection, sql, [sink.as_str()], |row| Ok((text(row, 0)?.into(), instant(row, 1)?)))
}

/// Writes what a deliverer has to say of it.
pub(super) fn note(step: &Step<'_>, note: &DeliveryNote) -> Tried<()> {
    let sink = note.sink.as_str();
    match &note.hold {
        Some(HoldNote::Waits { since, reason }) => {
            let sql = "INSERT INTO sink_holds (sink, since, reason) VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET reason = excluded.reason";
            step.connection.prepare_cached(sql)?.execute(params![sink, since.as_millis(), reason])?;
        }
        Some(HoldNote::Over) => {
            step.connection.prepare_cached("DELETE FROM sink_holds WHERE sink = ?1")?.execute([sink])?;
        }
        None => {}
    }
    if let Some(Present { agents, at }) = note.present {
        let sql = "INSERT INTO sink_present (sink, agents, at) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET agents = excluded.agents, at = excluded.at";
        step.connection.prepare_cached(sql)?.execute(params![sink, to_column(agents), at.as_millis()])?;
    }
    for told in &note.stale {
        let source = told.source.as_str();
        if let Some(since) = told.since {
            let sql = "INSERT INTO sink_stale (sink, source, since) VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET since = excluded.since";
            step.connection.prepare_cached(sql)?.execute(params![sink, source, since.as_millis()])?;
        } else {
            let sql = "DELETE FROM sink_stale WHERE sink = ?1 AND source = ?2";
            step.connection.prepare_cached(sql)?.execute(params![sink, source])?;
        }
    }
    Ok(())
}
