//! The end of everything that is kept.
//!
//! A sweep first looks, through a reader, for ranges that are past their time. The writer then removes them in
//! bites, so that no commit waits long behind one.

use std::collections::{BTreeMap, VecDeque};

use pegboard_model::{AgentId, Millis, SourceName, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, params, params_from_iter};

use super::connection;
use super::fault::Tried;
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::failpoint;
use crate::intake::KEYS_KEPT;

/// How many rows one job of the writer removes.
const BITE: usize = 2000;

/// How many pages one job of the writer gives back: 4 MiB.
const PAGES: i64 = 1024;

/// How many free pages are kept: 4 MiB.
const SPARE_PAGES: i64 = 1024;

/// The details that no budget takes away: as long as anything may come late, and a day.
pub(super) const KEPT_DETAILS: Millis = Millis::from_hours(8 * 24);

/// How long each table keeps its rows. What has no line here is bounded by what it describes (partitions of the
/// last 400 days, tokens; agents of whom anything else is kept), and dirty marks by agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Entries of feeds: 24 hours. A cursor that is older has to take a new snapshot.
    pub feed: Millis,
    /// Entries of one feed of one source, however young: 1,000,000.
    pub feed_entries: u64,
    /// Events as they came: 24 hours. A sink that has not taken them by then has lost them, and says so.
    pub events: Millis,
    /// Bytes of the events of one source, however young: 4 GiB.
    pub event_bytes: u64,
    /// Dead letters: 30 days.
    pub dead_letters: Millis,
    /// Dead letters of one source, however young: 100,000.
    pub dead_letter_count: u64,
    /// Rows with their earlier revisions, gaps, and partitions that have ended: 400 days.
    pub history: Millis,
    /// Segments and contacts, of which rows are made: 62 days. What is not closed yet stays, however old.
    pub details: Millis,
    /// How many bytes the file may hold before details go earlier, the oldest first, down to those of the last eight
    /// days; nothing: as many as there are.
    pub disk_budget: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            feed: Millis::from_hours(24),
            feed_entries: 1_000_000,
            events: Millis::from_hours(24),
            event_bytes: 4 << 30,
            dead_letters: Millis::from_hours(30 * 24),
            dead_letter_count: 100_000,
            history: Millis::from_hours(400 * 24),
            details: Millis::from_hours(62 * 24),
            disk_budget: None,
        }
    }
}

impl Retention {
    /// For how long anything is kept that names an agent.
    pub(crate) fn agents(&self) -> Millis {
        self.history.max(self.details)
    }
}

/// Rows to remove: a statement whose last parameter is how many at most.
#[derive(Debug)]
pub(super) struct Range {
    delete: &'static str,
    bounds: Vec<Value>,
}

impl Range {
    fn new(delete: &'static str, bounds: impl IntoIterator<Item = Value>) -> Self {
        Self { delete, bounds: bounds.into_iter().collect() }
    }
}

/// What is past its time.
pub(super) fn plan(connection: &Connection, now: Timestamp, retention: &Retention) -> Tried<VecDeque<Range>> {
    let mut ranges = VecDeque::new();
    plan_details(connection, now - retention.details, now - retention.history, &mut ranges)?;
    plan_feeds(connection, now, retention, &mut ranges)?;
    plan_events(connection, now, retention, &mut ranges)?;
    plan_dead_letters(connection, now, retention, &mut ranges)?;
    plan_rows(connection, now - retention.history, &mut ranges)?;
    let before = Value::from((now - retention.history).as_millis());
    ranges.push_back(Range::new(OLD_KEYS, [Value::from((now - KEYS_KEPT).as_millis())]));
    let past_details = Value::from((now - retention.details).as_millis());
    ranges.push_back(Range::new(OLD_CONTACT_EVENTS, [past_details]));
    ranges.extend(OF_WHOLE_TABLES.map(|delete| Range::new(delete, [before.clone()])));
    Ok(ranges)
}

