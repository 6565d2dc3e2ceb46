//! Feeds: for each source and kind one sequence of numbers without gaps.
//!
//! There is one writer, so numbers become visible in their order.

use std::collections::BTreeMap;

use pegboard_model::SourceName;
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::source_filter;
use super::fault::Tried;
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::paging::{Feed, Page, Share, name};
use crate::{Cursor, FeedEntry, FeedKind, FeedPage, StoreId};

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

/// The feed of each source, for the sources (all where empty).
fn feeds(
    connection: &Connection,
    kind: FeedKind,
    sources: &[SourceName],
) -> Tried<BTreeMap<SourceName, Feed>> {
    let mut first =
        connection.prepare_cached("SELECT min(number) FROM feed_entries WHERE source = ?1 AND kind = ?2")?;
    let mut feeds = BTreeMap::new();
    for (source, head) in heads(connection, kind, sources)? {
        let first_kept: Option<i64> =
            first.query_row(params![source.as_str(), name(kind)], |row| row.get(0))?;
        feeds.insert(source, Feed { head, first_kept: first_kept.map(from_column) });
    }
    Ok(feeds)
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
    let Page { shares, cursor, more } =
        Page::cut(store, feeds(connection, kind, sources)?, after, sources, limit)?;
    let mut entries = Vec::new();
    for share in &shares {
        read_entries(connection, kind, share, &mut entries)?;
    }
    Ok(FeedPage { entries, cursor, more })
}

fn read_entries(
    connection: &Connection,
    kind: FeedKind,
    share: &Share,
    entries: &mut Vec<FeedEntry>,
) -> Tried<()> {
    let mut query = connection.prepare_cached(
        "SELECT number, body FROM feed_entries
         WHERE source = ?1 AND kind = ?2 AND number > ?3 ORDER BY number LIMIT ?4",
    )?;
    let bounds = params![share.source.as_str(), name(kind), to_column(share.seen), to_column(share.entries)];
    let mut rows = query.query(bounds)?;
    let mut last = share.seen;
    while let Some(row) = rows.next()? {
        let number = from_column(row.get(0)?);
        if number != last + 1 {
            break;
        }
        last = number;
        entries.push(FeedEntry { source: share.source.clone(), number, body: row.get(1)? });
    }
    if last == share.seen + share.entries { Ok(()) } else { Err(share.lacks(kind, last).into()) }
}
