//! What ingest writes: the batch of a partition.
//!
//! A batch takes two exchanges with the database, however large it is. The first checks who owns the partition and writes
//! what belongs to it and to its agents. The second writes what all partitions of a source share, marks and feed, and
//! commits: those locks are held for no more than the commit.

use std::collections::BTreeMap;

use pegboard_model::{
    AgentId, ContactLeg, Observation, PartitionId, Position, Segment, SourceName, Timestamp,
};
use tokio_postgres::Row;

use super::codec::{from_json, get, get_instant, get_maybe_instant, get_text, text, to_json};
use super::fault::{Fault, Tried};
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use super::{acd, archive, close, contact_events, dirty, events, feed, partitions, queue_names};
use crate::column::{content_column, to_column};
use crate::{
    AgentWrite, Batch, ClosedUntil, Committed, DeadLetterWrite, DirtyMark, FeedKind, GapWrite, SegmentsWrite,
    StoreError, failpoint,
};

/// Up to where a source is closed, or about to be, and from when on its details are there. Whoever announces a closing,
/// or removes details, waits until this batch has ended.
const CLOSING: &str = "
    SELECT greatest(closed_until, closing_until), greatest(contacts_closed_until, contacts_closing_until), details_from
    FROM closers WHERE source = $1 FOR KEY SHARE";

/// Writes a batch, if its writer still owns the partition.
pub(super) async fn commit(session: &Session, batch: &Batch, now: Timestamp) -> Tried<Committed> {
    failpoint!("ingest.before", fails);
    let source = &batch.source;
    let mut own = Pipeline::new(BEGIN);
    let advanced = own.add(partitions::advance(batch, now)?);
    let closing = own.add(Call::new(CLOSING).with(source.as_str()));
    let moved = write_agents(source, &batch.agents)?.map(|call| own.add(call));
    let known = write_evidence(source, &batch.evidence)?.map(|call| own.add(call));
    own.extend(write_segments(source, &batch.segments)?);
    let contacts = newest(&batch.contacts);
    let pegged = write_contacts(source, &contacts)?.map(|calls| calls.map(|call| own.add(call)));
    let told =
        contact_events::write(source, &batch.contact_events).map(|calls| calls.map(|call| own.add(call)));
    own.extend(write_dead_letters(batch, &batch.dead_letters)?);
    own.extend(write_gaps(batch, &batch.gaps));
    own.extend(queue_names::write(source, &batch.queue_names));
    let standing = acd::find(source, &batch.acd_rows).map(|calls| calls.map(|call| own.add(call)));
    own.extend(archive::keep(batch));
    let answers = session.run(own).await?;
    failpoint!("ingest.position_moved", fails);

    partitions::check_owner(session, batch, &answers[advanced]).await?;
    check_agents(source, moved.map(|moved| &answers[moved][..]))?;
    contact_events::check(source, told.map_or(&[][..], |[_, moved, _]| &answers[moved]))?;
    if let Some(known) = known {
        keep_earlier_places(session, batch, &answers[known]).await?;
    }
    let (closing, kept_from) = match answers[closing].first() {
        Some(row) => (close::closed_until(row, 0)?, get_maybe_instant(row, 2)?),
        None => (ClosedUntil::default(), None),
    };
    let kept_from = kept_from.unwrap_or(Timestamp::MIN);
    let pegs = pegged.map(|[before, written]| pegs(&contacts, &answers[before], &answers[written]));
    let changed = batch.dirty.iter().cloned().chain(pegs.transpose()?.unwrap_or_default());
    let standing = standing.map_or(&[][..], |[_, standing]| &answers[standing]);
    let acd_rows = acd::revise(&batch.acd_rows, standing, now)?;
    failpoint!("ingest.before_feed", fails);

    let mut shared = Pipeline::default();
    shared.extend(dirty::mark_behind(source, closing, kept_from, changed));
    shared.extend(acd::put(source, &acd_rows));
    if !acd_rows.entries.is_empty() {
        shared.add(feed::append(FeedKind::Rows, source, acd_rows.entries.clone(), now));
    }
    shared.extend(events::keep(batch)?);
    let states = batch.states.iter().map(to_json).collect::<Tried<_>>()?;
    let fed = shared.add(feed::append(FeedKind::States, source, states, now));
    shared.add(Call::new(COMMIT));
    failpoint!("group.before_commit");
    let answers = session.run(shared).await?;
    failpoint!("group.after_commit");
    Ok(Committed { last_state: feed::head(&answers[fed])? })
}

