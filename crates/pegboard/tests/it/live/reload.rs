//! Days that are made anew: by what settings say now, beside live work, and each swapped as a whole.

use std::collections::BTreeSet;
use std::path::Path;

use pegboard::config::SourceConfig;
use pegboard::runtime::reload::{ReloadError, ReloadRequest, ReloadStatus};
use pegboard::runtime::view::{Report, View as _};
use pegboard_engine::queues::QueueGoals;
use pegboard_model::Millis;
use pegboard_model::policy::GroupBy;
use pegboard_store::{Cursor, FeedKind, ReloadState};
use serde_json::Value;

use crate::support::day::Day;
use crate::support::feeding::one_partition;
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, until};
use crate::support::script::Script;

/// A day of 24 hours that begins at seven, so that midnight is within it.
pub(super) fn two_days() -> (Day, Script) {
    let day = Day::of(12, 24, 9);
    let script = one_partition(&day, false);
    (day, script)
}

/// Settings by which rows of queues, agents and groups are others.
pub(super) fn other() -> SourceConfig {
    let goals = QueueGoals { service_level: Millis::from_seconds(1), short_abandon: Millis::from_hours(1) };
    SourceConfig { default_goals: goals, group_by: GroupBy::RoutingProfile, ..config() }
}

pub(crate) fn both_days() -> ReloadRequest {
    let (from, to) = ("2026-03-02".parse().unwrap(), "2026-03-03".parse().unwrap());
    ReloadRequest {
        source: SOURCE.into(),
        from,
        to,
        queues: Vec::new(),
        agents: Vec::new(),
        from_archive: false,
        from_source: false,
        recapture: None,
    }
}

/// A hub that has closed everything by the usual settings, and goes on by others.
async fn changed(day: &Day, script: &Script, folder: &Path) -> Live {
    let live = Live::start(script, &config(), folder).await;
    live.settle(script, day.end).await;
    live.stop().await;
    let live = Live::start(script, &other(), folder).await;
    live.settle(script, day.end).await;
    live
}

/// What there is by those other settings from the beginning.
async fn expected(day: &Day, script: &Script) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(script, &other(), folder.path()).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    live.stop().await;
    tables
}

pub(super) async fn over(live: &Live, id: u64) -> ReloadStatus {
    let found = async || live.hub.reloads(&[], Some(id + 1), 1).await.unwrap().remove(0);
    until("the reload is over", async || !found().await.state.is_open()).await;
    found().await
}

pub(crate) async fn reload(live: &Live, request: ReloadRequest) -> ReloadStatus {
    let asked = live.hub.reload(request, "a test").await.unwrap();
    over(live, asked.id).await
}

/// Entries of the feed of rows after `cursor`.
pub(super) async fn told(live: &Live, cursor: &Cursor) -> Vec<Value> {
    let page = live.store.feed(FeedKind::Rows, cursor, &[], 10_000).await.unwrap();
    page.entries.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect()
}

/// How many rows a preview is about.
pub(crate) fn rows_of(preview: &Report) -> u64 {
    let key = |line: &Value| format!("{}{}{}", line["report"], line["interval_start"], line["key"]);
    preview.values().iter().map(key).collect::<BTreeSet<_>>().len() as u64
}

#[tokio::test]
async fn r24_a_reload_makes_every_row_what_the_settings_say_now() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = changed(&day, &script, folder.path()).await;
    let expected = expected(&day, &script).await;
    let before = live.tables(day.start, day.end).await;
    assert!(before["queue_interval"] != expected["queue_interval"], "nothing is to be made anew");

    let preview = live.hub.preview_reload(both_days()).await.unwrap();
    assert_eq!(preview.columns, ["report", "interval_start", "key", "column", "old", "new"]);
    assert_alike(&before, &live.tables(day.start, day.end).await);

    let cursor = live.store.feed_end(FeedKind::Rows).await.unwrap();
    let done = reload(&live, both_days()).await;
    assert_eq!((done.state, done.progress.days, done.progress.days_done), (ReloadState::Done, 2, 2));
    assert_eq!(done.progress.differ, rows_of(&preview), "as the preview said");
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    let told = told(&live, &cursor).await;
    let days: Vec<_> = told.iter().map(|entry| entry["swapped"]["from"].as_str().unwrap()).collect();
    assert_eq!(days, ["2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"], "one entry for each day");
    let revised = live.report("queue_interval", day.start, day.end).await;
    assert!(revised.iter().all(|row| row["revision"] == 1 || row["reason"] == "reload"));
    assert!(revised.iter().any(|row| row["revision"] == 2));

    let again = reload(&live, both_days()).await;
    assert_eq!(
        (again.state, again.progress.differ),
        (ReloadState::Done, 0),
        "there is nothing left to change"
    );
    assert_eq!(self::told(&live, &cursor).await.len(), 2);
    live.stop().await;
}

