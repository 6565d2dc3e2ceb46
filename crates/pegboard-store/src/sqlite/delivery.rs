//! The ledger.

use async_trait::async_trait;
use pegboard_model::{AgentId, SinkName, SourceName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fault::Tried;
use super::read::{all, instant, maybe_instant, text};
use super::unmapped;
use super::writer::Step;
use super::{SqliteStore, events, holds};
use crate::column::{from_column, limit, to_column};
use crate::delivery::{
    Delivery, DeliveryNote, DeliveryState, DeliveryTry, LedgerFilter, LedgerLine, ParkedLine, RefusedState,
    Settle, SinkState, Unit,
};
use crate::failpoint;
use crate::hold::Hold;
use crate::paging::name;
use crate::unmapped::{UnmappedName, UnmappedSeen};
use crate::{Cursor, Deliveries, FeedKind, Result};

#[async_trait]
impl Deliveries for SqliteStore {
    async fn known_sinks(&self) -> Result<Vec<SinkName>> {
        let query = |connection: &Connection| {
            all(connection, "SELECT sink FROM sinks ORDER BY sink", [], |row| {
                Ok(text(row, 0)?.as_str().into())
            })
        };
        self.readers.run("list sinks", query).await
    }

    async fn take_sink(&self, sink: &SinkName) -> Result<SinkState> {
        let sink = sink.clone();
        self.writer.run("take the delivery to a sink", move |step| take(step, &sink)).await
    }

    async fn note_deliveries(&self, note: DeliveryNote) -> Result<()> {
        self.writer.run("note deliveries", move |step| write_note(step, &note)).await
    }

    async fn due_deliveries(&self, sink: &SinkName, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        let sink = sink.clone();
        let query = move |connection: &Connection| due(connection, &sink, now, limit);
        self.readers.run("read what is to be delivered", query).await
    }

    async fn deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        before: Option<&Unit>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        let (sink, filter, before) = (sink.clone(), filter.clone(), before.cloned());
        let query = move |connection: &Connection| list(connection, &sink, &filter, before.as_ref(), limit);
        self.readers.run("read the ledger", query).await
    }

    async fn ledger(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        let sink = sink.clone();
        self.readers.run("sum up the ledger", move |connection| ledger(connection, &sink, LEDGER)).await
    }

    async fn undelivered(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        let sink = sink.clone();
        let query = move |connection: &Connection| ledger(connection, &sink, UNDELIVERED);
        self.readers.run("sum up what is not delivered", query).await
    }

    async fn parked(&self, sink: &SinkName, limit: usize) -> Result<Vec<ParkedLine>> {
        let sink = sink.clone();
        self.readers.run("sum up what is parked", move |connection| parked(connection, &sink, limit)).await
    }

    async fn settle_deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        how: Settle,
        now: Timestamp,
    ) -> Result<u64> {
        let (sink, filter) = (sink.clone(), filter.clone());
        let job = move |step: &mut Step<'_>| settle(step, &sink, &filter, &how, now);
        self.writer.run("settle deliveries", job).await
    }

    async fn refused_states(&self, sink: &SinkName, limit: usize) -> Result<Vec<RefusedState>> {
        let sink = sink.clone();
        let query = move |connection: &Connection| refused(connection, &sink, limit);
        self.readers.run("read refused states", query).await
    }

    async fn drop_refused_state(
        &self,
        sink: &SinkName,
        source: &SourceName,
        agent: &AgentId,
    ) -> Result<bool> {
        let (sink, source, agent) = (sink.clone(), source.clone(), agent.clone());
        let job = move |step: &mut Step<'_>| forget_refused(step, sink.as_str(), &source, &agent);
        self.writer.run("drop a refused state", job).await
    }

    async fn unmapped(&self, sink: &SinkName, limit: usize) -> Result<Vec<UnmappedSeen>> {
        let sink = sink.clone();
        let query = move |connection: &Connection| unmapped::list(connection, &sink, limit);
        self.readers.run("read what is not mapped", query).await
    }

    async fn forget_unmapped_names(&self, sink: &SinkName, names: Vec<UnmappedName>) -> Result<()> {
        let sink = sink.clone();
        let job = move |step: &mut Step<'_>| unmapped::forget_names(step, &sink, &names);
        self.writer.run("forget what is mapped", job).await
    }

    async fn forget_unmapped(&self, sink: &SinkName) -> Result<u64> {
        let sink = sink.clone();
        self.writer.run("forget what is not mapped", move |step| unmapped::forget(step, &sink)).await
    }

    async fn hold(&self, sink: &SinkName) -> Result<Option<Hold>> {
        let sink = sink.clone();
        self.readers.run("read what is held back", move |connection| holds::hold(connection, &sink)).await
    }

    async fn release_hold(&self, sink: &SinkName, at: Timestamp) -> Result<bool> {
        let sink = sink.clone();
        self.writer.run("release what is held back", move |step| holds::release(step, &sink, at)).await
    }
}

