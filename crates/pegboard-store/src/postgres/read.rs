//! What readers ask for.

use pegboard_model::{
    AgentId, Class, ContactId, ContactLeg, Observation, Order, Segment, SourceName, Timestamp,
};
use tokio_postgres::Row;

use super::codec::{from_json, get, get_instant, get_maybe_instant, get_text, names, text};
use super::fault::Tried;
use super::session::{BEGIN_MOMENT, COMMIT, Call, Pipeline, Session};
use super::{close, feed, partitions};
use crate::column::{from_column, limit};
use crate::{
    AgentBeginning, AgentEntry, AgentsSnapshot, Cursor, DeadLetter, FeedKind, Gap, SourceState, StoreError,
    StoreId, StoredAgent,
};

/// Runs a query and takes each of its rows.
pub(super) async fn all<T>(
    session: &Session,
    call: Call<'_>,
    take: impl Fn(&Row) -> Tried<T>,
) -> Tried<Vec<T>> {
    session.call(call).await?.iter().map(take).collect()
}

/// A page of what the engine keeps of the agents of a source.
pub(super) async fn stored_agents(
    session: &Session,
    source: &SourceName,
    after: Option<&AgentId>,
    most: usize,
) -> Tried<Vec<StoredAgent>> {
    let sql = "SELECT agent, track, now, version FROM agents
               WHERE source = $1 AND agent >= $2 AND (agent > $2 OR $3) ORDER BY agent LIMIT $4";
    all(session, page(sql, source, after, most), read_agent).await
}

/// A page of the versions of these agents.
pub(super) async fn agent_versions(
    session: &Session,
    source: &SourceName,
    after: Option<&AgentId>,
    most: usize,
) -> Tried<Vec<(AgentId, u64)>> {
    let sql = "SELECT agent, version FROM agents
               WHERE source = $1 AND agent >= $2 AND (agent > $2 OR $3) ORDER BY agent LIMIT $4";
    all(session, page(sql, source, after, most), |row| {
        Ok((get_text(row, 0)?.into(), from_column(get(row, 1)?)))
    })
    .await
}

/// Asks for a page of agents. Every id is at or after an empty one.
fn page<'a>(sql: &'static str, source: &'a SourceName, after: Option<&'a AgentId>, most: usize) -> Call<'a> {
    let from = text(after.map_or("", AgentId::as_str));
    Call::new(sql).with(source.as_str()).with(from).with(after.is_none()).with(limit(most))
}

/// What the engine keeps of some agents.
pub(super) async fn stored_agents_of(
    session: &Session,
    source: &SourceName,
    agents: &[AgentId],
) -> Tried<Vec<StoredAgent>> {
    let sql = "SELECT known.* FROM unnest($2::text[]) AS given (agent) CROSS JOIN LATERAL
               (SELECT agent, track, now, version FROM agents WHERE source = $1 AND agent = given.agent
                OFFSET 0) AS known";
    let agents: Vec<_> = agents.iter().map(|agent| text(agent.as_str())).collect();
    all(session, Call::new(sql).with(source.as_str()).with(agents), read_agent).await
}

fn read_agent(row: &Row) -> Tried<StoredAgent> {
    Ok(StoredAgent {
        agent: get_text(row, 0)?.into(),
        track: get(row, 1)?,
        now: from_json("agent's present state", get(row, 2)?)?,
        version: from_column(get(row, 3)?),
    })
}

/// Where timelines begin that begin after `after`.
pub(super) async fn beginnings(
    session: &Session,
    source: &SourceName,
    after: Timestamp,
) -> Tried<Vec<AgentBeginning>> {
    let sql = "SELECT agent, begins_at, begins_before FROM agents WHERE source = $1 AND begins_at > $2";
    all(session, Call::new(sql).with(source.as_str()).with(after.as_millis()), |row| {
        let before = class(get(row, 2)?)?;
        Ok(AgentBeginning { agent: get_text(row, 0)?.into(), at: get_instant(row, 1)?, before })
    })
    .await
}

fn class(word: &str) -> Tried<Class> {
    let known = Class::ALL.into_iter().find(|class| class.as_str() == word);
    let unknown = || StoreError::Damaged { what: "beginning of a timeline", detail: format!("class {word}") };
    Ok(known.ok_or_else(unknown)?)
}

const CLOSED_UNTIL: &str =
    "SELECT closed_until, contacts_closed_until, details_from FROM closers WHERE source = $1";

