//! What the hub takes, shows and keeps at most, at the limit and one beyond it.

use pegboard::runtime::view::{ReportError, ReportRequest, View as _};
use pegboard_engine::evidence::EARLIEST;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{Batch, Counts, GapWrite};

use crate::support::clock;
use crate::support::event::{change, event, minute, nine};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, config, open_store};
use crate::support::script::Script;

const MILLI: Millis = Millis::new(1);

/// The payloads and reasons of the dead letters that such records leave, the first record first.
async fn letters_of(records: &[String]) -> Vec<(usize, String)> {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(nine());
    script.add(ONLY, &[]);
    script.push(ONLY, records, nine());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let letters = live.store.dead_letters(&[], None, 100).await.unwrap();
    live.stop().await;
    letters.into_iter().rev().map(|letter| (letter.payload.len(), letter.reason.to_string())).collect()
}

#[tokio::test]
async fn r28_64_kib_of_a_dead_letter_are_kept() {
    let lengths = [65_535, 65_536, 65_537];
    let letters = letters_of(&lengths.map(|length| "x".repeat(length))).await;
    let kept: Vec<_> = letters.iter().map(|(length, _)| *length).collect();
    assert_eq!(kept, [65_535, 65_536, 65_536]);
}

#[tokio::test]
async fn r28_a_live_event_is_of_2010_to_five_minutes_ahead() {
    let ahead = nine() + Millis::from_minutes(5);
    // The window of lateness is about the newest event: the oldest comes first.
    let times = [EARLIEST - MILLI, EARLIEST, ahead, ahead + MILLI];
    let letters = letters_of(&times.map(|at| change(at, "Available"))).await;
    let reasons: Vec<_> = letters.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("2009-12-31T23:59:59.999Z lies outside"), "{reasons:?}");
    assert!(reasons[1].contains("09:05:00.001Z lies outside"), "{reasons:?}");
}

#[tokio::test]
async fn r28_r07_an_id_that_fits_no_index_costs_only_itself() {
    // The id of an event is its agent and its time, `@` between.
    let longest = "a".repeat(512 - 1 - nine().to_string().len());
    let agents = [longest.clone(), format!("{longest}a"), "b".repeat(513)];
    let events = agents.map(|agent| event(&agent, "STATE_CHANGE", nine(), "Available"));
    let team =
        |length: usize| change(nine(), "Available").replacen(r#""Configuration":{"#, &level_one(length), 1);
    let letters = letters_of(&[events.as_slice(), &[team(1024), team(1025)]].concat()).await;
    let reasons: Vec<_> = letters.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].starts_with("event id: 513 bytes"), "{reasons:?}");
    assert!(reasons[1].starts_with("agent id: 513 bytes"), "{reasons:?}");
    assert!(reasons[2].starts_with("team: 1025 bytes"), "{reasons:?}");
}

/// The beginning of a configuration, with a hierarchy of one level.
fn level_one(length: usize) -> String {
    let name = "t".repeat(length);
    format!(r#""Configuration":{{"AgentHierarchyGroups":{{"Level1":{{"ARN":"g-1","Name":"{name}"}}}},"#)
}

#[test]
fn r28_a_replayed_event_is_of_2010_to_a_day_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = nine() + Millis::from_hours(24);
    let times = [EARLIEST - MILLI, EARLIEST, ahead, ahead + MILLI];
    let path = folder.path().join("events.ndjson");
    std::fs::write(&path, times.map(|at| change(at, "Available")).join("\n")).unwrap();
    let input = pegboard::replay::Input::parse(path.to_str().unwrap());
    let records =
        pegboard::replay::read(&[input], nine(), 1, pegboard::replay::KeepEvents::No, &|_| {}).unwrap();
    assert_eq!(records.bad.count, 2, "{}", records.bad);
    let told = records.bad.to_string();
    assert!(told.contains("2009-12-31T23:59:59.999Z") && told.contains("09:00:00.001Z"), "{told}");
}

async fn segments(live: &Live, from: Timestamp, to: Timestamp) -> Result<usize, ReportError> {
    let request = ReportRequest { from: Some(from), to: Some(to), ..ReportRequest::new("segments") };
    live.hub.report(request).await.map(|report| report.rows.len())
}

#[tokio::test]
async fn r28_the_hub_reports_31_days_at_once() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(nine());
    let live = Live::start(&script, &config(), folder.path()).await;
    let month = Millis::from_hours(31 * 24);
    assert!(segments(&live, nine() - month, nine()).await.is_ok());
    let refused = segments(&live, nine() - month - MILLI, nine()).await;
    assert!(matches!(refused, Err(ReportError::BadWindow(_))), "{refused:?}");
    live.stop().await;
}

/// A store with so many gaps of one source.
async fn with_gaps(folder: &std::path::Path, count: i64) {
    let store = open_store(folder);
    let owned = store.take_partition(&SOURCE.into(), &ONLY.into(), &[]).await.unwrap();
    let gap = |number| GapWrite { reason: "lost".into(), from: None, to: None, at: minute(number) };
    let batch = Batch {
        source: SOURCE.into(),
        partition: ONLY.into(),
        epoch: owned.epoch,
        expected: None,
        position: None,
        watermark: None,
        behind: None,
        finished: false,
        counts: Counts::default(),
        agents: Vec::new(),
        evidence: Vec::new(),
        segments: Vec::new(),
        contacts: Vec::new(),
        dirty: Vec::new(),
        states: Vec::new(),
        dead_letters: Vec::new(),
        gaps: (0..count).map(gap).collect(),
        contact_events: Vec::new(),
        acd_rows: Vec::new(),
        queue_names: Vec::new(),
        events: None,
        archive: None,
    };
    store.commit(batch).await.unwrap();
    store.shut_down().await.unwrap();
}

#[tokio::test]
async fn r28_the_last_ten_gaps_of_a_source_are_shown() {
    for (gaps, oldest_shown) in [(10, 0), (11, 1)] {
        let folder = tempfile::tempdir().unwrap();
        with_gaps(folder.path(), gaps).await;
        clock::set(minute(60));
        let live = Live::start(&Script::new(false), &config(), folder.path()).await;
        let shown = live.status().await.gaps;
        assert_eq!(shown.len(), 10);
        assert_eq!(shown.last().unwrap().at, minute(oldest_shown), "the oldest is left out");
        live.stop().await;
    }
}
