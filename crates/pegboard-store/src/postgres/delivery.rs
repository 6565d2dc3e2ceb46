//! The ledger.

use async_trait::async_trait;
use pegboard_model::{AgentId, SinkName, SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_maybe_instant, get_text, text, untext};
use super::fault::Tried;
use super::pool::Lent;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use super::{PostgresStore, events, holds, unmapped};
use crate::column::{from_column, limit, to_column};
use crate::delivery::{
    Delivery, DeliveryNote, DeliveryState, DeliveryTry, LedgerFilter, LedgerLine, ParkedLine, RefusedState,
    Settle, SinkState, Unit,
};
use crate::hold::Hold;
use crate::paging::name;
use crate::unmapped::{UnmappedName, UnmappedSeen};
use crate::{Cursor, Deliveries, FeedKind, Result, StoreError, failpoint};

#[async_trait]
impl Deliveries for PostgresStore {
    async fn known_sinks(&self) -> Result<Vec<SinkName>> {
        let work = |session: Lent| async move {
            let query = Call::new("SELECT sink FROM sinks ORDER BY sink");
            all(&session, query, |row| Ok(get::<&str>(row, 0)?.into())).await
        };
        self.read("list sinks", work).await
    }

    async fn take_sink(&self, sink: &SinkName) -> Result<SinkState> {
        let work = |session: Lent| async move { take(&session, sink).await };
        self.write("take the delivery to a sink", work).await
    }

    async fn note_deliveries(&self, note: DeliveryNote) -> Result<()> {
        let note = &note;
        let work = |session: Lent| async move { write_note(&session, note).await };
        self.write("note deliveries", work).await
    }

    async fn due_deliveries(&self, sink: &SinkName, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        let work = |session: Lent| async move { due(&session, sink, now, limit).await };
        self.read("read what is to be delivered", work).await
    }

    async fn deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        before: Option<&Unit>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        let work = |session: Lent| async move { list(&session, sink, filter, before, limit).await };
        self.read("read the ledger", work).await
    }

    async fn ledger(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        let work = |session: Lent| async move { ledger(&session, sink, LEDGER).await };
        self.read("sum up the ledger", work).await
    }

    async fn undelivered(&self, sink: &SinkName) -> Result<Vec<LedgerLine>> {
        let work = |session: Lent| async move { ledger(&session, sink, UNDELIVERED).await };
        self.read("sum up what is not delivered", work).await
    }

    async fn parked(&self, sink: &SinkName, limit: usize) -> Result<Vec<ParkedLine>> {
        let work = |session: Lent| async move { parked(&session, sink, limit).await };
        self.read("sum up what is parked", work).await
    }

    async fn settle_deliveries(
        &self,
        sink: &SinkName,
        filter: &LedgerFilter,
        how: Settle,
        now: Timestamp,
    ) -> Result<u64> {
        let how = &how;
        let work = |session: Lent| async move { settle(&session, sink, filter, how, now).await };
        self.write("settle deliveries", work).await
    }

    async fn refused_states(&self, sink: &SinkName, limit: usize) -> Result<Vec<RefusedState>> {
        let work = |session: Lent| async move { refused(&session, sink, limit).await };
        self.read("read refused states", work).await
    }

    async fn drop_refused_state(
        &self,
        sink: &SinkName,
        source: &SourceName,
        agent: &AgentId,
    ) -> Result<bool> {
        let work = |session: Lent| async move {
            Ok(!session.call(forget_refused(sink.as_str(), source, agent)).await?.is_empty())
        };
        self.write("drop a refused state", work).await
    }

    async fn unmapped(&self, sink: &SinkName, limit: usize) -> Result<Vec<UnmappedSeen>> {
        let work = |session: Lent| async move { unmapped::list(&session, sink, limit).await };
        self.read("read what is not mapped", work).await
    }

    async fn forget_unmapped_names(&self, sink: &SinkName, names: Vec<UnmappedName>) -> Result<()> {
        let names = &*names;
        let work = |session: Lent| async move { unmapped::forget_names(&session, sink, names).await };
        self.write("forget what is mapped", work).await
    }

    async fn forget_unmapped(&self, sink: &SinkName) -> Result<u64> {
        let work = |session: Lent| async move { unmapped::forget(&session, sink).await };
        self.write("forget what is not mapped", work).await
    }

    async fn hold(&self, sink: &SinkName) -> Result<Option<Hold>> {
        let work = |session: Lent| async move { holds::hold(&session, sink).await };
        self.read("read what is held back", work).await
    }

    async fn release_hold(&self, sink: &SinkName, at: Timestamp) -> Result<bool> {
        let work = |session: Lent| async move { holds::release(&session, sink, at).await };
        self.write("release what is held back", work).await
    }
}