#[tokio::test]
async fn r24_only_rows_of_the_queues_that_are_named_are_made_anew() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = changed(&day, &script, folder.path()).await;
    let (expected, before) = (expected(&day, &script).await, live.tables(day.start, day.end).await);
    let queue = expected["queue_interval"][0]["queue_id"].as_str().unwrap().to_owned();
    let done = reload(&live, ReloadRequest { queues: vec![queue.clone()], ..both_days() }).await;
    assert_eq!(done.state, ReloadState::Done);
    let after = live.tables(day.start, day.end).await;
    for (report, rows) in &after {
        if !report.ends_with("_interval") {
            continue;
        }
        // Of groups there are others now: those of the rows that stay are as they were.
        let own = |row: &&Value| row["queue_id"].as_str() == Some(&queue);
        let not_own = |row: &&Value| !own(row);
        assert!(rows.iter().filter(own).eq(expected[report].iter().filter(own)), "{report}");
        assert!(rows.iter().filter(not_own).eq(before[report].iter().filter(not_own)), "{report}");
    }
    live.stop().await;
}

/// Looks at nothing else meanwhile: a day is held for a few calls of the store only. False where the reload was over before.
async fn until_a_day_is_held(live: &Live) -> bool {
    while live.store.reload_day(&SOURCE.into()).await.unwrap().is_none() {
        if !live.hub.reloads(&[], None, 1).await.unwrap()[0].state.is_open() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// That the rows of a day are all of one of two states.
fn assert_is_whole(local: &str, now: &Tables, before: &Tables, expected: &Tables) {
    let of = |tables: &Tables, name: &str| -> Vec<Value> {
        let is_of = |row: &&Value| row["interval_start"].as_str().unwrap().starts_with(local);
        tables[name].iter().filter(is_of).cloned().collect()
    };
    for name in now.keys().filter(|name| name.ends_with("_interval")) {
        let found = of(now, name);
        assert!(found == of(before, name) || found == of(expected, name), "{name} of {local} is of both");
    }
}

/// Wherever a hub dies: whoever comes next finds each day wholly old or wholly new, and ends what was begun.
#[tokio::test]
async fn r03_a_reload_goes_on_after_a_crash() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let mut live = changed(&day, &script, folder.path()).await;
    let (expected, before) = (expected(&day, &script).await, live.tables(day.start, day.end).await);
    let asked = live.hub.reload(both_days(), "a test").await.unwrap();
    let mut deaths = 0;
    while deaths < 12 && until_a_day_is_held(&live).await {
        // The first dies as soon as the day is held, each later one a call of the store later.
        for _ in 0..deaths {
            live.store.reload_day(&SOURCE.into()).await.unwrap();
        }
        deaths += 1;
        let store = live.store.clone();
        live.die();
        for dead in store.roll().await.unwrap().nodes {
            store.leave(&dead.node).await.unwrap();
        }
        live = Live::over(store, Box::new(script.clone()), &other()).await;
        let now = live.tables(day.start, day.end).await;
        for local in ["2026-03-02", "2026-03-03"] {
            assert_is_whole(local, &now, &before, &expected);
        }
    }
    assert!(deaths > 0, "it was over before anybody died");
    let done = over(&live, asked.id).await;
    assert_eq!((done.state, done.progress.days_done), (ReloadState::Done, 2));
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    live.stop().await;
}

#[tokio::test]
async fn r28_so_many_reloads_wait_and_each_can_be_ended() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = changed(&day, &script, folder.path()).await;
    let mut ids = Vec::new();
    // The others wait while this thread asks for more.
    for _ in 0..40 {
        match live.store.add_reload(waiting(), 20).await.unwrap() {
            Some(id) => ids.push(id),
            None => break,
        }
    }
    assert_eq!(ids.len(), 20);
    let refused = live.hub.reload(both_days(), "a test").await.unwrap_err();
    assert!(matches!(refused, ReloadError::TooManyOpen), "{refused}");
    for id in &ids {
        live.hub.cancel_reload(*id).await.unwrap();
    }
    for id in ids {
        assert!(matches!(over(&live, id).await.state, ReloadState::Cancelled | ReloadState::Done));
    }
    assert!(live.store.reload_day(&SOURCE.into()).await.unwrap().is_none(), "nothing is held");
    assert!(matches!(live.hub.cancel_reload(999).await, Err(ReloadError::Unknown)));
    live.stop().await;
}

fn waiting() -> pegboard_store::ReloadWrite {
    let asked = serde_json::to_string(&both_days()).unwrap();
    let at = crate::support::clock::now();
    pegboard_store::ReloadWrite { source: SOURCE.into(), at, asked, progress: "{}".to_owned() }
}

#[tokio::test]
async fn what_cannot_be_reloaded_is_said() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = changed(&day, &script, folder.path()).await;
    let nobody = ReloadRequest { source: "nobody".into(), ..both_days() };
    let refused = live.hub.reload(nobody, "a test").await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no source 'nobody'");
    let reversed = ReloadRequest { from: both_days().to, to: both_days().from, ..both_days() };
    assert!(matches!(live.hub.reload(reversed, "a test").await, Err(ReloadError::BadDays(_))));
    // Of the day before there is nothing, and nothing changes.
    let (from, to) = ("2026-03-01".parse().unwrap(), "2026-03-01".parse().unwrap());
    let done = reload(&live, ReloadRequest { from, to, ..both_days() }).await;
    assert_eq!((done.state, done.progress.rows), (ReloadState::Done, 0));
    live.stop().await;
}
