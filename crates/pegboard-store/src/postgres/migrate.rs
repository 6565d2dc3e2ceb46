//! From an older schema to the present one, while other nodes wait.

use pegboard_model::Timestamp;

use super::codec::get;
use super::fault::Tried;
use super::session::{Call, Session};
use crate::{StoreError, StoreId};

/// Every schema there was, in order: version n is what the first n make. One that was released never changes;
/// the next version adds a file.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_first_schema.sql")];

/// The table by which a schema is known as ours: one row.
const META: &str = "CREATE TABLE pegboard_store (
    version bigint NOT NULL,
    id      text   NOT NULL,
    alone   boolean PRIMARY KEY DEFAULT true CHECK (alone)
)";

/// How long a node waits for the one that migrates.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = '1h'";

/// Brings the schema to the newest version, in one transaction; answers the identity of the store, made when there is
/// none. Nodes that start together do so one after the other: the first does the work.
pub(super) async fn migrate(session: &Session, schema: &str, migrations: &[&str]) -> Tried<StoreId> {
    session.execute(BEGIN).await?;
    let migrated = within(session, schema, migrations).await;
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    session.execute(end).await.and(migrated)
}
