//! Events that contacts are put together from.

use pegboard_model::{ContactEvent, ContactId, SourceName};

use super::codec::{get_instant, get_text, text};
use super::fault::Tried;
use super::read::all;
use super::session::{Call, Session};

const KEEP: &str = "
    INSERT INTO contact_events (source, contact, id, at, body)
    SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS given (contact, id, at, body)
    ORDER BY given.contact, given.id
    ON CONFLICT DO NOTHING";

/// Keeps events; what is there already stays as it is.
pub(super) fn write<'a>(source: &'a SourceName, events: &'a [ContactEvent]) -> Option<Call<'a>> {
    if events.is_empty() {
        return None;
    }
    let owned = |of: fn(&ContactEvent) -> String| {
        events.iter().map(|event| text(&of(event)).into_owned()).collect::<Vec<_>>()
    };
    Some(
        Call::new(KEEP)
            .with(source.as_str())
            .with(owned(|event| event.contact.to_string()))
            .with(owned(|event| event.id.to_string()))
            .with(events.iter().map(|event| event.at.as_millis()).collect::<Vec<_>>())
            .with(owned(|event| event.body.clone())),
    )
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
