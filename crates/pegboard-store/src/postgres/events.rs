//! Events of sources as they came.

use async_trait::async_trait;
use pegboard_model::{SinkName, SourceName};
use tokio_postgres::Row;

use super::PostgresStore;
use super::codec::{from_json, get, get_instant, get_text, text, to_json};
use super::fault::Tried;
use super::pool::Lent;
use super::read::all;
use super::session::{BEGIN_MOMENT, Call, Pipeline, Session};
use crate::column::{from_column, limit, to_column};
use crate::events::{EventMark, EventPage, EventsWrite, MOST_PAGE_BYTES, RawEvent};
use crate::{Batch, Events, Result};

#[async_trait]
impl Events for PostgresStore {
    async fn raw_events(&self, source: &SourceName, after: u64, limit: usize) -> Result<EventPage> {
        let work = |session: Lent| async move { page(&session, source, after, limit).await };
        self.read("read events", work).await
    }

    async fn event_marks(&self, sink: &SinkName) -> Result<Vec<EventMark>> {
        let work = |session: Lent| async move { marks(&session, sink).await };
        self.read("read how far events are taken", work).await
    }
}

/// Numbers are given as those of feeds are: the lock of the source's row is held until the commit, so that the order in
/// which events become visible is that of their numbers.
const KEEP: &str = "
    WITH moved AS (
        INSERT INTO event_feeds AS known (source, head, bytes, at) VALUES ($1, cardinality($4::bytea[]), $5, $6)
        ON CONFLICT (source) DO UPDATE
        SET head = known.head + excluded.head, bytes = known.bytes + excluded.bytes, at = greatest(known.at, excluded.at)
        RETURNING head, bytes, at
    )
    INSERT INTO raw_events (source, number, at, before, partition, position, data)
    SELECT $1, moved.head - cardinality($4) + given.place, moved.at,
           moved.bytes - sum(length(given.data)) OVER (ORDER BY given.place DESC), $2, given.position, given.data
    FROM moved, unnest($3::text[], $4) WITH ORDINALITY AS given (position, data, place)";

/// The statement that keeps the events that a batch read.
pub(super) fn keep(batch: &Batch) -> Tried<Option<Call<'_>>> {
    let Some(EventsWrite { read, events }) = &batch.events else { return Ok(None) };
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    let call = Call::new(KEEP)
        .with(batch.source.as_str())
        .with(text(batch.partition.as_str()))
        .with(events.iter().map(|event| to_json(&event.position)).collect::<Tried<Vec<_>>>()?)
        .with(events.iter().map(|event| &event.data[..]).collect::<Vec<_>>())
        .with(limit(bytes))
        .with(read.as_millis());
    Ok(Some(call))
}

const HEAD: &str = "SELECT head FROM event_feeds WHERE source = $1";

/// Events behind a number. The first of them is found by its key, and with it how far the page reaches.
const PAGE: &str = "
    SELECT number, at, partition, position, data FROM raw_events
    WHERE source = $1 AND number > $2
      AND before < $3 + (SELECT before FROM raw_events WHERE source = $1 AND number > $2 ORDER BY number LIMIT 1)
    ORDER BY number LIMIT $4";

async fn page(session: &Session, source: &SourceName, after: u64, most: usize) -> Tried<EventPage> {
    let mut reading = Pipeline::new(BEGIN_MOMENT);
    let head = reading.add(Call::new(HEAD).with(source.as_str()));
    let call = Call::new(PAGE).with(source.as_str()).with(to_column(after));
    let events = reading.add(call.with(MOST_PAGE_BYTES).with(limit(most)));
    let answers = session.run(reading).await?;
    Ok(EventPage {
        events: answers[events].iter().map(read).collect::<Tried<_>>()?,
        head: answers[head].first().map_or(Ok(0), |row| get(row, 0).map(from_column))?,
    })
}

fn read(row: &Row) -> Tried<RawEvent> {
    Ok(RawEvent {
        number: from_column(get(row, 0)?),
        at: get_instant(row, 1)?,
        partition: get_text(row, 2)?.into(),
        position: from_json("position of an event", get(row, 3)?)?,
        data: get(row, 4)?,
    })
}

async fn marks(session: &Session, sink: &SinkName) -> Tried<Vec<EventMark>> {
    let sql = "SELECT lane, source, done FROM sink_events WHERE sink = $1 ORDER BY lane, source";
    all(session, Call::new(sql).with(sink.as_str()), |row| {
        Ok(EventMark {
            lane: get_text(row, 0)?.into(),
            source: get::<&str>(row, 1)?.into(),
            done: from_column(get(row, 2)?),
        })
    })
    .await
}

const MARK: &str = "
    INSERT INTO sink_events (sink, lane, source, done) VALUES ($1, $2, $3, $4)
    ON CONFLICT (sink, lane, source) DO UPDATE SET done = excluded.done";

/// The statements that note how far a sink has taken events.
pub(super) fn mark<'a>(sink: &'a str, marks: &'a [EventMark]) -> impl Iterator<Item = Call<'a>> {
    marks.iter().map(move |EventMark { lane, source, done }| {
        Call::new(MARK).with(sink).with(text(lane)).with(source.as_str()).with(to_column(*done))
    })
}
