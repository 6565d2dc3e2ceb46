//! From an older schema to the present one, while other nodes wait.

use tokio_postgres::Client;

use super::codec::get;
use super::fault::Tried;
use super::session::{BEGIN, COMMIT, Call, Session};
use crate::{StoreError, StoreId, failpoint};

/// Every schema there was, in order: version n is what the first n make. One that was released never changes;
/// the next version adds a file.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first_schema.sql"),
    include_str!("migrations/0002_acd_rows.sql"),
    include_str!("migrations/0003_queue_names.sql"),
    include_str!("migrations/0004_archive.sql"),
    include_str!("migrations/0005_closing_of_contacts.sql"),
    include_str!("migrations/0006_delivery.sql"),
    include_str!("migrations/0007_tries_of_dead_letters.sql"),
    include_str!("migrations/0008_reloads.sql"),
    include_str!("migrations/0009_alarms.sql"),
    include_str!("migrations/0010_intake.sql"),
    include_str!("migrations/0011_unmapped.sql"),
    include_str!("migrations/0012_raw_events.sql"),
    include_str!("migrations/0013_holds.sql"),
    include_str!("migrations/0014_mapping_tables.sql"),
    include_str!("migrations/0015_erasures.sql"),
    include_str!("migrations/0016_contact_events.sql"),
    include_str!("migrations/0017_standing_of_deliveries.sql"),
];

/// The table by which a schema is known as ours: one row.
const MARK: &str = "CREATE TABLE pegboard_store (
    version bigint  NOT NULL,
    id      text    NOT NULL,
    alone   boolean PRIMARY KEY DEFAULT true CHECK (alone)
)";

/// Waits for whoever makes or fills the schema, and makes others wait until the end of the transaction.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('pegboard ' || $1, 0))";

/// The same for a connection that is no session.
pub(super) async fn wait_for_others(client: &Client, schema: &str) -> Tried<()> {
    client.execute(ALONE, &[&schema]).await?;
    Ok(())
}

/// Brings the schema to the newest version, in one transaction; answers the identity of the store, made when there is
/// none. Nodes that start together do so one after the other: the first does the work.
pub(super) async fn migrate(session: &Session, schema: &str) -> Tried<StoreId> {
    session.execute(BEGIN).await?;
    let migrated = within(session, schema).await;
    let end = if migrated.is_ok() { COMMIT } else { "ROLLBACK" };
    let id = session.execute(end).await.and(migrated)?;
    failpoint!("migration.after", fails);
    Ok(id)
}

async fn within(session: &Session, schema: &str) -> Tried<StoreId> {
    session.call(Call::new(ALONE).with(schema)).await?;
    let (found, id) = match state(session, schema).await? {
        State::Store { version, id } => (version, id),
        State::Empty => (0, first(session, schema).await?),
        State::Foreign => return Err(foreign(schema).into()),
    };
    refuse_newer(found)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS).skip(found as usize) {
        failpoint!("migration.before", fails);
        session.execute(migration).await?;
        failpoint!("migration.within", fails);
        session.call(Call::new("UPDATE pegboard_store SET version = $1").with(version)).await?;
    }
    Ok(id)
}

/// Refuses a schema that a newer program made.
pub(super) fn refuse_newer(found: u32) -> Tried<()> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known { Err(StoreError::NewerSchema { found, known }.into()) } else { Ok(()) }
}

/// What is there.
pub(super) enum State {
    Empty,
    Store { version: u32, id: StoreId },
    Foreign,
}

/// The error for a schema with another program's tables.
pub(super) fn foreign(schema: &str) -> StoreError {
    let detail = format!(
        "schema {schema} holds another program's tables: name another one by ?schema= in the store's URL"
    );
    StoreError::Damaged { what: "database", detail }
}

/// What belongs to extensions is nobody's table.
const RELATIONS: &str = "
    SELECT count(*), count(*) FILTER (WHERE class.relname = 'pegboard_store')
    FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
    WHERE space.nspname = $1 AND class.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e')";

pub(super) async fn state(session: &Session, schema: &str) -> Tried<State> {
    let relations = session.call(Call::new(RELATIONS).with(schema)).await?;
    let [row] = &relations[..] else { return Ok(State::Foreign) };
    match (get::<i64>(row, 0)?, get::<i64>(row, 1)?) {
        (0, _) => Ok(State::Empty),
        (_, 0) => Ok(State::Foreign),
        _ => {
            let marks = session.call(Call::new("SELECT version, id FROM pegboard_store")).await?;
            let [mark] = &marks[..] else { return Ok(State::Foreign) };
            let version = u32::try_from(get::<i64>(mark, 0)?).unwrap_or(u32::MAX);
            Ok(State::Store { version, id: StoreId(get(mark, 1)?) })
        }
    }
}

/// Makes the schema where there is none, and marks it as ours.
async fn first(session: &Session, schema: &str) -> Tried<StoreId> {
    let spaces =
        session.call(Call::new("SELECT 1 FROM pg_namespace WHERE nspname = $1").with(schema)).await?;
    if spaces.is_empty() {
        // The name needs no quotes: the URL takes no other.
        session.execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    session.execute(MARK).await?;
    let id = StoreId::random()?;
    session
        .call(Call::new("INSERT INTO pegboard_store (version, id) VALUES (0, $1)").with(id.as_str()))
        .await?;
    Ok(id)
}
