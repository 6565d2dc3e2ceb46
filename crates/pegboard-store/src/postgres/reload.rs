//! Days that are reloaded: set aside, swapped, moved to where rows are kept.

use pegboard_model::{SourceName, Timestamp};
use tokio_postgres::Row;

use super::close::{self, CHECK, GONE};
use super::codec::{get, get_instant, names, text, to_json};
use super::fault::Tried;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use super::{dirty, feed};
use crate::column::{from_column, limit, to_column};
use crate::reload::SwapEntry;
use crate::{
    FeedKind, Reload, ReloadDay, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Reloaded, RowWrite,
    StoreError, failpoint,
};

const ADD: &str = "
    WITH open AS (
        SELECT count(*) AS count FROM reloads
        WHERE source = $1 AND state IN ('waiting', 'running', 'cancelling')
    )
    INSERT INTO reloads (source, at, state, asked, progress)
    SELECT $1, $2, 'waiting', $3, $4 FROM open WHERE open.count < $5
    RETURNING id";

/// Notes what is asked for; nothing if as many of the source are open as may be.
pub(super) async fn add(session: &Session, write: &ReloadWrite, most_open: usize) -> Tried<Option<u64>> {
    let call = Call::new(ADD)
        .with(write.source.as_str())
        .with(write.at.as_millis())
        .with(write.asked.as_str())
        .with(write.progress.as_str())
        .with(limit(most_open));
    session.call(call).await?.first().map(|row| get(row, 0).map(from_column)).transpose()
}

const LIST: &str = "
    SELECT id, source, at, state, asked, progress FROM reloads
    WHERE id < $1 AND (cardinality($2::text[]) = 0 OR source = ANY($2))
      AND (NOT $3 OR state IN ('waiting', 'running', 'cancelling'))
    ORDER BY id DESC LIMIT $4";

/// Reloads, newest first.
pub(super) async fn list(
    session: &Session,
    sources: &[SourceName],
    before: Option<u64>,
    only_open: bool,
    most: usize,
) -> Tried<Vec<Reload>> {
    let before = before.map_or(i64::MAX, to_column);
    let call = Call::new(LIST).with(before).with(names(sources)).with(only_open).with(limit(most));
    all(session, call, |row| {
        Ok(Reload {
            id: from_column(get(row, 0)?),
            source: get::<&str>(row, 1)?.into(),
            at: get_instant(row, 2)?,
            state: state(row, 3)?,
            asked: get(row, 4)?,
            progress: get(row, 5)?,
        })
    })
    .await
}

fn state(row: &Row, column: usize) -> Tried<ReloadState> {
    let name: &str = get(row, column)?;
    let unknown = || StoreError::Damaged { what: "state of a reload", detail: name.to_owned() };
    Ok(ReloadState::from_name(name).ok_or_else(unknown)?)
}

const CANCEL: &str = "
    UPDATE reloads SET state =
        CASE state WHEN 'waiting' THEN 'cancelled' WHEN 'running' THEN 'cancelling' ELSE state END
    WHERE id = $1 RETURNING state";

/// Has a reload end; answers how it stands then, if there is one.
pub(super) async fn cancel(session: &Session, id: u64) -> Tried<Option<ReloadState>> {
    let stands = session.call(Call::new(CANCEL).with(to_column(id))).await?;
    stands.first().map(|row| state(row, 0)).transpose()
}

const DAY: &str = "SELECT reload, low, high, swapped FROM reload_days WHERE source = $1";

/// The day of a source that is being reloaded.
pub(super) async fn day(session: &Session, source: &SourceName) -> Tried<Option<ReloadDay>> {
    session.call(Call::new(DAY).with(source.as_str())).await?.first().map(read_day).transpose()
}

fn read_day(row: &Row) -> Tried<ReloadDay> {
    Ok(ReloadDay {
        id: from_column(get(row, 0)?),
        from: get_instant(row, 1)?,
        to: get_instant(row, 2)?,
        swapped: get(row, 3)?,
    })
}

const BEGIN_DAY: &str = "
    INSERT INTO reload_days AS held (source, reload, low, high, swapped) VALUES ($1, $2, $3, $4, false)
    ON CONFLICT (source) DO UPDATE SET reload = excluded.reload, low = excluded.low, high = excluded.high
    WHERE NOT held.swapped";

const SWAP: &str = "UPDATE reload_days SET swapped = true WHERE source = $1";

const SET_ASIDE: &str = "
    WITH set AS (
        INSERT INTO reload_rows (source, report, interval_start, key, revision, at, reason, body)
        SELECT $1, given.report, given.interval_start, given.key, coalesce(known.revision, 0) + 1, $7,
               given.reason, given.body
        FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
             AS given (report, interval_start, key, reason, body)
        LEFT JOIN LATERAL (SELECT revision, body FROM rows
                           WHERE source = $1 AND report = given.report AND interval_start = given.interval_start
                             AND key = given.key
                           OFFSET 0) AS known ON true
        WHERE known.body IS DISTINCT FROM given.body
        ON CONFLICT (source, report, interval_start, key) DO UPDATE
        SET revision = excluded.revision, at = excluded.at, reason = excluded.reason, body = excluded.body
        RETURNING 1
    ) SELECT count(*) FROM set";