/// Writes agents that still have the version that the write was derived from; answers the others. A row that takes the
/// place of an older one has an `xmax`; one without it, and not the first of its agent, follows nothing: the agent was
/// removed meanwhile.
const AGENTS: &str = "
    WITH written AS (
        INSERT INTO agents AS known (source, agent, heard, now, track, begins_at, begins_before, version)
        SELECT $1, given.agent, given.heard, given.now, given.track, given.begins_at, given.begins_before,
               given.version + 1
        FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[])
             AS given (agent, heard, now, track, begins_at, begins_before, version)
        ORDER BY given.agent
        ON CONFLICT (source, agent) DO UPDATE
        SET heard = excluded.heard, now = excluded.now, track = excluded.track, begins_at = excluded.begins_at,
            begins_before = excluded.begins_before, version = excluded.version
        WHERE known.version = excluded.version - 1
        RETURNING known.agent, known.version = 1 OR known.xmax <> 0 AS follows
    )
    SELECT agent FROM unnest($2) AS given (agent) EXCEPT SELECT agent FROM written WHERE follows ORDER BY agent";

fn write_agents<'a>(source: &'a SourceName, agents: &'a [AgentWrite]) -> Tried<Option<Call<'a>>> {
    if agents.is_empty() {
        return Ok(None);
    }
    let begins = |write: &AgentWrite| write.begins.map(|(at, _)| at.as_millis());
    let before = |write: &AgentWrite| write.begins.map(|(_, before)| before.as_str());
    let call = Call::new(AGENTS)
        .with(source.as_str())
        .with(column(agents, |write| text(write.agent.as_str())))
        .with(column(agents, |write| write.heard.as_millis()))
        .with(agents.iter().map(|write| to_json(&write.now)).collect::<Tried<Vec<_>>>()?)
        .with(column(agents, |write| write.track.as_str()))
        .with(column(agents, begins))
        .with(column(agents, before))
        .with(column(agents, |write| to_column(write.version)));
    Ok(Some(call))
}

/// The values of one column.
fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn check_agents(source: &SourceName, moved: Option<&[Row]>) -> Tried<()> {
    let moved = moved.unwrap_or_default().iter().map(|row| get_text(row, 0).map(AgentId::from));
    let moved: Vec<AgentId> = moved.collect::<Tried<_>>()?;
    if moved.is_empty() { Ok(()) } else { Err(self::moved(source, moved)) }
}

fn moved(source: &SourceName, agents: Vec<AgentId>) -> Fault {
    StoreError::AgentMoved { source_name: source.clone(), agents }.into()
}