macro_rules! columns {
    () => {
        "report, interval_start, state, changes, revision, digest, acknowledged, tries, first_try, last_try, due, reason, comment"
    };
}

const TAKE: &str = "
    INSERT INTO sinks AS known (sink, epoch) VALUES ($1, 1)
    ON CONFLICT (sink) DO UPDATE SET epoch = known.epoch + 1 RETURNING epoch";

/// Raises the epoch of a sink's deliverer.
async fn take(session: &Session, sink: &SinkName) -> Tried<SinkState> {
    let mut taking = Pipeline::new(BEGIN);
    let epoch = taking.add(Call::new(TAKE).with(sink.as_str()));
    let cursors =
        taking.add(Call::new("SELECT kind, cursor FROM sink_cursors WHERE sink = $1").with(sink.as_str()));
    let (present, stale) = (taking.add(holds::present(sink)), taking.add(holds::stale(sink)));
    taking.add(Call::new(COMMIT));
    let answers = session.run(taking).await?;
    let missing = || StoreError::Damaged { what: "sink", detail: format!("{sink}: not there") };
    let epoch: i64 = get(answers[epoch].first().ok_or_else(missing)?, 0)?;
    let cursor = |kind| -> Tried<Option<Cursor>> {
        for row in &answers[cursors] {
            if get::<&str>(row, 0)? == name(kind) {
                return Ok(Some(SinkState::cursor(get(row, 1)?)?));
            }
        }
        Ok(None)
    };
    Ok(SinkState {
        epoch: from_column(epoch),
        states: cursor(FeedKind::States)?,
        rows: cursor(FeedKind::Rows)?,
        present: answers[present].first().map(holds::read_present).transpose()?,
        stale: answers[stale].iter().map(holds::read_stale).collect::<Tried<_>>()?,
    })
}

/// Keeps other deliverers out until the commit.
const CHECK: &str = "SELECT epoch FROM sinks WHERE sink = $1 FOR NO KEY UPDATE";

const CURSOR: &str = "
    INSERT INTO sink_cursors (sink, kind, cursor) VALUES ($1, $2, $3)
    ON CONFLICT (sink, kind) DO UPDATE SET cursor = excluded.cursor";

/// What was settled begins anew; what waits and was tried keeps to its pause.
const CHANGED: &str = "
    INSERT INTO deliveries AS known (sink, report, interval_start, state, changes, revision, acknowledged, tries, due)
    VALUES ($1, $2, $3, 'waiting', 1, 0, 0, 0, $4)
    ON CONFLICT (sink, interval_start, report) DO UPDATE SET
        changes = known.changes + 1,
        due = CASE WHEN known.state <> 'waiting' THEN excluded.due
                   WHEN known.tries > 0 THEN known.due ELSE least(known.due, excluded.due) END,
        tries = CASE WHEN known.state = 'waiting' THEN known.tries ELSE 0 END,
        first_try = CASE WHEN known.state = 'waiting' THEN known.first_try END,
        reason = CASE WHEN known.state = 'waiting' THEN known.reason END,
        comment = NULL,
        state = 'waiting'";

/// What changed since the body was made waits on, without the pause of a failure where there was none.
const TRIED: &str = "
    UPDATE deliveries SET
        revision = $4, digest = $5, last_try = $6, first_try = coalesce(first_try, $6),
        tries = CASE WHEN $7 = 'acknowledged' AND changes <> $10 THEN 0 ELSE tries + 1 END,
        acknowledged = CASE WHEN $7 = 'acknowledged' THEN $4 ELSE acknowledged END,
        reason = $8,
        due = coalesce($9, $6),
        state = CASE WHEN changes = $10 THEN $7 ELSE 'waiting' END
    WHERE sink = $1 AND report = $2 AND interval_start = $3";

const REFUSED: &str = "
    INSERT INTO refused_states AS known (sink, source, agent, reason, payload, first_at, last_at, count)
    VALUES ($1, $2, $3, $4, $5, $6, $6, 1)
    ON CONFLICT (sink, source, agent) DO UPDATE SET reason = excluded.reason, payload = excluded.payload,
        last_at = excluded.last_at, count = known.count + 1";

