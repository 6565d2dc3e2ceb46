//! The revisions of rows.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Tried;
use crate::column::limit;
use crate::{Origin, RowRevision};

const OF_COMPUTED: &str = "
    SELECT interval_start, key, revision, reason, at, NULL, body FROM row_history
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, NULL, body FROM rows
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, NULL, body FROM reload_rows
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
      AND EXISTS (SELECT 1 FROM reload_days WHERE source = ?1 AND swapped = 1)
    ORDER BY 1, 2, 3 LIMIT ?5";

const OF_ACD: &str = "
    SELECT interval_start, key, revision, reason, at, file, body FROM acd_row_history
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, file, body FROM acd_rows
    WHERE source = ?1 AND report = ?2 AND interval_start >= ?3 AND interval_start < ?4
    ORDER BY 1, 2, 3 LIMIT ?5";

/// All revisions of the rows of a report, by interval, key and number.
pub(super) fn list(
    connection: &Connection,
    source: &SourceName,
    origin: Origin,
    report: &str,
    (from, to): (Timestamp, Timestamp),
    most: usize,
) -> Tried<Vec<RowRevision>> {
    let mut query = connection.prepare_cached(match origin {
        Origin::Computed => OF_COMPUTED,
        Origin::Acd => OF_ACD,
    })?;
    let bounds = params![source.as_str(), report, from.as_millis(), to.as_millis(), limit(most)];
    let rows = query.query_map(bounds, |row| {
        Ok(RowRevision {
            interval_start: Timestamp::from_millis(row.get(0)?),
            key: row.get(1)?,
            revision: row.get(2)?,
            reason: row.get::<_, String>(3)?.into(),
            at: Timestamp::from_millis(row.get(4)?),
            file: row.get::<_, Option<String>>(5)?.map(Into::into),
            body: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