/// Writes evidence; answers how much of it was not there yet.
const EVIDENCE: &str = "
    WITH written AS (
        INSERT INTO evidence (source, agent, at, id, partition, position, what)
        SELECT $1, given.*
        FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS given (agent, at, id, partition, position, what)
        ORDER BY given.agent, given.at, given.id
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM written";

fn write_evidence<'a>(source: &'a SourceName, evidence: &'a [Observation]) -> Tried<Option<Call<'a>>> {
    if evidence.is_empty() {
        return Ok(None);
    }
    let call = Call::new(EVIDENCE).with(source.as_str());
    let call = with_keys(call, evidence)
        .with(column(evidence, |seen| text(seen.order.partition.as_str())))
        .with(evidence.iter().map(|seen| to_json(&seen.order.position)).collect::<Tried<Vec<_>>>()?)
        .with(evidence.iter().map(|seen| to_json(&seen.what)).collect::<Tried<Vec<_>>>()?);
    Ok(Some(call))
}

fn with_keys<'a>(call: Call<'a>, evidence: &'a [Observation]) -> Call<'a> {
    call.with(column(evidence, |seen| text(seen.agent.as_str())))
        .with(column(evidence, |seen| seen.at.as_millis()))
        .with(column(evidence, |seen| text(&seen.id.to_string()).into_owned()))
}

/// Rows are locked in order of their keys.
const PLACES: &str = "
    SELECT known.agent, known.at, known.id, known.partition, known.position
    FROM (SELECT * FROM unnest($2::text[], $3::bigint[], $4::text[]) AS given (agent, at, id)
          ORDER BY agent, at, id) AS given
    CROSS JOIN LATERAL (SELECT * FROM evidence
                        WHERE source = $1 AND agent = given.agent AND at = given.at AND id = given.id
                        FOR UPDATE) AS known";

const EARLIER: &str = "
    UPDATE evidence SET partition = earlier.partition, position = earlier.position
    FROM (SELECT known.place, given.partition, given.position
          FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
               AS given (agent, at, id, partition, position)
          CROSS JOIN LATERAL (SELECT ctid AS place FROM evidence
                              WHERE source = $1 AND agent = given.agent AND at = given.at AND id = given.id
                              OFFSET 0) AS known
          OFFSET 0) AS earlier
    WHERE evidence.ctid = earlier.place";

/// Of two copies of an event the one that stands earlier counts, whichever came first: its place decides between
/// events of one instant. Copies are rare, so that the exchanges that this costs are, too.
async fn keep_earlier_places(session: &Session, batch: &Batch, written: &[Row]) -> Tried<()> {
    let written: i64 = written.first().map_or(Ok(0), |row| get(row, 0))?;
    if written == to_column(batch.evidence.len() as u64) {
        return Ok(());
    }
    let places = with_keys(Call::new(PLACES).with(batch.source.as_str()), &batch.evidence);
    let mut stored = BTreeMap::new();
    for row in session.call(places).await? {
        let key = (get_text(&row, 0)?, get_instant(&row, 1)?, get_text(&row, 2)?);
        let position: Position = from_json("position of an observation", get(&row, 4)?)?;
        stored.insert(key, (PartitionId::from(get_text(&row, 3)?), position));
    }
    let mut earlier: BTreeMap<_, &Observation> = BTreeMap::new();
    for seen in &batch.evidence {
        let key = (seen.agent.as_str().to_owned(), seen.at, seen.id.to_string());
        let place = (&seen.order.partition, &seen.order.position);
        let stands = stored.get(&key).is_some_and(|(partition, position)| place < (partition, position));
        let best = earlier.get(&key).is_none_or(|best| place < (&best.order.partition, &best.order.position));
        if stands && best {
            earlier.insert(key, seen);
        }
    }
    let earlier: Vec<Observation> = earlier.into_values().cloned().collect();
    if earlier.is_empty() {
        return Ok(());
    }
    let call = with_keys(Call::new(EARLIER).with(batch.source.as_str()), &earlier)
        .with(column(&earlier, |seen| text(seen.order.partition.as_str())))
        .with(earlier.iter().map(|seen| to_json(&seen.order.position)).collect::<Tried<Vec<_>>>()?);
    session.call(call).await.map(drop)
}

const REBASE: &str = "
    UPDATE agents SET base = $3, version = version + 1 WHERE source = $1 AND agent = $2 AND version = $4 RETURNING 1";

const FORGET: &str = "DELETE FROM evidence WHERE source = $1 AND agent = $2 AND at <= $3";

/// Lets a track stand for the evidence of an agent up to and with `until`.
pub(super) async fn rebase(
    session: &Session,
    source: &SourceName,
    agent: &AgentId,
    version: u64,
    until: Timestamp,
    base: &str,
) -> Tried<()> {
    failpoint!("rebase.before", fails);
    let mut first = Pipeline::new(BEGIN);
    let call = Call::new(REBASE).with(source.as_str()).with(text(agent.as_str()));
    let rebased = first.add(call.with(base).with(to_column(version)));
    if session.run(first).await?[rebased].is_empty() {
        return Err(moved(source, vec![agent.clone()]));
    }
    failpoint!("rebase.base_written", fails);
    let mut second = Pipeline::default();
    second.add(Call::new(FORGET).with(source.as_str()).with(text(agent.as_str())).with(until.as_millis()));
    second.add(Call::new(COMMIT));
    session.run(second).await?;
    failpoint!("rebase.after", fails);
    Ok(())
}

/// Removes what starts at or after an instant, and before another.
const CLEAR: &str = "
    DELETE FROM segments WHERE ctid = ANY (ARRAY(
        SELECT later.ctid FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::bigint[])
                          AS given (agent, low, keep_mark, high)
        CROSS JOIN LATERAL (SELECT ctid FROM segments
                            WHERE source = $1 AND agent = given.agent AND start >= given.low AND start < given.high
                              AND NOT (given.keep_mark AND start = given.low AND NOT is_segment)
                            OFFSET 0) AS later))";