/// Removes the next bite of the ranges; answers what is left of them.
pub(super) fn bite(step: &mut Step<'_>, mut ranges: VecDeque<Range>) -> Tried<VecDeque<Range>> {
    failpoint!("sweep.before", fails);
    let mut left = BITE;
    while left > 0
        && let Some(range) = ranges.front_mut()
    {
        let bounds = range.bounds.iter().cloned().chain([Value::from(limit(left))]);
        let removed = step.connection.prepare_cached(range.delete)?.execute(params_from_iter(bounds))?;
        if removed < left {
            ranges.pop_front();
        }
        left -= removed.min(left);
    }
    failpoint!("sweep.after", fails);
    Ok(ranges)
}

const FORGET: &str = "
    DELETE FROM agents WHERE source = ?1 AND agent = ?2 AND version = ?3 AND heard < ?4
      AND NOT EXISTS (SELECT 1 FROM dirty WHERE source = ?1 AND of_contacts = 0 AND agent = ?2)";

/// Removes agents who were not heard of since `before`, with what is left of them; answers whom.
pub(super) fn forget_agents(
    step: &Step<'_>,
    source: &SourceName,
    agents: &[(AgentId, u64)],
    before: Timestamp,
) -> Tried<Vec<AgentId>> {
    let mut gone = Vec::new();
    for (agent, version) in agents {
        let key = params![source.as_str(), agent.as_str(), to_column(*version), before.as_millis()];
        if step.connection.prepare_cached(FORGET)?.execute(key)? == 0 {
            continue;
        }
        for rest in [
            "DELETE FROM evidence WHERE source = ?1 AND agent = ?2",
            "DELETE FROM segments WHERE source = ?1 AND agent = ?2",
        ] {
            step.connection.prepare_cached(rest)?.execute([source.as_str(), agent.as_str()])?;
        }
        gone.push(agent.clone());
    }
    Ok(gone)
}

/// Keys of what was handed in.
/// A contact to which nothing has happened for so long is over.
const OLD_CONTACT_EVENTS: &str = "DELETE FROM contact_events WHERE (source, contact, id) IN
    (SELECT source, contact, id FROM contact_events WHERE at < ?1 ORDER BY at LIMIT ?2)";

const OLD_KEYS: &str = "DELETE FROM intake_keys WHERE (source, lane, key) IN
    (SELECT source, lane, key FROM intake_keys WHERE at < ?1 LIMIT ?2)";

/// Small tables. The first parameter is the instant.
const OF_WHOLE_TABLES: [&str; 12] = [
    "DELETE FROM queue_names WHERE (source, queue, name) IN
         (SELECT source, queue, name FROM queue_names WHERE last_seen < ?1 LIMIT ?2)",
    "DELETE FROM gaps WHERE id IN (SELECT id FROM gaps WHERE at < ?1 LIMIT ?2)",
    "DELETE FROM reloads WHERE id IN
         (SELECT id FROM reloads WHERE at < ?1 AND state NOT IN ('waiting', 'running', 'cancelling') LIMIT ?2)",
    "DELETE FROM erasures WHERE id IN
         (SELECT id FROM erasures WHERE at < ?1 AND state NOT IN ('waiting', 'running', 'wiping') LIMIT ?2)",
    "DELETE FROM partitions WHERE (source, partition) IN
         (SELECT source, partition FROM partitions WHERE finished = 1 AND touched < ?1 LIMIT ?2)",
    "DELETE FROM deliveries WHERE (sink, interval_start, report) IN
         (SELECT sink, interval_start, report FROM deliveries WHERE interval_start < ?1 LIMIT ?2)",
    "DELETE FROM refused_states WHERE (sink, source, agent) IN
         (SELECT sink, source, agent FROM refused_states WHERE last_at < ?1 LIMIT ?2)",
    "DELETE FROM alarms WHERE id IN (SELECT id FROM alarms WHERE ended < ?1 LIMIT ?2)",
    "DELETE FROM alarm_silences WHERE (condition, subject) IN
         (SELECT condition, subject FROM alarm_silences WHERE until < ?1 LIMIT ?2)",
    "DELETE FROM alarm_told WHERE (outlet, alarm) IN
         (SELECT outlet, alarm FROM alarm_told WHERE at < ?1 LIMIT ?2)",
    "DELETE FROM unmapped WHERE (sink, kind, source, id, detail) IN
         (SELECT sink, kind, source, id, detail FROM unmapped WHERE last_at < ?1 LIMIT ?2)",
    // The audit log has a time of its own, which its triggers hold: 400 days before its newest entry.
    "DELETE FROM audit WHERE number IN
         (SELECT number FROM audit
          WHERE number < (SELECT min(number) FROM audit
                          WHERE at >= (SELECT at FROM audit ORDER BY number DESC LIMIT 1) - 34560000000)
          ORDER BY number LIMIT ?2)",
];

