//! Alarms: what is open, what is over, and who was told.

use pegboard_store::{Alarm, AlarmMark, AlarmNote, AlarmSeen, AlarmsAsked, Retention, Silence, Store, Told};

use crate::home::Home;
use crate::sample::{at, source};

const DAY: i64 = 24 * 3600;

pub(crate) fn seen(subject: &str, text: &str) -> AlarmSeen {
    AlarmSeen {
        condition: "source-failing".into(),
        severity: "warning".into(),
        subject: subject.into(),
        source: (subject != "disk").then(source),
        text: text.into(),
        since: at(1),
    }
}

pub(crate) fn opened(subjects: &[&str], seconds: i64) -> AlarmNote {
    let seen = subjects.iter().map(|subject| seen(subject, "the stream is gone")).collect();
    AlarmNote { at: at(seconds), seen, ended: Vec::new() }
}

fn ended(ids: &[u64], seconds: i64) -> AlarmNote {
    AlarmNote { at: at(seconds), seen: Vec::new(), ended: ids.to_vec() }
}

pub(crate) fn mark(seconds: i64) -> AlarmMark {
    AlarmMark { by: "ops \0".into(), at: at(seconds), comment: Some("on it".into()) }
}

async fn all(store: &dyn Store) -> Vec<Alarm> {
    store.alarms(AlarmsAsked { limit: 99, ..AlarmsAsked::default() }).await.unwrap()
}

async fn subjects(store: &dyn Store, asked: AlarmsAsked<'_>) -> Vec<String> {
    let found = store.alarms(AlarmsAsked { limit: 99, ..asked }).await.unwrap();
    found.into_iter().map(|alarm| alarm.subject.to_string()).collect()
}

pub(crate) async fn one_alarm_about_the_same_is_open_and_the_next_time_is_another(home: &dyn Home) {
    let store = home.open().await;
    store.note_alarms(opened(&["shard 1"], 10)).await.unwrap();
    let changed = AlarmNote {
        seen: vec![AlarmSeen { since: at(15), ..seen("shard 1", "it \0 is gone") }],
        ..opened(&[], 20)
    };
    store.note_alarms(changed).await.unwrap();
    let [open] = &*all(&*store).await else { panic!("one alarm") };
    let expected = Alarm {
        id: open.id,
        condition: "source-failing".into(),
        severity: "warning".into(),
        subject: "shard 1".into(),
        source: Some(source()),
        text: "it \0 is gone".into(),
        since: at(1),
        seen: at(20),
        ended: None,
        acknowledged: None,
        silence: None,
    };
    assert_eq!(*open, expected, "it is open since the first time, and tells the newest");
    store.note_alarms(ended(&[open.id], 30)).await.unwrap();
    store.note_alarms(ended(&[open.id], 40)).await.unwrap();
    let over = Alarm { ended: Some(at(30)), ..expected };
    assert_eq!(store.alarm(open.id).await.unwrap(), Some(over.clone()), "an end is noted once");
    store.note_alarms(opened(&["shard 1"], 50)).await.unwrap();
    let [again, before] = &*all(&*store).await else { panic!("two alarms") };
    assert_eq!((again.ended, before), (None, &over));
    assert!(again.id > before.id);
}

pub(crate) async fn alarms_are_asked_for_by_source_by_page_and_by_whether_they_are_open(home: &dyn Home) {
    let store = home.open().await;
    store.note_alarms(opened(&["a", "disk", "b"], 10)).await.unwrap();
    let ids: Vec<_> = all(&*store).await.iter().map(|alarm| alarm.id).collect();
    store.note_alarms(ended(&ids[..1], 20)).await.unwrap();
    let asked = AlarmsAsked::default();
    assert_eq!(subjects(&*store, asked).await, ["b", "disk", "a"]);
    assert_eq!(subjects(&*store, AlarmsAsked { only_open: true, ..asked }).await, ["disk", "a"]);
    assert_eq!(subjects(&*store, AlarmsAsked { before: Some(ids[0]), ..asked }).await, ["disk", "a"]);
    let own = [source()];
    assert_eq!(subjects(&*store, AlarmsAsked { sources: &own, ..asked }).await, ["b", "a"]);
    let others = ["other".into()];
    assert_eq!(subjects(&*store, AlarmsAsked { sources: &others, ..asked }).await, [""; 0]);
    assert_eq!(store.alarms(AlarmsAsked { limit: 1, ..asked }).await.unwrap().len(), 1);
}

pub(crate) async fn notice_is_taken_of_what_is_open_and_a_silence_is_of_what_comes_back(home: &dyn Home) {
    let store = home.open().await;
    store.note_alarms(opened(&["a"], 10)).await.unwrap();
    let id = all(&*store).await[0].id;
    assert!(store.acknowledge_alarm(id, mark(11)).await.unwrap());
    let silence = Silence { until: at(100), mark: mark(12) };
    assert!(store.silence_alarm(id, Silence { until: at(99), ..silence.clone() }).await.unwrap());
    assert!(store.silence_alarm(id, silence.clone()).await.unwrap());
    let known = store.alarm(id).await.unwrap().unwrap();
    assert_eq!((known.acknowledged, known.silence), (Some(mark(11)), Some(silence.clone())));
    store.note_alarms(ended(&[id], 20)).await.unwrap();
    assert!(!store.acknowledge_alarm(id, mark(21)).await.unwrap(), "it is over");
    store.note_alarms(opened(&["a"], 30)).await.unwrap();
    let again = &all(&*store).await[0];
    assert_eq!((&again.acknowledged, &again.silence), (&None, &Some(silence)), "nobody knows of it yet");
    assert!(!store.acknowledge_alarm(id + 99, mark(1)).await.unwrap());
    assert!(!store.silence_alarm(id + 99, Silence { until: at(1), mark: mark(1) }).await.unwrap());
    assert_eq!(store.alarm(id + 99).await.unwrap(), None);
}

pub(crate) async fn what_an_outlet_was_told_is_kept_for_each(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.know_outlet("mail", at(5)).await.unwrap(), at(5));
    assert_eq!(store.know_outlet("mail", at(9)).await.unwrap(), at(5), "it was known before");
    let told = |alarm, ended| Told { alarm, ended };
    store.note_told("mail", &[told(1, false), told(2, true)], at(6)).await.unwrap();
    store.note_told("mail", &[told(1, true), told(2, false)], at(7)).await.unwrap();
    assert_eq!(store.told("mail", &[1, 2, 3]).await.unwrap(), [told(1, true), told(2, true)]);
    assert_eq!(store.told("mail", &[3]).await.unwrap(), []);
    assert_eq!(store.told("hook", &[1, 2]).await.unwrap(), [], "each is told by itself");
}

pub(crate) async fn r28_alarms_that_are_over_are_kept_for_400_days(home: &dyn Home) {
    let store = home.open_with(Retention::default()).await;
    store.note_alarms(opened(&["over", "open"], 10)).await.unwrap();
    let id = all(&*store).await[1].id;
    store.silence_alarm(id, Silence { until: at(10), mark: mark(10) }).await.unwrap();
    store.note_told("mail", &[Told { alarm: id, ended: true }], at(10)).await.unwrap();
    store.note_alarms(ended(&[id], 10)).await.unwrap();
    store.sweep(at(400 * DAY + 10)).await.unwrap();
    assert_eq!(all(&*store).await.len(), 2);
    store.sweep(at(400 * DAY + 11)).await.unwrap();
    assert_eq!(subjects(&*store, AlarmsAsked::default()).await, ["open"], "what is open stays");
    assert_eq!(store.told("mail", &[id]).await.unwrap(), []);
}