const COLUMNS: &str =
    "report, interval_start, state, changes, revision, digest, acknowledged, tries, first_try, last_try, due,
    reason, comment";

/// Raises the epoch of a sink's deliverer.
fn take(step: &Step<'_>, sink: &SinkName) -> Tried<SinkState> {
    let epoch: i64 = step
        .connection
        .prepare_cached(
            "INSERT INTO sinks (sink, epoch) VALUES (?1, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        )?
        .query_row([sink.as_str()], |row| row.get(0))?;
    let cursor = |kind| cursor(step.connection, sink, kind);
    Ok(SinkState {
        epoch: from_column(epoch),
        states: cursor(FeedKind::States)?,
        rows: cursor(FeedKind::Rows)?,
        present: holds::present(step.connection, sink)?,
        stale: holds::stale(step.connection, sink)?,
    })
}

fn cursor(connection: &Connection, sink: &SinkName, kind: FeedKind) -> Tried<Option<Cursor>> {
    let cursor: Option<String> = connection
        .prepare_cached("SELECT cursor FROM sink_cursors WHERE sink = ?1 AND kind = ?2")?
        .query_row(params![sink.as_str(), name(kind)], |row| row.get(0))
        .optional()?;
    Ok(cursor.map(|cursor| SinkState::cursor(&cursor)).transpose()?)
}

/// Writes what a deliverer has to say.
fn write_note(step: &Step<'_>, note: &DeliveryNote) -> Tried<()> {
    failpoint!("deliveries.before", fails);
    check_deliverer(step, &note.sink, note.epoch)?;
    let sink = note.sink.as_str();
    for (kind, cursor) in &note.cursors {
        step.connection
            .prepare_cached(
                "INSERT INTO sink_cursors (sink, kind, cursor) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
            )?
            .execute(params![sink, name(*kind), cursor.to_string()])?;
    }
    for (unit, due) in &note.changed {
        step.connection.prepare_cached(CHANGED)?.execute(params![
            sink,
            unit.report,
            unit.interval_start.as_millis(),
            due.as_millis()
        ])?;
    }
    for tried in &note.tried {
        note_try(step, sink, tried)?;
    }
    for (source, agent) in &note.taken {
        forget_refused(step, sink, source, agent)?;
    }
    for (source, agent, reason, payload, at) in &note.refused {
        step.connection.prepare_cached(REFUSED)?.execute(params![
            sink,
            source.as_str(),
            agent.as_str(),
            reason,
            payload,
            at.as_millis()
        ])?;
    }
    unmapped::note(step, sink, &note.unmapped)?;
    events::mark(step, sink, &note.marks)?;
    holds::note(step, note)?;
    failpoint!("deliveries.after", fails);
    Ok(())
}

/// What was settled begins anew; what waits and was tried keeps to its pause.
const CHANGED: &str = "
    INSERT INTO deliveries (sink, report, interval_start, state, changes, revision, acknowledged, tries, due)
    VALUES (?1, ?2, ?3, 'waiting', 1, 0, 0, 0, ?4)
    ON CONFLICT DO UPDATE SET
        changes = changes + 1,
        due = CASE WHEN state <> 'waiting' THEN excluded.due WHEN tries > 0 THEN due ELSE min(due, excluded.due) END,
        tries = CASE WHEN state = 'waiting' THEN tries ELSE 0 END,
        first_try = CASE WHEN state = 'waiting' THEN first_try END,
        reason = CASE WHEN state = 'waiting' THEN reason END,
        comment = NULL,
        state = 'waiting'";

const REFUSED: &str = "
    INSERT INTO refused_states (sink, source, agent, reason, payload, first_at, last_at, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)
    ON CONFLICT DO UPDATE SET reason = excluded.reason, payload = excluded.payload, last_at = excluded.last_at,
        count = count + 1";

/// What changed since the body was made waits on, without the pause of a failure where there was none.
const TRIED: &str = "
    UPDATE deliveries SET
        revision = ?4, digest = ?5, last_try = ?6, first_try = coalesce(first_try, ?6),
        tries = CASE WHEN ?7 = 'acknowledged' AND changes <> ?10 THEN 0 ELSE tries + 1 END,
        acknowledged = CASE WHEN ?7 = 'acknowledged' THEN ?4 ELSE acknowledged END,
        reason = ?8,
        due = coalesce(?9, ?6),
        state = CASE WHEN changes = ?10 THEN ?7 ELSE 'waiting' END
    WHERE sink = ?1 AND report = ?2 AND interval_start = ?3";

fn note_try(step: &Step<'_>, sink: &str, tried: &DeliveryTry) -> Tried<()> {
    let (state, due, reason) = tried.outcome.columns();
    step.connection.prepare_cached(TRIED)?.execute(params![
        sink,
        tried.unit.report,
        tried.unit.interval_start.as_millis(),
        to_column(tried.revision),
        tried.digest,
        tried.at.as_millis(),
        state.as_str(),
        reason,
        due.map(Timestamp::as_millis),
        to_column(tried.changes),
    ])?;
    Ok(())
}

/// Answers whether there was one.
fn forget_refused(step: &Step<'_>, sink: &str, source: &SourceName, agent: &AgentId) -> Tried<bool> {
    let forgotten = step
        .connection
        .prepare_cached("DELETE FROM refused_states WHERE sink = ?1 AND source = ?2 AND agent = ?3")?
        .execute(params![sink, source.as_str(), agent.as_str()])?;
    Ok(forgotten > 0)
}

fn check_deliverer(step: &Step<'_>, sink: &SinkName, expected: u64) -> Tried<()> {
    let found: Option<i64> = step
        .connection
        .prepare_cached("SELECT epoch FROM sinks WHERE sink = ?1")?
        .query_row([sink.as_str()], |row| row.get(0))
        .optional()?;
    Ok(SinkState::check_epoch(sink, expected, found.map(from_column))?)
}

/// Units that wait and are due.
fn due(connection: &Connection, sink: &SinkName, now: Timestamp, most: usize) -> Tried<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE sink = ?1 AND state = 'waiting' AND due <= ?2
         ORDER BY due, interval_start, report LIMIT ?3"
    );
    all(connection, &sql, params![sink.as_str(), now.as_millis(), limit(most)], read)
}

