//! Feeds: for each source and kind one sequence of numbers without gaps.
//!
//! The numbers come from an update of the feed's row, the last statement before the commit: its lock is held until the
//! transaction is visible, and whoever takes the next number waits for that. So the order in which entries become visible
//! is the order of their numbers, and a transaction that fails leaves no gap. A sequence of the database gives neither.

use std::collections::BTreeMap;

use pegboard_model::{SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, names};
use super::fault::Tried;
use super::session::{BEGIN_MOMENT, Call, Pipeline, Session};
use crate::column::{from_column, to_column};
use crate::paging::{Feed, Page, name};
use crate::{Cursor, FeedEntry, FeedKind, FeedPage, StoreId};

const APPEND: &str = "
    WITH moved AS (
        INSERT INTO feeds AS known (source, kind, head) VALUES ($1, $2, cardinality($3::text[]))
        ON CONFLICT (source, kind) DO UPDATE SET head = known.head + excluded.head
        RETURNING head
    ), written AS (
        INSERT INTO feed_entries (source, kind, number, at, body)
        SELECT $1, $2, moved.head - cardinality($3) + given.place, $4, given.body
        FROM moved, unnest($3) WITH ORDINALITY AS given (body, place)
    )
    SELECT head FROM moved";

const HEAD: &str = "SELECT head FROM feeds WHERE source = $1 AND kind = $2";

/// The statement that adds entries to the feed of a source and answers the number of its last entry. Nothing but a commit
/// follows it.
pub(super) fn append(kind: FeedKind, source: &SourceName, bodies: Vec<String>, now: Timestamp) -> Call<'_> {
    if bodies.is_empty() {
        return Call::new(HEAD).with(source.as_str()).with(name(kind));
    }
    Call::new(APPEND).with(source.as_str()).with(name(kind)).with(bodies).with(now.as_millis())
}

/// Reads the answer of [`append`].
pub(super) fn head(answer: &[Row]) -> Tried<u64> {
    answer.first().map_or(Ok(0), |row| get(row, 0).map(from_column))
}

const FEEDS: &str = "
    SELECT source, head, (SELECT number FROM feed_entries AS oldest
                          WHERE oldest.source = feeds.source AND oldest.kind = feeds.kind
                          ORDER BY number LIMIT 1)
    FROM feeds WHERE kind = $1 AND (cardinality($2::text[]) = 0 OR source = ANY($2))";

fn feeds(kind: FeedKind, sources: &[SourceName]) -> Call<'_> {
    Call::new(FEEDS).with(name(kind)).with(names(sources))
}

/// The statement that finds where feeds end, for the sources (all where empty).
pub(super) fn heads(kind: FeedKind, sources: &[SourceName]) -> Call<'_> {
    let sql = "SELECT source, head FROM feeds
               WHERE kind = $1 AND (cardinality($2::text[]) = 0 OR source = ANY($2))";
    Call::new(sql).with(name(kind)).with(names(sources))
}

/// Reads the answer of [`heads`].
pub(super) fn read_heads(rows: &[Row]) -> Tried<BTreeMap<SourceName, u64>> {
    rows.iter().map(|row| Ok((get::<&str>(row, 0)?.into(), from_column(get(row, 1)?)))).collect()
}

const ENTRIES: &str = "SELECT number, body FROM feed_entries
    WHERE source = $1 AND kind = $2 AND number > $3 ORDER BY number LIMIT $4";

/// The entries after a cursor.
pub(super) async fn page(
    session: &Session,
    store: &StoreId,
    kind: FeedKind,
    after: &Cursor,
    sources: &[SourceName],
    most: usize,
) -> Tried<FeedPage> {
    let mut ends = Pipeline::new(BEGIN_MOMENT);
    let found = ends.add(feeds(kind, sources));
    let answers = session.run(ends).await?;
    let known = answers[found].iter().map(|row| {
        let feed = Feed {
            head: from_column(get(row, 1)?),
            first_kept: get::<Option<i64>>(row, 2)?.map(from_column),
        };
        Ok((get::<&str>(row, 0)?.into(), feed))
    });
    let Page { shares, cursor, more } = Page::cut(store, known.collect::<Tried<_>>()?, after, sources, most)?;
    let mut reading = Pipeline::default();
    for share in &shares {
        let call = Call::new(ENTRIES).with(share.source.as_str()).with(name(kind));
        reading.add(call.with(to_column(share.seen)).with(to_column(share.entries)));
    }
    let answers = if shares.is_empty() { Vec::new() } else { session.run(reading).await? };
    let mut entries = Vec::new();
    for (share, rows) in shares.iter().zip(&answers) {
        let mut last = share.seen;
        for row in rows {
            let number = from_column(get(row, 0)?);
            if number != last + 1 {
                break;
            }
            last = number;
            entries.push(FeedEntry { source: share.source.clone(), number, body: get(row, 1)? });
        }
        if last != share.seen + share.entries {
            return Err(share.lacks(kind, last).into());
        }
    }
    Ok(FeedPage { entries, cursor, more })
}

/// The cursor at the end of a feed.
pub(super) async fn end(session: &Session, store: &StoreId, kind: FeedKind) -> Tried<Cursor> {
    let rows = session.call(heads(kind, &[])).await?;
    Ok(Cursor { store: store.clone(), seen: read_heads(&rows)? })
}
