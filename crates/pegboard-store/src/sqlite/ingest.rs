//! What ingest writes: the batch of a partition.

use pegboard_model::{
    AgentId, ContactLeg, Observation, PartitionId, Position, Segment, SourceName, Timestamp,
};
use rusqlite::{OptionalExtension, params};

use super::codec::{from_json, to_json};
use super::fault::{Fault, Tried};
use super::writer::Step;
use super::{acd, archive, close, contact_events, dirty, events, feed, partitions, queue_names};
use crate::column::{content_column, to_column};
use crate::failpoint;
use crate::{
    AgentWrite, Batch, Committed, DeadLetterWrite, DirtyMark, FeedKind, GapWrite, SegmentsWrite, StoreError,
};

/// Writes a batch, if its writer still owns the partition.
pub(super) fn commit(step: &mut Step<'_>, batch: &Batch) -> Tried<Committed> {
    failpoint!("ingest.before", fails);
    let stands = partitions::check_owner(step, batch)?;
    partitions::advance(step, batch, &stands)?;
    failpoint!("ingest.position_moved", fails);
    write_agents(step, &batch.source, &batch.agents)?;
    write_evidence(step, &batch.source, &batch.evidence)?;
    failpoint!("ingest.evidence_written", fails);
    write_segments(step, &batch.source, &batch.segments)?;
    failpoint!("ingest.segments_written", fails);
    let closing = close::announced(step.connection, &batch.source)?;
    let moved = write_contacts(step, &batch.source, &batch.contacts)?;
    contact_events::write(step, &batch.source, &batch.contact_events)?;
    dirty::mark_behind(step, &batch.source, closing, batch.dirty.iter().cloned().chain(moved))?;
    write_dead_letters(step, batch, &batch.dead_letters)?;
    write_gaps(step, batch, &batch.gaps)?;
    queue_names::write(step, &batch.source, &batch.queue_names)?;
    let rows = acd::write(step, &batch.source, &batch.acd_rows)?;
    archive::keep(step, batch)?;
    events::keep(step, batch)?;
    failpoint!("ingest.before_feed", fails);
    if !rows.is_empty() {
        feed::append(step, FeedKind::Rows, &batch.source, &rows)?;
    }
    let states: Vec<String> = batch.states.iter().map(to_json).collect::<Tried<_>>()?;
    let last_state = feed::append(step, FeedKind::States, &batch.source, &states)?;
    failpoint!("ingest.after", fails);
    Ok(Committed { last_state })
}

fn write_agents(step: &Step<'_>, source: &SourceName, agents: &[AgentWrite]) -> Tried<()> {
    let mut upsert = step.connection.prepare_cached(
        "INSERT INTO agents (source, agent, heard, now, track, begins_at, begins_before, version)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 + 1
         WHERE ?8 = 0 OR EXISTS (SELECT 1 FROM agents WHERE source = ?1 AND agent = ?2)
         ON CONFLICT DO UPDATE
         SET heard = excluded.heard, now = excluded.now, track = excluded.track,
             begins_at = excluded.begins_at, begins_before = excluded.begins_before, version = version + 1
         WHERE version = ?8",
    )?;
    let mut moved = Vec::new();
    for write in agents {
        let written = upsert.execute(params![
            source.as_str(),
            write.agent.as_str(),
            write.heard.as_millis(),
            to_json(&write.now)?,
            write.track,
            write.begins.map(|(at, _)| at.as_millis()),
            write.begins.map(|(_, before)| before.as_str()),
            to_column(write.version),
        ])?;
        if written == 0 {
            moved.push(write.agent.clone());
        }
    }
    if moved.is_empty() { Ok(()) } else { Err(self::moved(source, moved)) }
}

fn moved(source: &SourceName, agents: Vec<AgentId>) -> Fault {
    StoreError::AgentMoved { source_name: source.clone(), agents }.into()
}

fn write_evidence(step: &Step<'_>, source: &SourceName, evidence: &[Observation]) -> Tried<()> {
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO evidence (source, agent, at, id, partition, position, what)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    )?;
    for seen in evidence {
        let written = insert.execute(params![
            source.as_str(),
            seen.agent.as_str(),
            seen.at.as_millis(),
            seen.id.to_string(),
            seen.order.partition.as_str(),
            to_json(&seen.order.position)?,
            to_json(&seen.what)?,
        ])?;
        if written == 0 {
            keep_earlier_place(step, source, seen)?;
        }
    }
    Ok(())
}