/// What a filter lets through, from the second parameter on.
const FILTER: &str =
    "(?2 IS NULL OR report = ?2) AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR reason = ?4)
    AND interval_start >= ?5 AND interval_start < ?6";

/// Units, the newest first.
fn list(
    connection: &Connection,
    sink: &SinkName,
    filter: &LedgerFilter,
    before: Option<&Unit>,
    most: usize,
) -> Tried<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries
         WHERE sink = ?1 AND {FILTER} AND (?7 IS NULL OR (interval_start, report) < (?7, ?8))
         ORDER BY interval_start DESC, report DESC LIMIT ?9"
    );
    let bounds = params![
        sink.as_str(),
        filter.report,
        filter.state.map(DeliveryState::as_str),
        filter.reason,
        filter.from.as_millis(),
        filter.to.as_millis(),
        before.map(|unit| unit.interval_start.as_millis()),
        before.map(|unit| &*unit.report),
        limit(most)
    ];
    all(connection, &sql, bounds, read)
}

fn read(row: &Row<'_>) -> Tried<Delivery> {
    let maybe_text = |column| -> Tried<_> { Ok(row.get::<_, Option<String>>(column)?.map(Into::into)) };
    Ok(Delivery {
        unit: Unit { report: text(row, 0)?.into(), interval_start: instant(row, 1)? },
        state: DeliveryState::from_column(&text(row, 2)?)?,
        changes: from_column(row.get(3)?),
        revision: from_column(row.get(4)?),
        digest: maybe_text(5)?,
        acknowledged: from_column(row.get(6)?),
        tries: from_column(row.get(7)?),
        first_try: maybe_instant(row, 8)?,
        last_try: maybe_instant(row, 9)?,
        due: instant(row, 10)?,
        reason: maybe_text(11)?,
        comment: maybe_text(12)?,
    })
}

