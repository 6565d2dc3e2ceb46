//! A SQLite store moves to PostgreSQL, and the hub goes on there.

use pegboard_model::{ContactEvent, Timestamp};
use pegboard_store::{
    AlarmsAsked, ArchiveWrite, AuditWrite, Batch, Close, ClosedUntil, ContactEventsWrite, DeliveryNote,
    ErasureWrite, EventMark, EventWrite, FeedKind, GapWrite, HoldNote, LedgerFilter, Origin, PostgresStore,
    Present, ReloadState, ReloadStep, ReloadWork, ReloadWrite, Role, Silence, SqliteStore, StaleNote, Store,
    StoreError, Token, TokenWrite, Told, Unit, UnmappedSeen,
};

use crate::home::{Home, PostgresHome, SqliteHome};
use crate::sample::{
    acd_row, all_agents, at, batch, close, commit_events, contact, dead_letter, event_write, events_write,
    first_event, handed, number, queue_name, row, shard, source, whole_events, whole_feed,
};
use crate::suite::alarms::{mark, opened};
use crate::suite::mapping::edited;

/// A store with something in every table.
async fn fill(store: &dyn Store) {
    fill_with(store, "ann").await;
}

/// The same, and whatever can name an agent names this one.
pub(crate) async fn fill_with(store: &dyn Store, agent: &str) {
    let of = |text: &str| format!("{text} {agent}");
    let epoch = commit_events(store, &[agent, "bob", "c\0d\u{1a}"]).await;
    let more = Batch {
        contacts: vec![(contact("c-1", 5, u64::MAX), Some(at(4))), (contact(&of("c-2"), 5, 0), None)],
        dirty: vec![pegboard_store::DirtyMark { agent: Some(agent.into()), from: at(0), to: at(1) }],
        dead_letters: vec![dead_letter(1, vec![0, 255, 7]), dead_letter(2, of("{").into_bytes())],
        gaps: vec![GapWrite { reason: of("expired").into(), from: None, to: Some(at(1)), at: at(0) }],
        acd_rows: vec![
            acd_row(&of("q\0"), &format!("{{\"n\":\"{agent}\"}}"), &of("f1"), 1),
            acd_row(&of("q\0"), "{\"n\":2}", "f2", 2),
        ],
        contact_events: vec![ContactEventsWrite {
            contact: of("WT\0").as_str().into(),
            known: 0,
            events: vec![ContactEvent {
                contact: of("WT\0").as_str().into(),
                id: of("EV").as_str().into(),
                at: at(1),
                body: format!("{{\"agent\":\"{agent}\\0\"}}"),
            }],
        }],
        queue_names: vec![queue_name("q", "S\0les", 1)],
        events: Some(events_write(
            2,
            vec![event_write(1), EventWrite { position: number(2), data: of("\0").into_bytes() }],
        )),
        archive: Some(ArchiveWrite { read: at(2), frame: of("\0").into_bytes() }),
        watermark: Some(at(9)),
        ..batch(epoch, 3)
    };
    store.rebase(&source(), &"bob".into(), 1, at(0), "{\"track\":1}".into()).await.unwrap();
    store.take_partition(&source(), &"child".into(), &[shard()]).await.unwrap();
    let closer = store.take_closer(&source()).await.unwrap().epoch;
    store.announce_closing(&source(), closer, ClosedUntil::both(at(900))).await.unwrap();
    store.commit(more).await.unwrap();
    for talk in 1..=3 {
        let talk = row(agent, &format!("{{\"agent\":\"{agent}\",\"talk_s\":{talk}}}"), "first");
        let rows = vec![talk, row("bob", "{}", "first")];
        store.close(Close { rows, ..close(closer) }).await.unwrap();
    }
    let sink = store.take_sink(&"wfm".into()).await.unwrap();
    let note = DeliveryNote {
        cursors: vec![(FeedKind::Rows, store.feed_end(FeedKind::Rows).await.unwrap())],
        changed: vec![(Unit { report: "queue-report".into(), interval_start: at(0) }, at(1))],
        refused: vec![(source(), agent.into(), of("no such agent").into(), of("{}"), at(2))],
        unmapped: vec![UnmappedSeen {
            kind: "state".into(),
            source: source(),
            id: of("c\0d").into(),
            detail: of("").into(),
            count: 1,
            first: at(0),
            last: at(1),
            suggestion: of("x").into(),
            agents: vec![of("\0").into()],
        }],
        marks: vec![EventMark { lane: "l\0".into(), source: source(), done: 1 }],
        hold: Some(HoldNote::Waits { since: at(1), reason: of("stale \0").into() }),
        present: Some(Present { agents: 7, at: at(2) }),
        stale: vec![StaleNote { source: source(), since: Some(at(3)) }],
        ..DeliveryNote::new("wfm".into(), sink.epoch)
    };
    store.note_deliveries(note).await.unwrap();
    reload(store, closer, agent).await;
    raise(store, &of("shard \0")).await;
    assert!(store.write_mapping(edited(0, Some(&of("Lunch \0")))).await.unwrap());
    store.hand_in(handed(&of("k\0"), &[of("\0").as_bytes(), b"{}"]), 10).await.unwrap();
    let (asked, progress) = ("{}".to_owned(), "{}".to_owned());
    store.add_erasure(ErasureWrite { source: source(), at: at(0), asked, progress }, 1).await.unwrap();
    let token = Token {
        id: "t-1".into(),
        name: "wallboard".into(),
        role: Role::Operator,
        sources: vec![source()],
        created: at(0),
        expires: None,
        revoked: None,
    };
    store.add_token(TokenWrite { token, hash: [7; 32] }).await.unwrap();
    let entry = AuditWrite {
        at: at(0),
        by: "hub".into(),
        name: "hub".into(),
        via: "start".into(),
        from: None,
        action: "hub.started".into(),
        subject: "hub".into(),
        before: None,
        after: Some("{}".into()),
    };
    store.append_audit(entry).await.unwrap();
}

