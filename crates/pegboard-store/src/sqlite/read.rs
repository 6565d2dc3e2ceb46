//! What readers ask for.

use pegboard_model::{
    AgentId, Class, ContactId, ContactLeg, Observation, Order, Segment, SourceName, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::codec::{from_json, source_filter};
use super::fault::Tried;
use super::{close, feed, partitions, sweep};
use crate::column::{from_column, limit};
use crate::{
    AgentBeginning, AgentEntry, AgentsSnapshot, Cursor, DeadLetter, FeedKind, Gap, SourceState, StoreError,
    StoreId, StoredAgent, StoredRow,
};

/// Runs a query and takes each of its rows.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    take: impl Fn(&Row<'_>) -> Tried<T>,
) -> Tried<Vec<T>> {
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        taken.push(take(row)?);
    }
    Ok(taken)
}

pub(super) fn text(row: &Row<'_>, column: usize) -> Tried<String> {
    Ok(row.get(column)?)
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> Tried<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

pub(super) fn maybe_instant(row: &Row<'_>, column: usize) -> Tried<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A page of what the engine keeps of the agents of a source. Every id is at or after an empty one.
pub(super) fn stored_agents(
    connection: &Connection,
    source: &SourceName,
    after: Option<&AgentId>,
    most: usize,
) -> Tried<Vec<StoredAgent>> {
    let sql = "SELECT agent, track, now, version FROM agents
               WHERE source = ?1 AND agent >= ?2 AND (agent > ?2 OR ?3) ORDER BY agent LIMIT ?4";
    let from = after.map_or("", AgentId::as_str);
    all(connection, sql, params![source.as_str(), from, after.is_none(), limit(most)], read_agent)
}

/// A page of the versions of these agents.
pub(super) fn agent_versions(
    connection: &Connection,
    source: &SourceName,
    after: Option<&AgentId>,
    most: usize,
) -> Tried<Vec<(AgentId, u64)>> {
    let sql = "SELECT agent, version FROM agents
               WHERE source = ?1 AND agent >= ?2 AND (agent > ?2 OR ?3) ORDER BY agent LIMIT ?4";
    let from = after.map_or("", AgentId::as_str);
    all(connection, sql, params![source.as_str(), from, after.is_none(), limit(most)], |row| {
        Ok((text(row, 0)?.into(), from_column(row.get(1)?)))
    })
}

/// What the engine keeps of some agents.
pub(super) fn stored_agents_of(
    connection: &Connection,
    source: &SourceName,
    agents: &[AgentId],
) -> Tried<Vec<StoredAgent>> {
    let sql = "SELECT agent, track, now, version FROM agents WHERE source = ?1 AND agent = ?2";
    let mut found = Vec::with_capacity(agents.len());
    for agent in agents {
        found.extend(all(connection, sql, [source.as_str(), agent.as_str()], read_agent)?);
    }
    Ok(found)
}

fn read_agent(row: &Row<'_>) -> Tried<StoredAgent> {
    Ok(StoredAgent {
        agent: text(row, 0)?.into(),
        track: text(row, 1)?,
        now: from_json("agent's present state", &text(row, 2)?)?,
        version: from_column(row.get(3)?),
    })
}

/// Where timelines begin that begin after `after`.
pub(super) fn beginnings(
    connection: &Connection,
    source: &SourceName,
    after: Timestamp,
) -> Tried<Vec<AgentBeginning>> {
    let sql = "SELECT agent, begins_at, begins_before FROM agents WHERE source = ?1 AND begins_at > ?2";
    all(connection, sql, params![source.as_str(), after.as_millis()], |row| {
        Ok(AgentBeginning {
            agent: text(row, 0)?.into(),
            at: instant(row, 1)?,
            before: class(&text(row, 2)?)?,
        })
    })
}

fn class(word: &str) -> Tried<Class> {
    let known = Class::ALL.into_iter().find(|class| class.as_str() == word);
    let unknown = || StoreError::Damaged { what: "beginning of a timeline", detail: format!("class {word}") };
    Ok(known.ok_or_else(unknown)?)
}

/// How a source stands.
pub(super) fn source_state(connection: &Connection, source: &SourceName) -> Tried<SourceState> {
    let closed_until = connection
        .prepare_cached("SELECT closed_until, contacts_closed_until FROM closers WHERE source = ?1")?
        .query_row([source.as_str()], |row| close::closed_until(row, 0))
        .optional()?;
    let agents = connection
        .prepare_cached("SELECT count(*) FROM agents WHERE source = ?1")?
        .query_row([source.as_str()], |row| row.get(0).map(from_column))?;
    Ok(SourceState {
        partitions: partitions::list(connection, source)?,
        closed_until: closed_until.unwrap_or_default(),
        details_from: sweep::details_from(connection, source)?,
        agents,
    })
}

/// The evidence of one agent.
pub(super) fn evidence(
    connection: &Connection,
    source: &SourceName,
    agent: &AgentId,
    from: Timestamp,
) -> Tried<Vec<Observation>> {
    let sql = "SELECT at, id, partition, position, what FROM evidence
               WHERE source = ?1 AND agent = ?2 AND at >= ?3 ORDER BY at, id";
    all(connection, sql, params![source.as_str(), agent.as_str(), from.as_millis()], |row| {
        let partition = text(row, 2)?.into();
        let position = from_json("position of an observation", &text(row, 3)?)?;
        Ok(Observation {
            agent: agent.clone(),
            at: instant(row, 0)?,
            order: Order { partition, position },
            id: text(row, 1)?.as_str().into(),
            what: from_json("observation", &text(row, 4)?)?,
        })
    })
}

/// The track that stands for the evidence of an agent that is no longer kept.
pub(super) fn base(connection: &Connection, source: &SourceName, agent: &AgentId) -> Tried<Option<String>> {
    let base: Option<Option<String>> = connection
        .prepare_cached("SELECT base FROM agents WHERE source = ?1 AND agent = ?2")?
        .query_row([source.as_str(), agent.as_str()], |row| row.get(0))
        .optional()?;
    Ok(base.flatten())
}

/// One contact.
pub(super) fn contact(
    connection: &Connection,
    source: &SourceName,
    contact: &ContactId,
) -> Tried<Option<ContactLeg>> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM contacts WHERE source = ?1 AND id = ?2")?
        .query_row(params![source.as_str(), contact.to_string()], |row| row.get(0))
        .optional()?;
    body.map(|body| from_json("contact", &body)).transpose()
}

/// The earliest instant that a contact is pegged to.
pub(super) fn first_contact(connection: &Connection, source: &SourceName) -> Tried<Option<Timestamp>> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(pegged) FROM contacts WHERE source = ?1")?
        .query_row([source.as_str()], |row| row.get(0))?;
    Ok(first.map(Timestamp::from_millis))
}