/// Of two copies of an event the one that stands earlier counts, whichever came first: its place decides between
/// events of one instant.
fn keep_earlier_place(step: &Step<'_>, source: &SourceName, seen: &Observation) -> Tried<()> {
    let key = params![source.as_str(), seen.agent.as_str(), seen.at.as_millis(), seen.id.to_string()];
    let (partition, position): (String, String) = step
        .connection
        .prepare_cached(
            "SELECT partition, position FROM evidence WHERE source = ?1 AND agent = ?2 AND at = ?3 AND id = ?4",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let stored: (PartitionId, Position) =
        (partition.into(), from_json("position of an observation", &position)?);
    if (&seen.order.partition, &seen.order.position) < (&stored.0, &stored.1) {
        step.connection
            .prepare_cached(
                "UPDATE evidence SET partition = ?5, position = ?6
                 WHERE source = ?1 AND agent = ?2 AND at = ?3 AND id = ?4",
            )?
            .execute(params![
                source.as_str(),
                seen.agent.as_str(),
                seen.at.as_millis(),
                seen.id.to_string(),
                seen.order.partition.as_str(),
                to_json(&seen.order.position)?,
            ])?;
    }
    Ok(())
}

/// Lets a track stand for the evidence of an agent up to and with `until`.
pub(super) fn rebase(
    step: &mut Step<'_>,
    source: &SourceName,
    agent: &AgentId,
    version: u64,
    until: Timestamp,
    base: &str,
) -> Tried<()> {
    failpoint!("rebase.before", fails);
    let known = step
        .connection
        .prepare_cached(
            "UPDATE agents SET base = ?3, version = version + 1
             WHERE source = ?1 AND agent = ?2 AND version = ?4",
        )?
        .execute(params![source.as_str(), agent.as_str(), base, to_column(version)])?;
    if known == 0 {
        return Err(moved(source, vec![agent.clone()]));
    }
    failpoint!("rebase.base_written", fails);
    step.connection
        .prepare_cached("DELETE FROM evidence WHERE source = ?1 AND agent = ?2 AND at <= ?3")?
        .execute(params![source.as_str(), agent.as_str(), until.as_millis()])?;
    failpoint!("rebase.after", fails);
    Ok(())
}

fn write_segments(step: &Step<'_>, source: &SourceName, writes: &[SegmentsWrite]) -> Tried<()> {
    for write in writes {
        clear_from(step, source, write)?;
        for segment in &write.segments {
            insert_segment(step, source, write, segment)?;
        }
    }
    Ok(())
}

/// Removes what starts at or after `from`, and cuts what reaches beyond it. Segments do not overlap, so that can
/// only be the last one that starts before.
fn clear_from(step: &Step<'_>, source: &SourceName, write: &SegmentsWrite) -> Tried<()> {
    let bounds = params![source.as_str(), write.agent.as_str(), write.from.as_millis()];
    let clear = if write.keep_mark {
        "DELETE FROM segments
         WHERE source = ?1 AND agent = ?2 AND start >= ?3 AND start < ?4 AND NOT (start = ?3 AND is_segment = 0)"
    } else {
        "DELETE FROM segments WHERE source = ?1 AND agent = ?2 AND start >= ?3 AND start < ?4"
    };
    let until = write.until.map_or(i64::MAX, Timestamp::as_millis);
    let stretch = params![source.as_str(), write.agent.as_str(), write.from.as_millis(), until];
    step.connection.prepare_cached(clear)?.execute(stretch)?;
    step.connection
        .prepare_cached(
            "UPDATE segments SET stop = ?3
             WHERE source = ?1 AND agent = ?2 AND is_segment = 1 AND (stop IS NULL OR stop > ?3)
               AND start = (SELECT start FROM segments
                            WHERE source = ?1 AND agent = ?2 AND start < ?3 AND is_segment = 1
                            ORDER BY start DESC LIMIT 1)",
        )?
        .execute(bounds)?;
    Ok(())
}

fn insert_segment(
    step: &Step<'_>,
    source: &SourceName,
    write: &SegmentsWrite,
    segment: &Segment,
) -> Tried<()> {
    step.connection
        .prepare_cached(
            "INSERT INTO segments (source, agent, start, is_segment, stop, mark, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET stop = excluded.stop, mark = excluded.mark, state = excluded.state",
        )?
        .execute(params![
            source.as_str(),
            write.agent.as_str(),
            segment.start.as_millis(),
            segment.mark.is_none(),
            segment.end.map(Timestamp::as_millis),
            segment.mark.as_ref().map(to_json).transpose()?,
            to_json(&segment.state)?,
        ])?;
    Ok(())
}

/// Answers which instants the contacts left or came to.
fn write_contacts(
    step: &Step<'_>,
    source: &SourceName,
    contacts: &[(ContactLeg, Option<Timestamp>)],
) -> Tried<Vec<DirtyMark>> {
    let mut find =
        step.connection.prepare_cached("SELECT pegged FROM contacts WHERE source = ?1 AND id = ?2")?;
    let mut upsert = step.connection.prepare_cached(
        "INSERT INTO contacts (source, id, pegged, updated, content, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE
         SET pegged = excluded.pegged, updated = excluded.updated, content = excluded.content,
             body = excluded.body
         WHERE (excluded.updated, excluded.content) > (updated, content)",
    )?;
    let mut moved = Vec::new();
    for (contact, pegged) in contacts {
        let id = contact.id.to_string();
        let before: Option<Option<i64>> =
            find.query_row([source.as_str(), &id], |row| row.get(0)).optional()?;
        let written = upsert.execute(params![
            source.as_str(),
            id,
            pegged.map(Timestamp::as_millis),
            contact.version.updated.as_millis(),
            content_column(&contact.version),
            to_json(contact)?,
        ])?;
        if written > 0 {
            let before = before.flatten().map(Timestamp::from_millis);
            moved.extend(before.into_iter().chain(*pegged).map(DirtyMark::of_contacts_at));
        }
    }
    Ok(moved)
}

fn write_dead_letters(step: &Step<'_>, batch: &Batch, letters: &[DeadLetterWrite]) -> Tried<()> {
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO dead_letters (source, at, partition, position, reason, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for letter in letters {
        insert.execute(params![
            batch.source.as_str(),
            letter.at.as_millis(),
            batch.partition.as_str(),
            to_json(&letter.position)?,
            &*letter.reason,
            letter.kept(),
        ])?;
    }
    Ok(())
}

fn write_gaps(step: &Step<'_>, batch: &Batch, gaps: &[GapWrite]) -> Tried<()> {
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO gaps (source, at, partition, reason, lost_from, lost_to)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for gap in gaps {
        insert.execute(params![
            batch.source.as_str(),
            gap.at.as_millis(),
            batch.partition.as_str(),
            &*gap.reason,
            gap.from.map(Timestamp::as_millis),
            gap.to.map(Timestamp::as_millis),
        ])?;
    }
    Ok(())
}
