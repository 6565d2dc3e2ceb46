//! When what is wrong becomes an alarm, and when the alarm is over. Pure: time comes in.
//!
//! A condition has to hold for its time before it is an alarm, and to be over for a while before the alarm is: what comes
//! and goes is one alarm, not fifty.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Alarm, AlarmNote, AlarmSeen};

use super::condition::{Condition, RESTS};
use super::standing::Standing;

/// How often that an alarm still stands is written down, where nothing about it changes.
const CONFIRM: Millis = Millis::from_minutes(1);

/// For how long it is remembered when something held last.
const REMEMBERED: Millis = Millis::from_minutes(5);

type Key = (Condition, String);

/// What was seen until now.
#[derive(Debug, Default)]
pub struct Judge {
    /// Since when each condition holds that holds now.
    holds: BTreeMap<Key, Timestamp>,
    /// When what is over held last.
    held: BTreeMap<Key, Timestamp>,
}

impl Judge {
    /// What is to be written, if `standing` is what is wrong and `open` the alarms that are open in the store.
    pub fn judge(&mut self, now: Timestamp, standing: &[Standing], open: &[Alarm]) -> AlarmNote {
        self.look(now, standing, open);
        let known = |standing: &Standing| open.iter().find(|alarm| is_about(alarm, standing));
        let mut seen = Vec::new();
        for standing in standing {
            let since = self.since(standing).unwrap_or(now).min(now);
            let is_news = match known(standing) {
                Some(alarm) => *alarm.text != *standing.text || now.since(alarm.seen) >= CONFIRM,
                None => now.since(since) >= standing.condition.after(),
            };
            if is_news {
                seen.push(as_seen(standing, since));
            }
        }
        let is_over = |alarm: &&Alarm| {
            let Some(key) = key_of(alarm) else { return true };
            let last = self.held.get(&key);
            !self.holds.contains_key(&key) && last.is_none_or(|last| now.since(*last) >= RESTS)
        };
        let ended = open.iter().filter(is_over).map(|alarm| alarm.id).collect();
        AlarmNote { at: now, seen, ended }
    }

    /// Takes note of what holds, and of what does not any more.
    fn look(&mut self, now: Timestamp, standing: &[Standing], open: &[Alarm]) {
        let keys: BTreeSet<Key> = standing.iter().map(|one| (one.condition, one.subject.clone())).collect();
        // Of what was open before this node looked, it begins to count now.
        for key in open.iter().filter_map(key_of).filter(|key| !keys.contains(key)) {
            self.held.entry(key).or_insert(now);
        }
        for key in &keys {
            self.holds.entry(key.clone()).or_insert(now);
            self.held.insert(key.clone(), now);
        }
        self.holds.retain(|key, _| keys.contains(key));
        self.held.retain(|_, last| now.since(*last) < REMEMBERED);
    }

    /// Since when it holds, as far back as anybody knows.
    fn since(&self, standing: &Standing) -> Option<Timestamp> {
        let noticed = self.holds.get(&(standing.condition, standing.subject.clone())).copied();
        standing.since.into_iter().chain(noticed).min()
    }
}

/// What an alarm is about, unless no condition of this release is called so.
fn key_of(alarm: &Alarm) -> Option<Key> {
    Some((Condition::from_name(&alarm.condition)?, alarm.subject.to_string()))
}

fn is_about(alarm: &Alarm, standing: &Standing) -> bool {
    *alarm.condition == *standing.condition.as_str() && *alarm.subject == *standing.subject
}

