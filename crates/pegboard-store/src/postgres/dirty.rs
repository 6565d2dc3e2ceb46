//! Marks of what the closer has to look at again.

use std::collections::BTreeMap;

use pegboard_model::{SourceName, Timestamp};

use super::codec::{get, get_instant, get_text, text};
use super::fault::Tried;
use super::session::{Call, Session};
use crate::column::limit;
use crate::{ClosedUntil, DirtyMark};

/// Merges each mark with the stored one, and never leaves that exactly as it was.
///
/// The closer answers a mark by naming it as it read it. Had a change between reading and answering left the mark
/// as it was, the answer would remove it, and the change would never reach a row. So a mark that would stay as it
/// is grows by a millisecond: looking at too much again costs time and changes nothing. Rows are locked in order of
/// their keys, so that two batches wait for each other and never for ever.
const MARK: &str = "
    INSERT INTO dirty AS known (source, of_contacts, agent, low, high)
    SELECT $1, given.agent IS NULL, coalesce(given.agent, ''), given.low, given.high
    FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS given (agent, low, high)
    ORDER BY 2, 3
    ON CONFLICT (source, of_contacts, agent) DO UPDATE
    SET low = CASE WHEN known.low <= excluded.low AND known.high >= excluded.high AND known.high = $5
                   THEN known.low - 1 ELSE least(known.low, excluded.low) END,
        high = CASE WHEN known.low <= excluded.low AND known.high >= excluded.high AND known.high < $5
                    THEN known.high + 1 ELSE greatest(known.high, excluded.high) END";

/// The statement that adds marks of what begins before `closing`; nothing where there is nothing to mark. What changed
/// about an agent lasts: every interval that is closed by then was closed, or is being closed, with the old state. What lies
/// before `kept_from` is no longer there to derive rows from: they stay as they are.
pub(super) fn mark_behind(
    source: &SourceName,
    closing: ClosedUntil,
    kept_from: Timestamp,
    changed: impl Iterator<Item = DirtyMark>,
) -> Option<Call<'_>> {
    let mut spans: BTreeMap<Option<String>, (i64, i64)> = BTreeMap::new();
    for mark in changed {
        let Some(closing) = closing.get(mark.rows()).filter(|closing| mark.from < *closing) else { continue };
        let to = if mark.agent.is_some() { mark.to.max(closing) } else { mark.to };
        if to <= kept_from {
            continue;
        }
        let (low, high) = (mark.from.max(kept_from).as_millis(), to.as_millis());
        let agent = mark.agent.map(|agent| text(agent.as_str()).into_owned());
        let span = spans.entry(agent).or_insert((low, high));
        *span = (span.0.min(low), span.1.max(high));
    }
    if spans.is_empty() {
        return None;
    }
    let (lows, highs): (Vec<i64>, Vec<i64>) = spans.values().copied().unzip();
    let agents: Vec<_> = spans.into_keys().collect();
    let latest = Timestamp::MAX.as_millis();
    Some(Call::new(MARK).with(source.as_str()).with(agents).with(lows).with(highs).with(latest))
}

/// Marks of a source, the one that reaches back farthest first: of agents so many at most, and the one of contacts.
pub(super) async fn list(session: &Session, source: &SourceName, most: usize) -> Tried<Vec<DirtyMark>> {
    let sql = "SELECT of_contacts, agent, low, high FROM
                   (SELECT * FROM dirty WHERE source = $1 AND NOT of_contacts ORDER BY low, agent LIMIT $2) AS of_agents
               UNION ALL
               SELECT of_contacts, agent, low, high FROM dirty WHERE source = $1 AND of_contacts
               ORDER BY 3, 1, 2";
    let rows = session.call(Call::new(sql).with(source.as_str()).with(limit(most))).await?;
    let marks = rows.iter().map(|row| {
        let of_contacts: bool = get(row, 0)?;
        let agent = get_text(row, 1)?;
        Ok(DirtyMark {
            agent: (!of_contacts).then(|| agent.into()),
            from: get_instant(row, 2)?,
            to: get_instant(row, 3)?,
        })
    });
    marks.collect()
}

/// Removes marks that stand exactly as they were read; locks them in order of their keys. One that was changed while its
/// lock was waited for stays.
const ANSWER: &str = "
    DELETE FROM dirty WHERE ctid = ANY (ARRAY(
        SELECT known.ctid
        FROM (SELECT agent IS NULL AS of_contacts, coalesce(agent, '') AS agent, low, high
              FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS given (agent, low, high)
              ORDER BY 1, 2) AS given
        CROSS JOIN LATERAL (SELECT ctid FROM dirty
                            WHERE source = $1 AND of_contacts = given.of_contacts AND agent = given.agent
                              AND low = given.low AND high = given.high
                            FOR UPDATE) AS known))";

/// The statement that removes marks that stand exactly as they were read.
pub(super) fn answer<'a>(source: &'a SourceName, marks: &'a [DirtyMark]) -> Call<'a> {
    let agents: Vec<_> =
        marks.iter().map(|mark| mark.agent.as_ref().map(|agent| text(agent.as_str()))).collect();
    let lows: Vec<i64> = marks.iter().map(|mark| mark.from.as_millis()).collect();
    let highs: Vec<i64> = marks.iter().map(|mark| mark.to.as_millis()).collect();
    Call::new(ANSWER).with(source.as_str()).with(agents).with(lows).with(highs)
}
