//! From an older schema to the present one, one step at a time.

use rusqlite::Connection;

use super::fault::Tried;
use crate::{StoreError, failpoint};

/// Every schema there was, in order: version n is what the first n make. One that was released never changes;
/// the next version adds a file.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first_schema.sql"),
    include_str!("migrations/0002_nodes.sql"),
    include_str!("migrations/0003_audit.sql"),
    include_str!("migrations/0004_acd_rows.sql"),
    include_str!("migrations/0005_queue_names.sql"),
    include_str!("migrations/0006_archive.sql"),
    include_str!("migrations/0007_sealed_pages.sql"),
    include_str!("migrations/0008_closing_of_contacts.sql"),
    include_str!("migrations/0009_delivery.sql"),
    include_str!("migrations/0010_tries_of_dead_letters.sql"),
    include_str!("migrations/0011_reloads.sql"),
    include_str!("migrations/0012_alarms.sql"),
    include_str!("migrations/0013_intake.sql"),
    include_str!("migrations/0014_unmapped.sql"),
    include_str!("migrations/0015_raw_events.sql"),
    include_str!("migrations/0016_holds.sql"),
    include_str!("migrations/0017_mapping_tables.sql"),
    include_str!("migrations/0018_erasures.sql"),
    include_str!("migrations/0019_contact_events.sql"),
    include_str!("migrations/0020_standing_of_deliveries.sql"),
];

/// Marks a file as a store of ours (`PegB`), in the header field that SQLite has for that.
const APPLICATION_ID: i32 = 0x5065_6742;

/// Refuses a file that is not ours, or that a newer program wrote. Writes nothing.
pub(super) fn check(connection: &Connection, migrations: &[&str]) -> Tried<u32> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && !empty {
        let detail = "it is another program's database: name another file".to_string();
        return Err(StoreError::Damaged { what: "database file", detail }.into());
    }
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::NewerSchema { found, known }.into());
    }
    Ok(found)
}

/// Brings the database to the newest schema. Each step is a transaction together with its version number, so
/// that a step that was broken off did not happen, and is done by the next start.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Tried<()> {
    let found = check(connection, migrations)?;
    for (version, migration) in (1_u32..).zip(migrations).skip(found as usize) {
        failpoint!("migration.before", fails);
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        failpoint!("migration.within", fails);
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", version)?;
        step.commit()?;
        failpoint!("migration.after", fails);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::*;

    const FIRST: &str = "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN m INTEGER; UPDATE a SET m = n + 1;";
    const BROKEN: &str = "UPDATE a SET m = 9; UPDATE nowhere SET n = 1;";

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    fn sum(connection: &Connection) -> i64 {
        connection.query_row("SELECT sum(n + m) FROM a", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn each_step_is_taken_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        assert_eq!((version(&connection), sum(&connection)), (2, 3));
    }

    #[test]
    fn a_step_that_breaks_off_did_not_happen() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut connection, &[FIRST, SECOND, BROKEN]).is_err());
        assert_eq!((version(&connection), sum(&connection)), (2, 3));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        let refused = migrate(&mut connection, &[FIRST]);
        assert!(matches!(refused, Err(Fault::Store(StoreError::NewerSchema { found: 2, known: 1 }))));
    }

    #[test]
    fn another_programs_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (n INTEGER)").unwrap();
        assert!(matches!(migrate(&mut connection, &[FIRST]), Err(Fault::Store(StoreError::Damaged { .. }))));
    }

    #[test]
    fn the_real_migrations_run() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        assert_eq!(version(&connection) as usize, MIGRATIONS.len());
    }
}
