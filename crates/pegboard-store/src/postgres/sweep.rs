//! The end of everything that is kept.
//!
//! Every bite is a transaction of its own and starts with what is oldest. Nodes that sweep at the same time do not wait
//! for each other, and what one of them removed is nothing for the others to do.

use pegboard_model::{AgentId, SourceName, Timestamp};

use super::codec::{get, get_text, text};
use super::fault::Tried;
use super::session::{Call, Session};
use crate::column::to_column;
use crate::intake::KEYS_KEPT;
use crate::{Retention, failpoint};

/// How many rows one statement removes.
const BITE: i64 = 2000;

/// Removes what is past its time.
pub(super) async fn sweep(session: &Session, now: Timestamp, retention: &Retention) -> Tried<()> {
    failpoint!("sweep.before", fails);
    let (before, details) = ((now - retention.history).as_millis(), (now - retention.details).as_millis());
    session.call(Call::new(NOTE_DETAILS).with(details).with(before)).await?;
    for statement in DETAILS {
        in_bites(session, || Call::new(statement)).await?;
    }
    for statement in HISTORY {
        in_bites(session, || Call::new(statement).with(before)).await?;
    }
    let keys = (now - KEYS_KEPT).as_millis();
    in_bites(session, || Call::new(OLD_KEYS).with(keys)).await?;
    in_bites(session, || Call::new(OLD_CONTACT_EVENTS).with(details)).await?;
    in_bites(session, || Call::new(AUDIT)).await?;
    sweep_feeds(session, now, retention).await?;
    sweep_events(session, now, retention).await?;
    sweep_dead_letters(session, now, retention).await?;
    failpoint!("sweep.after", fails);
    Ok(())
}

/// Notes from when on the details of each source are there, before any of them go: what is not closed yet stays, unless it
/// is too old for a source that nobody closes any more. It waits for the batches on their way, and later ones see it.
const NOTE_DETAILS: &str = "
    WITH held AS (SELECT source FROM closers ORDER BY source FOR UPDATE)
    UPDATE closers SET details_from = greatest(details_from, least($1, greatest(
        CASE WHEN contacts_closed_until < closed_until OR closed_until IS NULL
             THEN contacts_closed_until ELSE closed_until END, $2)))
    FROM held WHERE closers.source = held.source";

/// Segments and contacts of which nothing is derived any more. The first parameter is the size of a bite.
const DETAILS: [&str; 3] = [
    "WITH RECURSIVE known (source, agent) AS (
         (SELECT source, agent FROM segments ORDER BY source, agent LIMIT 1)
         UNION ALL
         SELECT next.* FROM known CROSS JOIN LATERAL
             (SELECT source, agent FROM segments AS next WHERE (next.source, next.agent) > (known.source, known.agent)
              ORDER BY source, agent LIMIT 1) AS next
     ), gone AS (
         DELETE FROM segments WHERE ctid = ANY (ARRAY(
             SELECT old.ctid FROM known JOIN closers USING (source) CROSS JOIN LATERAL
                 (SELECT ctid FROM segments WHERE source = known.source AND agent = known.agent
                    AND start < details_from AND stop <= details_from ORDER BY start LIMIT $1) AS old
             LIMIT $1))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM contacts WHERE ctid = ANY (ARRAY(
             SELECT old.ctid FROM closers CROSS JOIN LATERAL
                 (SELECT ctid FROM contacts WHERE source = closers.source AND pegged < details_from
                  ORDER BY pegged LIMIT $1) AS old
             LIMIT $1))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM contacts WHERE ctid = ANY (ARRAY(
             SELECT old.ctid FROM closers CROSS JOIN LATERAL
                 (SELECT ctid FROM contacts WHERE source = closers.source AND pegged IS NULL AND updated < details_from
                  LIMIT $1) AS old
             LIMIT $1))
         RETURNING 1
     ) SELECT count(*) FROM gone",
];

/// Removes rows of a table that is clustered by source and report. Those are found one step of the primary key each, rather
/// than by a walk through all of it.
macro_rules! old_rows {
    ($table:literal) => {
        concat!(
            "WITH RECURSIVE known (source, report) AS (
                 (SELECT source, report FROM ",
            $table,
            " ORDER BY source, report LIMIT 1)
                 UNION ALL
                 SELECT next.* FROM known CROSS JOIN LATERAL
                     (SELECT source, report FROM ",
            $table,
            " AS next
                      WHERE (next.source, next.report) > (known.source, known.report)
                      ORDER BY source, report LIMIT 1) AS next
             ), gone AS (
                 DELETE FROM ",
            $table,
            " WHERE ctid = ANY (ARRAY(
                     SELECT old.ctid FROM known CROSS JOIN LATERAL
                         (SELECT ctid FROM ",
            $table,
            " WHERE source = known.source AND report = known.report
                            AND interval_start < $1 ORDER BY interval_start LIMIT $2) AS old
                     LIMIT $2))
                 RETURNING 1
             ) SELECT count(*) FROM gone"
        )
    };
}

