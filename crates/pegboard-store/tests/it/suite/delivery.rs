//! The ledger: what was delivered to whom.

use pegboard_model::{SinkName, Timestamp};
use pegboard_store::{
    Delivery, DeliveryNote, DeliveryState, DeliveryTry, FeedKind, Hold, HoldNote, LedgerFilter, LedgerLine,
    ParkedLine, Present, RefusedState, Settle, StaleNote, Store, StoreError, TryOutcome, Unit, UnmappedName,
    UnmappedSeen,
};

use crate::home::Home;
use crate::sample::{at, source};

fn sink() -> SinkName {
    "wfm".into()
}

fn unit(interval: i64) -> Unit {
    Unit { report: "queue-report".into(), interval_start: at(900 * interval) }
}

fn note(epoch: u64) -> DeliveryNote {
    DeliveryNote::new(sink(), epoch)
}

fn changed(epoch: u64, interval: i64, due: i64) -> DeliveryNote {
    DeliveryNote { changed: vec![(unit(interval), at(due))], ..note(epoch) }
}

/// A try of revision 1, made of so many changes.
fn tried(epoch: u64, interval: i64, changes: u64, outcome: TryOutcome) -> DeliveryNote {
    let digest = Some("d1".into());
    let tried = DeliveryTry { unit: unit(interval), changes, revision: 1, digest, at: at(5), outcome };
    DeliveryNote { tried: vec![tried], ..note(epoch) }
}

fn again(due: i64) -> TryOutcome {
    TryOutcome::Again { due: at(due), reason: "503".into() }
}

fn parked() -> TryOutcome {
    TryOutcome::Parked { reason: "queue \0 is not known".into() }
}

async fn taken(store: &dyn Store) -> u64 {
    store.take_sink(&sink()).await.unwrap().epoch
}

async fn due(store: &dyn Store, seconds: i64) -> Vec<Timestamp> {
    let due = store.due_deliveries(&sink(), at(seconds), 10).await.unwrap();
    due.into_iter().map(|delivery| delivery.unit.interval_start).collect()
}

