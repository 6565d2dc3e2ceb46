//! What becomes of dead letters.

use pegboard_model::Timestamp;

use super::codec::text;
use super::fault::Tried;
use super::session::{Call, Session};

/// Notes that one was tried again, and why that came to nothing. Answers whether there is one with this id.
pub(super) async fn note_tried(session: &Session, id: i64, reason: &str, at: Timestamp) -> Tried<bool> {
    let sql = "UPDATE dead_letters SET reason = $2, tries = tries + 1, tried = $3 WHERE id = $1 RETURNING 1";
    let call = Call::new(sql).with(id).with(text(reason)).with(at.as_millis());
    Ok(!session.call(call).await?.is_empty())
}

/// Removes one. Answers whether there was one with this id.
pub(super) async fn remove(session: &Session, id: i64) -> Tried<bool> {
    let call = Call::new("DELETE FROM dead_letters WHERE id = $1 RETURNING 1").with(id);
    Ok(!session.call(call).await?.is_empty())
}
