//! Tokens for the API.

use pegboard_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{from_json, to_json};
use super::fault::Tried;
use super::writer::Step;
use crate::failpoint;
use crate::{Role, Token, TokenWrite};

const COLUMNS: &str = "id, name, role, sources, created, expires, revoked";

/// Writes a new token.
pub(super) fn add(step: &mut Step<'_>, write: &TokenWrite) -> Tried<()> {
    failpoint!("token.before", fails);
    let TokenWrite { token, hash } = write;
    step.connection
        .prepare_cached(
            "INSERT INTO tokens (id, hash, name, role, sources, created, expires, revoked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            token.id,
            hash.as_slice(),
            token.name,
            to_json(&token.role)?,
            to_json(&token.sources)?,
            token.created.as_millis(),
            token.expires.map(Timestamp::as_millis),
            token.revoked.map(Timestamp::as_millis),
        ])?;
    failpoint!("token.after", fails);
    Ok(())
}

/// The token with this hash, unless it was revoked. Whether it has expired is for the caller to see.
pub(super) fn by_hash(connection: &Connection, hash: &[u8; 32]) -> Tried<Option<Token>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1 AND revoked IS NULL"))?
        .query_row([hash.as_slice()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// All tokens, the oldest first.
pub(super) fn list(connection: &Connection) -> Tried<Vec<Token>> {
    let mut query =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens ORDER BY created, id"))?;
    let mut rows = query.query([])?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next()? {
        tokens.push(read(row)?);
    }
    Ok(tokens)
}

/// Revokes a token; the first time counts. Answers whether there is one with this id.
pub(super) fn revoke(step: &mut Step<'_>, id: &str, at: Timestamp) -> Tried<bool> {
    let changed = step
        .connection
        .prepare_cached("UPDATE tokens SET revoked = coalesce(revoked, ?2) WHERE id = ?1")?
        .execute(params![id, at.as_millis()])?;
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> Tried<Token> {
    let (role, sources): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        role: from_json::<Role>("role of a token", &role)?,
        sources: from_json("list of a token's sources", &sources)?,
        created: Timestamp::from_millis(row.get(4)?),
        expires: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
        revoked: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
    })
}
