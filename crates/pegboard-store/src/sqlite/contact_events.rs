//! Events that contacts are put together from.

use pegboard_model::{ContactEvent, ContactId, SourceName, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Tried;
use super::writer::Step;
use crate::column::to_column;
use crate::{ContactEventsWrite, StoreError};

/// Keeps events; what is there already stays as it is.
pub(super) fn write(step: &Step<'_>, source: &SourceName, writes: &[ContactEventsWrite]) -> Tried<()> {
    let mut count = step
        .connection
        .prepare_cached("SELECT count(*) FROM contact_events WHERE source = ?1 AND contact = ?2")?;
    let mut insert = step.connection.prepare_cached(
        "INSERT INTO contact_events (source, contact, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for ContactEventsWrite { contact, known, events } in writes {
        let contact = contact.to_string();
        let kept: i64 = count.query_row([source.as_str(), &contact], |row| row.get(0))?;
        if kept != to_column(*known) {
            return Err(StoreError::ContactsMoved { source_name: source.clone() }.into());
        }
        for ContactEvent { id, at, body, .. } in events {
            insert.execute(params![source.as_str(), contact, id.to_string(), at.as_millis(), body])?;
        }
    }
    Ok(())
}

/// The events of contacts.
pub(super) fn read(
    connection: &Connection,
    source: &SourceName,
    contacts: &[ContactId],
) -> Tried<Vec<ContactEvent>> {
    let mut select = connection
        .prepare_cached("SELECT id, at, body FROM contact_events WHERE source = ?1 AND contact = ?2")?;
    let mut events = Vec::new();
    for contact in contacts {
        let found = select.query_map(params![source.as_str(), contact.to_string()], |row| {
            Ok(ContactEvent {
                contact: contact.clone(),
                id: row.get::<_, String>(0)?.as_str().into(),
                at: Timestamp::from_millis(row.get(1)?),
                body: row.get(2)?,
            })
        })?;
        for event in found {
            events.push(event?);
        }
    }
    Ok(events)
}