/// How a source stands.
pub(super) async fn source_state(session: &Session, source: &SourceName) -> Tried<SourceState> {
    let mut moment = Pipeline::new(BEGIN_MOMENT);
    let closed = moment.add(Call::new(CLOSED_UNTIL).with(source.as_str()));
    let agents = moment.add(Call::new("SELECT count(*) FROM agents WHERE source = $1").with(source.as_str()));
    let partitions = moment.add(partitions::list(source));
    moment.add(Call::new(COMMIT));
    let answers = session.run(moment).await?;
    Ok(SourceState {
        partitions: answers[partitions].iter().map(partitions::read).collect::<Tried<_>>()?,
        closed_until: answers[closed]
            .first()
            .map(|row| close::closed_until(row, 0))
            .transpose()?
            .unwrap_or_default(),
        details_from: answers[closed]
            .first()
            .map_or(Ok(None), |row| get_maybe_instant(row, 2))?
            .unwrap_or(Timestamp::MIN),
        agents: answers[agents].first().map_or(Ok(0), |row| get(row, 0).map(from_column))?,
    })
}

/// The evidence of one agent.
pub(super) async fn evidence(
    session: &Session,
    source: &SourceName,
    agent: &AgentId,
    from: Timestamp,
) -> Tried<Vec<Observation>> {
    let sql = "SELECT at, id, partition, position, what FROM evidence
               WHERE source = $1 AND agent = $2 AND at >= $3 ORDER BY at, id";
    let call = Call::new(sql).with(source.as_str()).with(text(agent.as_str())).with(from.as_millis());
    all(session, call, |row| {
        let partition = get_text(row, 2)?.into();
        let position = from_json("position of an observation", get(row, 3)?)?;
        Ok(Observation {
            agent: agent.clone(),
            at: get_instant(row, 0)?,
            order: Order { partition, position },
            id: get_text(row, 1)?.as_str().into(),
            what: from_json("observation", get(row, 4)?)?,
        })
    })
    .await
}

/// The track that stands for the evidence of an agent that is no longer kept.
pub(super) async fn base(session: &Session, source: &SourceName, agent: &AgentId) -> Tried<Option<String>> {
    let sql = "SELECT base FROM agents WHERE source = $1 AND agent = $2";
    let call = Call::new(sql).with(source.as_str()).with(text(agent.as_str()));
    let found: Vec<Option<String>> = all(session, call, |row| get(row, 0)).await?;
    Ok(found.into_iter().flatten().next())
}

/// One contact.
pub(super) async fn contact(
    session: &Session,
    source: &SourceName,
    contact: &ContactId,
) -> Tried<Option<ContactLeg>> {
    let sql = "SELECT body FROM contacts WHERE source = $1 AND id = $2";
    let id = contact.to_string();
    let call = Call::new(sql).with(source.as_str()).with(text(&id));
    Ok(all(session, call, |row| from_json("contact", get(row, 0)?)).await?.pop())
}

/// The earliest instant that a contact is pegged to.
pub(super) async fn first_contact(session: &Session, source: &SourceName) -> Tried<Option<Timestamp>> {
    let call = Call::new("SELECT min(pegged) FROM contacts WHERE source = $1").with(source.as_str());
    Ok(all(session, call, |row| get_maybe_instant(row, 0)).await?.pop().flatten())
}

