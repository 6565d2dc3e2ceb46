//! Tokens for the API.

use pegboard_model::Timestamp;
use tokio_postgres::Row;

use super::codec::{from_json, get, get_instant, get_maybe_instant, get_text, text, to_json};
use super::fault::Tried;
use super::session::{Call, Session};
use crate::{Token, TokenWrite, failpoint};

const ADD: &str = "
    INSERT INTO tokens (id, hash, name, role, sources, created, expires, revoked)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Writes a new token.
pub(super) async fn add(session: &Session, write: &TokenWrite) -> Tried<()> {
    failpoint!("token.before", fails);
    let TokenWrite { token, hash } = write;
    let call = Call::new(ADD)
        .with(token.id.as_str())
        .with(hash.as_slice())
        .with(text(&token.name))
        .with(to_json(&token.role)?)
        .with(to_json(&token.sources)?)
        .with(token.created.as_millis())
        .with(token.expires.map(Timestamp::as_millis))
        .with(token.revoked.map(Timestamp::as_millis));
    session.call(call).await?;
    failpoint!("token.after", fails);
    Ok(())
}

/// The token with this hash, unless it was revoked. Whether it has expired is for the caller to see.
pub(super) async fn by_hash(session: &Session, hash: &[u8; 32]) -> Tried<Option<Token>> {
    let sql = "SELECT id, name, role, sources, created, expires, revoked FROM tokens
               WHERE hash = $1 AND revoked IS NULL";
    session.call(Call::new(sql).with(hash.as_slice())).await?.first().map(read).transpose()
}

/// All tokens, the oldest first.
pub(super) async fn list(session: &Session) -> Tried<Vec<Token>> {
    let sql = "SELECT id, name, role, sources, created, expires, revoked FROM tokens ORDER BY created, id";
    session.call(Call::new(sql)).await?.iter().map(read).collect()
}

/// Revokes a token; the first time counts. Answers whether there is one with this id.
pub(super) async fn revoke(session: &Session, id: &str, at: Timestamp) -> Tried<bool> {
    let sql = "UPDATE tokens SET revoked = coalesce(revoked, $2) WHERE id = $1 RETURNING 1";
    Ok(!session.call(Call::new(sql).with(text(id)).with(at.as_millis())).await?.is_empty())
}

fn read(row: &Row) -> Tried<Token> {
    Ok(Token {
        id: get(row, 0)?,
        name: get_text(row, 1)?,
        role: from_json("role of a token", get(row, 2)?)?,
        sources: from_json("list of a token's sources", get(row, 3)?)?,
        created: get_instant(row, 4)?,
        expires: get_maybe_instant(row, 5)?,
        revoked: get_maybe_instant(row, 6)?,
    })
}
