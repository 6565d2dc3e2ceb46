//! What waits for the archive.

use pegboard_model::PartitionId;
use pegboard_store::{ArchiveBacklog, ArchiveFile, ArchiveWrite, Batch, Store, StoreError};

use crate::home::Home;
use crate::sample::{at, batch, shard, source};

const HOUR: i64 = 3600;

/// Commits a step of `partition`, read so many seconds from the start of an hour.
async fn commit(store: &dyn Store, partition: &str, epoch: u64, expected: u64, read: i64, frame: &[u8]) {
    let archive = Some(ArchiveWrite { read: at(read), frame: frame.to_vec() });
    let step = Batch { partition: partition.into(), archive, ..batch(epoch, expected) };
    store.commit(step).await.unwrap();
}

async fn frames(store: &dyn Store, file: &ArchiveFile, at_once: usize) -> Vec<Vec<u8>> {
    let (mut frames, mut from) = (Vec::new(), file.first);
    loop {
        let steps = store.archive_steps(&source(), file, from, at_once).await.unwrap();
        let Some(last) = steps.last() else { return frames };
        from = last.number + 1;
        frames.extend(steps.into_iter().map(|step| step.frame));
    }
}

pub(crate) async fn steps_wait_by_partition_and_hour_until_they_are_written(home: &dyn Home) {
    let store = home.open().await;
    let other = PartitionId::from("shard-1\u{0}");
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let epoch_of_other = store.take_partition(&source(), &other, &[]).await.unwrap().epoch;
    commit(&*store, "shard-0", epoch, 0, 10, b"a").await;
    commit(&*store, other.as_str(), epoch_of_other, 0, 20, b"x\0y").await;
    commit(&*store, "shard-0", epoch, 1, HOUR - 1, b"b").await;
    commit(&*store, "shard-0", epoch, 2, HOUR, b"c").await;
    drop(store);

    let store = home.open().await;
    let source = source();
    let waiting = |before| store.archive_files(&source, at(before), 10);
    assert_eq!(waiting(HOUR - 1).await.unwrap(), []);
    let files = waiting(HOUR).await.unwrap();
    let shown: Vec<_> = files.iter().map(|file| (file.partition.clone(), file.hour, file.steps)).collect();
    assert_eq!(shown, [(shard(), at(0), 2), (other, at(0), 1)]);
    assert_eq!(waiting(2 * HOUR).await.unwrap().len(), 3);
    assert_eq!(store.archive_files(&source, at(2 * HOUR), 1).await.unwrap(), files[..1]);
    assert_eq!(store.archive_files(&"another".into(), at(2 * HOUR), 10).await.unwrap(), []);
    let backlog = store.archive_backlog(&source).await.unwrap();
    assert_eq!(backlog, ArchiveBacklog { oldest: Some(at(10)), bytes: 6 });
    assert_eq!(store.archive_backlog(&"another".into()).await.unwrap(), ArchiveBacklog::default());
    for at_once in [1, 2, 10] {
        assert_eq!(frames(&*store, &files[0], at_once).await, [b"a", b"b"]);
    }
    assert_eq!(frames(&*store, &files[1], 10).await, [b"x\0y"]);

    store.archive_written(&source, &files[0]).await.unwrap();
    store.archive_written(&source, &files[0]).await.unwrap();
    let left = waiting(2 * HOUR).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(left[0], files[1]);
    assert_eq!(store.archive_backlog(&source).await.unwrap().bytes, 4);
    assert_eq!(frames(&*store, &left[1], 10).await, [b"c"]);
}

pub(crate) async fn a_batch_that_is_refused_leaves_nothing(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let archive = Some(ArchiveWrite { read: at(0), frame: b"a".to_vec() });
    let refused = store.commit(Batch { archive, ..batch(epoch, 7) }).await;
    assert!(matches!(refused, Err(StoreError::NotOwner { .. })), "{refused:?}");
    assert_eq!(store.archive_files(&source(), at(2 * HOUR), 10).await.unwrap(), []);
}

pub(crate) async fn steps_that_come_later_are_a_file_of_their_own(home: &dyn Home) {
    let store = home.open().await;
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    commit(&*store, "shard-0", epoch, 0, 10, b"a").await;
    let first = store.archive_files(&source(), at(HOUR), 10).await.unwrap().remove(0);
    // A clock that went back dates a step into an hour that is being written.
    commit(&*store, "shard-0", epoch, 1, 11, b"b").await;
    assert_eq!(frames(&*store, &first, 10).await, [b"a"]);
    store.archive_written(&source(), &first).await.unwrap();
    let second = store.archive_files(&source(), at(HOUR), 10).await.unwrap().remove(0);
    assert!(second.first > first.last);
    assert_eq!(frames(&*store, &second, 10).await, [b"b"]);
}
