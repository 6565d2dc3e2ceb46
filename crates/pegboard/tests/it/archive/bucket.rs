//! The archive in a bucket.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pegboard::runtime::archive::ArchiveFailure;
use pegboard_connect::archive::{ArchiveBucket, ArchivePlace, Stored};

use super::*;
use crate::support::archiving::{KEEP, all_of};
use crate::support::bucket::TestBucket;
use crate::support::proxy::{Fault, Proxy};

const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>";

/// A hub that has read a day, and nothing of it is in the archive.
async fn read_day(place: PlaceSettings, folder: &Path) -> Live {
    let day = Day::of(8, 3, 4);
    let script = one_partition(&day, false);
    let live = Live::start(&script, &archiving(place, config()), folder).await;
    live.settle(&script, day.end).await;
    live
}

fn archive_in(bucket: ArchiveBucket) -> (Arc<ArchiveBucket>, Archive) {
    let bucket = Arc::new(bucket);
    (bucket.clone(), Archive::new(ArchivePlace::Bucket(bucket), &SOURCE.into()))
}

/// The frames that wait, as one file.
async fn waiting(live: &Live) -> (FileName, Vec<Vec<u8>>) {
    let source = SOURCE.into();
    let files = live.store.archive_files(&source, Timestamp::MAX, 10).await.unwrap();
    let [file] = &files[..] else { panic!("{files:?}") };
    let steps = live.store.archive_steps(&source, file, file.first, 1000).await.unwrap();
    let name = FileName::new(&source, &file.partition, file.hour, file.first);
    (name, steps.into_iter().map(|step| step.frame).collect())
}

#[tokio::test]
async fn a_store_that_is_made_again_from_a_bucket_holds_the_same() {
    let Some(bucket) = TestBucket::make().await else { return };
    let day = Day::of(14, 7, 6);
    let (script, folder) = (split(&day), tempfile::tempdir().unwrap());
    assert_rebuilt(bucket.archive(folder.path()), folder.path(), &day, &script).await;
}

#[tokio::test]
async fn r03_a_throttled_bucket_and_answers_that_are_lost_cost_time_and_nothing_else() {
    let Some(bucket) = TestBucket::make().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let live = read_day(bucket.archive(folder.path()), folder.path()).await;
    let proxy = Proxy::start(bucket.address(), |operation, n, _| match (operation, n) {
        (_, 0) => Some(Fault::Answer(503, SLOW_DOWN.to_owned())),
        ("PutObject" | "GetObject", 1) => Some(Fault::Reset),
        // It is written, and nobody is told.
        ("PutObject", 2) => Some(Fault::Truncate),
        ("ListObjectsV2", 1) => Some(Fault::Refuse(500, "InternalError")),
        _ => None,
    })
    .await;
    let (name, frames) = waiting(&live).await;
    let (_, archive) = archive_in(bucket.archive_through(&proxy.url()));
    write_archive(&*live.store, &archive).await;
    let left = live.store.archive_files(&SOURCE.into(), Timestamp::MAX, 10).await.unwrap();
    assert_eq!(left, []);
    let there = all_of(&archive).await;
    assert_eq!(there.len(), 1);
    assert_eq!((there[0].0.as_str(), there[0].1.len()), (&*name.to_string(), frames.len()));
    for operation in ["PutObject", "GetObject", "ListObjectsV2"] {
        assert!(proxy.faults(operation) > 1, "{operation} did not fail");
    }
    live.stop().await;
}

#[tokio::test]
async fn while_a_bucket_does_not_answer_what_was_read_waits_in_the_store() {
    let Some(bucket) = TestBucket::make().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let live = read_day(bucket.archive(folder.path()), folder.path()).await;
    let is_away = Arc::new(AtomicBool::new(true));
    let away = is_away.clone();
    let proxy = Proxy::start(bucket.address(), move |_, _, _| {
        away.load(Ordering::SeqCst).then(|| Fault::Answer(503, String::new()))
    })
    .await;
    let before = waiting(&live).await;
    let (_, archive) = archive_in(bucket.archive_through(&proxy.url()));
    let over = clock::now() + Millis::from_hours(2);
    let failed = archive::turn(&*live.store, &archive, KEEP, over).await.unwrap_err();
    assert!(matches!(failed, ArchiveFailure::Bucket(_)), "{failed}");
    let told = failed.to_string();
    assert!(told.contains("PutObject") && told.contains("waits in the store until it can"), "{told}");
    assert_eq!(waiting(&live).await, before, "nothing is let go of");
    is_away.store(false, Ordering::SeqCst);
    write_archive(&*live.store, &archive).await;
    assert_eq!(all_of(&archive).await[0].1.len(), before.1.len());
    live.stop().await;
}

