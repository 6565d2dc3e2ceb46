//! What the closer writes: rows and their revisions.

use std::collections::HashMap;

use pegboard_model::{SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_maybe_instant, get_text, text, to_json};
use super::fault::{Fault, Tried};
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use super::{dirty, feed};
use crate::column::{from_column, to_column};
use crate::paging::RowEntry;
use crate::{Close, Closed, ClosedUntil, CloserState, FeedKind, Origin, StoreError, failpoint};

/// The reason of a revision that says that the row no longer exists.
pub(super) const GONE: &str = "gone";

const TAKE: &str = "
    INSERT INTO closers AS known (source, epoch) VALUES ($1, 1)
    ON CONFLICT (source) DO UPDATE SET epoch = known.epoch + 1
    RETURNING epoch, closed_until, contacts_closed_until";

/// Raises the epoch of a source's closer.
pub(super) async fn take_closer(session: &Session, source: &SourceName) -> Tried<CloserState> {
    failpoint!("take_closer.before", fails);
    let rows = session.call(Call::new(TAKE).with(source.as_str())).await?;
    failpoint!("take_closer.after", fails);
    let missing = || StoreError::Damaged { what: "closer", detail: format!("{source}: not there") };
    let row = rows.first().ok_or_else(missing)?;
    Ok(CloserState { epoch: from_column(get(row, 0)?), closed_until: closed_until(row, 1)? })
}

/// Two columns from `column` on: of agents, of contacts.
pub(super) fn closed_until(row: &Row, column: usize) -> Tried<ClosedUntil> {
    Ok(ClosedUntil { agents: get_maybe_instant(row, column)?, contacts: get_maybe_instant(row, column + 1)? })
}

/// Waits for every batch that holds the row, and makes the next ones wait.
const HOLD: &str = "SELECT epoch FROM closers WHERE source = $1 FOR UPDATE";

/// Keeps other closers out, and lets batches go on.
pub(super) const CHECK: &str = "SELECT epoch FROM closers WHERE source = $1 FOR NO KEY UPDATE";

const ANNOUNCE: &str = "
    UPDATE closers SET closing_until = greatest(closing_until, $2),
        contacts_closing_until = greatest(contacts_closing_until, $3)
    WHERE source = $1";

/// Notes up to where a source is about to be closed.
pub(super) async fn announce(
    session: &Session,
    source: &SourceName,
    epoch: u64,
    until: ClosedUntil,
) -> Tried<()> {
    let mut first = Pipeline::new(BEGIN);
    let held = first.add(Call::new(HOLD).with(source.as_str()));
    first.add(with_both(Call::new(ANNOUNCE).with(source.as_str()), until));
    let answers = session.run(first).await?;
    check_closer(source, epoch, &answers[held])?;
    failpoint!("announce.held", fails);
    session.call(Call::new(COMMIT)).await?;
    failpoint!("announce.after", fails);
    Ok(())
}

/// Compares the epoch.
pub(super) fn check_closer(source: &SourceName, expected: u64, found: &[Row]) -> Tried<()> {
    let epoch: i64 = found.first().map_or(Ok(0), |row| get(row, 0))?;
    if epoch > 0 && from_column(epoch) == expected {
        return Ok(());
    }
    Err(StoreError::NotOwner {
        source_name: source.clone(),
        partition: "(closer)".into(),
        expected: format!("epoch {expected}"),
        found: if epoch > 0 { format!("epoch {epoch}") } else { "no closer".to_string() },
    }
    .into())
}

/// Writes what closing intervals came to.
pub(super) async fn close(session: &Session, close: &Close, now: Timestamp) -> Tried<Closed> {
    failpoint!("close.before", fails);
    let source = &close.source;
    let wanted = wanted(close);
    let mut first = Pipeline::new(BEGIN);
    let held = first.add(Call::new(CHECK).with(source.as_str()));
    let stored = first.add(find(source, &wanted));
    let answers = session.run(first).await?;
    check_closer(source, close.epoch, &answers[held])?;
    let outcome = revise(&wanted, &answers[stored])?;

    let mut second = Pipeline::default();
    second.extend(remember(source, &outcome.history));
    second.extend(put(close, &outcome.rows));
    if !close.answered.is_empty() {
        second.add(dirty::answer(source, &close.answered));
    }
    second.add(with_both(Call::new(CLOSED).with(source.as_str()), close.closed_until));
    second.add(feed::append(FeedKind::Rows, source, outcome.entries, now));
    second.add(Call::new(COMMIT));
    failpoint!("close.rows_written", fails);
    session.run(second).await?;
    failpoint!("close.after", fails);
    Ok(outcome.closed)
}

