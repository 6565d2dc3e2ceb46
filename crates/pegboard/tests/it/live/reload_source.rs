//! Days that are made anew from what the source itself still has of them.

use jiff::tz::TimeZone;
use pegboard::runtime::reload::{ReloadError, ReloadRequest, ReloadStatus};
use pegboard::runtime::view::View as _;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::{Delivery, Stream};
use pegboard_store::{FeedKind, ReloadState};

use super::reload::{both_days, over, reload, rows_of, told, two_days};
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed};
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, until};
use crate::support::script::{Given, Script};

/// Asks the source for the days from one instant to another.
pub(crate) fn from_source(from: Timestamp, to: Timestamp) -> ReloadRequest {
    let date = |at: Timestamp| {
        jiff::Timestamp::from_millisecond(at.as_millis()).unwrap().to_zoned(TimeZone::UTC).date()
    };
    ReloadRequest { from: date(from), to: date(to), from_source: true, ..both_days() }
}

/// A source that has lost a third of what it brought, and gives all of it when it is asked for days: contacts whatever there is,
/// agents as far as `reaches`.
fn lossy(day: &Day, reaches: Timestamp) -> Script {
    let (script, deliveries) = (Script::new(false), day.deliveries());
    script.add(ONLY, &[]);
    let lost: Vec<&Delivery> = deliveries.iter().step_by(3).collect();
    feed(
        &script,
        ONLY,
        &deliveries,
        |one| lost.iter().all(|lost| lost.json != one.json),
        day.start,
        all_arrived(day),
    );
    for (name, reaches, of) in
        [("the stream", Some(reaches), Stream::AgentEvents), ("the bucket", None, Stream::ContactRecords)]
    {
        let has = |one: &&Delivery| one.stream == of && reaches.is_none_or(|reaches| one.at >= reaches);
        let records = deliveries.iter().filter(has).map(|one| one.json.clone()).collect();
        script.give(Given { name, reaches, partition: ONLY, records });
    }
    clock::set(all_arrived(day));
    script
}

async fn whole(day: &Day, script: &Script) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(script, &config(), folder.path()).await;
    live.settle(script, day.end).await;
    let tables = live.tables(day.start, day.end).await;
    live.stop().await;
    tables
}

async fn settled(day: &Day, script: &Script, folder: &std::path::Path) -> Live {
    let live = Live::start(script, &config(), folder).await;
    live.settle(script, day.end).await;
    live
}

fn notes(done: &ReloadStatus) -> Vec<&str> {
    done.progress.notes.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn r24_what_the_source_still_has_is_asked_for_once_more_and_each_day_is_swapped_as_a_whole() {
    let (day, complete) = two_days();
    let expected = whole(&day, &complete).await;
    let (script, folder) = (lossy(&day, day.start - Millis::from_hours(48)), tempfile::tempdir().unwrap());
    let live = settled(&day, &script, folder.path()).await;
    let before = live.tables(day.start, day.end).await;
    assert!(before["agent_interval"] != expected["agent_interval"], "nothing is lost");
    assert!(before["queue_interval"] != expected["queue_interval"], "nothing is lost");

    let preview = live.hub.preview_reload(from_source(day.start, day.end)).await.unwrap();
    assert_alike(&before, &live.tables(day.start, day.end).await);
    let cursor = live.store.feed_end(FeedKind::Rows).await.unwrap();
    let done = reload(&live, from_source(day.start, day.end)).await;
    assert_eq!((done.state, notes(&done)), (ReloadState::Done, Vec::new()), "{done:?}");
    assert!(done.progress.observations > 0 && done.progress.contacts > 0, "{done:?}");
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    assert_eq!(done.progress.differ, rows_of(&preview), "as the preview said");
    let told = told(&live, &cursor).await;
    let days: Vec<_> = told.iter().filter_map(|entry| entry["swapped"]["from"].as_str()).collect();
    assert_eq!(days, ["2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"], "one entry for each day");
    assert!(told.iter().all(|entry| entry["reason"] == "reload"), "nobody else wrote: {told:?}");

    let again = reload(&live, from_source(day.start, day.end)).await;
    assert_eq!((again.state, again.progress.differ), (ReloadState::Done, 0));
    live.stop().await;
}

#[tokio::test]
async fn what_the_source_has_no_more_is_said_of_its_day_which_stays_as_it_is() {
    let (day, _) = two_days();
    let reaches: Timestamp = "2026-03-02T19:00:00Z".parse().unwrap();
    let (script, folder) = (lossy(&day, reaches), tempfile::tempdir().unwrap());
    let live = settled(&day, &script, folder.path()).await;
    let written = live.report("agent_interval", day.start, reaches - Millis::from_hours(1)).await;
    let request = ReloadRequest { from: "2026-03-01".parse().unwrap(), ..from_source(day.start, day.end) };
    let done = reload(&live, request).await;
    assert_eq!((done.state, done.progress.days_done), (ReloadState::Done, 3), "{done:?}");
    assert_eq!(
        notes(&done),
        [
            "2026-03-01: its source has nothing of it any more: its rows stay as they are",
            "2026-03-02: the stream has it from 2026-03-02T19:00:00Z on only",
        ]
    );
    let now = live.report("agent_interval", day.start, reaches - Millis::from_hours(1)).await;
    assert_eq!(now, written, "what the stream has no more is as the store has it");
    live.stop().await;
}

#[tokio::test]
async fn r03_a_reload_from_the_source_goes_on_after_a_crash_and_can_be_cancelled() {
    let (day, complete) = two_days();
    let expected = whole(&day, &complete).await;
    let (script, folder) = (lossy(&day, day.start - Millis::from_hours(48)), tempfile::tempdir().unwrap());
    let live = settled(&day, &script, folder.path()).await;
    let asked = live.hub.reload(from_source(day.start, day.end), "a test").await.unwrap();
    live.hub.cancel_reload(asked.id).await.unwrap();
    let ended = over(&live, asked.id).await;
    assert!(ended.state != ReloadState::Failed, "{ended:?}");

    let asked = live.hub.reload(from_source(day.start, day.end), "a test").await.unwrap();
    until("a day is held", async || {
        live.store.reload_day(&SOURCE.into()).await.unwrap().is_some()
            || !live.hub.reloads(&[], None, 1).await.unwrap()[0].state.is_open()
    })
    .await;
    let store = live.store.clone();
    live.die();
    for dead in store.roll().await.unwrap().nodes {
        store.leave(&dead.node).await.unwrap();
    }
    let live = Live::over(store, Box::new(script), &config()).await;
    let done = over(&live, asked.id).await;
    assert_eq!((done.state, done.progress.days_done), (ReloadState::Done, 2));
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    live.stop().await;
}

#[tokio::test]
async fn a_source_that_gives_nothing_twice_says_so() {
    let (day, script) = two_days();
    let folder = tempfile::tempdir().unwrap();
    let live = settled(&day, &script, folder.path()).await;
    let refused = live.hub.reload(from_source(day.start, day.end), "a test").await.unwrap_err();
    assert!(matches!(refused, ReloadError::GivesNothing), "{refused}");
    let both = ReloadRequest { from_archive: true, ..from_source(day.start, day.end) };
    assert!(matches!(live.hub.preview_reload(both).await, Err(ReloadError::FromBoth)));
    live.stop().await;
}
