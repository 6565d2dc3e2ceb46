//! The audit log.

use pegboard_model::Text;
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_text, text, untext};
use super::fault::{Fault, Tried};
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::column::{from_column, limit, to_column};
use crate::{AuditEntry, AuditHash, AuditWrite, StoreError, failpoint};

/// Nobody gets between the newest entry and the next.
const ALONE: &str = "LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE";

const NEWEST: &str = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";

const APPEND: &str = "
    INSERT INTO audit (number, at, by, name, via, origin, action, subject, before, after, previous, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Appends an entry.
pub(super) async fn append(session: &Session, what: &AuditWrite) -> Tried<AuditEntry> {
    failpoint!("audit.before", fails);
    let mut first = Pipeline::new(BEGIN);
    first.add(Call::new(ALONE));
    let newest = first.add(Call::new(NEWEST));
    let answers = session.run(first).await?;
    let read = |row: &Row| Ok::<_, Fault>((from_column(get(row, 0)?), hash(row, 1)?));
    let newest = answers[newest].first().map(read).transpose()?;
    let entry = AuditEntry::after(newest, what.clone());
    let AuditWrite { at, by, name, via, from, action, subject, before, after } = &entry.what;
    let mut second = Pipeline::default();
    let call = Call::new(APPEND).with(to_column(entry.number)).with(at.as_millis());
    let call = [by, name, via].into_iter().fold(call, |call, given| call.with(text(given)));
    let call = call.with(from.as_deref().map(text)).with(text(action)).with(text(subject));
    let call = call.with(before.as_deref().map(text)).with(after.as_deref().map(text));
    second.add(call.with(entry.previous.0.to_vec()).with(entry.hash.0.to_vec()));
    second.add(Call::new(COMMIT));
    session.run(second).await?;
    failpoint!("audit.after", fails);
    Ok(entry)
}

const PAGE: &str = "
    SELECT number, at, by, name, via, origin, action, subject, before, after, previous, hash FROM audit
    WHERE number < $1 ORDER BY number DESC LIMIT $2";

/// Entries older than `before`, the newest first.
pub(super) async fn page(session: &Session, before: Option<u64>, most: usize) -> Tried<Vec<AuditEntry>> {
    let call = Call::new(PAGE).with(before.map_or(i64::MAX, to_column)).with(limit(most));
    session.call(call).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Tried<AuditEntry> {
    let given = |column| get_text(row, column).map(Text::from);
    let maybe = |column| Ok::<_, Fault>(get::<Option<String>>(row, column)?.map(untext).map(Text::from));
    Ok(AuditEntry {
        number: from_column(get(row, 0)?),
        what: AuditWrite {
            at: get_instant(row, 1)?,
            by: given(2)?,
            name: given(3)?,
            via: given(4)?,
            from: maybe(5)?,
            action: given(6)?,
            subject: given(7)?,
            before: maybe(8)?,
            after: maybe(9)?,
        },
        previous: hash(row, 10)?,
        hash: hash(row, 11)?,
    })
}

fn hash(row: &Row, column: usize) -> Tried<AuditHash> {
    let bytes: &[u8] = get(row, column)?;
    let damaged =
        |_| StoreError::Damaged { what: "hash of the audit log", detail: format!("{} bytes", bytes.len()) };
    Ok(AuditHash(bytes.try_into().map_err(damaged)?))
}