/// Segments and contacts that ended before an instant: those of closed intervals, and whatever is `too_old` even if
/// nobody closes its source any more.
pub(super) fn plan_details(
    connection: &Connection,
    before: Timestamp,
    too_old: Timestamp,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    let closers: Vec<(String, Option<i64>)> = many(
        connection,
        "SELECT source, min(closed_until, contacts_closed_until) FROM closers ORDER BY source",
        [],
    )?;
    let closed: BTreeMap<String, Timestamp> = closers
        .into_iter()
        .filter_map(|(source, until)| Some((source, Timestamp::from_millis(until?))))
        .collect();
    let cut = |source: &str| before.min(closed.get(source).copied().unwrap_or(too_old).max(too_old));
    for source in closed.keys() {
        ranges.push_back(Range::new(NOTE_DETAILS, [source.clone().into(), cut(source).as_millis().into()]));
    }
    plan_segments(connection, cut, ranges)?;
    plan_contacts(connection, cut, ranges)
}

/// Notes from when on the details of a source are complete, before any are removed. The last parameter, how many rows
/// at most, is never 0.
const NOTE_DETAILS: &str = "INSERT INTO meta (name, value) SELECT 'details_from:' || ?1, ?2 WHERE ?3 > 0
     ON CONFLICT (name) DO UPDATE SET value = excluded.value
     WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)";

/// From when on the details of a source are complete: what changed before that cannot be derived again.
pub(super) fn details_from(connection: &Connection, source: &SourceName) -> Tried<Timestamp> {
    let from: Option<i64> = connection
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'details_from:' || ?1")?
        .query_row([source.as_str()], |row| row.get(0))
        .optional()?;
    Ok(from.map_or(Timestamp::MIN, Timestamp::from_millis))
}

/// How many bytes of the file are in use.
pub(super) fn used(connection: &Connection) -> Tried<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(from_column(pages.saturating_mul(number("page_size")?)))
}

/// When the oldest segment begins, or the oldest contact is pegged to.
pub(super) fn oldest_detail(connection: &Connection) -> Tried<Option<Timestamp>> {
    let mut oldest: Option<i64> = None;
    let mut note = |found: Option<i64>| oldest = oldest.into_iter().chain(found).min();
    for (source, agent) in keys_of(connection, "segments", "agent")? {
        let sql = "SELECT min(start) FROM segments WHERE source = ?1 AND agent = ?2";
        note(one::<(Option<i64>,)>(connection, sql, [&source, &agent])?.0);
    }
    let sources: Vec<(String,)> = many(connection, "SELECT source FROM closers", [])?;
    for (source,) in sources {
        let sql = "SELECT min(pegged) FROM contacts WHERE source = ?1";
        note(one::<(Option<i64>,)>(connection, sql, [&source])?.0);
    }
    Ok(oldest.map(Timestamp::from_millis))
}

/// Gives some free pages back to the disk; answers whether there are more. Some stay, for what comes next.
pub(super) fn give_back(step: &mut Step<'_>) -> Tried<bool> {
    let free = || step.connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    let before = free()?;
    if before <= SPARE_PAGES {
        return Ok(false);
    }
    connection::give_back(step.connection, (before - SPARE_PAGES).min(PAGES))?;
    let after = free()?;
    // A file that cannot give pages back stays as it is.
    Ok(after > SPARE_PAGES && after < before)
}