fn as_seen(standing: &Standing, since: Timestamp) -> AlarmSeen {
    let Standing { condition, subject, source, text, .. } = standing;
    AlarmSeen {
        condition: condition.as_str().into(),
        severity: condition.severity().as_str().into(),
        subject: subject.as_str().into(),
        source: source.clone(),
        text: text.as_str().into(),
        since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn wrong(condition: Condition) -> Standing {
        Standing::new(condition, "wfm", "it answers 503")
    }

    fn open(condition: Condition, seen: i64) -> Alarm {
        let seen_as = as_seen(&wrong(condition), at(0));
        let AlarmSeen { condition, severity, subject, source, text, since } = seen_as;
        let (acknowledged, silence, ended, seen) = (None, None, None, at(seen));
        Alarm { id: 7, condition, severity, subject, source, text, since, seen, ended, acknowledged, silence }
    }

    fn raised(note: &AlarmNote) -> Vec<(&str, Timestamp)> {
        note.seen.iter().map(|seen| (&*seen.condition, seen.since)).collect()
    }

    #[test]
    fn what_passes_before_its_time_is_no_alarm() {
        let mut judge = Judge::default();
        let failing = || vec![wrong(Condition::SinkFailing)];
        assert_eq!(raised(&judge.judge(at(0), &failing(), &[])), []);
        assert_eq!(raised(&judge.judge(at(119), &failing(), &[])), []);
        assert_eq!(raised(&judge.judge(at(119), &[], &[])), []);
        assert_eq!(raised(&judge.judge(at(120), &failing(), &[])), [], "it began anew");
        assert_eq!(raised(&judge.judge(at(239), &failing(), &[])), []);
        assert_eq!(raised(&judge.judge(at(240), &failing(), &[])), [("sink-failing", at(120))]);
    }

    #[test]
    fn what_is_known_to_hold_for_long_is_an_alarm_at_once() {
        let since = |since| vec![Standing { since: Some(since), ..wrong(Condition::SinkFailing) }];
        assert_eq!(raised(&Judge::default().judge(at(120), &since(at(0)), &[])), [("sink-failing", at(0))]);
        assert_eq!(raised(&Judge::default().judge(at(120), &since(at(1)), &[])), []);
        let ahead = vec![Standing { since: Some(at(999)), ..wrong(Condition::DataLost) }];
        assert_eq!(
            raised(&Judge::default().judge(at(5), &ahead, &[])),
            [("data-lost", at(5))],
            "a clock is off"
        );
    }

    #[test]
    fn an_alarm_is_over_when_its_condition_has_been_for_two_minutes() {
        let mut judge = Judge::default();
        let stopped = || vec![wrong(Condition::SourceStopped)];
        assert_eq!(raised(&judge.judge(at(0), &stopped(), &[])).len(), 1, "nobody waits for that");
        let alarm = [open(Condition::SourceStopped, 0)];
        assert_eq!(judge.judge(at(10), &stopped(), &alarm).ended, [0_u64; 0]);
        assert_eq!(judge.judge(at(129), &[], &alarm).ended, [0_u64; 0]);
        assert_eq!(
            judge.judge(at(129), &stopped(), &alarm).ended,
            [0_u64; 0],
            "it comes back, and is the same"
        );
        assert_eq!(judge.judge(at(248), &[], &alarm).ended, [0_u64; 0]);
        assert_eq!(judge.judge(at(249), &[], &alarm).ended, [7]);
    }

    #[test]
    fn who_takes_over_ends_nothing_before_its_time() {
        let mut judge = Judge::default();
        let alarm = [open(Condition::SourceStopped, 0)];
        assert_eq!(judge.judge(at(1000), &[], &alarm).ended, [0_u64; 0]);
        assert_eq!(judge.judge(at(1119), &[], &alarm).ended, [0_u64; 0]);
        assert_eq!(judge.judge(at(1120), &[], &alarm).ended, [7]);
    }

    #[test]
    fn what_stands_unchanged_is_written_once_a_minute_and_what_changes_at_once() {
        let mut judge = Judge::default();
        let stopped = || vec![wrong(Condition::SourceStopped)];
        let alarm = [open(Condition::SourceStopped, 0)];
        assert_eq!(judge.judge(at(59), &stopped(), &alarm).seen, []);
        assert_eq!(judge.judge(at(60), &stopped(), &alarm).seen.len(), 1);
        let changed = vec![Standing { text: "it is gone".into(), ..wrong(Condition::SourceStopped) }];
        assert_eq!(judge.judge(at(61), &changed, &alarm).seen.len(), 1);
    }

    #[test]
    fn an_alarm_of_another_release_is_over() {
        let alarm = [Alarm { condition: "moon-phase".into(), ..open(Condition::SourceStopped, 0) }];
        assert_eq!(Judge::default().judge(at(0), &[], &alarm).ended, [7]);
    }
}
