//! What queues were called, and when.

use pegboard_model::{SourceName, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Tried;
use super::writer::Step;
use crate::QueueName;

/// Widens the span of each name.
pub(super) fn write(step: &Step<'_>, source: &SourceName, names: &[QueueName]) -> Tried<()> {
    let mut upsert = step.connection.prepare_cached(
        "INSERT INTO queue_names (source, queue, name, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen),
             last_seen = max(last_seen, excluded.last_seen)",
    )?;
    for seen in names {
        upsert.execute(params![
            source.as_str(),
            seen.queue.as_str(),
            &*seen.name,
            seen.first_seen.as_millis(),
            seen.last_seen.as_millis(),
        ])?;
    }
    Ok(())
}

/// All names of the queues of a source, by queue and name.
pub(super) fn list(connection: &Connection, source: &SourceName) -> Tried<Vec<QueueName>> {
    let mut query = connection.prepare_cached(
        "SELECT queue, name, first_seen, last_seen FROM queue_names WHERE source = ?1 ORDER BY queue, name",
    )?;
    let names = query.query_map([source.as_str()], |row| {
        Ok(QueueName {
            queue: row.get::<_, String>(0)?.into(),
            name: row.get::<_, String>(1)?.into(),
            first_seen: Timestamp::from_millis(row.get(2)?),
            last_seen: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