/// Contacts pegged in `[from, to)`.
pub(super) async fn contacts(
    session: &Session,
    source: &SourceName,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<ContactLeg>> {
    let sql =
        "SELECT body FROM contacts WHERE source = $1 AND pegged >= $2 AND pegged < $3 ORDER BY pegged, id";
    let call = Call::new(sql).with(source.as_str()).with(from.as_millis()).with(to.as_millis());
    all(session, call, |row| from_json("contact", get(row, 0)?)).await
}

/// Segments of one agent that touch `[from, to)`. They do not overlap: of those that start before the window,
/// only the last can reach into it.
const SEGMENTS_OF_AGENT: &str = "
    SELECT agent, start, stop, mark, state FROM segments
    WHERE source = $1 AND agent = $4 AND start < $3
      AND start >= coalesce((SELECT earlier.start FROM segments AS earlier
                             WHERE earlier.source = $1 AND earlier.agent = $4 AND earlier.start <= $2
                               AND earlier.is_segment
                             ORDER BY earlier.start DESC LIMIT 1), $2)
      AND (stop IS NULL OR stop > $2 OR start >= $2)
    ORDER BY start, is_segment";

/// The same for all agents. Each agent is found by a step through the primary key rather than by reading
/// every segment.
const SEGMENTS_OF_ALL: &str = "
    WITH RECURSIVE known (agent) AS (
        SELECT min(agent) FROM segments WHERE source = $1
        UNION ALL
        SELECT (SELECT min(next.agent) FROM segments AS next WHERE next.source = $1 AND next.agent > known.agent)
        FROM known WHERE known.agent IS NOT NULL
    )
    SELECT known.agent, touching.start, touching.stop, touching.mark, touching.state
    FROM known CROSS JOIN LATERAL (
        SELECT start, is_segment, stop, mark, state FROM segments
        WHERE source = $1 AND agent = known.agent AND start < $3
          AND start >= coalesce((SELECT earlier.start FROM segments AS earlier
                                 WHERE earlier.source = $1 AND earlier.agent = known.agent AND earlier.start <= $2
                                   AND earlier.is_segment
                                 ORDER BY earlier.start DESC LIMIT 1), $2)
          AND (stop IS NULL OR stop > $2 OR start >= $2)
        OFFSET 0
    ) AS touching
    ORDER BY known.agent, touching.start, touching.is_segment";

/// Segments that touch `[from, to)`, by agent and start.
pub(super) async fn segments(
    session: &Session,
    source: &SourceName,
    agent: Option<&AgentId>,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<(AgentId, Segment)>> {
    let window = |sql| Call::new(sql).with(source.as_str()).with(from.as_millis()).with(to.as_millis());
    let call = match agent {
        Some(agent) => window(SEGMENTS_OF_AGENT).with(text(agent.as_str())),
        None => window(SEGMENTS_OF_ALL),
    };
    all(session, call, read_segment).await
}

fn read_segment(row: &Row) -> Tried<(AgentId, Segment)> {
    let mark: Option<&str> = get(row, 3)?;
    let segment = Segment {
        start: get_instant(row, 1)?,
        end: get_maybe_instant(row, 2)?,
        state: from_json("state of a segment", get(row, 4)?)?,
        mark: mark.map(|mark| from_json("mark", mark)).transpose()?,
    };
    Ok((get_text(row, 0)?.into(), segment))
}

const AGENTS: &str = "
    SELECT now, heard FROM agents
    WHERE cardinality($1::text[]) = 0 OR source = ANY($1)
    ORDER BY source, agent";

/// All agents of the sources, and the end of their state feeds.
pub(super) async fn agents(
    session: &Session,
    store: &StoreId,
    sources: &[SourceName],
) -> Tried<AgentsSnapshot> {
    let mut moment = Pipeline::new(BEGIN_MOMENT);
    let agents = moment.add(Call::new(AGENTS).with(names(sources)));
    let heads = moment.add(feed::heads(FeedKind::States, sources));
    moment.add(Call::new(COMMIT));
    let answers = session.run(moment).await?;
    let read = |row: &Row| {
        let now = from_json("agent's present state", get(row, 0)?)?;
        Ok(AgentEntry { now, heard: get_instant(row, 1)? })
    };
    Ok(AgentsSnapshot {
        agents: answers[agents].iter().map(read).collect::<Tried<_>>()?,
        cursor: Cursor { store: store.clone(), seen: feed::read_heads(&answers[heads])? },
    })
}

const DEAD_LETTERS: &str = "
    SELECT id, source, partition, position, reason, payload, at, tries, tried FROM dead_letters
    WHERE id < $2 AND (cardinality($1::text[]) = 0 OR source = ANY($1))
    ORDER BY id DESC LIMIT $3";

/// Dead letters, newest first.
pub(super) async fn dead_letters(
    session: &Session,
    sources: &[SourceName],
    before: Option<i64>,
    most: usize,
) -> Tried<Vec<DeadLetter>> {
    let call =
        Call::new(DEAD_LETTERS).with(names(sources)).with(before.unwrap_or(i64::MAX)).with(limit(most));
    all(session, call, read_dead_letter).await
}

/// One dead letter.
pub(super) async fn dead_letter(session: &Session, id: i64) -> Tried<Option<DeadLetter>> {
    let sql = "SELECT id, source, partition, position, reason, payload, at, tries, tried FROM dead_letters
               WHERE id = $1";
    Ok(all(session, Call::new(sql).with(id), read_dead_letter).await?.pop())
}

fn read_dead_letter(row: &Row) -> Tried<DeadLetter> {
    Ok(DeadLetter {
        id: get(row, 0)?,
        source: get::<&str>(row, 1)?.into(),
        partition: get_text(row, 2)?.into(),
        position: from_json("position of a dead letter", get(row, 3)?)?,
        reason: get_text(row, 4)?.into(),
        payload: get(row, 5)?,
        at: get_instant(row, 6)?,
        tries: from_column(get(row, 7)?),
        tried: get_maybe_instant(row, 8)?,
    })
}

/// Gaps of a source, newest first.
pub(super) async fn gaps(session: &Session, source: &SourceName, most: usize) -> Tried<Vec<Gap>> {
    let sql = "SELECT partition, reason, lost_from, lost_to, at FROM gaps
               WHERE source = $1 ORDER BY id DESC LIMIT $2";
    all(session, Call::new(sql).with(source.as_str()).with(limit(most)), |row| {
        Ok(Gap {
            partition: get_text(row, 0)?.into(),
            reason: get_text(row, 1)?.into(),
            from: get_maybe_instant(row, 2)?,
            to: get_maybe_instant(row, 3)?,
            at: get_instant(row, 4)?,
        })
    })
    .await
}
