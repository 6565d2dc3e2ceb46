//! What becomes of dead letters.

use pegboard_model::Timestamp;
use rusqlite::params;

use super::fault::Tried;
use super::writer::Step;

/// Notes that one was tried again, and why that came to nothing. Answers whether there is one with this id.
pub(super) fn note_tried(step: &mut Step<'_>, id: i64, reason: &str, at: Timestamp) -> Tried<bool> {
    let changed = step
        .connection
        .prepare_cached("UPDATE dead_letters SET reason = ?2, tries = tries + 1, tried = ?3 WHERE id = ?1")?
        .execute(params![id, reason, at.as_millis()])?;
    Ok(changed > 0)
}

/// Removes one. Answers whether there was one with this id.
pub(super) fn remove(step: &mut Step<'_>, id: i64) -> Tried<bool> {
    let removed = step.connection.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?.execute([id])?;
    Ok(removed > 0)
}
