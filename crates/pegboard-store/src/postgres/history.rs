//! The revisions of rows.

use pegboard_model::{SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_text, untext};
use super::fault::Tried;
use super::session::{Call, Session};
use crate::column::limit;
use crate::{Origin, RowRevision};

const OF_COMPUTED: &str = "
    SELECT interval_start, key, revision, reason, at, NULL::text, body FROM row_history
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, NULL::text, body FROM rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, NULL::text, body FROM reload_rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
      AND EXISTS (SELECT 1 FROM reload_days WHERE source = $1 AND swapped)
    ORDER BY 1, 2, 3 LIMIT $5";

const OF_ACD: &str = "
    SELECT interval_start, key, revision, reason, at, file, body FROM acd_row_history
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
    UNION ALL
    SELECT interval_start, key, revision, reason, at, file, body FROM acd_rows
    WHERE source = $1 AND report = $2 AND interval_start >= $3 AND interval_start < $4
    ORDER BY 1, 2, 3 LIMIT $5";

/// All revisions of the rows of a report, by interval, key and number.
pub(super) async fn list(
    session: &Session,
    source: &SourceName,
    origin: Origin,
    report: &str,
    (from, to): (Timestamp, Timestamp),
    most: usize,
) -> Tried<Vec<RowRevision>> {
    let sql = match origin {
        Origin::Computed => OF_COMPUTED,
        Origin::Acd => OF_ACD,
    };
    let call = Call::new(sql)
        .with(source.as_str())
        .with(report)
        .with(from.as_millis())
        .with(to.as_millis())
        .with(limit(most));
    let read = |row: &Row| {
        Ok(RowRevision {
            interval_start: get_instant(row, 0)?,
            key: get_text(row, 1)?,
            revision: u32::try_from(get::<i64>(row, 2)?).unwrap_or(u32::MAX),
            reason: get::<&str>(row, 3)?.into(),
            at: get_instant(row, 4)?,
            file: get::<Option<String>>(row, 5)?.map(|file| untext(file).into()),
            body: get(row, 6)?,
        })
    };
    session.call(call).await?.iter().map(read).collect()
}
