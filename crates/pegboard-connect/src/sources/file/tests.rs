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
