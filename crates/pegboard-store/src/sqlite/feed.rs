//! Feeds: for each source and kind one sequence of numbers without gaps.
//!
//! There is one writer, so numbers become visible in their order.

use std::collections::BTreeMap;

use pegboard_model::SourceName;
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{from_column, limit, source_filter, to_column};
use super::fault::Tried;
use super::writer::Step;
use crate::{Cursor, FeedEntry, FeedKind, FeedPage, StoreError, StoreId};

/// The most entries that one page holds, whatever is asked for.
pub(super) const PAGE_ENTRIES: usize = 10_000;

/// The name of a feed in its tables.
pub(super) const fn name(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::States => "states",
        FeedKind::Rows => "rows",
    }
}

/// Adds entries to the feed of a source; answers the number of its last entry.
pub(super) fn append(
    step: &mut Step<'_>,
    kind: FeedKind,
    source: &SourceName,
    bodies: &[String],
) -> Tried<u64> {
    if bodies.is_empty() {
        return head(step.connection, kind, source);
    }
    let head: i64 = step
        .connection
        .prepare_cached(
            "INSERT INTO feeds (source, kind, head) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET head = head + excluded.head
             RETURNING head",
        )?
        .query_row(params![source.as_str(), name(kind), limit(bodies.len())], |row| row.get(0))?;
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO feed_entries (source, kind, number, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let first = head - limit(bodies.len()) + 1;
    for (number, body) in (first..).zip(bodies) {
        insert.execute(params![source.as_str(), name(kind), number, step.now.as_millis(), body])?;
    }
    step.fed = true;
    Ok(from_column(head))
}

fn head(connection: &Connection, kind: FeedKind, source: &SourceName) -> Tried<u64> {
    let head: Option<i64> = connection
        .prepare_cached("SELECT head FROM feeds WHERE source = ?1 AND kind = ?2")?
        .query_row(params![source.as_str(), name(kind)], |row| row.get(0))
        .optional()?;
    Ok(head.map_or(0, from_column))
}

/// The number of the last entry of each source's feed, for the sources (all where empty).
pub(super) fn heads(
    connection: &Connection,
    kind: FeedKind,
    sources: &[SourceName],
) -> Tried<BTreeMap<SourceName, u64>> {
    let mut query = connection.prepare_cached(
        "SELECT source, head FROM feeds
         WHERE kind = ?1 AND (?2 IS NULL OR source IN (SELECT value FROM json_each(?2)))",
    )?;
    let heads = query.query_map(params![name(kind), source_filter(sources)?], |row| {
        Ok((SourceName::from(row.get::<_, String>(0)?), from_column(row.get(1)?)))
    })?;
    Ok(heads.collect::<rusqlite::Result<_>>()?)
}

/// What the page of one source's feed is cut from.
struct Pending {
    source: SourceName,
    seen: u64,
    head: u64,
}

/// The entries after a cursor.
pub(super) fn page(
    connection: &Connection,
    store: &StoreId,
    kind: FeedKind,
    after: &Cursor,
    sources: &[SourceName],
    limit: usize,
) -> Tried<FeedPage> {
    if after.store != *store {
        return Err(StoreError::CursorGone.into());
    }
    let pending = pending(connection, kind, after, sources)?;
    let waiting: Vec<u64> = pending.iter().map(|feed| feed.head - feed.seen).collect();
    let shares = shares(&waiting, limit.min(PAGE_ENTRIES) as u64);
    let more = shares.iter().zip(&waiting).any(|(share, waiting)| share < waiting);
    let mut cursor = after.clone();
    let mut entries = Vec::new();
    for (feed, share) in pending.into_iter().zip(shares).filter(|(_, share)| *share > 0) {
        read_entries(connection, kind, &feed, share, &mut entries)?;
        cursor.seen.insert(feed.source, feed.seen + share);
    }
    Ok(FeedPage { entries, cursor, more })
}

/// The feeds of the sources, each checked against the cursor.
fn pending(
    connection: &Connection,
    kind: FeedKind,
    after: &Cursor,
    sources: &[SourceName],
) -> Tried<Vec<Pending>> {
    let heads = heads(connection, kind, sources)?;
    let asked = |source: &SourceName| sources.is_empty() || sources.contains(source);
    let unknown = |(source, number): (&SourceName, &u64)| {
        asked(source) && *number > heads.get(source).copied().unwrap_or(0)
    };
    if after.seen.iter().any(unknown) {
        return Err(StoreError::CursorGone.into());
    }
    let mut pending = Vec::with_capacity(heads.len());
    for (source, head) in heads {
        let seen = after.seen.get(&source).copied().unwrap_or(0);
        if seen < head && first_kept(connection, kind, &source)?.is_none_or(|first| seen + 1 < first) {
            return Err(StoreError::CursorGone.into());
        }
        pending.push(Pending { source, seen, head });
    }
    Ok(pending)
}

/// The number of the oldest entry that is kept.
fn first_kept(connection: &Connection, kind: FeedKind, source: &SourceName) -> Tried<Option<u64>> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(number) FROM feed_entries WHERE source = ?1 AND kind = ?2")?
        .query_row(params![source.as_str(), name(kind)], |row| row.get(0))?;
    Ok(first.map(from_column))
}

fn read_entries(
    connection: &Connection,
    kind: FeedKind,
    feed: &Pending,
    share: u64,
    entries: &mut Vec<FeedEntry>,
) -> Tried<()> {
    let mut query = connection.prepare_cached(
        "SELECT number, body FROM feed_entries
         WHERE source = ?1 AND kind = ?2 AND number > ?3 ORDER BY number LIMIT ?4",
    )?;
    let bounds = params![feed.source.as_str(), name(kind), to_column(feed.seen), to_column(share)];
    let mut rows = query.query(bounds)?;
    let mut expected = feed.seen;
    while let Some(row) = rows.next()? {
        expected += 1;
        let number = from_column(row.get(0)?);
        if number != expected {
            break;
        }
        entries.push(FeedEntry { source: feed.source.clone(), number, body: row.get(1)? });
    }
    if expected == feed.seen + share {
        return Ok(());
    }
    let detail =
        format!("source {}, {} feed, after {expected}: an entry is missing", feed.source, name(kind));
    Err(StoreError::Damaged { what: "feed", detail }.into())
}

/// Divides a page among feeds with so many entries waiting: all get the same, what one does not need goes to
/// the others.
fn shares(waiting: &[u64], page: u64) -> Vec<u64> {
    let mut ascending: Vec<usize> = (0..waiting.len()).collect();
    ascending.sort_by_key(|index| waiting[*index]);
    let mut shares = vec![0; waiting.len()];
    let mut left = page;
    for (done, index) in ascending.into_iter().enumerate() {
        let feeds_left = (waiting.len() - done) as u64;
        shares[index] = waiting[index].min(left / feeds_left);
        left -= shares[index];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_divided_fairly_and_used_up() {
        assert_eq!(shares(&[], 10), [0; 0]);
        assert_eq!(shares(&[100], 10), [10]);
        assert_eq!(shares(&[100, 2, 100], 10), [4, 2, 4]);
        assert_eq!(shares(&[3, 2, 0], 10), [3, 2, 0]);
        assert_eq!(shares(&[100, 100, 100], 10).iter().sum::<u64>(), 10);
        assert_eq!(shares(&[5, 5], 0), [0, 0]);
    }

    #[test]
    fn a_page_smaller_than_the_number_of_feeds_still_moves() {
        assert_eq!(shares(&[5, 5, 5], 2).iter().sum::<u64>(), 2);
    }
}
