//! Marks of what the closer has to look at again.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Tried;
use super::sweep;
use super::writer::Step;
use crate::column::limit;
use crate::{ClosedUntil, DirtyMark};

/// Adds marks of what begins before `closing`, each merged with the one of the same agent, or of contacts. What changed
/// about an agent lasts: every interval that is closed by then was closed, or is being closed, with the old state.
pub(super) fn mark_behind(
    step: &Step<'_>,
    source: &SourceName,
    closing: ClosedUntil,
    changed: impl Iterator<Item = DirtyMark>,
) -> Tried<()> {
    let behind = changed.filter_map(|mark| {
        let closing = closing.get(mark.rows()).filter(|closing| mark.from < *closing)?;
        Some(match mark.agent {
            Some(_) => DirtyMark { to: mark.to.max(closing), ..mark },
            None => mark,
        })
    });
    mark(step, source, &behind.collect::<Vec<_>>())
}

/// Adds marks, each merged with the one of the same agent, or of contacts.
fn mark(step: &Step<'_>, source: &SourceName, marks: &[DirtyMark]) -> Tried<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let kept_from = sweep::details_from(step.connection, source)?;
    // What lies before is no longer there to derive rows from: they stay as they are.
    for mark in marks.iter().filter(|mark| mark.to > kept_from) {
        let mark = &DirtyMark { from: mark.from.max(kept_from), ..mark.clone() };
        let known = find(step.connection, source, mark)?;
        let merged = known.map_or_else(|| mark.clone(), |known| merge(known, mark));
        step.connection
            .prepare_cached(
                "INSERT INTO dirty (source, of_contacts, agent, low, high) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET low = excluded.low, high = excluded.high",
            )?
            .execute(params![
                source.as_str(),
                mark.agent.is_none(),
                agent_column(mark),
                merged.from.as_millis(),
                merged.to.as_millis(),
            ])?;
    }
    Ok(())
}

/// The span of both marks, and never exactly the known one.
///
/// The closer answers a mark by naming it as it read it. Had a change between reading and answering left the mark
/// as it was, the answer would remove it, and the change would never reach a row. So a mark that would stay as it
/// is grows by a millisecond: looking at too much again costs time and changes nothing.
fn merge(known: DirtyMark, new: &DirtyMark) -> DirtyMark {
    let (mut from, mut to) = (known.from.min(new.from), known.to.max(new.to));
    if (from, to) == (known.from, known.to) {
        if to < Timestamp::MAX {
            to = Timestamp::from_millis(to.as_millis() + 1);
        } else {
            from = Timestamp::from_millis(from.as_millis().saturating_sub(1));
        }
    }
    DirtyMark { from, to, ..known }
}

fn find(connection: &Connection, source: &SourceName, mark: &DirtyMark) -> Tried<Option<DirtyMark>> {
    let found = connection
        .prepare_cached("SELECT low, high FROM dirty WHERE source = ?1 AND of_contacts = ?2 AND agent = ?3")?
        .query_row(params![source.as_str(), mark.agent.is_none(), agent_column(mark)], |row| {
            Ok(DirtyMark {
                agent: mark.agent.clone(),
                from: Timestamp::from_millis(row.get(0)?),
                to: Timestamp::from_millis(row.get(1)?),
            })
        })
        .optional()?;
    Ok(found)
}

/// Marks of a source, the one that reaches back farthest first: of agents so many at most, and the one of contacts.
pub(super) fn list(connection: &Connection, source: &SourceName, most: usize) -> Tried<Vec<DirtyMark>> {
    let mut query = connection.prepare_cached(
        "SELECT of_contacts, agent, low, high FROM
             (SELECT * FROM dirty WHERE source = ?1 AND of_contacts = 0 ORDER BY low, agent LIMIT ?2)
         UNION ALL
         SELECT of_contacts, agent, low, high FROM dirty WHERE source = ?1 AND of_contacts = 1
         ORDER BY 3, 1, 2",
    )?;
    let marks = query.query_map(params![source.as_str(), limit(most)], |row| {
        let of_contacts: bool = row.get(0)?;
        let agent: String = row.get(1)?;
        Ok(DirtyMark {
            agent: (!of_contacts).then(|| agent.into()),
            from: Timestamp::from_millis(row.get(2)?),
            to: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    Ok(marks.collect::<rusqlite::Result<_>>()?)
}

/// Removes marks that stand exactly as they were read.
pub(super) fn answer(step: &Step<'_>, source: &SourceName, marks: &[DirtyMark]) -> Tried<()> {
    let mut delete = step.connection.prepare_cached(
        "DELETE FROM dirty
         WHERE source = ?1 AND of_contacts = ?2 AND agent = ?3 AND low = ?4 AND high = ?5",
    )?;
    for mark in marks {
        delete.execute(params![
            source.as_str(),
            mark.agent.is_none(),
            agent_column(mark),
            mark.from.as_millis(),
            mark.to.as_millis(),
        ])?;
    }
    Ok(())
}

fn agent_column(mark: &DirtyMark) -> &str {
    mark.agent.as_ref().map_or("", |agent| agent.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(from: Timestamp, to: Timestamp) -> DirtyMark {
        DirtyMark { agent: None, from, to }
    }

    fn millis(from: i64, to: i64) -> DirtyMark {
        mark(Timestamp::from_millis(from), Timestamp::from_millis(to))
    }

    #[test]
    fn a_merged_mark_covers_both() {
        assert_eq!(merge(millis(10, 20), &millis(30, 40)), millis(10, 40));
        assert_eq!(merge(millis(30, 40), &millis(10, 35)), millis(10, 40));
    }

    #[test]
    fn a_merged_mark_is_never_the_known_one() {
        assert_eq!(merge(millis(10, 20), &millis(10, 20)), millis(10, 21));
        assert_eq!(merge(millis(10, 20), &millis(12, 13)), millis(10, 21));
        let open = mark(Timestamp::from_millis(10), Timestamp::MAX);
        assert_eq!(merge(open.clone(), &open), mark(Timestamp::from_millis(9), Timestamp::MAX));
    }
}