/// An alarm that is silenced and was told.
async fn raise(store: &dyn Store, subject: &str) {
    store.note_alarms(opened(&[subject], 3)).await.unwrap();
    store.silence_alarm(1, Silence { until: at(9), mark: mark(4) }).await.unwrap();
    store.know_outlet("mail", at(5)).await.unwrap();
    store.note_told("mail", &[Told { alarm: 1, ended: false }], at(6)).await.unwrap();
}

/// A day that was swapped, and is not moved yet.
async fn reload(store: &dyn Store, epoch: u64, agent: &str) {
    let (asked, progress) = (format!("{{\"agents\":[\"{agent}\"]}}"), "{}".to_owned());
    let asked = ReloadWrite { source: source(), at: at(0), asked, progress };
    let id = store.add_reload(asked, 1).await.unwrap().unwrap();
    let rows = vec![row("c\0d", &format!("{{\"n\":\"{agent}\"}}"), "reload")];
    for work in [
        ReloadWork::Begin { from: at(0), to: at(900) },
        ReloadWork::SetAside { rows, gone: vec![("agent_interval".into(), at(0), "bob".to_owned())] },
        ReloadWork::Swap { rows: 2, answered: Vec::new(), reason: "reload".into() },
    ] {
        let (source, state, progress) = (source(), ReloadState::Running, "{}".to_owned());
        store.reload_step(ReloadStep { source, epoch, id, state, progress, at: at(1), work }).await.unwrap();
    }
}

/// Everything that the trait shows.
async fn shown(store: &dyn Store) -> Vec<String> {
    let agents = ["ann", "bob", "c\0d\u{1a}"];
    let mut shown = vec![
        format!("{:?}", store.id()),
        format!("{:?}", store.partitions(&source()).await.unwrap()),
        format!("{:?}", all_agents(store).await),
        format!("{:?}", store.beginnings(&source(), Timestamp::MIN).await.unwrap()),
        format!("{:?}", store.source_state(&source()).await.unwrap()),
        format!("{:?}", store.deliveries(&"wfm".into(), &LedgerFilter::default(), None, 9).await.unwrap()),
        format!("{:?}", store.refused_states(&"wfm".into(), 9).await.unwrap()),
        format!("{:?}", store.mapping_versions(&"wfm".into()).await.unwrap()),
        format!("{:?}", store.mapping_content(&"wfm".into(), "states", 1).await.unwrap()),
        format!("{:?}", store.unmapped(&"wfm".into(), 9).await.unwrap()),
        format!("{:?}", store.event_marks(&"wfm".into()).await.unwrap()),
        format!("{:?}", store.hold(&"wfm".into()).await.unwrap()),
        format!("{:?}", whole_events(store).await),
        format!("{:?}", store.dirty(&source(), 99).await.unwrap()),
        format!("{:?}", store.alarms(AlarmsAsked { limit: 9, ..AlarmsAsked::default() }).await.unwrap()),
        format!("{:?}", store.told("mail", &[1]).await.unwrap()),
        format!("{:?}", store.segments(&source(), None, Timestamp::MIN, Timestamp::MAX).await.unwrap()),
        format!("{:?}", store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap()),
        format!("{:?}", store.contact(&source(), &"c-2".into()).await.unwrap()),
        format!("{:?}", store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap()),
        format!("{:?}", store.acd_rows(&source(), "queue_interval", at(0), at(900)).await.unwrap()),
        format!(
            "{:?}",
            store.row_history(&source(), Origin::Acd, "queue_interval", at(0), at(9), 9).await.unwrap()
        ),
        format!("{:?}", store.reloads(&[], None, false, 9).await.unwrap()),
        format!("{:?}", store.erasures(&[], None, false, 9).await.unwrap()),
        format!("{:?}", store.reload_day(&source()).await.unwrap()),
        format!(
            "{:?}",
            store.row_history(&source(), Origin::Computed, "agent_interval", at(0), at(9), 9).await.unwrap()
        ),
        format!("{:?}", store.queue_names(&source()).await.unwrap()),
        format!("{:?}", store.agents(&[]).await.unwrap()),
        format!("{:?}", whole_feed(store, FeedKind::States).await),
        format!("{:?}", whole_feed(store, FeedKind::Rows).await),
        format!("{:?}", store.dead_letters(&[], None, 99).await.unwrap()),
        format!("{:?}", store.gaps(&source(), 99).await.unwrap()),
        format!("{:?}", store.tokens().await.unwrap()),
        format!("{:?}", store.token_by_hash(&[7; 32]).await.unwrap()),
        format!("{:?}", store.audit(None, 99).await.unwrap()),
    ];
    for agent in agents.map(Into::into) {
        shown.push(format!("{:?}", store.evidence(&source(), &agent, Timestamp::MIN).await.unwrap()));
        shown.push(format!("{:?}", store.base(&source(), &agent).await.unwrap()));
    }
    shown
}

