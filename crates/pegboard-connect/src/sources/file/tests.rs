use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use pegboard_model::{PartitionId, Position, Timestamp};

use super::FileSource;
use crate::spec::{PartitionReader, Progress, Source};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn source(path: &Path, follow: bool) -> FileSource {
    FileSource::new(path.to_path_buf(), follow, Arc::new(|| NOW))
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opens");
    file.write_all(text.as_bytes()).expect("writes");
}

async fn opened(source: &FileSource, known: &BTreeMap<PartitionId, Progress>) -> Box<dyn PartitionReader> {
    let plan = source.plan(known).await.expect("plans");
    source.open(&plan.open[0]).expect("opens")
}

async fn texts(reader: &mut dyn PartitionReader) -> (Vec<String>, Position, bool) {
    let chunk = reader.next().await.expect("reads");
    let texts =
        chunk.records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect();
    (texts, chunk.position, chunk.ended)
}

#[tokio::test]
async fn a_growing_file_gives_whole_lines_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    append(&path, "{\"a\":1}\n{\"a\":");
    let source = source(&path, true);
    let mut reader = opened(&source, &BTreeMap::new()).await;
    assert_eq!(texts(&mut *reader).await, (vec!["{\"a\":1}".into()], Position::Number(8), false));
    append(&path, "2}\n");
    assert_eq!(texts(&mut *reader).await.0, ["{\"a\":2}"]);
}

#[tokio::test]
async fn reading_goes_on_at_the_remembered_position() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    append(&path, "{\"a\":1}\n{\"a\":2}\n");
    let partition = PartitionId::from(path.display().to_string());
    let started = Progress::Started { position: Position::Number(8), watermark: None };
    let source = source(folder.path(), false);
    let mut reader = opened(&source, &BTreeMap::from([(partition, started)])).await;
    assert_eq!(texts(&mut *reader).await, (vec!["{\"a\":2}".into()], Position::Number(16), true));
}

#[tokio::test]
async fn a_file_that_shrank_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    append(&path, "{\"a\":1}\n{\"a\":2}\n");
    let source = source(&path, true);
    let mut reader = opened(&source, &BTreeMap::new()).await;
    texts(&mut *reader).await;
    fs::write(&path, "{}\n").expect("writes");
    let error = reader.next().await.expect_err("must fail");
    assert!(error.message.contains("events.ndjson") && error.message.contains("was replaced"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_gone_is_lost_and_a_finished_one_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    append(&folder.path().join("b.ndjson"), "{}\n");
    append(&folder.path().join(".hidden"), "{}\n");
    let name = |file: &str| PartitionId::from(folder.path().join(file).display().to_string());
    let started = Progress::Started { position: Position::Number(1), watermark: None };
    let known = BTreeMap::from([(name("a.ndjson"), started), (name("b.ndjson"), Progress::Finished)]);
    let plan = source(folder.path(), true).plan(&known).await.expect("plans");
    assert_eq!((plan.open.len(), plan.lost), (0, vec![name("a.ndjson")]));
}

#[tokio::test]
async fn a_compressed_file_is_read_in_pieces_and_goes_on_in_its_midst() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson.zst");
    let lines: Vec<String> =
        (0..25_000).map(|n| format!("{{\"n\":{n},\"x\":\"{}\"}}", "x".repeat(180))).collect();
    fs::write(&path, zstd::encode_all(lines.join("\n").as_bytes(), 1).expect("packs")).expect("writes");
    let source = source(&path, true);
    let partition = PartitionId::from(path.display().to_string());
    let mut known = BTreeMap::new();
    let (mut read, mut pieces) = (Vec::new(), 0);
    loop {
        // Each piece by a reader of its own, as after a restart.
        let mut reader = opened(&source, &known).await;
        let (records, position, ended) = texts(&mut *reader).await;
        assert!(records.len() <= 10_000 && records.iter().map(String::len).sum::<usize>() <= 4 << 20);
        read.extend(records);
        pieces += 1;
        if ended {
            break;
        }
        known.insert(partition.clone(), Progress::Started { position, watermark: None });
    }
    assert!(pieces > 2 && read == lines, "{pieces} pieces, {} records", read.len());
}

#[tokio::test]
async fn a_compressed_file_of_small_records_is_read_in_pieces_by_one_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.zst");
    fs::write(&path, zstd::encode_all(&b"{}".repeat(25_000)[..], 1).expect("packs")).expect("writes");
    let mut reader = opened(&source(&path, false), &BTreeMap::new()).await;
    let mut counts = Vec::new();
    loop {
        let (records, _, ended) = texts(&mut *reader).await;
        counts.push(records.len());
        if ended {
            break;
        }
    }
    assert_eq!(counts, [10_000, 10_000, 5_000, 0]);
}

/// The name of a file of a folder, and what is known of it when `bytes` were read.
fn started(path: &Path, bytes: u64) -> BTreeMap<PartitionId, Progress> {
    let progress = Progress::Started { position: Position::Number(bytes), watermark: None };
    BTreeMap::from([(PartitionId::from(path.display().to_string()), progress)])
}

#[tokio::test]
async fn a_file_that_is_taken_away_when_it_was_read_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.ndjson");
    append(&path, "{}\n");
    let source = source(folder.path(), true);
    let mut reader = opened(&source, &BTreeMap::new()).await;
    texts(&mut *reader).await;
    fs::remove_file(&path).expect("removes");
    let plan = source.plan(&started(&path, 3)).await.expect("plans");
    assert_eq!((plan.open.len(), plan.lost.len()), (1, 0));
    assert_eq!(texts(&mut *reader).await, (Vec::new(), Position::Number(3), true));
}

#[tokio::test]
async fn a_file_that_is_taken_away_before_it_was_read_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.ndjson");
    append(&path, "{}\n{\"a\":");
    let source = source(folder.path(), true);
    let mut reader = opened(&source, &BTreeMap::new()).await;
    texts(&mut *reader).await;
    fs::remove_file(&path).expect("removes");
    reader.next().await.expect_err("must fail");
    let plan = source.plan(&started(&path, 3)).await.expect("plans");
    assert_eq!((plan.open.len(), plan.lost.len()), (0, 1));
}

#[tokio::test]
async fn a_cancelled_read_is_not_done_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.zst");
    fs::write(&path, zstd::encode_all(&b"{}".repeat(15_000)[..], 1).expect("packs")).expect("writes");
    let mut reader = opened(&source(&path, false), &BTreeMap::new()).await;
    assert_eq!(texts(&mut *reader).await.0.len(), 10_000);
    fs::remove_file(&path).expect("removes");
    let early = tokio::select! {
        biased;
        read = texts(&mut *reader) => read.0.len(),
        () = std::future::ready(()) => 0,
    };
    let read = if early == 0 { texts(&mut *reader).await.0.len() } else { early };
    assert_eq!(read, 5_000, "the open file is read on");
}