const CLOSED: &str = "
    UPDATE closers SET closed_until = greatest(closed_until, $2),
        contacts_closed_until = greatest(contacts_closed_until, $3)
    WHERE source = $1";

fn with_both(call: Call<'_>, until: ClosedUntil) -> Call<'_> {
    call.with(until.agents.map(Timestamp::as_millis)).with(until.contacts.map(Timestamp::as_millis))
}

/// What names a row: its report, the start of its interval, and its key as it is stored.
type Name<'a> = (&'a str, Timestamp, String);

/// A row as it has to be. Without a body it has to be gone.
struct Wanted<'a> {
    name: Name<'a>,
    /// The key as it is told.
    key: &'a str,
    reason: &'a str,
    body: Option<&'a str>,
}

fn wanted(close: &Close) -> Vec<Wanted<'_>> {
    let rows = close.rows.iter().map(|row| Wanted {
        name: (&row.report, row.interval_start, text(&row.key).into_owned()),
        key: &row.key,
        reason: &row.reason,
        body: Some(&row.body),
    });
    let gone = close.gone.iter().map(|(report, interval_start, key)| Wanted {
        name: (report, *interval_start, text(key).into_owned()),
        key,
        reason: GONE,
        body: None,
    });
    rows.chain(gone).collect()
}

const FIND: &str = "
    SELECT given.place, known.revision, known.at, known.reason, known.body
    FROM unnest($2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY AS given (report, interval_start, key, place)
    CROSS JOIN LATERAL (SELECT * FROM rows
                        WHERE source = $1 AND report = given.report AND interval_start = given.interval_start
                          AND key = given.key
                        OFFSET 0) AS known";

fn find<'a>(source: &'a SourceName, wanted: &'a [Wanted<'a>]) -> Call<'a> {
    let names: Vec<&Name<'_>> = wanted.iter().map(|row| &row.name).collect();
    with_names(Call::new(FIND).with(source.as_str()), &names)
}

fn with_names<'a>(call: Call<'a>, names: &[&'a Name<'a>]) -> Call<'a> {
    call.with(names.iter().map(|(report, ..)| *report).collect::<Vec<_>>())
        .with(names.iter().map(|(_, start, _)| start.as_millis()).collect::<Vec<_>>())
        .with(names.iter().map(|(.., key)| key.as_str()).collect::<Vec<_>>())
}

/// A revision of a row.
#[derive(Clone)]
struct Revision {
    number: u64,
    at: i64,
    reason: String,
    body: Option<String>,
}

/// A row that is written.
struct Next<'a> {
    revision: u64,
    reason: &'a str,
    body: Option<&'a str>,
}

/// What closing came to, before it is written.
#[derive(Default)]
struct Outcome<'a> {
    closed: Closed,
    /// Revisions that are no longer the latest.
    history: Vec<(&'a Name<'a>, Revision)>,
    rows: HashMap<&'a Name<'a>, Next<'a>>,
    entries: Vec<String>,
}

