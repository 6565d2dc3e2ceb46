//! Whole pictures that sinks are not sent yet, and what sinks were told of sources.

use pegboard_model::{SinkName, SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_maybe_instant, get_text, text};
use super::fault::Tried;
use super::read::all;
use super::session::{Call, Session};
use crate::column::{from_column, to_column};
use crate::delivery::DeliveryNote;
use crate::hold::{Hold, HoldNote, Present, StaleNote};

/// What of a sink is held back.
pub(super) async fn hold(session: &Session, sink: &SinkName) -> Tried<Option<Hold>> {
    let sql = "SELECT since, reason, released FROM sink_holds WHERE sink = $1";
    let mut found = all(session, Call::new(sql).with(sink.as_str()), |row| {
        let (since, reason) = (get_instant(row, 0)?, get_text(row, 1)?.into());
        Ok(Hold { since, reason, released: get_maybe_instant(row, 2)? })
    })
    .await?;
    Ok(found.pop())
}

/// Answers whether something was held back.
pub(super) async fn release(session: &Session, sink: &SinkName, at: Timestamp) -> Tried<bool> {
    let sql = "UPDATE sink_holds SET released = $2 WHERE sink = $1 AND released IS NULL RETURNING 1";
    Ok(!session.call(Call::new(sql).with(sink.as_str()).with(at.as_millis())).await?.is_empty())
}

/// Asks how many agents the sink knows as signed in.
pub(super) fn present(sink: &SinkName) -> Call<'_> {
    Call::new("SELECT agents, at FROM sink_present WHERE sink = $1").with(sink.as_str())
}

/// What that was answered.
pub(super) fn read_present(row: &Row) -> Tried<Present> {
    Ok(Present { agents: from_column(get(row, 0)?), at: get_instant(row, 1)? })
}

/// Asks which sources the sink was told are stale.
pub(super) fn stale(sink: &SinkName) -> Call<'_> {
    Call::new("SELECT source, since FROM sink_stale WHERE sink = $1 ORDER BY source").with(sink.as_str())
}

/// What that was answered.
pub(super) fn read_stale(row: &Row) -> Tried<(SourceName, Timestamp)> {
    Ok((get::<&str>(row, 0)?.into(), get_instant(row, 1)?))
}

const WAITS: &str = "
    INSERT INTO sink_holds (sink, since, reason) VALUES ($1, $2, $3)
    ON CONFLICT (sink) DO UPDATE SET reason = excluded.reason";

const PRESENT: &str = "
    INSERT INTO sink_present (sink, agents, at) VALUES ($1, $2, $3)
    ON CONFLICT (sink) DO UPDATE SET agents = excluded.agents, at = excluded.at";

const STALE: &str = "
    INSERT INTO sink_stale (sink, source, since) VALUES ($1, $2, $3)
    ON CONFLICT (sink, source) DO UPDATE SET since = excluded.since";

/// The statements that note what a deliverer has to say of it.
pub(super) fn note(note: &DeliveryNote) -> impl Iterator<Item = Call<'_>> {
    let sink = note.sink.as_str();
    let hold = note.hold.iter().map(move |hold| match hold {
        HoldNote::Waits { since, reason } => {
            Call::new(WAITS).with(sink).with(since.as_millis()).with(text(reason))
        }
        HoldNote::Over => Call::new("DELETE FROM sink_holds WHERE sink = $1").with(sink),
    });
    let present = note.present.iter().map(move |Present { agents, at }| {
        Call::new(PRESENT).with(sink).with(to_column(*agents)).with(at.as_millis())
    });
    let stale = note.stale.iter().map(move |StaleNote { source, since }| match since {
        Some(since) => Call::new(STALE).with(sink).with(source.as_str()).with(since.as_millis()),
        None => Call::new("DELETE FROM sink_stale WHERE sink = $1 AND source = $2")
            .with(sink)
            .with(source.as_str()),
    });
    hold.chain(present).chain(stale)
}