/// Cuts what reaches beyond. Segments do not overlap, so that can only be the last one that starts before.
const CUT: &str = "
    UPDATE segments SET stop = cut.low
    FROM (SELECT last.place, given.low FROM unnest($2::text[], $3::bigint[]) AS given (agent, low)
          CROSS JOIN LATERAL (SELECT ctid AS place, stop FROM segments
                              WHERE source = $1 AND agent = given.agent AND start < given.low AND is_segment
                              ORDER BY start DESC LIMIT 1) AS last
          WHERE last.stop IS NULL OR last.stop > given.low
          OFFSET 0) AS cut
    WHERE segments.ctid = cut.place";

const PUT: &str = "
    INSERT INTO segments (source, agent, start, is_segment, stop, mark, state)
    SELECT $1, given.*
    FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::bigint[], $6::text[], $7::text[])
         AS given (agent, start, is_segment, stop, mark, state)
    ON CONFLICT (source, agent, start, is_segment) DO UPDATE
    SET stop = excluded.stop, mark = excluded.mark, state = excluded.state";

fn write_segments<'a>(source: &'a SourceName, writes: &'a [SegmentsWrite]) -> Tried<Vec<Call<'a>>> {
    let mut calls = Vec::new();
    for round in rounds(writes) {
        let agents = || column(&round, |write| text(write.agent.as_str()));
        let lows = || column(&round, |write| write.from.as_millis());
        let keeps = column(&round, |write| write.keep_mark);
        let highs = column(&round, |write| write.until.map_or(i64::MAX, Timestamp::as_millis));
        calls
            .push(Call::new(CLEAR).with(source.as_str()).with(agents()).with(lows()).with(keeps).with(highs));
        calls.push(Call::new(CUT).with(source.as_str()).with(agents()).with(lows()));
        let mut segments: BTreeMap<(&AgentId, Timestamp, bool), &Segment> = BTreeMap::new();
        for write in &round {
            let keyed = write.segments.iter().map(|one| ((&write.agent, one.start, one.mark.is_none()), one));
            segments.extend(keyed);
        }
        calls.extend(put_segments(source, &segments.into_iter().collect::<Vec<_>>())?);
    }
    Ok(calls)
}

/// Writes in which each agent occurs once; a later one of the same agent is in a later round.
fn rounds(writes: &[SegmentsWrite]) -> Vec<Vec<&SegmentsWrite>> {
    let mut turns: BTreeMap<&AgentId, usize> = BTreeMap::new();
    let mut rounds: Vec<Vec<&SegmentsWrite>> = Vec::new();
    for write in writes {
        let turn = turns.entry(&write.agent).or_default();
        if *turn == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*turn].push(write);
        *turn += 1;
    }
    rounds
}

fn put_segments<'a>(
    source: &'a SourceName,
    segments: &[((&'a AgentId, Timestamp, bool), &'a Segment)],
) -> Tried<Option<Call<'a>>> {
    if segments.is_empty() {
        return Ok(None);
    }
    let marks = segments.iter().map(|(_, one)| one.mark.as_ref().map(to_json).transpose());
    let states = segments.iter().map(|(_, one)| to_json(&one.state));
    let call = Call::new(PUT)
        .with(source.as_str())
        .with(segments.iter().map(|((agent, ..), _)| text(agent.as_str())).collect::<Vec<_>>())
        .with(segments.iter().map(|((_, start, _), _)| start.as_millis()).collect::<Vec<_>>())
        .with(segments.iter().map(|((.., is_segment), _)| *is_segment).collect::<Vec<_>>())
        .with(segments.iter().map(|(_, one)| one.end.map(Timestamp::as_millis)).collect::<Vec<_>>())
        .with(marks.collect::<Tried<Vec<_>>>()?)
        .with(states.collect::<Tried<Vec<_>>>()?);
    Ok(Some(call))
}

type Pegged<'a> = (&'a ContactLeg, Option<Timestamp>);

/// The newest version of each contact.
fn newest(contacts: &[(ContactLeg, Option<Timestamp>)]) -> BTreeMap<String, Pegged<'_>> {
    let mut newest: BTreeMap<String, Pegged<'_>> = BTreeMap::new();
    for (contact, pegged) in contacts {
        let id = text(&contact.id.to_string()).into_owned();
        let version = |leg: &ContactLeg| (leg.version.updated, leg.version.content);
        if newest.get(&id).is_none_or(|(known, _)| version(known) < version(contact)) {
            newest.insert(id, (contact, *pegged));
        }
    }
    newest
}

