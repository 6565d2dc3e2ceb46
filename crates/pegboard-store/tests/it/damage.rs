//! Single bits of the file change, in every page and every part of one: what is no longer what was written is never
//! read as if it were, and costs only what reads it.

use std::fs;
use std::path::Path;

use pegboard_model::Timestamp;
use pegboard_store::{Batch, Close, FeedKind, SegmentsWrite, SqliteStore, Store, StoreError};
use rusqlite::OpenFlags;

use crate::home::SqliteHome;
use crate::sample::{
    at, batch, close, contact, dead_letter, event, observation, row, segment, shard, source, whole_feed,
};

const PAGE: usize = 4096;

/// Everything that a reader sees, or the first error.
async fn see(store: &SqliteStore) -> Result<String, StoreError> {
    let source = source();
    let mut seen = vec![
        format!("{:?}", store.agents(&[]).await?.agents),
        format!("{:?}", store.stored_agents(&source, None, usize::MAX).await?),
        format!("{:?}", store.partitions(&source).await?),
        format!("{:?}", store.segments(&source, None, Timestamp::MIN, Timestamp::MAX).await?),
        format!("{:?}", store.contacts(&source, Timestamp::MIN, Timestamp::MAX).await?),
        format!("{:?}", store.rows(&source, "agent_interval", Timestamp::MIN, Timestamp::MAX).await?),
        format!("{:?}", store.dead_letters(&[], None, 10_000).await?),
        format!("{:?}", store.evidence(&source, &"ann".into(), Timestamp::MIN).await?),
    ];
    for kind in [FeedKind::States, FeedKind::Rows] {
        let cursor = crate::sample::beginning(store);
        seen.push(format!("{:?}", store.feed(kind, &cursor, &[], 10_000).await?.entries));
    }
    Ok(seen.join("\n"))
}

/// A store with several pages of everything, and what a reader sees of it.
async fn filled(home: &SqliteHome) -> String {
    let store = home.sqlite();
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    for position in 0..60 {
        store.commit(event(epoch, position, "ann")).await.unwrap();
    }
    let segments = (0..200).map(|n| segment(n * 10, Some(n * 10 + 10), "Lunch")).collect();
    let write = SegmentsWrite { agent: "bob".into(), from: at(0), segments, until: None, keep_mark: false };
    let contacts = (0..200).map(|n| (contact(&format!("c-{n}"), n, 0), Some(at(n)))).collect();
    let letters = (0..50).map(|n| dead_letter(n, vec![7; 300])).collect();
    let evidence = (100..200).map(|n| observation("ann", n, &format!("late-{n}"))).collect();
    let batch =
        Batch { segments: vec![write], contacts, dead_letters: letters, evidence, ..batch(epoch, 60) };
    store.commit(batch).await.unwrap();
    let closer = store.take_closer(&source()).await.unwrap().epoch;
    let rows = (0..200).map(|n| row(&format!("agent-{n}"), r#"{"talk_s":1,"hold_s":22}"#, "first")).collect();
    store.close(Close { rows, ..close(closer) }).await.unwrap();
    assert_eq!(whole_feed(&store, FeedKind::Rows).await.len(), 200);
    let seen = see(&store).await.unwrap();
    store.shut_down().await.unwrap();
    seen
}

/// What became of a bit that changed.
#[derive(Debug, Default)]
struct Found {
    /// The store is not opened.
    refused: u32,
    /// A reader gets an error.
    error: u32,
    /// A reader sees what he saw before, since he does not need that page; a copy is refused.
    aside: u32,
    /// A reader sees what he saw before, and a copy is made.
    unnoticed: u32,
    /// A reader sees something else.
    silent: u32,
}

/// Changes one bit at each of the places, one after the other.
async fn change(path: &Path, bytes: &[u8], seen: &str, places: impl Iterator<Item = usize>) -> Found {
    let mut found = Found::default();
    for place in places {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1 << (place % 8);
        fs::write(path, changed).unwrap();
        match SqliteStore::open(path, SqliteHome::options()) {
            // As damaged, or as of another version, or as no store of ours.
            Err(_) => found.refused += 1,
            Ok(store) => match see(&store).await {
                Err(_) => found.error += 1,
                Ok(again) if again != seen => found.silent += 1,
                Ok(_) if store.backup().await.is_err() => found.aside += 1,
                Ok(_) => found.unnoticed += 1,
            },
        }
        for log in ["-wal", "-shm"] {
            let mut beside = path.as_os_str().to_owned();
            beside.push(log);
            drop(fs::remove_file(beside));
        }
    }
    found
}

/// The head of every page, what points to its cells, its cells, and the checksum at its end; of the first page the head of
/// the file, too.
#[tokio::test]
async fn r24_a_changed_bit_never_goes_unnoticed() {
    let home = SqliteHome::new();
    let seen = filled(&home).await;
    let bytes = fs::read(home.path()).unwrap();
    let pages = bytes.len() / PAGE;
    let parts = |page: usize| [page % 12, 12 + page % 40, 1000 + page * 97 % 3000, PAGE - 1 - page % 8];
    let in_pages = (0..pages).flat_map(|page| parts(page).map(|place| page * PAGE + place));
    let places: Vec<usize> = (0..100).chain(in_pages).collect();
    let found = change(&home.path(), &bytes, &seen, places.iter().copied()).await;
    eprintln!("{} bits of {pages} pages: {found:?}", places.len());
    assert_eq!((found.silent, found.unnoticed), (0, 0), "{found:?}");
    assert!(found.error > 0 && found.aside > 0, "{found:?}");
}

/// The pages of a table.
fn pages_of(path: &Path, table: &str) -> Vec<usize> {
    let database = pegboard_pages::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut query = database.prepare("SELECT pageno FROM dbstat WHERE name = ?1").unwrap();
    let pages = query.query_map([table], |row| row.get::<_, i64>(0)).unwrap();
    pages.map(|page| usize::try_from(page.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn r24_a_damaged_page_costs_what_reads_it_and_nothing_else() {
    let home = SqliteHome::new();
    filled(&home).await;
    let mut bytes = fs::read(home.path()).unwrap();
    let page = *pages_of(&home.path(), "rows").last().unwrap();
    bytes[page * PAGE - 1000] ^= 1;
    fs::write(home.path(), &bytes).unwrap();

    let store = home.sqlite();
    let error = store.rows(&source(), "agent_interval", Timestamp::MIN, Timestamp::MAX).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains(&format!("read rows: page {page} of the file is not as it was written")), "{said}");
    assert!(said.contains("restore a backup"), "{said}");

    assert_eq!(store.stored_agents(&source(), None, 10).await.unwrap().len(), 1);
    assert_eq!(store.contacts(&source(), Timestamp::MIN, Timestamp::MAX).await.unwrap().len(), 200);
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    store.commit(Batch { agents: Vec::new(), ..event(epoch, 61, "ann") }).await.unwrap();
    let closer = store.take_closer(&source()).await.unwrap();
    let rows = (0..200).map(|n| row(&format!("agent-{n}"), "{}", "late")).collect();
    let refused = store
        .close(Close {
            rows,
            closed_until: pegboard_store::ClosedUntil::both(at(1800)),
            ..close(closer.epoch)
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    let after = store.source_state(&source()).await.unwrap();
    assert_eq!(after.closed_until, closer.closed_until, "nothing of it was written");
    store.backup().await.unwrap_err();
}