#[tokio::test]
async fn r03_a_part_that_was_left_there_is_replaced_by_the_whole() {
    let Some(bucket) = TestBucket::make().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let live = read_day(bucket.archive(folder.path()), folder.path()).await;
    let (name, frames) = waiting(&live).await;
    let (there, archive) = archive_in(bucket.archive_through(&format!("http://{}", bucket.address())));
    let part = frames[..frames.len() / 2].concat();
    assert_eq!(there.write(&name, &part).await.unwrap(), Stored::Whole);
    assert_eq!(there.write(&name, &part).await.unwrap(), Stored::Whole, "once more is as good");
    write_archive(&*live.store, &archive).await;
    assert_eq!(all_of(&archive).await[0].1.len(), frames.len());
    // A node that was away for long finds that there is more than it has, and leaves it.
    let Stored::Other { etag } = there.write(&name, &part).await.unwrap() else {
        panic!("it is another one")
    };
    assert!(there.replace(&name, &part, "\"another\"").await.is_err());
    assert_eq!(there.write(&name, &frames.concat()).await.unwrap(), Stored::Whole);
    assert!(!etag.is_empty());
    live.stop().await;
}

#[tokio::test]
async fn r28_objects_go_when_their_time_is_over_and_nothing_else_does() {
    let Some(bucket) = TestBucket::make().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (there, archive) = archive_in(bucket.archive_through(&format!("http://{}", bucket.address())));
    let hour = |hour: i64| Timestamp::from_millis(1_777_885_200_000) + Millis::from_hours(hour);
    for number in 0..3 {
        let name = FileName::new(&SOURCE.into(), &"p".into(), hour(number), 1);
        there.write(&name, b"x").await.unwrap();
        let other = FileName::new(&"other".into(), &"p".into(), hour(number), 1);
        there.write(&other, b"x").await.unwrap();
    }
    let first = FileName::new(&SOURCE.into(), &"p".into(), hour(0), 1).to_string();
    let foreign = format!("kept/{}", first.replace(".zst", ".txt"));
    bucket.put(&foreign, b"").await;
    let store = open_store(folder.path());
    archive::turn(&*store, &archive, Millis::from_hours(48), hour(50)).await.unwrap();
    let keys = bucket.keys().await;
    let hours = |source: &str| {
        keys.iter().filter(|key| key.starts_with(&format!("kept/{source}/")) && **key != foreign).count()
    };
    assert_eq!((hours(SOURCE), hours("other")), (1, 3), "{keys:?}");
    assert!(keys.contains(&foreign), "{keys:?}");
}

#[tokio::test]
async fn check_tries_the_bucket_and_leaves_nothing_there() {
    let Some(bucket) = TestBucket::make().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pegboard.toml");
    fs::write(folder.path().join("x"), "").unwrap();
    let source = format!("[[source]]\nname = \"{SOURCE}\"\nkind = \"file\"\nfile.path = \"x\"\n");
    fs::write(&file, format!("{}{source}", bucket.archive_table(folder.path()))).unwrap();
    let told = run(folder.path(), &["check"]).well().text();
    let expected =
        format!("ok      archive: s3://{}/kept/ can be written, read, listed and cleared", bucket.name());
    assert!(told.contains(&expected), "{told}");
    assert_eq!(bucket.keys().await, [""; 0]);
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, settings.replace(bucket.name(), "nobody-made-this")).unwrap();
    let refused = run(folder.path(), &["check"]);
    let told = refused.text() + &refused.stderr;
    assert!(refused.code != 0 && told.contains("failed  archive: bucket `nobody-made-this`"), "{told}");
    assert!(told.contains("check the name, the region and the account"), "{told}");
}