/// The ids come in order, and rows are locked in it.
const PEGGED: &str = "
    SELECT known.id, known.pegged FROM unnest($2::text[]) AS given (id)
    CROSS JOIN LATERAL (SELECT id, pegged FROM contacts WHERE source = $1 AND id = given.id FOR UPDATE) AS known";

/// Writes contacts; answers those that were newer than what was there.
const CONTACTS: &str = "
    INSERT INTO contacts AS known (source, id, pegged, updated, content, body)
    SELECT $1, given.*
    FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
         AS given (id, pegged, updated, content, body)
    ON CONFLICT (source, id) DO UPDATE
    SET pegged = excluded.pegged, updated = excluded.updated, content = excluded.content, body = excluded.body
    WHERE (excluded.updated, excluded.content) > (known.updated, known.content)
    RETURNING id";

/// Where the contacts were pegged, and then the contacts as they are now.
fn write_contacts<'a>(
    source: &'a SourceName,
    contacts: &BTreeMap<String, Pegged<'a>>,
) -> Tried<Option<[Call<'a>; 2]>> {
    if contacts.is_empty() {
        return Ok(None);
    }
    let ids: Vec<String> = contacts.keys().cloned().collect();
    let legs: Vec<Pegged<'_>> = contacts.values().copied().collect();
    let write = Call::new(CONTACTS)
        .with(source.as_str())
        .with(ids.clone())
        .with(column(&legs, |(_, pegged)| pegged.map(Timestamp::as_millis)))
        .with(column(&legs, |(contact, _)| contact.version.updated.as_millis()))
        .with(column(&legs, |(contact, _)| content_column(&contact.version)))
        .with(legs.iter().map(|(contact, _)| to_json(contact)).collect::<Tried<Vec<_>>>()?);
    Ok(Some([Call::new(PEGGED).with(source.as_str()).with(ids), write]))
}

/// Marks of where the contacts that were written left, and of where they came to.
fn pegs(contacts: &BTreeMap<String, Pegged<'_>>, before: &[Row], written: &[Row]) -> Tried<Vec<DirtyMark>> {
    let before = before.iter().map(|row| Ok((get::<&str>(row, 0)?, get_maybe_instant(row, 1)?)));
    let before: BTreeMap<&str, Option<Timestamp>> = before.collect::<Tried<_>>()?;
    let mut marks = Vec::new();
    for row in written {
        let id: &str = get(row, 0)?;
        let left = before.get(id).copied().flatten();
        let came = contacts.get(id).and_then(|(_, pegged)| *pegged);
        marks.extend(left.into_iter().chain(came).map(DirtyMark::of_contacts_at));
    }
    Ok(marks)
}

const DEAD_LETTERS: &str = "
    INSERT INTO dead_letters (source, partition, at, position, reason, payload)
    SELECT $1, $2, given.at, given.position, given.reason, given.payload
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY
         AS given (at, position, reason, payload, place)
    ORDER BY given.place";

fn write_dead_letters<'a>(batch: &'a Batch, letters: &'a [DeadLetterWrite]) -> Tried<Option<Call<'a>>> {
    if letters.is_empty() {
        return Ok(None);
    }
    let call = Call::new(DEAD_LETTERS)
        .with(batch.source.as_str())
        .with(text(batch.partition.as_str()))
        .with(column(letters, |letter| letter.at.as_millis()))
        .with(letters.iter().map(|letter| to_json(&letter.position)).collect::<Tried<Vec<_>>>()?)
        .with(column(letters, |letter| text(&letter.reason)))
        .with(column(letters, DeadLetterWrite::kept));
    Ok(Some(call))
}

const GAPS: &str = "
    INSERT INTO gaps (source, partition, at, reason, lost_from, lost_to)
    SELECT $1, $2, given.at, given.reason, given.lost_from, given.lost_to
    FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
         AS given (at, reason, lost_from, lost_to, place)
    ORDER BY given.place";

fn write_gaps<'a>(batch: &'a Batch, gaps: &'a [GapWrite]) -> Option<Call<'a>> {
    if gaps.is_empty() {
        return None;
    }
    let call = Call::new(GAPS)
        .with(batch.source.as_str())
        .with(text(batch.partition.as_str()))
        .with(column(gaps, |gap| gap.at.as_millis()))
        .with(column(gaps, |gap| text(&gap.reason)))
        .with(column(gaps, |gap| gap.from.map(Timestamp::as_millis)))
        .with(column(gaps, |gap| gap.to.map(Timestamp::as_millis)));
    Some(call)
}