async fn only(store: &dyn Store) -> Delivery {
    let mut all = store.deliveries(&sink(), &LedgerFilter::default(), None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub(crate) async fn every_sink_that_was_delivered_to_is_listed(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.known_sinks().await.unwrap(), []);
    for name in ["wfm", "aspect", "wfm"] {
        store.take_sink(&name.into()).await.unwrap();
    }
    assert_eq!(store.known_sinks().await.unwrap(), ["aspect", "wfm"].map(SinkName::from));
}

pub(crate) async fn a_unit_waits_until_its_newest_revision_is_acknowledged(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    store.note_deliveries(changed(epoch, 0, 3)).await.unwrap();
    assert_eq!((due(&*store, 2).await, due(&*store, 3).await), (vec![], vec![at(0)]));
    // It changes while its first body is on the way.
    store.note_deliveries(changed(epoch, 0, 4)).await.unwrap();
    store.note_deliveries(tried(epoch, 0, 1, TryOutcome::Acknowledged)).await.unwrap();
    let waiting = only(&*store).await;
    assert_eq!(
        (waiting.state, waiting.changes, waiting.acknowledged, waiting.tries),
        (DeliveryState::Waiting, 2, 1, 0)
    );
    assert_eq!(due(&*store, 5).await, [at(0)], "what changed meanwhile is sent at once");
    store.note_deliveries(tried(epoch, 0, 2, TryOutcome::Acknowledged)).await.unwrap();
    let settled = only(&*store).await;
    let expected = Delivery {
        unit: unit(0),
        state: DeliveryState::Acknowledged,
        changes: 2,
        revision: 1,
        digest: Some("d1".into()),
        acknowledged: 1,
        tries: 1,
        first_try: Some(at(5)),
        last_try: Some(at(5)),
        due: at(5),
        reason: None,
        comment: None,
    };
    assert_eq!(settled, expected);
    assert_eq!(due(&*store, 900).await, []);
    store.note_deliveries(changed(epoch, 0, 60)).await.unwrap();
    let corrected = only(&*store).await;
    assert_eq!((corrected.state, corrected.acknowledged, corrected.tries), (DeliveryState::Waiting, 1, 0));
    assert_eq!(due(&*store, 60).await, [at(0)]);
}

pub(crate) async fn what_fails_is_due_after_its_pause_and_a_change_does_not_shorten_it(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    store.note_deliveries(changed(epoch, 0, 9)).await.unwrap();
    store.note_deliveries(changed(epoch, 0, 3)).await.unwrap();
    assert_eq!(due(&*store, 3).await, [at(0)], "the earlier of two counts before the first try");
    store.note_deliveries(tried(epoch, 0, 2, again(100))).await.unwrap();
    store.note_deliveries(changed(epoch, 0, 4)).await.unwrap();
    assert_eq!((due(&*store, 99).await, due(&*store, 100).await), (vec![], vec![at(0)]));
    let failed = only(&*store).await;
    assert_eq!((failed.tries, failed.reason.as_deref(), failed.first_try), (1, Some("503"), Some(at(5))));
}

pub(crate) async fn what_is_parked_waits_for_a_person_or_a_change(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    for interval in 0..3 {
        store.note_deliveries(changed(epoch, interval, 0)).await.unwrap();
        store.note_deliveries(tried(epoch, interval, 1, parked())).await.unwrap();
    }
    assert_eq!(due(&*store, 9000).await, []);
    let drop = Settle::Drop { comment: "not our queue".into() };
    let settle = async |interval, how: Settle, seconds| {
        store.settle_deliveries(&sink(), &(&unit(interval)).into(), how, at(seconds)).await.unwrap()
    };
    assert_eq!(settle(0, Settle::Retry, 70).await, 1);
    assert_eq!(settle(1, drop.clone(), 70).await, 1);
    store.note_deliveries(changed(epoch, 2, 80)).await.unwrap();
    for settled in [0, 1, 2, 9] {
        assert_eq!(settle(settled, drop.clone(), 71).await, 0, "only what is parked is settled");
    }
    assert_eq!((due(&*store, 70).await, due(&*store, 80).await), (vec![at(0)], vec![at(0), at(1800)]));
    let is_dropped = LedgerFilter::in_state(DeliveryState::Dropped);
    let dropped = store.deliveries(&sink(), &is_dropped, None, 10).await.unwrap();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].comment.as_deref(), Some("not our queue"));
    assert_eq!(dropped[0].reason.as_deref(), Some("queue \0 is not known"));
}

pub(crate) async fn an_earlier_deliverer_is_refused_and_writes_nothing(home: &dyn Home) {
    let store = home.open().await;
    let first = taken(&*store).await;
    let second = taken(&*store).await;
    assert!(second > first);
    for epoch in [first, second + 1] {
        let refused = store.note_deliveries(changed(epoch, 0, 0)).await;
        assert!(matches!(refused, Err(StoreError::NotOwner { .. })), "{refused:?}");
    }
    let stranger = DeliveryNote { sink: "other".into(), ..changed(1, 0, 0) };
    assert!(matches!(store.note_deliveries(stranger).await, Err(StoreError::NotOwner { .. })));
    assert_eq!(store.deliveries(&sink(), &LedgerFilter::default(), None, 10).await.unwrap(), []);
    store.note_deliveries(changed(second, 0, 0)).await.unwrap();
}