async fn copied() -> Option<(SqliteHome, PostgresHome, SqliteStore)> {
    let target = PostgresHome::new()?;
    let home = SqliteHome::new();
    let store = home.sqlite();
    fill(&store).await;
    let copied = PostgresStore::copy_from(&store, &target.url(), &PostgresHome::options()).await.unwrap();
    let empty: Vec<_> = copied.iter().filter(|table| table.rows == 0).map(|table| &table.name).collect();
    assert_eq!(empty, [""; 0], "the test fills every table");
    Some((home, target, store))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_shows_what_the_store_showed() {
    let Some((_home, target, before)) = copied().await else { return };
    let after = target.open().await;
    for (before, after) in shown(&before).await.iter().zip(shown(&*after).await) {
        assert_eq!(*before, after);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_goes_on_upon_the_copy() {
    let Some((_home, target, before)) = copied().await else { return };
    let cursor = before.feed_end(FeedKind::States).await.unwrap();
    let letters = before.dead_letters(&[], None, 9).await.unwrap();
    let store = target.open().await;
    let stands = store.take_partition(&source(), &shard(), &[]).await.unwrap();
    assert_eq!((stands.epoch, stands.position), (2, Some(number(4))));
    let next = Batch {
        dead_letters: vec![dead_letter(3, Vec::new())],
        events: Some(events_write(2, vec![event_write(3)])),
        ..first_event(2, 4, "eve")
    };
    assert_eq!(store.commit(next).await.unwrap().last_state, cursor.seen[&source()] + 1);
    assert_eq!(store.raw_events(&source(), 2, 9).await.unwrap().events[0].number, 3);
    let page = store.feed(FeedKind::States, &cursor, &[], 9).await.unwrap();
    assert_eq!(page.entries.len(), 1, "a cursor of the old store skips nothing");
    let rows = vec![row("ann", "{\"talk_s\":9}", "late")];
    let closer = store.take_closer(&source()).await.unwrap();
    assert_eq!((closer.epoch, closer.closed_until), (2, ClosedUntil::both(at(900))));
    store.close(Close { rows, ..close(2) }).await.unwrap();
    let rows = store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap();
    assert_eq!(rows[0].revision, 4);
    let newest = store.dead_letters(&[], None, 9).await.unwrap()[0].id;
    assert!(newest > letters[0].id, "numbers are not given twice");
    assert_eq!(store.audit(None, 9).await.unwrap()[0].number, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_empty_schema_is_filled() {
    let Some((home, target, store)) = copied().await else { return };
    let before = shown(&*target.open().await).await;
    let again = PostgresStore::copy_from(&store, &target.url(), &PostgresHome::options()).await.unwrap_err();
    assert!(again.to_string().contains("is not empty"), "{again}");
    assert_eq!(shown(&*target.open().await).await, before, "it is left as it was");

    // A store that was made and never used is empty, too; its identity is replaced.
    let target = PostgresHome::new().unwrap();
    let made = target.open().await.id().clone();
    PostgresStore::copy_from(&store, &target.url(), &PostgresHome::options()).await.unwrap();
    assert!(made != *store.id() && target.open().await.id() == store.id());
    // A file that a hub holds is not read.
    let held = SqliteStore::open(&home.path(), SqliteHome::options()).unwrap_err();
    assert!(matches!(held, StoreError::InUse { .. }), "{held}");
}
