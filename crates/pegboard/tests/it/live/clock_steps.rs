//! The machine's clock is set, by ten minutes, forward or back.

use pegboard_model::{Millis, Timestamp};

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed};
use crate::support::live::{Live, assert_alike, config, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

const STEP: Millis = Millis::from_minutes(10);

/// How often the clock is set.
const EVERY: Millis = Millis::from_minutes(30);

/// Reads a day with a clock that is wrong by `errors`, one after the other, and right at the end. The watermark never
/// goes back.
async fn read(day: &Day, script: &Script, errors: [Millis; 2], live: &Live) {
    let mut watermark = Timestamp::MIN;
    let mut from = day.start;
    for error in errors.into_iter().cycle() {
        let to = (from + EVERY).min(all_arrived(day));
        clock::set(to + error);
        feed(script, ONLY, &day.deliveries(), |_| true, from, to);
        live.read_all(script).await;
        let known = live.status().await.watermark.unwrap();
        assert!(watermark <= known, "{known} after {watermark}");
        (watermark, from) = (known, to);
        if from == all_arrived(day) {
            break;
        }
    }
    clock::set(all_arrived(day));
}

fn empty_script() -> Script {
    let script = Script::new(false);
    script.add(ONLY, &[]);
    script
}

#[tokio::test]
async fn r24_a_clock_that_goes_ahead_and_is_set_back_changes_nothing() {
    let (day, folder, script) = (Day::of(12, 5, 61), tempfile::tempdir().unwrap(), empty_script());
    clock::set(day.start);
    let live = Live::start(&script, &config(), folder.path()).await;
    read(&day, &script, [STEP, Millis::ZERO], &live).await;
    live.close(day.end).await;
    assert_eq!(live.store.dead_letters(&[], None, 10).await.unwrap(), []);
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
}

/// What lies more than five minutes ahead is refused, and told: that is the limit, and the only one.
#[tokio::test]
async fn r24_a_clock_that_is_behind_refuses_only_what_is_beyond_its_tolerance() {
    let (day, folder, script) = (Day::of(12, 5, 62), tempfile::tempdir().unwrap(), empty_script());
    clock::set(day.start);
    let live = Live::start(&script, &config(), folder.path()).await;
    read(&day, &script, [Millis::ZERO, Millis::ZERO - STEP], &live).await;
    live.close(day.end).await;
    let letters = live.store.dead_letters(&[], None, 10_000).await.unwrap();
    assert!(!letters.is_empty(), "the clock was never behind");
    for letter in &letters {
        assert!(letter.reason.contains("5 minutes from now"), "{}", letter.reason);
    }
    let counts = live.status().await.counts;
    assert_eq!(counts.failed, letters.len() as u64);
    assert_eq!(counts.records, day.deliveries().len() as u64, "nothing is lost without a trace");
    assert_eq!(counts.events + counts.contacts + counts.failed, counts.records);
    // Five of every sixty minutes were beyond: no more than that is refused.
    assert!(counts.failed * 8 < counts.records, "{counts:?}");
    live.stop().await;
}
