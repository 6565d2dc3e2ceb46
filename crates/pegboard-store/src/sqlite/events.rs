//! Events of sources as they came.

use async_trait::async_trait;
use pegboard_model::{SinkName, SourceName};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::codec::{from_json, to_json};
use super::fault::Tried;
use super::read::{all, instant, text};
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::events::{EventMark, EventPage, EventsWrite, MOST_PAGE_BYTES, RawEvent};
use crate::{Batch, Events, Result};

#[async_trait]
impl Events for SqliteStore {
    async fn raw_events(&self, source: &SourceName, after: u64, limit: usize) -> Result<EventPage> {
        let source = source.clone();
        let query = move |connection: &Connection| page(connection, &source, after, limit);
        self.readers.run("read events", query).await
    }

    async fn event_marks(&self, sink: &SinkName) -> Result<Vec<EventMark>> {
        let sink = sink.clone();
        self.readers.run("read how far events are taken", move |connection| marks(connection, &sink)).await
    }
}

/// Keeps the events that a batch read.
pub(super) fn keep(step: &mut Step<'_>, batch: &Batch) -> Tried<()> {
    let Some(EventsWrite { read, events }) = &batch.events else { return Ok(()) };
    let (source, count) = (batch.source.as_str(), limit(events.len()));
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    let (head, all_bytes, at): (i64, i64, i64) = step
        .connection
        .prepare_cached(
            "INSERT INTO event_feeds (source, head, bytes, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE
             SET head = head + excluded.head, bytes = bytes + excluded.bytes, at = max(at, excluded.at)
             RETURNING head, bytes, at",
        )?
        .query_row(params![source, count, limit(bytes), read.as_millis()], |row| row.try_into())?;
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO raw_events (source, number, at, before, partition, position, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut before = all_bytes - limit(bytes);
    let first = head - count + 1;
    for (number, event) in (first..).zip(events) {
        insert.execute(params![
            source,
            number,
            at,
            before,
            batch.partition.as_str(),
            to_json(&event.position)?,
            event.data
        ])?;
        before += limit(event.data.len());
    }
    step.fed = true;
    Ok(())
}

/// Events behind a number. The first of them is found by its key, and with it how far the page reaches.
const PAGE: &str = "
    SELECT number, at, partition, position, data FROM raw_events
    WHERE source = ?1 AND number > ?2
      AND (before < ?3 + (SELECT before FROM raw_events WHERE source = ?1 AND number > ?2 ORDER BY number LIMIT 1))
    ORDER BY number LIMIT ?4";

fn page(connection: &Connection, source: &SourceName, after: u64, most: usize) -> Tried<EventPage> {
    let head: Option<i64> = connection
        .prepare_cached("SELECT head FROM event_feeds WHERE source = ?1")?
        .query_row([source.as_str()], |row| row.get(0))
        .optional()?;
    let bounds = params![source.as_str(), to_column(after), MOST_PAGE_BYTES, limit(most)];
    let events = all(connection, PAGE, bounds, |row| {
        Ok(RawEvent {
            number: from_column(row.get(0)?),
            at: instant(row, 1)?,
            partition: text(row, 2)?.into(),
            position: from_json("position of an event", &text(row, 3)?)?,
            data: row.get(4)?,
        })
    })?;
    Ok(EventPage { events, head: head.map_or(0, from_column) })
}

fn marks(connection: &Connection, sink: &SinkName) -> Tried<Vec<EventMark>> {
    let sql = "SELECT lane, source, done FROM sink_events WHERE sink = ?1 ORDER BY lane, source";
    all(connection, sql, [sink.as_str()], |row| {
        Ok(EventMark {
            lane: text(row, 0)?.into(),
            source: text(row, 1)?.into(),
            done: from_column(row.get(2)?),
        })
    })
}

/// Notes how far a sink has taken events.
pub(super) fn mark(step: &Step<'_>, sink: &str, marks: &[EventMark]) -> Tried<()> {
    let mut put = step.connection.prepare_cached(
        "INSERT INTO sink_events (sink, lane, source, done) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET done = excluded.done",
    )?;
    for EventMark { lane, source, done } in marks {
        put.execute(params![sink, lane, source.as_str(), to_column(*done)])?;
    }
    Ok(())
}
