//! Single bits of the file change, in every kind of page: what is no longer what was written is refused, or reads as
//! it was, or lies within a value.

use std::fs;
use std::ops::Range;
use std::path::Path;

use pegboard_model::Timestamp;
use pegboard_store::{Batch, Close, FeedKind, SegmentsWrite, SqliteStore, Store, StoreError};

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
    let write = SegmentsWrite { agent: "bob".into(), from: at(0), segments, keep_mark: false };
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
    /// A reader sees what he saw before.
    harmless: u32,
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
                Ok(again) if again == seen => found.harmless += 1,
                Ok(_) => found.silent += 1,
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

/// The head of every page: its kind, how many cells it has, where they begin, its last child.
const HEAD: Range<usize> = 0..12;

#[tokio::test]
async fn r24_a_changed_bit_in_the_head_of_a_page_never_goes_unnoticed() {
    let home = SqliteHome::new();
    let seen = filled(&home).await;
    let bytes = fs::read(home.path()).unwrap();
    let pages = bytes.len() / PAGE;
    // The first page begins with the head of the file.
    let places = (1..pages).map(|page| page * PAGE + HEAD.start + page % HEAD.len());
    let found = change(&home.path(), &bytes, &seen, places).await;
    eprintln!("one bit in the head of each of {pages} pages: {found:?}");
    assert_eq!(found.silent, 0, "{found:?}");
    assert!(found.refused > 0, "{found:?}");
}

/// Most bits of a store are within values, which carry no checksum: this says how it is, and holds it there.
#[tokio::test]
async fn r24_a_changed_bit_anywhere_is_mostly_noticed_or_harmless() {
    let home = SqliteHome::new();
    let seen = filled(&home).await;
    let bytes = fs::read(home.path()).unwrap();
    let count = 150;
    let places = (0..count).map(|n| (n * bytes.len() / count + n * 97) % bytes.len());
    let found = change(&home.path(), &bytes, &seen, places).await;
    eprintln!("{count} bits anywhere: {found:?}");
    assert!(found.silent * 2 < 150, "{found:?}");
}