pub(crate) async fn cursors_and_refused_states_are_kept(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    let (states, rows) =
        (store.feed_end(FeedKind::States).await.unwrap(), store.feed_end(FeedKind::Rows).await.unwrap());
    let cursors = vec![(FeedKind::States, states.clone()), (FeedKind::Rows, rows.clone())];
    let refuse =
        |agent: &str, seconds| (source(), agent.into(), "no such agent".into(), "{}".into(), at(seconds));
    let refused = vec![refuse("ann", 1), refuse("bob\0", 2)];
    store.note_deliveries(DeliveryNote { cursors, refused, ..note(epoch) }).await.unwrap();
    store.note_deliveries(DeliveryNote { refused: vec![refuse("ann", 3)], ..note(epoch) }).await.unwrap();
    store.shut_down().await.unwrap();
    let store = home.open().await;
    let state = store.take_sink(&sink()).await.unwrap();
    assert_eq!((state.epoch, state.states, state.rows), (epoch + 1, Some(states), Some(rows)));
    let of_ann = RefusedState {
        source: source(),
        agent: "ann".into(),
        reason: "no such agent".into(),
        payload: "{}".into(),
        first_at: at(1),
        last_at: at(3),
        count: 2,
    };
    let found = store.refused_states(&sink(), 10).await.unwrap();
    assert_eq!((found.len(), &found[0]), (2, &of_ann));
    assert_eq!(store.refused_states(&sink(), 1).await.unwrap(), [of_ann]);
    store
        .note_deliveries(DeliveryNote { taken: vec![(source(), "ann".into())], ..note(epoch + 1) })
        .await
        .unwrap();
    let drop_bob = async || store.drop_refused_state(&sink(), &source(), &"bob\0".into()).await.unwrap();
    assert_eq!((drop_bob().await, drop_bob().await), (true, false));
    assert_eq!(store.refused_states(&sink(), 10).await.unwrap(), []);
}

pub(crate) async fn a_whole_picture_is_held_back_until_it_is_released_or_it_is_over(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    let waits = |since, reason: &str| HoldNote::Waits { since: at(since), reason: reason.into() };
    let write = async |hold| {
        store.note_deliveries(DeliveryNote { hold: Some(hold), ..note(epoch) }).await.unwrap();
        store.hold(&sink()).await.unwrap()
    };
    assert_eq!(store.hold(&sink()).await.unwrap(), None);
    assert!(!store.release_hold(&sink(), at(1)).await.unwrap(), "nothing is held back");
    let held = |reason: &str, released| Some(Hold { since: at(2), reason: reason.into(), released });
    assert_eq!(write(waits(2, "stale \0")).await, held("stale \0", None));
    assert_eq!(write(waits(3, "half read")).await, held("half read", None), "since the first time");
    assert!(!store.release_hold(&"other".into(), at(4)).await.unwrap());
    assert!(store.release_hold(&sink(), at(4)).await.unwrap());
    assert!(!store.release_hold(&sink(), at(5)).await.unwrap(), "it is released already");
    assert_eq!(write(waits(6, "stale")).await, held("stale", Some(at(4))), "and stays so");
    assert_eq!(write(HoldNote::Over).await, None);
    assert_eq!(write(waits(7, "stale")).await.map(|hold| hold.released), Some(None));
}

pub(crate) async fn what_a_sink_was_told_of_agents_and_sources_is_kept(home: &dyn Home) {
    let store = home.open().await;
    let state = store.take_sink(&sink()).await.unwrap();
    assert_eq!((state.present, state.stale), (None, Vec::new()));
    let stale = |source: &str, since: Option<i64>| StaleNote { source: source.into(), since: since.map(at) };
    for (agents, told) in [
        (7, vec![stale("b", Some(1)), stale("a", Some(2))]),
        (5, vec![stale("b", None), stale("a", Some(3)), stale("c", None)]),
    ] {
        let present = Some(Present { agents, at: at(9) });
        store.note_deliveries(DeliveryNote { present, stale: told, ..note(state.epoch) }).await.unwrap();
    }
    let state = store.take_sink(&sink()).await.unwrap();
    assert_eq!(state.present, Some(Present { agents: 5, at: at(9) }));
    assert_eq!(state.stale, [("a".into(), at(3))]);
    assert_eq!(store.take_sink(&"other".into()).await.unwrap().present, None);
}

