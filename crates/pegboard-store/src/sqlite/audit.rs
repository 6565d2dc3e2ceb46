//! The audit log.

use pegboard_model::{Text, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault::Tried;
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::{AuditEntry, AuditHash, AuditWrite, failpoint};

const COLUMNS: &str = "number, at, by, name, via, origin, action, subject, before, after, previous, hash";

/// Appends an entry. The writer is one thread: nobody gets between the newest entry and this one.
pub(super) fn append(step: &mut Step<'_>, what: AuditWrite) -> Tried<AuditEntry> {
    failpoint!("audit.before", fails);
    let newest = step
        .connection
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((from_column(row.get(0)?), AuditHash(row.get(1)?))))
        .optional()?;
    let entry = AuditEntry::after(newest, what);
    let AuditWrite { at, by, name, via, from, action, subject, before, after } = &entry.what;
    step.connection
        .prepare_cached(&format!(
            "INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?
        .execute(params![
            to_column(entry.number),
            at.as_millis(),
            &**by,
            &**name,
            &**via,
            from.as_deref(),
            &**action,
            &**subject,
            before.as_deref(),
            after.as_deref(),
            entry.previous.0,
            entry.hash.0,
        ])?;
    failpoint!("audit.after", fails);
    Ok(entry)
}

/// Entries older than `before`, the newest first.
pub(super) fn page(connection: &Connection, before: Option<u64>, most: usize) -> Tried<Vec<AuditEntry>> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
    ))?;
    let rows = query.query_map(params![before.map_or(i64::MAX, to_column), limit(most)], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let text = |column: usize| row.get::<_, String>(column).map(Text::from);
    let maybe = |column: usize| row.get::<_, Option<String>>(column).map(|text| text.map(Text::from));
    Ok(AuditEntry {
        number: from_column(row.get(0)?),
        what: AuditWrite {
            at: Timestamp::from_millis(row.get(1)?),
            by: text(2)?,
            name: text(3)?,
            via: text(4)?,
            from: maybe(5)?,
            action: text(6)?,
            subject: text(7)?,
            before: maybe(8)?,
            after: maybe(9)?,
        },
        previous: AuditHash(row.get(10)?),
        hash: AuditHash(row.get(11)?),
    })
}