/// Writes what a deliverer has to say.
async fn write_note(session: &Session, note: &DeliveryNote) -> Tried<()> {
    failpoint!("deliveries.before", fails);
    let sink = note.sink.as_str();
    let mut first = Pipeline::new(BEGIN);
    let held = first.add(Call::new(CHECK).with(sink));
    first.extend(unmapped::known(sink, &note.unmapped));
    let answers = session.run(first).await?;
    let found: Option<i64> = answers[held].first().map(|row| get(row, 0)).transpose()?;
    SinkState::check_epoch(&note.sink, note.epoch, found.map(from_column))?;
    let mut second = Pipeline::default();
    second.extend(
        note.cursors
            .iter()
            .map(|(kind, cursor)| Call::new(CURSOR).with(sink).with(name(*kind)).with(cursor.to_string())),
    );
    second.extend(note.changed.iter().map(|(unit, due)| of_unit(CHANGED, sink, unit).with(due.as_millis())));
    second.extend(note.tried.iter().map(|tried| of_tried(sink, tried)));
    second.extend(note.taken.iter().map(|(source, agent)| forget_refused(sink, source, agent)));
    second.extend(note.refused.iter().map(|(source, agent, reason, payload, at)| {
        let call = Call::new(REFUSED).with(sink).with(source.as_str()).with(text(agent.as_str()));
        call.with(text(reason)).with(text(payload)).with(at.as_millis())
    }));
    second.extend(unmapped::notes(sink, &note.unmapped, &answers[held + 1..])?);
    second.extend(events::mark(sink, &note.marks));
    second.extend(holds::note(note));
    second.add(Call::new(COMMIT));
    session.run(second).await?;
    failpoint!("deliveries.after", fails);
    Ok(())
}

/// Answers with a row if there was one.
fn forget_refused<'a>(sink: &'a str, source: &'a SourceName, agent: &'a AgentId) -> Call<'a> {
    let sql = "DELETE FROM refused_states WHERE sink = $1 AND source = $2 AND agent = $3 RETURNING 1";
    Call::new(sql).with(sink).with(source.as_str()).with(text(agent.as_str()))
}

fn of_unit<'a>(sql: &'static str, sink: &'a str, unit: &'a Unit) -> Call<'a> {
    Call::new(sql).with(sink).with(text(&unit.report)).with(unit.interval_start.as_millis())
}

fn of_tried<'a>(sink: &'a str, tried: &'a DeliveryTry) -> Call<'a> {
    let (state, due, reason) = tried.outcome.columns();
    of_unit(TRIED, sink, &tried.unit)
        .with(to_column(tried.revision))
        .with(tried.digest.as_deref())
        .with(tried.at.as_millis())
        .with(state.as_str())
        .with(reason.map(|reason| text(reason)))
        .with(due.map(Timestamp::as_millis))
        .with(to_column(tried.changes))
}

const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries WHERE sink = $1 AND state = 'waiting' AND due <= $2
      ORDER BY due, interval_start, report LIMIT $3"
);

/// Units that wait and are due.
async fn due(session: &Session, sink: &SinkName, now: Timestamp, most: usize) -> Tried<Vec<Delivery>> {
    all(session, Call::new(DUE).with(sink.as_str()).with(now.as_millis()).with(limit(most)), read).await
}

/// What a filter lets through, from the second parameter on.
macro_rules! filter {
    () => {
        "($2::text IS NULL OR report = $2) AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR reason = $4)
         AND interval_start >= $5 AND interval_start < $6"
    };
}

/// A query about the units of a sink that a filter lets through.
fn filtered<'a>(sql: &'static str, sink: &'a SinkName, filter: &'a LedgerFilter) -> Call<'a> {
    Call::new(sql)
        .with(sink.as_str())
        .with(filter.report.as_deref().map(text))
        .with(filter.state.map(DeliveryState::as_str))
        .with(filter.reason.as_deref().map(text))
        .with(filter.from.as_millis())
        .with(filter.to.as_millis())
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries WHERE sink = $1 AND ",
    filter!(),
    " AND ($7::bigint IS NULL OR (interval_start, report) < ($7, $8::text))
      ORDER BY interval_start DESC, report DESC LIMIT $9"
);

/// Units, the newest first.
async fn list(
    session: &Session,
    sink: &SinkName,
    filter: &LedgerFilter,
    before: Option<&Unit>,
    most: usize,
) -> Tried<Vec<Delivery>> {
    let call = filtered(LIST, sink, filter)
        .with(before.map(|unit| unit.interval_start.as_millis()))
        .with(before.map(|unit| text(&unit.report)))
        .with(limit(most));
    all(session, call, read).await
}