pub(crate) async fn the_ledger_counts_and_pages_what_there_is(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    for interval in 0..5 {
        store.note_deliveries(changed(epoch, interval, 0)).await.unwrap();
    }
    for interval in [0, 3] {
        store.note_deliveries(tried(epoch, interval, 1, TryOutcome::Acknowledged)).await.unwrap();
    }
    let line = |state, units, oldest: i64, newest: i64| LedgerLine {
        report: "queue-report".into(),
        state,
        units,
        oldest: at(900 * oldest),
        newest: at(900 * newest),
    };
    let expected = [line(DeliveryState::Acknowledged, 2, 0, 3), line(DeliveryState::Waiting, 3, 1, 4)];
    assert_eq!(store.ledger(&sink()).await.unwrap(), expected);
    assert_eq!(store.ledger(&"other".into()).await.unwrap(), []);
    assert_eq!(store.undelivered(&sink()).await.unwrap(), expected[1..]);
    store
        .note_deliveries(tried(epoch, 1, 1, TryOutcome::Parked { reason: "no such queue".into() }))
        .await
        .unwrap();
    let undelivered = [line(DeliveryState::Parked, 1, 1, 1), line(DeliveryState::Waiting, 2, 2, 4)];
    assert_eq!(store.undelivered(&sink()).await.unwrap(), undelivered);
    assert_eq!(store.undelivered(&"other".into()).await.unwrap(), []);
    let mut paged: Vec<Unit> = Vec::new();
    loop {
        let page = store.deliveries(&sink(), &LedgerFilter::default(), paged.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page.into_iter().map(|delivery| delivery.unit));
    }
    assert_eq!(paged, [4, 3, 2, 1, 0].map(unit));
}

pub(crate) async fn units_are_chosen_by_report_state_reason_and_interval(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    let other = |interval| Unit { report: "activity".into(), ..unit(interval) };
    for interval in 0..4 {
        let changed = vec![(unit(interval), at(0)), (other(interval), at(0))];
        store.note_deliveries(DeliveryNote { changed, ..note(epoch) }).await.unwrap();
    }
    for interval in [0, 2, 3] {
        store.note_deliveries(tried(epoch, interval, 1, parked())).await.unwrap();
    }
    let why = TryOutcome::Parked { reason: "too large".into() };
    store.note_deliveries(tried(epoch, 1, 1, why)).await.unwrap();
    let all = LedgerFilter::default();
    let reason = Some("queue \0 is not known".into());
    let found = async |filter: &LedgerFilter| {
        let found = store.deliveries(&sink(), filter, None, 10).await.unwrap();
        found.into_iter().map(|delivery| delivery.unit).collect::<Vec<_>>()
    };
    let of_report = LedgerFilter { report: Some("activity".into()), ..all.clone() };
    assert_eq!(found(&of_report).await, [3, 2, 1, 0].map(other));
    let of_reason = LedgerFilter { reason: reason.clone(), ..all.clone() };
    assert_eq!(found(&of_reason).await, [3, 2, 0].map(unit));
    let of_interval = LedgerFilter { from: at(900), to: at(2700), ..of_reason.clone() };
    assert_eq!(found(&of_interval).await, [unit(2)]);
    let waiting = LedgerFilter { to: at(900), ..LedgerFilter::in_state(DeliveryState::Waiting) };
    assert_eq!(found(&waiting).await, [other(0)]);
    let line = |reason: &str, units, oldest: i64, newest: i64| ParkedLine {
        report: "queue-report".into(),
        reason: reason.into(),
        units,
        oldest: at(900 * oldest),
        newest: at(900 * newest),
    };
    let lines = [line("queue \0 is not known", 3, 0, 3), line("too large", 1, 1, 1)];
    assert_eq!(store.parked(&sink(), 10).await.unwrap(), lines);
    assert_eq!(store.parked(&sink(), 1).await.unwrap(), lines[..1]);
    assert_eq!(store.settle_deliveries(&sink(), &of_reason, Settle::Retry, at(70)).await.unwrap(), 3);
    assert_eq!(store.parked(&sink(), 10).await.unwrap(), lines[1..]);
}

