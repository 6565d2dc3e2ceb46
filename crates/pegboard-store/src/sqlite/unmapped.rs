//! What no row of a sink's mapping names.

use pegboard_model::SinkName;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::unmapped::{MOST_UNMAPPED, UnmappedName, UnmappedSeen, agents_of};

/// Notes what was seen once more. What is new beyond the most that is kept is not.
pub(super) fn note(step: &Step<'_>, sink: &str, all: &[UnmappedSeen]) -> Tried<()> {
    if all.is_empty() {
        return Ok(());
    }
    let mut room = MOST_UNMAPPED.saturating_sub(count(step.connection, sink)?);
    for seen in all {
        let known = known(step.connection, sink, seen)?;
        if known.is_none() && room == 0 {
            continue;
        }
        room -= u64::from(known.is_none());
        write(step, sink, seen, known.as_deref())?;
    }
    Ok(())
}

/// The agents of what is known already.
fn known(connection: &Connection, sink: &str, seen: &UnmappedSeen) -> Tried<Option<String>> {
    let mut query = connection.prepare_cached(
        "SELECT agents FROM unmapped WHERE sink = ?1 AND kind = ?2 AND source = ?3 AND id = ?4 AND detail = ?5",
    )?;
    let key = params![sink, seen.kind, seen.source.as_str(), seen.id, seen.detail];
    Ok(query.query_row(key, |row| row.get(0)).optional()?)
}

fn write(step: &Step<'_>, sink: &str, seen: &UnmappedSeen, known: Option<&str>) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO unmapped (sink, kind, source, id, detail, count, first_at, last_at, suggestion, agents)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET count = count + excluded.count, first_at = min(first_at, excluded.first_at),
                 last_at = max(last_at, excluded.last_at), suggestion = excluded.suggestion, agents = excluded.agents",
        )?
        .execute(params![
            sink,
            seen.kind,
            seen.source.as_str(),
            seen.id,
            seen.detail,
            to_column(seen.count),
            seen.first.as_millis(),
            seen.last.as_millis(),
            seen.suggestion,
            seen.agents_column(known),
        ])?;
    Ok(())
}

fn count(connection: &Connection, sink: &str) -> Tried<u64> {
    let mut query = connection.prepare_cached("SELECT count(*) FROM unmapped WHERE sink = ?1")?;
    Ok(from_column(query.query_row([sink], |row| row.get(0))?))
}

/// What was seen last first.
pub(super) fn list(connection: &Connection, sink: &SinkName, most: usize) -> Tried<Vec<UnmappedSeen>> {
    let sql = "SELECT kind, source, id, detail, count, first_at, last_at, suggestion, agents FROM unmapped
               WHERE sink = ?1 ORDER BY last_at DESC, kind, source, id, detail LIMIT ?2";
    all(connection, sql, params![sink.as_str(), limit(most)], |row| {
        Ok(UnmappedSeen {
            kind: text(row, 0)?.into(),
            source: text(row, 1)?.into(),
            id: text(row, 2)?.into(),
            detail: text(row, 3)?.into(),
            count: from_column(row.get(4)?),
            first: instant(row, 5)?,
            last: instant(row, 6)?,
            suggestion: text(row, 7)?.into(),
            agents: agents_of(&text(row, 8)?),
        })
    })
}

/// Forgets these.
pub(super) fn forget_names(step: &Step<'_>, sink: &SinkName, names: &[UnmappedName]) -> Tried<()> {
    let sql =
        "DELETE FROM unmapped WHERE sink = ?1 AND kind = ?2 AND source = ?3 AND id = ?4 AND detail = ?5";
    for UnmappedName { kind, source, id, detail } in names {
        let name = params![sink.as_str(), kind, source.as_str(), id, detail];
        step.connection.prepare_cached(sql)?.execute(name)?;
    }
    Ok(())
}

/// Answers how much there was.
pub(super) fn forget(step: &Step<'_>, sink: &SinkName) -> Tried<u64> {
    let forgotten =
        step.connection.prepare_cached("DELETE FROM unmapped WHERE sink = ?1")?.execute([sink.as_str()])?;
    Ok(forgotten as u64)
}