/// What is older than the history that is kept. The first parameter is the instant, the second the size of a bite.
const HISTORY: [&str; 15] = [
    "WITH gone AS (
         DELETE FROM queue_names WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM queue_names WHERE last_seen < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM deliveries WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM deliveries WHERE interval_start < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM refused_states WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM refused_states WHERE last_at < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM alarms WHERE id = ANY (ARRAY(SELECT id FROM alarms WHERE ended < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM alarm_silences WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM alarm_silences WHERE until < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM alarm_told WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM alarm_told WHERE at < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM unmapped WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM unmapped WHERE last_at < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    old_rows!("row_history"),
    old_rows!("rows"),
    old_rows!("acd_row_history"),
    old_rows!("acd_rows"),
    "WITH gone AS (
         DELETE FROM gaps WHERE id = ANY (ARRAY(SELECT id FROM gaps WHERE at < $1 ORDER BY id LIMIT $2)) RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM erasures WHERE id = ANY (ARRAY(
             SELECT id FROM erasures WHERE at < $1 AND state NOT IN ('waiting', 'running', 'wiping')
             LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM reloads WHERE id = ANY (ARRAY(
             SELECT id FROM reloads WHERE at < $1 AND state NOT IN ('waiting', 'running', 'cancelling')
             ORDER BY id LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
    "WITH gone AS (
         DELETE FROM partitions WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM partitions WHERE finished AND touched < $1 LIMIT $2))
         RETURNING 1
     ) SELECT count(*) FROM gone",
];

/// Events of contacts to which nothing has happened for so long that they are over.
const OLD_CONTACT_EVENTS: &str = "
    WITH gone AS (
        DELETE FROM contact_events WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM contact_events WHERE at < $1 ORDER BY at LIMIT $2))
        RETURNING 1
    ) SELECT count(*) FROM gone";

/// Keys of what was handed in.
const OLD_KEYS: &str = "
    WITH gone AS (
        DELETE FROM intake_keys WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM intake_keys WHERE at < $1 LIMIT $2))
        RETURNING 1
    ) SELECT count(*) FROM gone";

/// The audit log has a time of its own, which its triggers hold: 400 days before its newest entry.
const AUDIT: &str = "
    WITH gone AS (
        DELETE FROM audit WHERE number = ANY (ARRAY(
            SELECT number FROM audit
            WHERE number < (SELECT min(number) FROM audit
                            WHERE at >= (SELECT at FROM audit ORDER BY number DESC LIMIT 1) - 34560000000)
            ORDER BY number LIMIT $1))
        RETURNING 1
    ) SELECT count(*) FROM gone";

/// Where the entries of each feed begin that are young enough and not too many.
const FEEDS: &str = "
    SELECT source, kind,
           greatest(coalesce((SELECT number FROM feed_entries AS young
                              WHERE young.source = feeds.source AND young.kind = feeds.kind AND young.at >= $1
                              ORDER BY number LIMIT 1), head + 1),
                    head - $2 + 1)
    FROM feeds";

/// A feed is cut at its beginning: what is kept has no holes at any moment.
const ENTRIES: &str = "
    WITH gone AS (
        DELETE FROM feed_entries WHERE source = $1 AND kind = $2 AND number < $3 AND number < $4 + (
            SELECT number FROM feed_entries WHERE source = $1 AND kind = $2 ORDER BY number LIMIT 1)
        RETURNING 1
    ) SELECT count(*) FROM gone";

async fn sweep_feeds(session: &Session, now: Timestamp, retention: &Retention) -> Tried<()> {
    let call =
        Call::new(FEEDS).with((now - retention.feed).as_millis()).with(to_column(retention.feed_entries));
    for feed in session.call(call).await? {
        let (source, kind, first_kept): (&str, &str, i64) = (get(&feed, 0)?, get(&feed, 1)?, get(&feed, 2)?);
        in_bites(session, || Call::new(ENTRIES).with(source).with(kind).with(first_kept)).await?;
    }
    Ok(())
}

/// Where the events of each source begin that are young enough and not too many bytes.
const EVENTS: &str = "
    SELECT source,
           greatest(coalesce((SELECT number FROM raw_events AS young
                              WHERE young.source = event_feeds.source AND young.at >= $1
                              ORDER BY number LIMIT 1), head + 1),
                    coalesce((SELECT number FROM raw_events AS many
                              WHERE many.source = event_feeds.source AND many.before >= event_feeds.bytes - $2
                              ORDER BY number LIMIT 1), head + 1))
    FROM event_feeds";

