//! Events that contacts are put together from.

use pegboard_model::{ContactEvent, ContactId, SourceName};
use tokio_postgres::Row;

use super::codec::{get_instant, get_text, text};
use super::fault::Tried;
use super::read::all;
use super::session::{Call, Session};
use crate::column::to_column;
use crate::{ContactEventsWrite, StoreError};

/// Lets one batch of a source after the other keep events of contacts: two may tell of the same contact.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('pegboard contact events ' || $1, 0))";

/// The contacts of which not as many events are kept as the batch was derived from.
const MOVED: &str = "
    SELECT given.contact FROM unnest($2::text[], $3::bigint[]) AS given (contact, known)
    WHERE given.known <> (SELECT count(*) FROM contact_events AS kept
                          WHERE kept.source = $1 AND kept.contact = given.contact)";

const KEEP: &str = "
    INSERT INTO contact_events (source, contact, id, at, body)
    SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS given (contact, id, at, body)
    ORDER BY given.contact, given.id
    ON CONFLICT DO NOTHING";

/// The statements that keep events, where what is there already stays as it is; the second one answers which contacts have other
/// events than are known.
pub(super) fn write<'a>(source: &'a SourceName, writes: &'a [ContactEventsWrite]) -> Option<[Call<'a>; 3]> {
    if writes.is_empty() {
        return None;
    }
    let name = |contact: &ContactId| text(&contact.to_string()).into_owned();
    let moved = Call::new(MOVED)
        .with(source.as_str())
        .with(writes.iter().map(|write| name(&write.contact)).collect::<Vec<_>>())
        .with(writes.iter().map(|write| to_column(write.known)).collect::<Vec<_>>());
    let events = || writes.iter().flat_map(|write| &write.events);
    let keep = Call::new(KEEP)
        .with(source.as_str())
        .with(events().map(|event| name(&event.contact)).collect::<Vec<_>>())
        .with(events().map(|event| text(&event.id.to_string()).into_owned()).collect::<Vec<_>>())
        .with(events().map(|event| event.at.as_millis()).collect::<Vec<_>>())
        .with(events().map(|event| text(&event.body).into_owned()).collect::<Vec<_>>());
    Some([Call::new(ALONE).with(source.as_str()), moved, keep])
}

/// Whether every contact had the events that are known.
pub(super) fn check(source: &SourceName, moved: &[Row]) -> Tried<()> {
    if moved.is_empty() {
        return Ok(());
    }
    Err(StoreError::ContactsMoved { source_name: source.clone() }.into())
}

/// The events of contacts.
pub(super) async fn read(
    session: &Session,
    source: &SourceName,
    contacts: &[ContactId],
) -> Tried<Vec<ContactEvent>> {
    let sql =
        "SELECT contact, id, at, body FROM contact_events WHERE source = $1 AND contact = ANY ($2::text[])";
    let contacts: Vec<String> =
        contacts.iter().map(|contact| text(&contact.to_string()).into_owned()).collect();
    let call = Call::new(sql).with(source.as_str()).with(contacts);
    all(session, call, |row| {
        Ok(ContactEvent {
            contact: get_text(row, 0)?.as_str().into(),
            id: get_text(row, 1)?.as_str().into(),
            at: get_instant(row, 2)?,
            body: get_text(row, 3)?,
        })
    })
    .await
}