pub(crate) async fn what_is_sent_again_is_a_new_revision(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    for (interval, outcome) in [(0, TryOutcome::Acknowledged), (1, parked()), (2, again(100))] {
        store.note_deliveries(changed(epoch, interval, 0)).await.unwrap();
        store.note_deliveries(tried(epoch, interval, 1, outcome)).await.unwrap();
    }
    let all = LedgerFilter::default();
    assert_eq!(store.settle_deliveries(&"other".into(), &all, Settle::Resend, at(9)).await.unwrap(), 0);
    assert_eq!(store.settle_deliveries(&sink(), &all, Settle::Resend, at(9)).await.unwrap(), 2);
    assert_eq!(due(&*store, 9).await, [at(0), at(900)], "what waits anyhow keeps to its pause");
    let again = store.deliveries(&sink(), &(&unit(0)).into(), None, 10).await.unwrap().remove(0);
    assert_eq!((again.revision, again.digest, again.acknowledged, again.tries), (1, None, 1, 0));
}

fn unmapped(id: &str, agent: &str, seconds: i64) -> UnmappedSeen {
    UnmappedSeen {
        kind: "state".into(),
        source: source(),
        id: id.into(),
        detail: "".into(),
        count: 2,
        first: at(seconds),
        last: at(seconds),
        suggestion: format!("{id},closed").into(),
        agents: vec![agent.into()],
    }
}

pub(crate) async fn what_no_row_names_is_counted_until_it_is_forgotten(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    let first = vec![unmapped("Lunch\0", "ann", 20), unmapped("Yoga", "bob", 5)];
    store.note_deliveries(DeliveryNote { unmapped: first, ..note(epoch) }).await.unwrap();
    for agent in (0..30).map(|number| format!("agent {number}")) {
        let again = vec![unmapped("Lunch\0", &agent, 10)];
        store.note_deliveries(DeliveryNote { unmapped: again, ..note(epoch) }).await.unwrap();
    }
    let found = store.unmapped(&sink(), 10).await.unwrap();
    let mut expected = UnmappedSeen { count: 62, first: at(10), ..unmapped("Lunch\0", "ann", 20) };
    expected.agents.extend((0..19).map(|number| format!("agent {number}").into()));
    assert_eq!(found, [expected, unmapped("Yoga", "bob", 5)]);
    assert_eq!(store.unmapped(&sink(), 1).await.unwrap().len(), 1);
    assert_eq!(store.forget_unmapped(&"other".into()).await.unwrap(), 0);
    store
        .note_deliveries(DeliveryNote { unmapped: vec![unmapped("Run\0", "ann", 1)], ..note(epoch) })
        .await
        .unwrap();
    let has_a_row = UnmappedName::from(unmapped("Run\0", "ann", 1));
    let another = UnmappedName { detail: "late".into(), ..UnmappedName::from(unmapped("Yoga", "bob", 5)) };
    store.forget_unmapped_names(&sink(), vec![has_a_row, another]).await.unwrap();
    assert_eq!(store.forget_unmapped(&sink()).await.unwrap(), 2);
    assert_eq!(store.unmapped(&sink(), 10).await.unwrap(), []);
}

pub(crate) async fn r28_ten_thousand_names_of_a_sink_are_kept(home: &dyn Home) {
    let store = home.open().await;
    let epoch = taken(&*store).await;
    for thousand in 0..11 {
        let many =
            (0..1000).map(|number| unmapped(&format!("{}", thousand * 1000 + number), "ann", 1)).collect();
        store.note_deliveries(DeliveryNote { unmapped: many, ..note(epoch) }).await.unwrap();
    }
    let known = DeliveryNote { unmapped: vec![unmapped("7", "bob", 9)], ..note(epoch) };
    store.note_deliveries(known).await.unwrap();
    let kept = store.unmapped(&sink(), 20_000).await.unwrap();
    assert_eq!((kept.len(), kept[0].count), (10_000, 4), "what is known is counted on");
}