fn plan_segments(
    connection: &Connection,
    cut: impl Fn(&str) -> Timestamp,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    for (source, agent) in keys_of(connection, "segments", "agent")? {
        let before = cut(&source);
        let oldest: (i64,) = one(
            connection,
            "SELECT min(start) FROM segments WHERE source = ?1 AND agent = ?2",
            [&source, &agent],
        )?;
        if oldest.0 < before.as_millis() {
            ranges.push_back(Range::new(
                "DELETE FROM segments WHERE source = ?1 AND agent = ?2 AND (start, is_segment) IN
                     (SELECT start, is_segment FROM segments
                      WHERE source = ?1 AND agent = ?2 AND start < ?3 AND stop <= ?3
                      ORDER BY start LIMIT ?4)",
                [source.into(), agent.into(), before.as_millis().into()],
            ));
        }
    }
    Ok(())
}

/// The entries before the first one that is young enough, and those that are too many.
fn plan_feeds(
    connection: &Connection,
    now: Timestamp,
    retention: &Retention,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    let feeds: Vec<(String, String, i64)> = many(connection, "SELECT source, kind, head FROM feeds", [])?;
    for (source, kind, head) in feeds {
        let (young,): (Option<i64>,) = one(
            connection,
            "SELECT (SELECT number FROM feed_entries WHERE source = ?1 AND kind = ?2 AND at >= ?3
                     ORDER BY number LIMIT 1)",
            params![source, kind, (now - retention.feed).as_millis()],
        )?;
        let first_kept = young.unwrap_or(head + 1).max(head - to_column(retention.feed_entries) + 1);
        ranges.push_back(Range::new(
            "DELETE FROM feed_entries WHERE source = ?1 AND kind = ?2 AND number IN
                 (SELECT number FROM feed_entries WHERE source = ?1 AND kind = ?2 AND number < ?3
                  ORDER BY number LIMIT ?4)",
            [source.into(), kind.into(), first_kept.into()],
        ));
    }
    Ok(())
}

/// The events before the first one that is young enough, and those that are too many bytes.
fn plan_events(
    connection: &Connection,
    now: Timestamp,
    retention: &Retention,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    let feeds: Vec<(String, i64, i64)> = many(connection, "SELECT source, head, bytes FROM event_feeds", [])?;
    for (source, head, bytes) in feeds {
        let (young, fits): (Option<i64>, Option<i64>) = one(
            connection,
            "SELECT (SELECT number FROM raw_events WHERE source = ?1 AND at >= ?2 ORDER BY number LIMIT 1),
                    (SELECT number FROM raw_events WHERE source = ?1 AND before >= ?3 ORDER BY number LIMIT 1)",
            params![
                source,
                (now - retention.events).as_millis(),
                bytes.saturating_sub(to_column(retention.event_bytes))
            ],
        )?;
        let first_kept = young.unwrap_or(head + 1).max(fits.unwrap_or(head + 1));
        ranges.push_back(Range::new(
            "DELETE FROM raw_events WHERE source = ?1 AND number IN
                 (SELECT number FROM raw_events WHERE source = ?1 AND number < ?2 ORDER BY number LIMIT ?3)",
            [source.into(), first_kept.into()],
        ));
    }
    Ok(())
}