/// Contacts pegged in `[from, to)`.
pub(super) fn contacts(
    connection: &Connection,
    source: &SourceName,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<ContactLeg>> {
    let sql = "SELECT body FROM contacts
               WHERE source = ?1 AND pegged >= ?2 AND pegged < ?3 ORDER BY pegged, id";
    let window = params![source.as_str(), from.as_millis(), to.as_millis()];
    all(connection, sql, window, |row| from_json("contact", &text(row, 0)?))
}

/// Segments of one agent that touch `[from, to)`. They do not overlap: of those that start before the window,
/// only the last can reach into it.
const SEGMENTS_OF_AGENT: &str = "
    SELECT agent, start, stop, mark, state FROM segments
    WHERE source = ?1 AND agent = ?4 AND start < ?3
      AND start >= coalesce((SELECT start FROM segments
                             WHERE source = ?1 AND agent = ?4 AND start <= ?2 AND is_segment = 1
                             ORDER BY start DESC LIMIT 1), ?2)
      AND (stop IS NULL OR stop > ?2 OR start >= ?2)
    ORDER BY start, is_segment";

/// The same for all agents. Each agent is found by a step through the primary key rather than by reading
/// every segment.
const SEGMENTS_OF_ALL: &str = "
    WITH RECURSIVE known (agent) AS (
        SELECT min(agent) FROM segments WHERE source = ?1
        UNION ALL
        SELECT (SELECT min(agent) FROM segments WHERE source = ?1 AND agent > known.agent)
        FROM known WHERE known.agent IS NOT NULL
    )
    SELECT touching.agent, touching.start, touching.stop, touching.mark, touching.state
    FROM known CROSS JOIN segments AS touching
    WHERE touching.source = ?1 AND touching.agent = known.agent AND touching.start < ?3
      AND touching.start >= coalesce((SELECT earlier.start FROM segments AS earlier
                                      WHERE earlier.source = ?1 AND earlier.agent = known.agent
                                        AND earlier.start <= ?2 AND earlier.is_segment = 1
                                      ORDER BY earlier.start DESC LIMIT 1), ?2)
      AND (touching.stop IS NULL OR touching.stop > ?2 OR touching.start >= ?2)
    ORDER BY touching.agent, touching.start, touching.is_segment";

/// Segments that touch `[from, to)`, by agent and start.
pub(super) fn segments(
    connection: &Connection,
    source: &SourceName,
    agent: Option<&AgentId>,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<(AgentId, Segment)>> {
    let (source, from, to) = (source.as_str(), from.as_millis(), to.as_millis());
    match agent {
        Some(agent) => {
            all(connection, SEGMENTS_OF_AGENT, params![source, from, to, agent.as_str()], read_segment)
        }
        None => all(connection, SEGMENTS_OF_ALL, params![source, from, to], read_segment),
    }
}

fn read_segment(row: &Row<'_>) -> Tried<(AgentId, Segment)> {
    let mark: Option<String> = row.get(3)?;
    let segment = Segment {
        start: instant(row, 1)?,
        end: maybe_instant(row, 2)?,
        state: from_json("state of a segment", &text(row, 4)?)?,
        mark: mark.map(|mark| from_json("mark", &mark)).transpose()?,
    };
    Ok((text(row, 0)?.into(), segment))
}

/// What was set aside for a day that was swapped stands for the rows of the same key. All in one statement: it sees the
/// day wholly as it was, or wholly as it is now.
const ROWS: &str = "
    SELECT interval_start, key, body, revision, reason, at FROM rows
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4 AND body IS NOT NULL
      AND NOT (EXISTS (SELECT 1 FROM reload_days WHERE source = ?1 AND swapped = 1)
               AND EXISTS (SELECT 1 FROM reload_rows AS aside
                           WHERE aside.source = ?1 AND aside.report = ?2
                             AND aside.interval_start = rows.interval_start AND aside.key = rows.key))
    UNION ALL
    SELECT interval_start, key, body, revision, reason, at FROM reload_rows
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4 AND body IS NOT NULL
      AND EXISTS (SELECT 1 FROM reload_days WHERE source = ?1 AND swapped = 1)
    ORDER BY 1, 2";

/// The latest revision of the rows of a report.
pub(super) fn rows(
    connection: &Connection,
    source: &SourceName,
    report: &str,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<StoredRow>> {
    let window = params![source.as_str(), report, from.as_millis(), to.as_millis()];
    all(connection, ROWS, window, |row| {
        Ok(StoredRow {
            interval_start: instant(row, 0)?,
            key: text(row, 1)?,
            body: text(row, 2)?,
            revision: row.get(3)?,
            reason: text(row, 4)?.into(),
            at: instant(row, 5)?,
        })
    })
}

/// All agents of the sources, and the end of their state feeds.
pub(super) fn agents(
    connection: &Connection,
    store: &StoreId,
    sources: &[SourceName],
) -> Tried<AgentsSnapshot> {
    let sql = "SELECT now, heard FROM agents
               WHERE ?1 IS NULL OR source IN (SELECT value FROM json_each(?1))
               ORDER BY source, agent";
    let agents = all(connection, sql, [source_filter(sources)?], |row| {
        let now = from_json("agent's present state", &text(row, 0)?)?;
        Ok(AgentEntry { now, heard: instant(row, 1)? })
    })?;
    let seen = feed::heads(connection, FeedKind::States, sources)?;
    Ok(AgentsSnapshot { agents, cursor: Cursor { store: store.clone(), seen } })
}

/// Dead letters, newest first.
pub(super) fn dead_letters(
    connection: &Connection,
    sources: &[SourceName],
    before: Option<i64>,
    most: usize,
) -> Tried<Vec<DeadLetter>> {
    let sql = "SELECT id, source, partition, position, reason, payload, at, tries, tried FROM dead_letters
               WHERE id < ?2 AND (?1 IS NULL OR source IN (SELECT value FROM json_each(?1)))
               ORDER BY id DESC LIMIT ?3";
    let bounds = params![source_filter(sources)?, before.unwrap_or(i64::MAX), limit(most)];
    all(connection, sql, bounds, read_dead_letter)
}

/// One dead letter.
pub(super) fn dead_letter(connection: &Connection, id: i64) -> Tried<Option<DeadLetter>> {
    let sql = "SELECT id, source, partition, position, reason, payload, at, tries, tried FROM dead_letters
               WHERE id = ?1";
    Ok(all(connection, sql, params![id], read_dead_letter)?.pop())
}

fn read_dead_letter(row: &Row<'_>) -> Tried<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        source: text(row, 1)?.into(),
        partition: text(row, 2)?.into(),
        position: from_json("position of a dead letter", &text(row, 3)?)?,
        reason: text(row, 4)?.into(),
        payload: row.get(5)?,
        at: instant(row, 6)?,
        tries: from_column(row.get(7)?),
        tried: maybe_instant(row, 8)?,
    })
}

/// Gaps of a source, newest first.
pub(super) fn gaps(connection: &Connection, source: &SourceName, most: usize) -> Tried<Vec<Gap>> {
    let sql = "SELECT partition, reason, lost_from, lost_to, at FROM gaps
               WHERE source = ?1 ORDER BY id DESC LIMIT ?2";
    all(connection, sql, params![source.as_str(), limit(most)], |row| {
        Ok(Gap {
            partition: text(row, 0)?.into(),
            reason: text(row, 1)?.into(),
            from: maybe_instant(row, 2)?,
            to: maybe_instant(row, 3)?,
            at: instant(row, 4)?,
        })
    })
}