/// Compares what has to be with what stands. Each row of `stored` says to which of `wanted` it belongs.
fn revise<'a>(wanted: &'a [Wanted<'a>], stored: &[Row]) -> Tried<Outcome<'a>> {
    let mut stands: HashMap<&Name<'_>, Revision> = HashMap::with_capacity(wanted.len());
    for row in stored {
        let place = usize::try_from(get::<i64>(row, 0)?).unwrap_or_default();
        let Some(known) = wanted.get(place.wrapping_sub(1)) else { continue };
        let number = from_column(get(row, 1)?);
        stands.insert(
            &known.name,
            Revision { number, at: get(row, 2)?, reason: get(row, 3)?, body: get(row, 4)? },
        );
    }
    let mut outcome = Outcome::default();
    for row in wanted {
        let before = stands.get(&row.name);
        let unchanged = before.map_or(row.body.is_none(), |before| before.body.as_deref() == row.body);
        if unchanged {
            outcome.closed.unchanged += u64::from(row.body.is_some());
            continue;
        }
        let revision = before.map_or(1, |before| before.number + 1);
        outcome.entries.push(entry(row, revision)?);
        let next = Revision {
            number: revision,
            at: 0,
            reason: row.reason.to_owned(),
            body: row.body.map(str::to_owned),
        };
        match stands.insert(&row.name, next) {
            Some(before) => {
                outcome.closed.revised += 1;
                outcome.history.push((&row.name, before));
            }
            None => outcome.closed.first += 1,
        }
        outcome.rows.insert(&row.name, Next { revision, reason: row.reason, body: row.body });
    }
    Ok(outcome)
}

fn entry(row: &Wanted<'_>, revision: u64) -> Tried<String> {
    let columns = row.body.map(serde_json::from_str).transpose().map_err(Fault::Unfit)?;
    let (report, interval_start, _) = row.name;
    to_json(&RowEntry {
        origin: Origin::Computed.as_str(),
        report,
        interval_start,
        key: row.key,
        revision,
        reason: row.reason,
        row: columns,
    })
}

const HISTORY: &str = "
    INSERT INTO row_history (source, report, interval_start, key, revision, at, reason, body)
    SELECT $1, given.*
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
         AS given (report, interval_start, key, revision, at, reason, body)";

/// The statement that keeps what stood.
fn remember<'a>(source: &'a SourceName, history: &'a [(&'a Name<'a>, Revision)]) -> Option<Call<'a>> {
    if history.is_empty() {
        return None;
    }
    let names: Vec<&Name<'_>> = history.iter().map(|(name, _)| *name).collect();
    let call = with_names(Call::new(HISTORY).with(source.as_str()), &names)
        .with(history.iter().map(|(_, before)| to_column(before.number)).collect::<Vec<_>>())
        .with(history.iter().map(|(_, before)| before.at).collect::<Vec<_>>())
        .with(history.iter().map(|(_, before)| before.reason.as_str()).collect::<Vec<_>>())
        .with(history.iter().map(|(_, before)| before.body.as_deref()).collect::<Vec<_>>());
    Some(call)
}

const PUT: &str = "
    INSERT INTO rows (source, report, interval_start, key, revision, at, reason, body)
    SELECT $1, given.report, given.interval_start, given.key, given.revision, $5, given.reason, given.body
    FROM unnest($2::text[], $3::bigint[], $4::text[], $6::bigint[], $7::text[], $8::text[])
         AS given (report, interval_start, key, revision, reason, body)
    ON CONFLICT (source, report, interval_start, key) DO UPDATE
    SET revision = excluded.revision, at = excluded.at, reason = excluded.reason, body = excluded.body";

/// The statement that writes the latest revisions.
fn put<'a>(close: &'a Close, rows: &HashMap<&'a Name<'a>, Next<'a>>) -> Option<Call<'a>> {
    if rows.is_empty() {
        return None;
    }
    let (names, rows): (Vec<&Name<'_>>, Vec<&Next<'_>>) =
        rows.iter().map(|(name, next)| (*name, next)).unzip();
    let call = with_names(Call::new(PUT).with(close.source.as_str()), &names)
        .with(close.at.as_millis())
        .with(rows.iter().map(|next| to_column(next.revision)).collect::<Vec<_>>())
        .with(rows.iter().map(|next| next.reason).collect::<Vec<_>>())
        .with(rows.iter().map(|next| next.body).collect::<Vec<_>>());
    Some(call)
}

/// What was set aside for a day that was swapped stands for the rows of the same key. All in one statement: it sees the
/// day wholly as it was, or wholly as it is now.
const ROWS: &str = "
    SELECT interval_start, key, body, revision, reason, at FROM rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4 AND body IS NOT NULL
      AND NOT (EXISTS (SELECT 1 FROM reload_days WHERE source = $1 AND swapped)
               AND EXISTS (SELECT 1 FROM reload_rows AS aside
                           WHERE aside.source = $1 AND aside.report = $2
                             AND aside.interval_start = rows.interval_start AND aside.key = rows.key))
    UNION ALL
    SELECT interval_start, key, body, revision, reason, at FROM reload_rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4 AND body IS NOT NULL
      AND EXISTS (SELECT 1 FROM reload_days WHERE source = $1 AND swapped)
    ORDER BY 1, 2";

/// The latest revision of the rows of a report.
pub(super) async fn rows(
    session: &Session,
    source: &SourceName,
    report: &str,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<crate::StoredRow>> {
    let call = Call::new(ROWS).with(source.as_str()).with(report).with(from.as_millis()).with(to.as_millis());
    let rows = session.call(call).await?;
    let read = |row: &Row| {
        Ok(crate::StoredRow {
            interval_start: get_instant(row, 0)?,
            key: get_text(row, 1)?,
            body: get(row, 2)?,
            revision: u32::try_from(get::<i64>(row, 3)?).unwrap_or(u32::MAX),
            reason: get::<&str>(row, 4)?.into(),
            at: get_instant(row, 5)?,
        })
    };
    rows.iter().map(read).collect()
}
