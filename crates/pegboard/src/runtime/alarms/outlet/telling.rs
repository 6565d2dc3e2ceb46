//! What an outlet is to be told: the difference between the alarms there are and what it was told of them. Pure.
//!
//! Nothing is queued for an outlet, so nothing grows while it is away: what was told is noted, and the rest is what is due.

use std::collections::BTreeMap;

use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Alarm, Told};
use sha2::{Digest as _, Sha256};

use crate::runtime::alarms::condition::Severity;

/// The most that one message tells; what is more comes with the next.
pub const MOST_TOLD: usize = 100;

/// For how long an alarm that is over is still told.
pub const PATIENCE: Millis = Millis::from_hours(24);

/// What is told of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling<'a> {
    /// The alarm.
    pub alarm: &'a Alarm,
    /// Whether it is over.
    pub is_over: bool,
}

impl Telling<'_> {
    /// The same, to be noted.
    pub const fn told(&self) -> Told {
        Told { alarm: self.alarm.id, ended: self.is_over }
    }

    /// In one word.
    pub const fn event(&self) -> &'static str {
        if self.is_over { "ended" } else { "raised" }
    }
}

/// What is due for an outlet that was there since `known`, of alarms at least as bad as `least`, the oldest first.
pub(super) fn due<'a>(
    alarms: &'a [Alarm],
    told: &[Told],
    known: Timestamp,
    least: Severity,
    now: Timestamp,
) -> Vec<Telling<'a>> {
    let told: BTreeMap<u64, bool> = told.iter().map(|told| (told.alarm, told.ended)).collect();
    let is_due = |alarm: &&Alarm| match (told.get(&alarm.id), alarm.ended) {
        // It was told of it, so it is told how it went, whatever was said meanwhile.
        (Some(false), Some(ended)) => now.since(ended) < PATIENCE,
        (Some(_), _) => false,
        (None, None) => is_wanted(alarm, least, now),
        // It came and went while the outlet was away.
        (None, Some(ended)) => {
            alarm.since >= known && now.since(ended) < PATIENCE && is_wanted(alarm, least, ended)
        }
    };
    let mut due: Vec<_> = alarms.iter().filter(is_due).collect();
    due.sort_by_key(|alarm| alarm.id);
    due.truncate(MOST_TOLD);
    due.into_iter().map(|alarm| Telling { alarm, is_over: alarm.ended.is_some() }).collect()
}

/// Whether somebody wants to hear of it who was not told yet.
fn is_wanted(alarm: &Alarm, least: Severity, at: Timestamp) -> bool {
    let is_bad_enough = Severity::from_name(&alarm.severity).is_none_or(|severity| severity >= least);
    let is_silent = alarm.silence.as_ref().is_some_and(|silence| at < silence.until);
    is_bad_enough && !is_silent && alarm.acknowledged.is_none()
}

/// What a message is known by: the same for the same content, so that whoever gets it twice can tell.
pub(super) fn message_id(telling: &[Telling<'_>]) -> String {
    let mut hash = Sha256::new();
    for one in telling {
        hash.update(format!("{}-{};", one.alarm.id, one.event()));
    }
    let digest = hash.finalize();
    digest.iter().take(16).fold(String::from("alarms_"), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use pegboard_store::{AlarmMark, Silence};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn alarm(id: u64, since: i64, ended: Option<i64>) -> Alarm {
        Alarm {
            id,
            condition: "source-failing".into(),
            severity: "critical".into(),
            subject: "shard".into(),
            source: None,
            text: "no answer".into(),
            since: at(since),
            seen: at(since),
            ended: ended.map(at),
            acknowledged: None,
            silence: None,
        }
    }

    fn mark() -> AlarmMark {
        AlarmMark { by: "ops".into(), at: at(0), comment: None }
    }

    fn told_at(now: i64, alarms: &[Alarm], told: &[Told], least: Severity) -> Vec<(u64, &'static str)> {
        let due = due(alarms, told, at(0), least, at(now));
        due.into_iter().map(|one| (one.alarm.id, one.event())).collect()
    }

    fn told(alarms: &[Alarm], told: &[Told]) -> Vec<(u64, &'static str)> {
        told_at(60, alarms, told, Severity::Warning)
    }

    const RAISED: Told = Told { alarm: 1, ended: false };

    #[test]
    fn an_alarm_is_told_once_and_so_is_its_end() {
        let (open, over) = ([alarm(1, 0, None)], [alarm(1, 0, Some(30))]);
        assert_eq!(told(&open, &[]), [(1, "raised")]);
        assert_eq!(told(&open, &[RAISED]), []);
        assert_eq!(told(&over, &[RAISED]), [(1, "ended")]);
        assert_eq!(told(&over, &[Told { alarm: 1, ended: true }]), []);
    }

    #[test]
    fn what_came_and_went_while_an_outlet_was_away_is_told_for_a_day() {
        let over = [alarm(1, 0, Some(30))];
        let day = 24 * 3600;
        assert_eq!(told_at(29 + day, &over, &[], Severity::Warning), [(1, "ended")]);
        assert_eq!(told_at(30 + day, &over, &[], Severity::Warning), []);
        assert_eq!(told_at(30 + day, &over, &[RAISED], Severity::Warning), []);
        assert_eq!(told(&[alarm(1, -1, Some(30))], &[]), [], "the outlet was not there yet");
        assert_eq!(told(&[alarm(1, -1, None)], &[]), [(1, "raised")], "a new outlet is told what is open");
    }

    #[test]
    fn what_is_not_bad_enough_silenced_or_acknowledged_is_not_told() {
        let warning = [Alarm { severity: "warning".into(), ..alarm(1, 0, None) }];
        assert_eq!(told_at(60, &warning, &[], Severity::Critical), []);
        assert_eq!(told_at(60, &warning, &[], Severity::Warning), [(1, "raised")]);
        let silent =
            |until| Alarm { silence: Some(Silence { until: at(until), mark: mark() }), ..alarm(1, 0, None) };
        assert_eq!(told(&[silent(61)], &[]), []);
        assert_eq!(told(&[silent(60)], &[]), [(1, "raised")], "the silence is over");
        let over = Alarm { ended: Some(at(30)), ..silent(31) };
        assert_eq!(told(std::slice::from_ref(&over), &[]), [], "it came and went in silence");
        assert_eq!(told(&[over], &[RAISED]), [(1, "ended")], "who was told hears the end");
        let known = Alarm { acknowledged: Some(mark()), ..alarm(1, 0, None) };
        assert_eq!(told(&[known], &[]), []);
    }

    #[test]
    fn r28_a_message_tells_a_hundred_alarms_the_oldest_first() {
        let alarms: Vec<_> = (1..=101).rev().map(|id| alarm(id, 0, None)).collect();
        let told = told(&alarms, &[]);
        assert_eq!((told.len(), told[0].0, told[99].0), (100, 1, 100));
        assert_eq!(super::due(&alarms[1..], &[], at(0), Severity::Warning, at(1)).len(), 100);
    }

    #[test]
    fn a_message_is_known_by_what_it_tells() {
        let (open, over) = (alarm(1, 0, None), alarm(1, 0, Some(30)));
        let id = |alarm: &Alarm, is_over| message_id(&[Telling { alarm, is_over }]);
        assert_eq!(id(&open, false), id(&Alarm { text: "other words".into(), ..open.clone() }, false));
        assert_ne!(id(&open, false), id(&over, true));
        assert_eq!(id(&open, false).len(), 39);
    }
}
