//! The day before, captured again: what its source still gives, and the rows that follow, swapped as one.

use pegboard::config::SourceConfig;
use pegboard::runtime::view::View as _;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::{Delivery, Stream};
use pegboard_store::{FeedKind, ReloadState};

use super::reload::{both_days, over, reload, told};
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed, one_partition};
use crate::support::live::{Live, SOURCE, assert_alike, config, until};
use crate::support::script::Script;

/// Half past two in the morning after the day, and a minute.
fn next_morning() -> Timestamp {
    "2026-03-03T02:31:00Z".parse().unwrap()
}

fn nightly() -> SourceConfig {
    SourceConfig { recapture_at: Some(Millis::from_minutes(150)), ..config() }
}

/// A source that brings some of its contact records only when it is captured again, in chunks.
fn forgetful(day: &Day) -> Script {
    let (script, deliveries) = (Script::new(false), day.deliveries());
    script.add(ONLY, &[]);
    let contacts = |delivery: &&Delivery| delivery.stream == Stream::ContactRecords;
    let kept_back: Vec<&Delivery> = deliveries.iter().filter(contacts).step_by(3).collect();
    assert!(kept_back.len() > 10, "{}", kept_back.len());
    let comes = |delivery: &Delivery| kept_back.iter().all(|kept| kept.json != delivery.json);
    feed(&script, ONLY, &deliveries, comes, day.start, all_arrived(day));
    for part in kept_back.chunks(7) {
        script.keep_back(ONLY, part.iter().map(|delivery| delivery.json.clone()).collect());
    }
    clock::set(all_arrived(day));
    script
}

#[tokio::test]
async fn r24_what_is_captured_again_is_seen_as_a_whole_when_all_of_it_is_read() {
    let day = Day::of(12, 6, 14);
    let whole = tempfile::tempdir().unwrap();
    let complete = one_partition(&day, false);
    let live = Live::start(&complete, &config(), whole.path()).await;
    live.settle(&complete, day.end).await;
    let expected = live.tables(day.start, day.end).await;
    live.stop().await;

    let (script, folder) = (forgetful(&day), tempfile::tempdir().unwrap());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    live.stop().await;

    clock::set(next_morning());
    script.push::<&str>(ONLY, &[], next_morning());
    let live = Live::start(&script, &nightly(), folder.path()).await;
    let mut before = live.tables(day.start, day.end).await;
    // Whoever asks for others has them made of the facts of that moment.
    before.retain(|name, _| name.ends_with("_interval"));
    assert!(before["queue_interval"] != expected["queue_interval"], "nothing was kept back");
    let cursor = live.store.feed_end(FeedKind::Rows).await.unwrap();
    until("it is read once more", async || script.captured() == 1).await;
    live.read_all(&script).await;
    let is_marked = async || !live.store.dirty(&SOURCE.into(), 1).await.unwrap().is_empty();
    until("what came left its marks", is_marked).await;
    assert_alike(&before, &live.tables(day.start, day.end).await);
    assert!(live.store.reload_day(&SOURCE.into()).await.unwrap().is_some_and(|day| !day.swapped));

    script.has_captured();
    let asked = live.hub.reloads(&[], None, 1).await.unwrap().remove(0);
    let done = over(&live, asked.id).await;
    assert_eq!(
        (done.state, done.progress.by.as_str(), &done.progress.notes[..]),
        (ReloadState::Done, "recapture", &[][..])
    );
    live.close(day.end).await;
    assert_alike(&expected, &live.tables(day.start, day.end).await);
    let told = told(&live, &cursor).await;
    let swaps: Vec<_> = told.iter().filter(|entry| entry["swapped"].is_object()).collect();
    assert_eq!(swaps.len(), 1, "{told:?}");
    assert_eq!(
        (&swaps[0]["swapped"]["from"], &swaps[0]["reason"]),
        (&"2026-03-02T00:00:00Z".into(), &"recapture".into())
    );
    let rows = live.report("queue_interval", day.start, day.end).await;
    assert!(
        rows.iter().all(|row| row["revision"] == 1 || row["reason"] == "recapture"),
        "and nothing was written before"
    );
    live.stop().await;

    // Whoever starts again does not do it again.
    let live = Live::start(&script, &nightly(), folder.path()).await;
    live.close(day.end).await;
    assert_eq!(reload(&live, both_days()).await.progress.differ, 0, "whoever asks for more is next");
    assert_eq!((live.hub.reloads(&[], None, 9).await.unwrap().len(), script.captured()), (2, 1));
    live.stop().await;
}

#[tokio::test]
async fn r28_a_day_is_held_for_an_hour_at_most_for_what_is_captured_again() {
    let day = Day::of(6, 4, 15);
    let (script, folder) = (forgetful(&day), tempfile::tempdir().unwrap());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    live.stop().await;
    clock::set(next_morning());
    script.push::<&str>(ONLY, &[], next_morning());
    let live = Live::start(&script, &nightly(), folder.path()).await;
    until("it is read once more", async || script.captured() == 1).await;
    live.read_all(&script).await;
    let asked = live.hub.reloads(&[], None, 1).await.unwrap().remove(0);
    clock::set(next_morning() + Millis::from_minutes(60));
    assert!(live.hub.reloads(&[], None, 1).await.unwrap()[0].state.is_open());
    clock::set(next_morning() + Millis::from_minutes(60) + Millis::new(1));
    let done = over(&live, asked.id).await;
    assert_eq!(done.state, ReloadState::Done);
    assert!(done.progress.notes[0].contains("for an hour"), "{:?}", done.progress.notes);
    assert!(done.progress.differ > 0, "the day is made of what is there");
    live.stop().await;
}
