//! What a WFM gets is what a dry run writes, whatever goes wrong on the way.

mod activities;
mod edited;
mod held;
mod history;
mod hub_to_hub;
mod outages;
mod persons;
mod stale;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pegboard::runtime::deliver::SinkSetup;
use pegboard::runtime::view::{Rebuilt, View as _};
use pegboard_client::Connection;
use pegboard_model::{Class, Millis, QueueId, SinkName, Text, Timestamp};
use pegboard_sim::stand_in::asc_manager::{AgentState, AscManager, Fault, Options, Route, Wrong};
use pegboard_sinks::cxone::{CxoneSink, sink};
use pegboard_sinks::mapping::{Mapping, QueueMapping, QueueRow, Scope, WfmQueue};
use pegboard_sinks::{Changes, Encoder, encoder};
use pegboard_store::{
    DeliveryState, LedgerFilter, LedgerLine, Settle, SqliteOptions, SqliteStore, Store, StoreError, Unit,
};

use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{all_arrived, feed, one_partition};
use crate::support::live::{Live, config, open_store, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

const REPORT: &str = "cxone-queue-report";

fn wfm() -> SinkName {
    "wfm".into()
}

fn manager(day: &Day) -> AscManager {
    AscManager::serve(Options::at(day.end + Millis::from_hours(3))).unwrap()
}

/// Every queue under its own name, whatever it takes: what a queue is for is learned while the day goes on, and a dry run knows all of it.
pub(crate) fn mapping(day: &Day) -> Mapping {
    let known = replay(day, &settings(day)).known(Vec::new(), Mapping::default());
    let queues: BTreeMap<_, _> = known.queues.iter().map(|row| (&row.queue_id, &row.queue_name)).collect();
    let row = |(id, name): (&QueueId, &Text)| QueueRow {
        queue: id.as_str().into(),
        channel: None,
        direction: None,
        scope: Scope::default(),
        to: WfmQueue { id: id.as_str().into(), name: name.clone() },
    };
    Mapping { queues: QueueMapping::new(queues.into_iter().map(row).collect()), ..Mapping::default() }
}

pub(crate) fn connection_to(manager: &AscManager) -> Connection {
    Connection::builder()
        .service_url(manager.url())
        .access_key("KEYID====")
        .secret_key("KEYSECRET====")
        .tenant("demo")
        .allow("127.0.0.1")
        .build()
        .unwrap()
}

/// A sink that is sent everything from `start` on.
fn setup(day: &Day, manager: &AscManager, start: Option<Timestamp>) -> SinkSetup {
    telling(day, manager, start, Changes::Latest)
}

/// The same that is told these changes of states.
fn telling(day: &Day, manager: &AscManager, start: Option<Timestamp>, changes: Changes) -> SinkSetup {
    let target = CxoneSink::new(connection_to(manager), Some(changes), vec![sink::QUEUE], clock::now);
    SinkSetup { mapping: mapping(day), start, ..SinkSetup::new(wfm(), Box::new(target)) }
}

/// What a dry run writes of the day, by interval.
fn dry_run(day: &Day) -> BTreeMap<Timestamp, Vec<u8>> {
    let known = replay(day, &settings(day)).known(Vec::new(), mapping(day));
    let encoder: &Encoder = encoder(REPORT).unwrap();
    let encoded = (encoder.encode)(&known);
    assert_eq!(encoded.refused, []);
    known
        .intervals
        .iter()
        .map(|interval| interval.start)
        .zip(encoded.documents)
        .map(|(start, document)| (start, document.body))
        .collect()
}

async fn ledger(live: &Live) -> Vec<LedgerLine> {
    live.store.ledger(&wfm()).await.unwrap()
}

/// What is to be tried again later is so by the hub's clock.
fn pass_time() {
    clock::set(clock::now() + Millis::from_seconds(1));
}

/// Waits until the ledger has every interval of the day, and the WFM all of them.
async fn all_delivered(live: &Live, day: &Day) {
    let delivered = async || {
        pass_time();
        is_delivered(live, day).await
    };
    until("the WFM has every interval", delivered).await;
}

async fn is_delivered(live: &Live, day: &Day) -> bool {
    let intervals = (day.end.since(day.start).get() / 900_000).unsigned_abs();
    let lines = ledger(live).await;
    lines.iter().all(|line| line.state == DeliveryState::Acknowledged)
        && lines.iter().map(|line| line.units).sum::<u64>() >= intervals
}

/// Waits until the WFM has everybody's present state, and looks at it.
async fn assert_states_are_there(live: &Live, manager: &AscManager) {
    let agents = live.store.agents(&[]).await.unwrap().agents;
    assert!(agents.len() > 5);
    let there = async || {
        agents.iter().all(|agent| {
            manager.look(|kept| {
                let last = kept.states.get(agent.now.agent_id.as_str()).and_then(|states| states.back());
                last.is_some_and(|last| {
                    last.event_time == agent.now.since && last.event_id == *agent.now.event_id
                })
            })
        })
    };
    until("the WFM has everybody's present state", there).await;
    assert_eq!(manager.look(|kept| kept.disorder.clone()), [""; 0]);
}

fn assert_reports(day: &Day, manager: &AscManager) {
    let expected = dry_run(day);
    manager.look(|kept| {
        for (start, body) in &expected {
            let report = &kept.queue_reports[start];
            assert_eq!(String::from_utf8_lossy(&report.sent), String::from_utf8_lossy(body), "{start}");
        }
    });
}

async fn hub(day: &Day, script: &Script, manager: &AscManager, folder: &Path) -> Live {
    let sink = setup(day, manager, Some(day.start));
    let live = Live::delivering(open_store(folder), script, &config(), sink).await;
    live.settle(script, day.end).await;
    live
}

/// Opens the store as soon as the hub that died has let go of it.
async fn when_free(folder: &Path) -> Arc<dyn Store> {
    let path = folder.join("test.db");
    loop {
        match SqliteStore::open(&path, SqliteOptions::new(clock::noon)) {
            Ok(store) => return Arc::new(store),
            Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn r17_every_interval_reaches_the_wfm_as_a_dry_run_writes_it() {
    let day = Day::of(12, 4, 31);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let live = hub(&day, &one_partition(&day, false), &manager, folder.path()).await;
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    assert_states_are_there(&live, &manager).await;
    assert_eq!(manager.counts().refused, [""; 0]);
    let again = manager.look(|kept| kept.queue_reports.values().map(|report| report.revisions.len()).max());
    assert_eq!(again, Some(1), "nothing is sent twice");
    live.stop().await;
}

#[tokio::test]
async fn r15_r16_r17_r21_a_bad_line_and_crashes_cost_nothing_but_time() {
    let day = Day::of(12, 8, 32);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let chances = [
        (0.15, Wrong::ServerError(503)),
        (0.1, Wrong::Throttled { retry_after: Some("0".to_owned()) }),
        (0.1, Wrong::CutAnswer),
        (0.1, Wrong::FailsAfterwards(500)),
    ];
    manager.fail_at_random(7, chances.to_vec());
    let script = one_partition(&day, false);
    let deliver = async || {
        let store = when_free(folder.path()).await;
        let sink = setup(&day, &manager, Some(day.start));
        Live::delivering(store, &script, &config(), sink).await
    };
    for _ in 0..3 {
        let live = deliver().await;
        let sent = manager.counts().requests.get(&Route::QueueReport).copied().unwrap_or_default();
        let sends = async || {
            pass_time();
            let requests = manager.counts().requests.get(&Route::QueueReport).copied().unwrap_or_default();
            requests > sent + 2 || is_delivered(&live, &day).await
        };
        until("something is on its way", sends).await;
        live.die();
        manager.revoke_tokens(true);
    }
    manager.mend();
    let live = deliver().await;
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    assert_states_are_there(&live, &manager).await;
    manager.look(|kept| {
        for (start, report) in &kept.queue_reports {
            let mut keys: Vec<_> = report.revisions.iter().map(|revision| &revision.key).collect();
            keys.dedup();
            assert_eq!(keys.len(), report.revisions.len(), "{start} was taken twice under one key");
        }
    });
    let counts = manager.counts();
    assert!(counts.faults.len() >= 3, "the line was bad: {:?}", counts.faults);
    live.stop().await;
}

/// What the feed tells of each agent, as far as it tells a WFM anything.
async fn told(live: &Live) -> BTreeMap<String, Vec<(Timestamp, String, String)>> {
    let mut told: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (_, now) in live.feed(&live.beginning()).await {
        if now.class != Class::Unknown && !now.event_id.is_empty() {
            let state = (now.since, now.event_id.to_string(), now.reason.to_string());
            told.entry(now.agent_id.to_string()).or_default().push(state);
        }
    }
    told
}

#[tokio::test]
async fn r21_with_coalescing_off_the_wfm_is_told_every_change_in_the_order_of_the_feed() {
    let day = Day::of(12, 4, 36);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    for what in [Wrong::CutAnswer, Wrong::ServerError(503), Wrong::Cut] {
        manager.fail(Fault { route: Some(Route::AgentStates), times: 1, what });
    }
    let script = Script::new(false);
    script.add("0", &[]);
    script.push::<&str>("0", &[], day.start);
    clock::set(day.start);
    let sink = telling(&day, &manager, Some(day.start), Changes::Every);
    // Known to be fresh before anybody is told.
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    live.stop().await;
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    let ours = async || live.hub.sinks().await.unwrap()[0].delivery.ours;
    until("it delivers", ours).await;
    // What is there when the lane of states begins is one picture: so that it has begun, something arrives first.
    let begun = day.start + Millis::from_minutes(30);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, begun);
    clock::set(begun);
    live.read_all(&script).await;
    until("the WFM has a state", async || manager.look(|kept| !kept.states.is_empty())).await;
    feed(&script, "0", &day.deliveries(), |_| true, begun, day.end);
    clock::set(day.end);
    live.read_all(&script).await;
    assert_states_are_there(&live, &manager).await;
    let told = told(&live).await;
    manager.look(|kept| {
        for (agent, told) in &told {
            let state =
                |state: &AgentState| (state.event_time, state.event_id.clone(), state.event_reason.clone());
            let got: Vec<_> = kept.states[agent].iter().map(state).collect();
            // What was there before the first delivery is told as it was by then.
            assert!(told.ends_with(&got), "{agent}: {got:?} of {told:?}");
        }
        let got: usize = kept.states.values().map(std::collections::VecDeque::len).sum();
        assert!(got > told.values().map(Vec::len).sum::<usize>() / 2, "most of them one by one: {got}");
    });
    let faults = manager.counts().faults;
    assert_eq!(faults, [("cut", 1), ("cut_answer", 1), ("server_error", 1)].into(), "the line was bad");
    live.stop().await;
}

#[tokio::test]
async fn r12_a_correction_is_sent_again_and_nothing_else() {
    let day = Day::of(12, 4, 33).disturbed(&late(33, Millis::from_hours(1)));
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, day.end);
    clock::set(day.end);
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.read_all(&script).await;
    let some = async || manager.look(|kept| kept.queue_reports.len() > 8);
    until("the WFM has some intervals", some).await;
    feed(&script, "0", &day.deliveries(), |_| true, day.end, all_arrived(&day));
    clock::set(all_arrived(&day));
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    live.stop().await;
}

#[tokio::test]
async fn r19_what_the_wfm_refuses_is_parked_with_its_reason_until_somebody_acts() {
    let day = Day::of(12, 3, 34);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    manager.know_queues(Some(["nothing".to_owned()].into()));
    let live = hub(&day, &one_partition(&day, false), &manager, folder.path()).await;
    let parked =
        async || ledger(&live).await.iter().any(|line| line.state == DeliveryState::Parked && line.units > 3);
    until("intervals are parked", parked).await;
    let waiting = async || {
        pass_time();
        ledger(&live).await.iter().all(|line| line.state != DeliveryState::Waiting)
    };
    until("all are tried", waiting).await;
    let parked = LedgerFilter::in_state(DeliveryState::Parked);
    let letters = live.store.deliveries(&wfm(), &parked, None, 1000).await.unwrap();
    for letter in &letters {
        let reason = letter.reason.as_deref().unwrap();
        assert!(reason.contains("queueReport[0]"), "it names the item: {reason}");
    }
    manager.know_queues(None);
    let retried = live.store.settle_deliveries(&wfm(), &parked, Settle::Retry, clock::now()).await.unwrap();
    assert_eq!(retried, letters.len() as u64);
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    live.stop().await;
}

#[tokio::test]
async fn a_new_sink_begins_with_the_last_closed_interval() {
    let day = Day::of(12, 3, 35);
    let folder = tempfile::tempdir().unwrap();
    let script = one_partition(&day, false);
    let before = Live::start(&script, &config(), folder.path()).await;
    before.settle(&script, day.end).await;
    before.stop().await;
    let manager = manager(&day);
    let live =
        Live::delivering(open_store(folder.path()), &script, &config(), setup(&day, &manager, None)).await;
    let there = async || ledger(&live).await.iter().any(|line| line.state == DeliveryState::Acknowledged);
    until("something is delivered", there).await;
    assert_states_are_there(&live, &manager).await;
    let oldest = manager.look(|kept| kept.queue_reports.keys().next().copied());
    assert!(oldest.is_some_and(|oldest| day.end - Millis::from_minutes(30) <= oldest), "{oldest:?}");
    live.stop().await;
}

#[tokio::test]
async fn r17_a_stretch_is_sent_again_under_a_new_revision_and_its_body_can_be_seen() {
    let day = Day::of(12, 3, 36);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let live = hub(&day, &one_partition(&day, false), &manager, folder.path()).await;
    all_delivered(&live, &day).await;
    let (from, to) = (day.start + Millis::from_minutes(30), day.start + Millis::from_minutes(60));
    let stretch = LedgerFilter { from, to, ..LedgerFilter::default() };
    let asked = || manager.counts().requests.get(&Route::QueueReport).copied().unwrap_or_default();
    let before = asked();
    let again = live.store.settle_deliveries(&wfm(), &stretch, Settle::Resend, clock::now()).await.unwrap();
    assert_eq!(again, 2);
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    // The service answers that it has just this, which is as good as taking it.
    assert_eq!(asked(), before + 2);
    for delivery in live.store.deliveries(&wfm(), &LedgerFilter::default(), None, 1000).await.unwrap() {
        let start = delivery.unit.interval_start;
        assert_eq!(delivery.revision, if from <= start && start < to { 2 } else { 1 }, "{start}");
    }
    let delivery = live.store.deliveries(&wfm(), &stretch, None, 1).await.unwrap().remove(0);
    let Rebuilt::Body { bytes, digest } = live.hub.rebuild(&wfm(), &delivery.unit).await.unwrap() else {
        panic!("there is a body");
    };
    assert_eq!((delivery.revision, delivery.digest), (2, Some(digest)));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        String::from_utf8(dry_run(&day)[&delivery.unit.interval_start].clone()).unwrap()
    );
    let unknown = Unit { report: "none".into(), ..delivery.unit };
    assert!(matches!(live.hub.rebuild(&wfm(), &unknown).await.unwrap(), Rebuilt::Not(_)));
    live.stop().await;
}

#[tokio::test]
async fn what_no_row_names_is_kept_as_a_dry_run_lists_it() {
    let day = Day::of(12, 3, 37);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let rows = mapping(&day).queues.rows()[..1].to_vec();
    let one_queue = Mapping { queues: QueueMapping::new(rows), ..Mapping::default() };
    let mut sink = setup(&day, &manager, Some(day.start));
    sink.mapping = one_queue.clone();
    let script = one_partition(&day, false);
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    let known = replay(&day, &settings(&day)).known(Vec::new(), one_queue);
    let listed = (encoder(REPORT).unwrap().encode)(&known).unmapped;
    let expected: BTreeSet<_> = listed.entries().map(|seen| seen.id.clone()).collect();
    let kept = live.store.unmapped(&wfm(), 1000).await.unwrap();
    let queues = kept.iter().filter(|seen| &*seen.kind == "queue");
    let kept: BTreeSet<_> = queues.map(|seen| seen.id.clone()).collect();
    assert!(!expected.is_empty());
    assert_eq!(kept, expected);
    live.stop().await;
}