/// The letters before the first one that is young enough, and those that are too many.
fn plan_dead_letters(
    connection: &Connection,
    now: Timestamp,
    retention: &Retention,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    let sources: Vec<(String,)> = many(connection, "SELECT DISTINCT source FROM dead_letters", [])?;
    for (source,) in sources {
        let (young, surplus): (Option<i64>, Option<i64>) = one(
            connection,
            "SELECT (SELECT id FROM dead_letters WHERE source = ?1 AND at >= ?2 ORDER BY id LIMIT 1),
                    (SELECT id FROM dead_letters WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
            params![
                source,
                (now - retention.dead_letters).as_millis(),
                to_column(retention.dead_letter_count)
            ],
        )?;
        let first_kept = young.unwrap_or(i64::MAX).max(surplus.map_or(0, |surplus| surplus + 1));
        ranges.push_back(Range::new(
            "DELETE FROM dead_letters WHERE id IN
                 (SELECT id FROM dead_letters WHERE source = ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
            [source.into(), first_kept.into()],
        ));
    }
    Ok(())
}

fn plan_contacts(
    connection: &Connection,
    cut: impl Fn(&str) -> Timestamp,
    ranges: &mut VecDeque<Range>,
) -> Tried<()> {
    let sources: Vec<(String,)> = many(connection, "SELECT DISTINCT source FROM partitions", [])?;
    for (source,) in sources {
        let before = cut(&source).as_millis();
        let bounds = [Value::from(source), before.into()];
        ranges.push_back(Range::new(
            "DELETE FROM contacts WHERE rowid IN
                 (SELECT rowid FROM contacts WHERE source = ?1 AND pegged < ?2 LIMIT ?3)",
            bounds.clone(),
        ));
        ranges.push_back(Range::new(
            "DELETE FROM contacts WHERE rowid IN
                 (SELECT rowid FROM contacts WHERE source = ?1 AND pegged IS NULL AND updated < ?2 LIMIT ?3)",
            bounds,
        ));
    }
    Ok(())
}

fn plan_rows(connection: &Connection, before: Timestamp, ranges: &mut VecDeque<Range>) -> Tried<()> {
    for (rows, history, latest) in
        [("rows", OLD_HISTORY, OLD_ROWS), ("acd_rows", OLD_ACD_HISTORY, OLD_ACD_ROWS)]
    {
        for (source, report) in keys_of(connection, rows, "report")? {
            let bounds = [source.into(), report.into(), Value::from(before.as_millis())];
            ranges.push_back(Range::new(history, bounds.clone()));
            ranges.push_back(Range::new(latest, bounds));
        }
    }
    Ok(())
}

const OLD_HISTORY: &str = "DELETE FROM row_history WHERE source = ?1 AND report = ?2
   AND (interval_start, key, revision) IN
     (SELECT interval_start, key, revision FROM row_history
      WHERE source = ?1 AND report = ?2 AND interval_start < ?3 LIMIT ?4)";

const OLD_ROWS: &str = "DELETE FROM rows WHERE source = ?1 AND report = ?2 AND (interval_start, key) IN
     (SELECT interval_start, key FROM rows
      WHERE source = ?1 AND report = ?2 AND interval_start < ?3 LIMIT ?4)";

const OLD_ACD_HISTORY: &str = "DELETE FROM acd_row_history WHERE source = ?1 AND report = ?2
   AND (interval_start, key, revision) IN
     (SELECT interval_start, key, revision FROM acd_row_history
      WHERE source = ?1 AND report = ?2 AND interval_start < ?3 LIMIT ?4)";

const OLD_ACD_ROWS: &str =
    "DELETE FROM acd_rows WHERE source = ?1 AND report = ?2 AND (interval_start, key) IN
     (SELECT interval_start, key FROM acd_rows
      WHERE source = ?1 AND report = ?2 AND interval_start < ?3 LIMIT ?4)";

/// The values of source and another column by which a table is clustered, one step of the primary key each
/// rather than a walk through all of it.
fn keys_of(connection: &Connection, table: &str, column: &str) -> Tried<Vec<(String, String)>> {
    let mut next = connection.prepare_cached(&format!(
        "SELECT source, {column} FROM {table}
         WHERE (source, {column}) > (?1, ?2) ORDER BY source, {column} LIMIT 1"
    ))?;
    let mut keys: Vec<(String, String)> = Vec::new();
    loop {
        let (source, key) = keys.last().map_or(("", ""), |(source, key)| (source, key));
        let Some(found) = next.query_row([source, key], |row| row.try_into()).optional()? else { break };
        keys.push(found);
    }
    Ok(keys)
}

fn one<T>(connection: &Connection, sql: &str, params: impl Params) -> Tried<T>
where
    T: for<'row> TryFrom<&'row rusqlite::Row<'row>, Error = rusqlite::Error>,
{
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| T::try_from(row))?)
}

fn many<T>(connection: &Connection, sql: &str, params: impl Params) -> Tried<Vec<T>>
where
    T: for<'row> TryFrom<&'row rusqlite::Row<'row>, Error = rusqlite::Error>,
{
    let mut query = connection.prepare_cached(sql)?;
    let rows = query.query_map(params, |row| T::try_from(row))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
