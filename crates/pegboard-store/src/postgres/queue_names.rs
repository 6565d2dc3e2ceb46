//! What queues were called, and when.

use std::collections::BTreeMap;

use pegboard_model::SourceName;
use tokio_postgres::Row;

use super::codec::{get_instant, get_text, text};
use super::fault::Tried;
use super::session::{Call, Session};
use crate::QueueName;

const WRITE: &str = "
    INSERT INTO queue_names AS known (source, queue, name, first_seen, last_seen)
    SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
         AS given (queue, name, first_seen, last_seen)
    ORDER BY given.queue, given.name
    ON CONFLICT (source, queue, name) DO UPDATE
    SET first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen)";

/// The statement that widens the span of each name; nothing where there is none.
pub(super) fn write<'a>(source: &'a SourceName, names: &'a [QueueName]) -> Option<Call<'a>> {
    if names.is_empty() {
        return None;
    }
    let mut spans: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for seen in names {
        let (first, last) = (seen.first_seen.as_millis(), seen.last_seen.as_millis());
        let span = spans.entry((text(seen.queue.as_str()), text(&seen.name))).or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
    }
    let (firsts, lasts): (Vec<i64>, Vec<i64>) = spans.values().copied().unzip();
    let (queues, names): (Vec<_>, Vec<_>) = spans.into_keys().unzip();
    Some(Call::new(WRITE).with(source.as_str()).with(queues).with(names).with(firsts).with(lasts))
}

/// All names of the queues of a source, by queue and name.
pub(super) async fn list(session: &Session, source: &SourceName) -> Tried<Vec<QueueName>> {
    let sql =
        "SELECT queue, name, first_seen, last_seen FROM queue_names WHERE source = $1 ORDER BY queue, name";
    let read = |row: &Row| {
        Ok(QueueName {
            queue: get_text(row, 0)?.into(),
            name: get_text(row, 1)?.into(),
            first_seen: get_instant(row, 2)?,
            last_seen: get_instant(row, 3)?,
        })
    };
    session.call(Call::new(sql).with(source.as_str())).await?.iter().map(read).collect()
}
