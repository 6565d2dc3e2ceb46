//! The power fails: what was not yet on the disk is gone, or there in part.

use std::fs;
use std::path::{Path, PathBuf};

use pegboard_model::Timestamp;
use pegboard_store::{FeedKind, SqliteStore, Store};
use tempfile::TempDir;

use crate::home::SqliteHome;
use crate::sample::{event, position_of, shard, source, whole_feed};

const PAGE: usize = 4096;
/// The head of the log, and that of each of its frames: <https://www.sqlite.org/fileformat2.html#walformat>
const LOG_HEAD: usize = 32;
const FRAME: usize = 24 + PAGE;

/// The files of a store at the moment of a failure, each batch with how long the log was when it was acknowledged.
struct Moment {
    file: Vec<u8>,
    log: Vec<u8>,
    /// For each acknowledged batch, counted from `before`.
    lengths: Vec<usize>,
    /// Batches that are in the file already.
    before: u64,
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

async fn commit_until(store: &SqliteStore, from: u64, to: u64, mut acknowledged: impl FnMut()) {
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    for position in from..to {
        store.commit(event(epoch, position, "ann")).await.unwrap();
        acknowledged();
    }
}

/// A store that was closed once, so that its file holds something, and then went on.
async fn moment() -> Moment {
    let home = SqliteHome::new();
    let before = 20;
    let store = home.sqlite();
    commit_until(&store, 0, before, || ()).await;
    store.shut_down().await.unwrap();
    let store = home.sqlite();
    let mut lengths = Vec::new();
    let log = log_of(&home.path());
    let length = || usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
    commit_until(&store, before, before + 25, || lengths.push(length())).await;
    assert!(lengths.is_sorted() && lengths[0] > LOG_HEAD, "the log was written back: {lengths:?}");
    Moment { file: fs::read(home.path()).unwrap(), log: fs::read(log).unwrap(), lengths, before }
}

/// How many batches a store with these files has, each whole.
async fn batches(file: &[u8], log: &[u8]) -> u64 {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pegboard.db");
    fs::write(&path, file).unwrap();
    fs::write(log_of(&path), log).unwrap();
    let store = SqliteStore::open(&path, SqliteHome::options()).unwrap();
    let partition = store.partitions(&source()).await.unwrap().remove(0);
    let position = position_of(partition.position.as_ref());
    let evidence = store.evidence(&source(), &"ann".into(), Timestamp::MIN).await.unwrap();
    let ids: Vec<String> = evidence.iter().map(|seen| seen.id.to_string()).collect();
    assert_eq!(ids, (0..position).map(|number| format!("event-{number}")).collect::<Vec<_>>());
    assert_eq!(partition.counts.records, position, "each batch is there as a whole or not at all");
    assert_eq!(whole_feed(&store, FeedKind::States).await.len() as u64, position);
    position
}

impl Moment {
    /// How many batches were acknowledged when the log had this length.
    fn acknowledged(&self, length: usize) -> u64 {
        self.before + self.lengths.iter().filter(|own| **own <= length).count() as u64
    }

    fn last(&self) -> u64 {
        self.before + self.lengths.len() as u64
    }
}

#[tokio::test]
async fn r24_whatever_of_the_log_is_lost_all_that_was_acknowledged_before_is_there() {
    let moment = moment().await;
    let frames = (moment.log.len() - LOG_HEAD) / FRAME;
    let boundaries = (0..=frames).map(|frame| LOG_HEAD + frame * FRAME);
    let within = (0..120).map(|n| (n * 7919 + n * n * 31) % moment.log.len());
    let mut seen = Vec::new();
    for length in boundaries.chain(within) {
        let kept = batches(&moment.file, &moment.log[..length]).await;
        assert!(kept >= moment.acknowledged(length) && kept <= moment.last(), "{length} bytes: {kept}");
        seen.push(kept);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len() as u64, moment.last() - moment.before + 1, "every number of batches was met");
}

#[tokio::test]
async fn r24_a_log_that_ends_in_rubbish_is_whole_up_to_it() {
    let moment = moment().await;
    for (index, length) in moment.lengths.iter().enumerate() {
        let mut log = moment.log[..*length].to_vec();
        // What follows was on its way to the disk: sectors of it came, others did not.
        for (sector, bytes) in moment.log[*length..].chunks(512).enumerate() {
            match (sector + index) % 3 {
                0 => log.extend_from_slice(bytes),
                1 => log.extend(std::iter::repeat_n(0, bytes.len())),
                _ => log.extend(bytes.iter().map(|byte| byte ^ 0x5a)),
            }
        }
        let kept = batches(&moment.file, &log).await;
        assert_eq!(kept, moment.before + index as u64 + 1, "after {index} batches");
    }
}

/// The log is written back to the file page by page; it is begun anew only after the file is on the disk.
#[tokio::test]
async fn r24_pages_that_were_written_back_in_part_are_mended_from_the_log() {
    let moment = moment().await;
    let logged = moment.log[LOG_HEAD..].chunks_exact(FRAME).map(|frame| {
        let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        number as usize - 1
    });
    let mut logged: Vec<usize> = logged.filter(|page| (page + 1) * PAGE <= moment.file.len()).collect();
    logged.sort_unstable();
    logged.dedup();
    assert!(logged.len() > 5, "hardly a page is in the log: {logged:?}");
    for torn in 0..logged.len() {
        let mut file = moment.file.clone();
        for page in logged.iter().copied().cycle().skip(torn).take(3) {
            let half = page * PAGE + PAGE / 2;
            file[half..half + PAGE / 2].fill(0x5a);
        }
        assert_eq!(batches(&file, &moment.log).await, moment.last());
    }
}
