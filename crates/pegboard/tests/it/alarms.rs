//! Alarms of a running hub: what is wrong becomes one, and is over when it is mended.

use std::time::Duration;

use pegboard::runtime::alarms::AlarmOptions;
use pegboard::runtime::hub::NodeOptions;
use pegboard_model::Millis;
use pegboard_store::{Alarm, AlarmsAsked, Store};
use tempfile::TempDir;

use crate::support::clock;
use crate::support::event::{change, minute};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, config, open_store, until};
use crate::support::script::Script;

/// The newest alarm of a condition.
pub(crate) async fn newest(store: &dyn Store, condition: &str) -> Option<Alarm> {
    let asked = AlarmsAsked { limit: 100, ..AlarmsAsked::default() };
    let alarms = store.alarms(asked).await.unwrap();
    alarms.into_iter().find(|alarm| &*alarm.condition == condition)
}

async fn is_open(store: &dyn Store, condition: &str) -> bool {
    newest(store, condition).await.is_some_and(|alarm| alarm.ended.is_none())
}

async fn is_over(store: &dyn Store, condition: &str) -> bool {
    newest(store, condition).await.is_some_and(|alarm| alarm.ended.is_some())
}

#[tokio::test]
async fn what_is_lost_and_what_fails_is_an_alarm_until_it_is_over() {
    let folder = TempDir::new().unwrap();
    let store = open_store(folder.path());
    let script = Script::new(false);
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    let alarms = AlarmOptions { every: Duration::from_millis(10) };
    let options = NodeOptions { alarms, ..NodeOptions::default() };
    let live = Live::joining(store.clone(), Box::new(script.clone()), &config(), options).await;
    live.read_all(&script).await;
    // From its next position on nothing is kept: it is lost, and cannot be opened again.
    script.shut(true);
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    script.expire(ONLY, 3);
    script.push(ONLY, &[change(minute(30), "Training")], minute(31));
    until("the loss is an alarm", async || is_open(&*store, "data-lost").await).await;
    let lost = newest(&*store, "data-lost").await.unwrap();
    assert_eq!(*lost.subject, format!("{SOURCE} / {ONLY}"));
    assert_eq!((&*lost.severity, lost.source), ("critical", Some(SOURCE.into())));
    until("the source fails", async || live.status().await.error.is_some()).await;
    assert_eq!(newest(&*store, "source-failing").await, None, "that may pass");
    clock::set(minute(62));
    until("the failure is an alarm", async || is_open(&*store, "source-failing").await).await;
    let failing = newest(&*store, "source-failing").await.unwrap();
    assert_eq!((failing.since, &*failing.severity), (minute(60), "critical"));

    script.shut(false);
    live.read_all(&script).await;
    until("nothing fails", async || live.status().await.error.is_none()).await;
    assert!(is_open(&*store, "source-failing").await, "it may come back");
    clock::set(minute(65));
    until("the failure is over", async || is_over(&*store, "source-failing").await).await;
    assert!(is_open(&*store, "data-lost").await, "that stays news for a day");
    clock::set(minute(65) + Millis::from_hours(24));
    until("the loss is no news", async || is_over(&*store, "data-lost").await).await;
    live.stop().await;
}