const OLD_EVENTS: &str = "
    WITH gone AS (
        DELETE FROM raw_events WHERE source = $1 AND number < $2 AND number < $3 + (
            SELECT number FROM raw_events WHERE source = $1 ORDER BY number LIMIT 1)
        RETURNING 1
    ) SELECT count(*) FROM gone";

async fn sweep_events(session: &Session, now: Timestamp, retention: &Retention) -> Tried<()> {
    let call =
        Call::new(EVENTS).with((now - retention.events).as_millis()).with(to_column(retention.event_bytes));
    for feed in session.call(call).await? {
        let (source, first_kept): (&str, i64) = (get(&feed, 0)?, get(&feed, 1)?);
        in_bites(session, || Call::new(OLD_EVENTS).with(source).with(first_kept)).await?;
    }
    Ok(())
}

/// Where the letters of each source begin that are young enough and not too many.
const LETTERS: &str = "
    SELECT source,
           greatest(coalesce((SELECT id FROM dead_letters AS young WHERE young.source = known.source AND young.at >= $1
                              ORDER BY id LIMIT 1), 9223372036854775807),
                    coalesce((SELECT id FROM dead_letters AS many WHERE many.source = known.source
                              ORDER BY id DESC OFFSET $2 LIMIT 1), 0) + 1)
    FROM (SELECT DISTINCT source FROM dead_letters) AS known";

const OLD_LETTERS: &str = "
    WITH gone AS (
        DELETE FROM dead_letters WHERE id = ANY (ARRAY(
            SELECT id FROM dead_letters WHERE source = $1 AND id < $2 ORDER BY id LIMIT $3))
        RETURNING 1
    ) SELECT count(*) FROM gone";

async fn sweep_dead_letters(session: &Session, now: Timestamp, retention: &Retention) -> Tried<()> {
    let call = Call::new(LETTERS)
        .with((now - retention.dead_letters).as_millis())
        .with(to_column(retention.dead_letter_count));
    for letters in session.call(call).await? {
        let (source, first_kept): (&str, i64) = (get(&letters, 0)?, get(&letters, 1)?);
        in_bites(session, || Call::new(OLD_LETTERS).with(source).with(first_kept)).await?;
    }
    Ok(())
}

const FORGET: &str = "
    WITH gone AS (
        DELETE FROM agents WHERE ctid = ANY (ARRAY(
            SELECT known.ctid FROM unnest($2::text[], $3::bigint[]) AS given (agent, version)
            CROSS JOIN LATERAL (SELECT ctid FROM agents
                                WHERE source = $1 AND agent = given.agent AND version = given.version AND heard < $4
                                FOR UPDATE) AS known
            WHERE NOT EXISTS (SELECT 1 FROM dirty WHERE source = $1 AND NOT of_contacts AND agent = given.agent
                              OFFSET 0)))
        RETURNING agent
    ), of_evidence AS (
        DELETE FROM evidence WHERE ctid = ANY (ARRAY(
            SELECT of.ctid FROM gone CROSS JOIN LATERAL
                (SELECT ctid FROM evidence WHERE source = $1 AND agent = gone.agent OFFSET 0) AS of))
    ), of_segments AS (
        DELETE FROM segments WHERE ctid = ANY (ARRAY(
            SELECT of.ctid FROM gone CROSS JOIN LATERAL
                (SELECT ctid FROM segments WHERE source = $1 AND agent = gone.agent OFFSET 0) AS of))
    )
    SELECT agent FROM gone ORDER BY agent";

/// Removes agents who were not heard of since `before`, with what is left of them; answers whom.
pub(super) async fn forget_agents(
    session: &Session,
    source: &SourceName,
    agents: &[(AgentId, u64)],
    before: Timestamp,
) -> Tried<Vec<AgentId>> {
    let call = Call::new(FORGET)
        .with(source.as_str())
        .with(agents.iter().map(|(agent, _)| text(agent.as_str())).collect::<Vec<_>>())
        .with(agents.iter().map(|(_, version)| to_column(*version)).collect::<Vec<_>>())
        .with(before.as_millis());
    session.call(call).await?.iter().map(|row| get_text(row, 0).map(AgentId::from)).collect()
}

/// Repeats a statement, whose last parameter is how many rows it removes at most, until it removes fewer.
async fn in_bites<'a>(session: &Session, statement: impl Fn() -> Call<'a>) -> Tried<()> {
    loop {
        let gone = session.call(statement().with(BITE)).await?;
        if gone.first().map_or(Ok(0), |row| get::<i64>(row, 0))? < BITE {
            return Ok(());
        }
    }
}
