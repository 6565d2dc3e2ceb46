//! Adding up rows of several queues.

use pegboard_model::Fixed;
use pegboard_model::policy::ServiceLevelFormula;
use pegboard_model::report::{AgentQueueInterval, QueueInterval};

/// Adds a row of the same interval to a sum.
pub(super) fn add_queue(sum: &mut QueueInterval, row: &QueueInterval) {
    let in_time = removed_in_time(sum).zip(removed_in_time(row));
    sum.offered += row.offered;
    sum.answered += row.answered;
    sum.answered_in_sl += row.answered_in_sl;
    sum.abandoned += row.abandoned;
    sum.abandoned_in_sl += row.abandoned_in_sl;
    sum.abandoned_short += row.abandoned_short;
    sum.transferred_out += row.transferred_out;
    sum.transferred_in += row.transferred_in;
    sum.queue_answered_s += row.queue_answered_s;
    sum.queue_answered_max_s = sum.queue_answered_max_s.max(row.queue_answered_max_s);
    sum.queue_abandoned_s += row.queue_abandoned_s;
    sum.queue_abandoned_max_s = sum.queue_abandoned_max_s.max(row.queue_abandoned_max_s);
    sum.talk_s += row.talk_s;
    sum.hold_s += row.hold_s;
    sum.acw_s += row.acw_s;
    sum.handle_s += row.handle_s;
    add(&mut sum.backlog, row.backlog);
    add(&mut sum.backlog_expired, row.backlog_expired);
    add(&mut sum.right_party, row.right_party);
    add(&mut sum.right_party_talk_s, row.right_party_talk_s);
    add(&mut sum.right_party_acw_s, row.right_party_acw_s);
    add(&mut sum.wrong_party, row.wrong_party);
    add(&mut sum.wrong_party_talk_s, row.wrong_party_talk_s);
    add(&mut sum.wrong_party_acw_s, row.wrong_party_acw_s);
    add(&mut sum.active, row.active);
    sum.service_level_pct = service_level(sum, in_time.map_or(0, |(a, b)| a + b));
}

/// Adds a row of the same interval to a sum.
pub(super) fn add_agent_queue(sum: &mut AgentQueueInterval, row: &AgentQueueInterval) {
    sum.answered += row.answered;
    sum.talk_s += row.talk_s;
    sum.hold_s += row.hold_s;
    sum.acw_s += row.acw_s;
    sum.handle_s += row.handle_s;
    sum.transferred_by_agent += row.transferred_by_agent;
}

fn add<T: std::ops::AddAssign + Copy>(sum: &mut Option<T>, more: Option<T>) {
    match (sum.as_mut(), more) {
        (Some(sum), Some(more)) => *sum += more,
        (None, more) => *sum = more,
        (Some(_), None) => {}
    }
}

fn service_level(sum: &QueueInterval, removed_in_time: u64) -> Option<Fixed> {
    let (part, whole) = match sum.service_level_formula {
        ServiceLevelFormula::Answered => (sum.answered_in_sl, sum.answered),
        ServiceLevelFormula::AnsweredAbandonedLate => {
            (sum.answered_in_sl, sum.answered + sum.abandoned - sum.abandoned_in_sl)
        }
        ServiceLevelFormula::Offered => (sum.answered_in_sl + sum.abandoned_in_sl, sum.offered),
        ServiceLevelFormula::Aws => (removed_in_time, sum.offered),
    };
    Fixed::percent(i64::try_from(part).ok()?, i64::try_from(whole).ok()?)
}

/// How many contacts left the queue in time for whatever reason, which only the percentage by the formula of AWS tells. Exact for
/// fewer than five thousand contacts, since the percentage has two decimals.
fn removed_in_time(row: &QueueInterval) -> Option<u64> {
    if row.service_level_formula != ServiceLevelFormula::Aws {
        return None;
    }
    let hundredths = u64::try_from(row.service_level_pct.map_or(0, Fixed::units)).ok()?;
    Some((hundredths * row.offered + 5000) / 10_000)
}
