//! How feeds are told: their names, the entries of rows, and how a page is cut from the feeds of several sources.

use std::collections::BTreeMap;

use pegboard_model::{SourceName, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{AcdRowWrite, Cursor, FeedKind, Origin, Result, StoreError, StoreId};

/// The most entries that one page holds, whatever is asked for.
const PAGE_ENTRIES: usize = 10_000;

/// The name of a feed in its tables.
pub(crate) const fn name(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::States => "states",
        FeedKind::Rows => "rows",
    }
}

/// An entry of the feed of rows.
#[derive(Debug, Serialize)]
pub(crate) struct RowEntry<'a> {
    pub(crate) origin: &'static str,
    pub(crate) report: &'a str,
    pub(crate) interval_start: Timestamp,
    pub(crate) key: &'a str,
    pub(crate) revision: u64,
    pub(crate) reason: &'a str,
    /// The columns; null where the row no longer exists.
    pub(crate) row: Option<&'a RawValue>,
}

/// The reason of a row's first revision.
const FIRST: &str = "first";

impl AcdRowWrite {
    /// Why a revision of it is written.
    pub(crate) fn reason_of(&self, revision: u64) -> &str {
        if revision == 1 { FIRST } else { &self.reason }
    }

    /// What the feed of rows tells of a revision of it, as JSON. Fails where its body is none.
    pub(crate) fn entry(&self, revision: u64) -> serde_json::Result<String> {
        serde_json::to_string(&RowEntry {
            origin: Origin::Acd.as_str(),
            report: &self.report,
            interval_start: self.interval_start,
            key: &self.key,
            revision,
            reason: self.reason_of(revision),
            row: Some(serde_json::from_str(&self.body)?),
        })
    }
}

/// The feed of one source, as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed {
    /// The number of its last entry.
    pub(crate) head: u64,
    /// The number of the oldest entry that is kept.
    pub(crate) first_kept: Option<u64>,
}

/// Entries of one source that belong to a page.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) source: SourceName,
    /// The number of the last entry before them.
    pub(crate) seen: u64,
    /// How many they are; at least one.
    pub(crate) entries: u64,
}

impl Share {
    /// The error for a feed in which the entry after `last` is not there.
    pub(crate) fn lacks(&self, kind: FeedKind, last: u64) -> StoreError {
        let detail =
            format!("source {}, {} feed, after {last}: an entry is missing", self.source, name(kind));
        StoreError::Damaged { what: "feed", detail }
    }
}

/// A page that is still to be read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) shares: Vec<Share>,
    /// The cursor after it.
    pub(crate) cursor: Cursor,
    /// Whether there is more after it.
    pub(crate) more: bool,
}

impl Page {
    /// Cuts at most `limit` entries after a cursor. Fails if the cursor does not fit the store or the feeds of the
    /// sources (all where empty).
    pub(crate) fn cut(
        store: &StoreId,
        feeds: BTreeMap<SourceName, Feed>,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<Self> {
        let asked = |source: &SourceName| sources.is_empty() || sources.contains(source);
        let is_ahead = |(source, number): (&SourceName, &u64)| {
            asked(source) && *number > feeds.get(source).map_or(0, |feed| feed.head)
        };
        if after.store != *store || after.seen.iter().any(is_ahead) {
            return Err(StoreError::CursorGone);
        }
        let seen = |source: &SourceName| after.seen.get(source).copied().unwrap_or(0);
        let is_behind = |(source, feed): (&SourceName, &Feed)| {
            let seen = seen(source);
            seen < feed.head && feed.first_kept.is_none_or(|first| seen + 1 < first)
        };
        if feeds.iter().any(is_behind) {
            return Err(StoreError::CursorGone);
        }
        let waiting: Vec<u64> = feeds.iter().map(|(source, feed)| feed.head - seen(source)).collect();
        let parts = shares(&waiting, limit.min(PAGE_ENTRIES) as u64);
        let more = parts.iter().zip(&waiting).any(|(part, waiting)| part < waiting);
        let mut cursor = after.clone();
        let mut shares = Vec::new();
        for (source, entries) in feeds.into_keys().zip(parts).filter(|(_, entries)| *entries > 0) {
            let seen = seen(&source);
            cursor.seen.insert(source.clone(), seen + entries);
            shares.push(Share { source, seen, entries });
        }
        Ok(Self { shares, cursor, more })
    }
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
