//! Since when anything is known of a source.

use pegboard_model::Timestamp;
use pegboard_store::{RowsOf, StoreError};

use super::source::Shared;

/// The first instant that anything is known of that rows are made of. Contacts may lie far before the first agent; a queue may be
/// known to be quiet before its first contact.
pub(super) async fn of(shared: &Shared, rows: RowsOf) -> Result<Option<Timestamp>, StoreError> {
    let (store, source) = (&shared.store, &shared.config.name);
    let beginnings = store.beginnings(source, Timestamp::MIN).await?;
    let agent = beginnings.iter().map(|begins| begins.at).min();
    let contact = store.first_contact(source).await?;
    Ok(match rows {
        RowsOf::Agents => agent.or(contact),
        RowsOf::Contacts => agent.into_iter().chain(contact).min(),
    })
}
