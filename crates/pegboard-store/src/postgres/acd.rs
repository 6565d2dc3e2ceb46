//! Rows that the ACD computed itself, and their revisions.

use std::collections::HashMap;

use pegboard_model::{SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_text, text};
use super::fault::{Fault, Tried};
use super::session::{Call, Session};
use crate::column::{from_column, to_column};
use crate::{AcdRowWrite, StoredAcdRow, StoredRow};

/// Lets one batch of a source after the other write such rows: two files may tell of the same interval.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('pegboard acd rows ' || $1, 0))";

const FIND: &str = "
    SELECT given.place, known.revision, known.at, known.reason, known.file, known.told, known.body
    FROM unnest($2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY AS given (report, interval_start, key, place)
    CROSS JOIN LATERAL (SELECT * FROM acd_rows
                        WHERE source = $1 AND report = given.report AND interval_start = given.interval_start
                          AND key = given.key
                        OFFSET 0) AS known";

/// The statements that read what stands where rows are to be written; the last one answers it.
pub(super) fn find<'a>(source: &'a SourceName, rows: &'a [AcdRowWrite]) -> Option<[Call<'a>; 2]> {
    if rows.is_empty() {
        return None;
    }
    let find = Call::new(FIND)
        .with(source.as_str())
        .with(rows.iter().map(|row| &*row.report).collect::<Vec<_>>())
        .with(rows.iter().map(|row| row.interval_start.as_millis()).collect::<Vec<_>>())
        .with(rows.iter().map(|row| text(&row.key)).collect::<Vec<_>>());
    Some([Call::new(ALONE).with(source.as_str()), find])
}

/// A revision of a row.
#[derive(Clone)]
struct Revision {
    number: u64,
    at: i64,
    reason: String,
    file: String,
    told: Timestamp,
    body: String,
}

/// What names a row of a source.
type Name<'a> = (&'a str, Timestamp, &'a str);

/// What is to be written, compared with what stands.
#[derive(Default)]
pub(super) struct Outcome<'a> {
    /// Revisions that are no longer the latest.
    history: Vec<(Name<'a>, Revision)>,
    latest: HashMap<Name<'a>, Revision>,
    /// What is told of rows that are new or differ.
    pub(super) entries: Vec<String>,
}

/// Compares rows with what stands. Each row of `stored` says to which of them it belongs.
pub(super) fn revise<'a>(rows: &'a [AcdRowWrite], stored: &[Row], now: Timestamp) -> Tried<Outcome<'a>> {
    let mut stands = stands(rows, stored)?;
    let mut outcome = Outcome::default();
    for row in rows {
        let name = name(row);
        let before = stands.get(&name);
        if before.is_some_and(|before| row.told < before.told) {
            continue;
        }
        let next = match before {
            // What was told between the two is old, too.
            Some(before) if before.body == row.body => Revision { told: row.told, ..before.clone() },
            before => {
                let number = before.map_or(1, |before| before.number + 1);
                outcome.entries.push(row.entry(number).map_err(Fault::Unfit)?);
                outcome.history.extend(before.map(|before| (name, before.clone())));
                Revision {
                    number,
                    at: now.as_millis(),
                    reason: row.reason_of(number).to_owned(),
                    file: row.file.to_string(),
                    told: row.told,
                    body: row.body.clone(),
                }
            }
        };
        stands.insert(name, next.clone());
        outcome.latest.insert(name, next);
    }
    Ok(outcome)
}

fn name(row: &AcdRowWrite) -> Name<'_> {
    (&row.report, row.interval_start, &row.key)
}

fn stands<'a>(rows: &'a [AcdRowWrite], stored: &[Row]) -> Tried<HashMap<Name<'a>, Revision>> {
    let mut stands = HashMap::with_capacity(stored.len());
    for found in stored {
        let place = usize::try_from(get::<i64>(found, 0)?).unwrap_or_default();
        let Some(row) = rows.get(place.wrapping_sub(1)) else { continue };
        let revision = Revision {
            number: from_column(get(found, 1)?),
            at: get(found, 2)?,
            reason: get(found, 3)?,
            file: get_text(found, 4)?,
            told: get_instant(found, 5)?,
            body: get(found, 6)?,
        };
        stands.insert(name(row), revision);
    }
    Ok(stands)
}

const HISTORY: &str = "
    INSERT INTO acd_row_history (source, report, interval_start, key, revision, at, reason, file, told, body)
    SELECT $1, given.*
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                $9::bigint[], $10::text[])
         AS given (report, interval_start, key, revision, at, reason, file, told, body)";

const PUT: &str = "
    INSERT INTO acd_rows (source, report, interval_start, key, revision, at, reason, file, told, body)
    SELECT $1, given.*
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                $9::bigint[], $10::text[])
         AS given (report, interval_start, key, revision, at, reason, file, told, body)
    ON CONFLICT (source, report, interval_start, key) DO UPDATE
    SET revision = excluded.revision, at = excluded.at, reason = excluded.reason, file = excluded.file,
        told = excluded.told, body = excluded.body";

/// The statements that keep what stood, and write what stands from now on.
pub(super) fn put<'a>(source: &'a SourceName, outcome: &'a Outcome<'a>) -> Vec<Call<'a>> {
    let history = outcome.history.iter().map(|(name, revision)| (name, revision)).collect();
    let latest = outcome.latest.iter().collect();
    [statement(HISTORY, source, history), statement(PUT, source, latest)].into_iter().flatten().collect()
}

fn statement<'a>(
    sql: &'static str,
    source: &'a SourceName,
    rows: Vec<(&'a Name<'a>, &'a Revision)>,
) -> Option<Call<'a>> {
    if rows.is_empty() {
        return None;
    }
    let (names, rows): (Vec<&Name<'_>>, Vec<&Revision>) = rows.into_iter().unzip();
    let call = Call::new(sql)
        .with(source.as_str())
        .with(names.iter().map(|(report, ..)| *report).collect::<Vec<_>>())
        .with(names.iter().map(|(_, start, _)| start.as_millis()).collect::<Vec<_>>())
        .with(names.iter().map(|(.., key)| text(key)).collect::<Vec<_>>())
        .with(rows.iter().map(|row| to_column(row.number)).collect::<Vec<_>>())
        .with(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .with(rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>())
        .with(rows.iter().map(|row| text(&row.file)).collect::<Vec<_>>())
        .with(rows.iter().map(|row| row.told.as_millis()).collect::<Vec<_>>())
        .with(rows.iter().map(|row| row.body.as_str()).collect::<Vec<_>>());
    Some(call)
}

const ROWS: &str = "
    SELECT interval_start, key, body, revision, reason, at, file, told FROM acd_rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
    ORDER BY interval_start, key";

/// The latest revision of the rows of a report.
pub(super) async fn rows(
    session: &Session,
    source: &SourceName,
    report: &str,
    from: Timestamp,
    to: Timestamp,
) -> Tried<Vec<StoredAcdRow>> {
    let call = Call::new(ROWS).with(source.as_str()).with(report).with(from.as_millis()).with(to.as_millis());
    let read = |row: &Row| {
        Ok(StoredAcdRow {
            row: StoredRow {
                interval_start: get_instant(row, 0)?,
                key: get_text(row, 1)?,
                body: get(row, 2)?,
                revision: u32::try_from(get::<i64>(row, 3)?).unwrap_or(u32::MAX),
                reason: get::<&str>(row, 4)?.into(),
                at: get_instant(row, 5)?,
            },
            file: get_text(row, 6)?.into(),
            told: get_instant(row, 7)?,
        })
    };
    session.call(call).await?.iter().map(read).collect()
}