/// How many units stand how. Grouped in the order of the index `deliveries_standing`, so that no unit is read.
const LEDGER: &str =
    "SELECT report, state, count(*), min(interval_start), max(interval_start) FROM deliveries
    WHERE sink = ?1 GROUP BY state, report ORDER BY report, state";

/// The same of those that are still to be delivered.
const UNDELIVERED: &str =
    "SELECT report, state, count(*), min(interval_start), max(interval_start) FROM deliveries
    WHERE sink = ?1 AND state IN ('waiting', 'parked') GROUP BY state, report ORDER BY report, state";

fn ledger(connection: &Connection, sink: &SinkName, sql: &'static str) -> Tried<Vec<LedgerLine>> {
    all(connection, sql, [sink.as_str()], |row| {
        Ok(LedgerLine {
            report: text(row, 0)?.into(),
            state: DeliveryState::from_column(&text(row, 1)?)?,
            units: from_column(row.get(2)?),
            oldest: instant(row, 3)?,
            newest: instant(row, 4)?,
        })
    })
}

/// What is parked, by report and reason.
fn parked(connection: &Connection, sink: &SinkName, most: usize) -> Tried<Vec<ParkedLine>> {
    let sql =
        "SELECT report, coalesce(reason, ''), count(*) AS units, min(interval_start), max(interval_start)
               FROM deliveries WHERE sink = ?1 AND state = 'parked'
               GROUP BY report, reason ORDER BY units DESC, report, reason LIMIT ?2";
    all(connection, sql, params![sink.as_str(), limit(most)], |row| {
        Ok(ParkedLine {
            report: text(row, 0)?.into(),
            reason: text(row, 1)?.into(),
            units: from_column(row.get(2)?),
            oldest: instant(row, 3)?,
            newest: instant(row, 4)?,
        })
    })
}

/// Settles units. A body that is to be sent again is no longer known by anything: the next one is a new revision.
fn settle(
    step: &Step<'_>,
    sink: &SinkName,
    filter: &LedgerFilter,
    how: &Settle,
    now: Timestamp,
) -> Tried<u64> {
    let (state, comment) = how.columns();
    let sql = format!(
        "UPDATE deliveries SET state = ?7, comment = ?8, due = ?9, tries = 0, first_try = NULL,
             digest = CASE WHEN ?10 THEN NULL ELSE digest END, reason = CASE WHEN ?10 THEN NULL ELSE reason END
         WHERE sink = ?1 AND {FILTER} AND (state = 'parked' OR (?10 AND state <> 'waiting'))"
    );
    let settled = step.connection.prepare_cached(&sql)?.execute(params![
        sink.as_str(),
        filter.report,
        filter.state.map(DeliveryState::as_str),
        filter.reason,
        filter.from.as_millis(),
        filter.to.as_millis(),
        state.as_str(),
        comment,
        now.as_millis(),
        how.is_for_all(),
    ])?;
    Ok(settled as u64)
}

/// States that the target refuses.
fn refused(connection: &Connection, sink: &SinkName, most: usize) -> Tried<Vec<RefusedState>> {
    let sql = "SELECT source, agent, reason, payload, first_at, last_at, count FROM refused_states
               WHERE sink = ?1 ORDER BY last_at DESC, source, agent LIMIT ?2";
    all(connection, sql, params![sink.as_str(), limit(most)], |row| {
        Ok(RefusedState {
            source: text(row, 0)?.into(),
            agent: text(row, 1)?.into(),
            reason: text(row, 2)?.into(),
            payload: text(row, 3)?,
            first_at: instant(row, 4)?,
            last_at: instant(row, 5)?,
            count: from_column(row.get(6)?),
        })
    })
}