/// All parts of a statement see what stood before it.
const MOVE: &str = "
    WITH moved AS (
        DELETE FROM reload_rows WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM reload_rows WHERE source = $1 ORDER BY report, interval_start, key LIMIT $2))
        RETURNING report, interval_start, key, revision, at, reason, body
    ), remembered AS (
        INSERT INTO row_history (source, report, interval_start, key, revision, at, reason, body)
        SELECT $1, moved.report, moved.interval_start, moved.key, known.revision, known.at, known.reason, known.body
        FROM moved CROSS JOIN LATERAL (SELECT revision, at, reason, body FROM rows
                                       WHERE source = $1 AND report = moved.report
                                         AND interval_start = moved.interval_start AND key = moved.key
                                       OFFSET 0) AS known
    ), put AS (
        INSERT INTO rows (source, report, interval_start, key, revision, at, reason, body)
        SELECT $1, report, interval_start, key, revision, at, reason, body FROM moved
        ON CONFLICT (source, report, interval_start, key) DO UPDATE
        SET revision = excluded.revision, at = excluded.at, reason = excluded.reason, body = excluded.body
    ) SELECT count(*) FROM moved";

const DROP: &str = "
    WITH dropped AS (
        DELETE FROM reload_rows WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM reload_rows WHERE source = $1 ORDER BY report, interval_start, key LIMIT $2))
        RETURNING 1
    ) SELECT count(*) FROM dropped";

const END: &str = "
    DELETE FROM reload_days WHERE source = $1 AND NOT EXISTS (SELECT 1 FROM reload_rows WHERE source = $1)
    RETURNING 1";

const STANDS: &str = "
    UPDATE reloads SET progress = $2,
        state = CASE WHEN state = 'cancelling' AND $3::text = 'running' THEN state ELSE $3 END
    WHERE id = $1 RETURNING state";

/// Does a step.
pub(super) async fn step(session: &Session, next: &ReloadStep, now: Timestamp) -> Tried<Reloaded> {
    failpoint!("reload.before", fails);
    let source = next.source.as_str();
    let mut first = Pipeline::new(BEGIN);
    let held = first.add(Call::new(CHECK).with(source));
    let day = first.add(Call::new(DAY).with(source));
    let answers = session.run(first).await?;
    close::check_closer(&next.source, next.epoch, &answers[held])?;
    let day = answers[day].first().map(read_day).transpose()?;

    let mut second = Pipeline::default();
    let counted = work(next).map(|call| second.add(call));
    let is_last = matches!(next.work, ReloadWork::Move(_) | ReloadWork::Drop(_));
    let ended = is_last.then(|| second.add(Call::new(END).with(source)));
    let noted =
        Call::new(STANDS).with(to_column(next.id)).with(next.progress.as_str()).with(next.state.as_str());
    let stands = second.add(noted);
    if let (ReloadWork::Swap { rows, answered, reason }, Some(day)) = (&next.work, day) {
        if !answered.is_empty() {
            second.add(dirty::answer(&next.source, answered));
        }
        let entry = to_json(&SwapEntry::new(day, *rows, reason))?;
        second.add(feed::append(FeedKind::Rows, &next.source, vec![entry], now));
    }
    second.add(Call::new(COMMIT));
    if matches!(next.work, ReloadWork::Swap { .. }) {
        failpoint!("reload.swapping", fails);
    }
    let answers = session.run(second).await?;
    if matches!(next.work, ReloadWork::Move(_)) {
        failpoint!("reload.moved", fails);
    }
    failpoint!("reload.after", fails);
    let missing = || StoreError::Damaged { what: "reload", detail: format!("{}: not there", next.id) };
    let stands = answers[stands].first().ok_or_else(missing)?;
    let counts = !matches!(next.work, ReloadWork::Begin { .. } | ReloadWork::Swap { .. });
    let rows = match counted.filter(|_| counts).and_then(|counted| answers[counted].first()) {
        Some(row) => from_column(get(row, 0)?),
        None => 0,
    };
    let goes_on = match ended {
        Some(ended) => answers[ended].is_empty() && day.is_some(),
        None => !matches!(next.work, ReloadWork::Note),
    };
    Ok(Reloaded { state: state(stands, 0)?, rows, goes_on })
}

fn work(next: &ReloadStep) -> Option<Call<'_>> {
    let source = next.source.as_str();
    let call = match &next.work {
        ReloadWork::Note => return None,
        ReloadWork::Begin { from, to } => Call::new(BEGIN_DAY)
            .with(source)
            .with(to_column(next.id))
            .with(from.as_millis())
            .with(to.as_millis()),
        ReloadWork::SetAside { rows, gone } => set_aside(next, rows, gone),
        ReloadWork::Swap { .. } => Call::new(SWAP).with(source),
        ReloadWork::Move(most) => Call::new(MOVE).with(source).with(limit(*most)),
        ReloadWork::Drop(most) => Call::new(DROP).with(source).with(limit(*most)),
    };
    Some(call)
}

fn set_aside<'a>(
    next: &'a ReloadStep,
    rows: &'a [RowWrite],
    gone: &'a [(pegboard_model::Text, Timestamp, String)],
) -> Call<'a> {
    let present = rows
        .iter()
        .map(|row| (&*row.report, row.interval_start, &*row.key, &*row.reason, Some(row.body.as_str())));
    let absent = gone.iter().map(|(report, start, key)| (&**report, *start, &**key, GONE, None));
    let all: Vec<_> = present.chain(absent).collect();
    Call::new(SET_ASIDE)
        .with(next.source.as_str())
        .with(all.iter().map(|row| row.0).collect::<Vec<_>>())
        .with(all.iter().map(|row| row.1.as_millis()).collect::<Vec<_>>())
        .with(all.iter().map(|row| text(row.2)).collect::<Vec<_>>())
        .with(all.iter().map(|row| row.3).collect::<Vec<_>>())
        .with(all.iter().map(|row| row.4).collect::<Vec<_>>())
        .with(next.at.as_millis())
}