fn read(row: &Row) -> Tried<Delivery> {
    let maybe_text =
        |column| -> Tried<_> { Ok(get::<Option<String>>(row, column)?.map(|text| untext(text).into())) };
    Ok(Delivery {
        unit: Unit { report: get_text(row, 0)?.into(), interval_start: get_instant(row, 1)? },
        state: DeliveryState::from_column(get(row, 2)?)?,
        changes: from_column(get(row, 3)?),
        revision: from_column(get(row, 4)?),
        digest: maybe_text(5)?,
        acknowledged: from_column(get(row, 6)?),
        tries: from_column(get(row, 7)?),
        first_try: get_maybe_instant(row, 8)?,
        last_try: get_maybe_instant(row, 9)?,
        due: get_instant(row, 10)?,
        reason: maybe_text(11)?,
        comment: maybe_text(12)?,
    })
}

/// How many units stand how. Grouped in the order of the index `deliveries_standing`, so that no unit is read.
const LEDGER: &str =
    "SELECT report, state, count(*), min(interval_start), max(interval_start) FROM deliveries
    WHERE sink = $1 GROUP BY state, report ORDER BY report, state";

/// The same of those that are still to be delivered.
const UNDELIVERED: &str =
    "SELECT report, state, count(*), min(interval_start), max(interval_start) FROM deliveries
    WHERE sink = $1 AND state IN ('waiting', 'parked') GROUP BY state, report ORDER BY report, state";

async fn ledger(session: &Session, sink: &SinkName, sql: &'static str) -> Tried<Vec<LedgerLine>> {
    all(session, Call::new(sql).with(sink.as_str()), |row| {
        Ok(LedgerLine {
            report: get_text(row, 0)?.into(),
            state: DeliveryState::from_column(get(row, 1)?)?,
            units: from_column(get(row, 2)?),
            oldest: get_instant(row, 3)?,
            newest: get_instant(row, 4)?,
        })
    })
    .await
}

/// What is parked, by report and reason.
async fn parked(session: &Session, sink: &SinkName, most: usize) -> Tried<Vec<ParkedLine>> {
    let sql =
        "SELECT report, coalesce(reason, ''), count(*) AS units, min(interval_start), max(interval_start)
               FROM deliveries WHERE sink = $1 AND state = 'parked'
               GROUP BY report, reason ORDER BY units DESC, report, reason LIMIT $2";
    all(session, Call::new(sql).with(sink.as_str()).with(limit(most)), |row| {
        Ok(ParkedLine {
            report: get_text(row, 0)?.into(),
            reason: get_text(row, 1)?.into(),
            units: from_column(get(row, 2)?),
            oldest: get_instant(row, 3)?,
            newest: get_instant(row, 4)?,
        })
    })
    .await
}

/// A body that is to be sent again is no longer known by anything: the next one is a new revision.
const SETTLE: &str = concat!(
    "WITH settled AS (
         UPDATE deliveries SET state = $7, comment = $8, due = $9, tries = 0, first_try = NULL,
             digest = CASE WHEN $10 THEN NULL ELSE digest END, reason = CASE WHEN $10 THEN NULL ELSE reason END
         WHERE sink = $1 AND ",
    filter!(),
    " AND (state = 'parked' OR ($10 AND state <> 'waiting')) RETURNING 1
     ) SELECT count(*) FROM settled"
);

/// Settles units.
async fn settle(
    session: &Session,
    sink: &SinkName,
    filter: &LedgerFilter,
    how: &Settle,
    now: Timestamp,
) -> Tried<u64> {
    let (state, comment) = how.columns();
    let call = filtered(SETTLE, sink, filter)
        .with(state.as_str())
        .with(comment.map(|comment| text(comment)))
        .with(now.as_millis())
        .with(how.is_for_all());
    let rows = session.call(call).await?;
    Ok(rows.first().map(|row| get(row, 0)).transpose()?.map_or(0, from_column))
}

/// States that the target refuses.
async fn refused(session: &Session, sink: &SinkName, most: usize) -> Tried<Vec<RefusedState>> {
    let sql = "SELECT source, agent, reason, payload, first_at, last_at, count FROM refused_states
               WHERE sink = $1 ORDER BY last_at DESC, source, agent LIMIT $2";
    all(session, Call::new(sql).with(sink.as_str()).with(limit(most)), |row| {
        Ok(RefusedState {
            source: get::<&str>(row, 0)?.into(),
            agent: get_text(row, 1)?.into(),
            reason: get_text(row, 2)?.into(),
            payload: get_text(row, 3)?,
            first_at: get_instant(row, 4)?,
            last_at: get_instant(row, 5)?,
            count: from_column(get(row, 6)?),
        })
    })
    .await
}
