use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::Path;

use pegboard_model::acd::{AcdReport, AcdRow, Grouping, Telling};
use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use proptest::prelude::*;

use super::{
    Archive, ArchiveError, ArchiveSource, Attributes, FileName, Step, Steps, learn_from_frame, pack,
    rewrite_frame,
};
use crate::person::{Person, Terms};
use crate::sources::file::FileSource;
use crate::spec::{Broken, Chunk, Lost, Progress, Record, Source as _};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_777_885_200_000 + seconds * 1000)
}

fn chunk(position: u64, records: &[&str]) -> Chunk {
    let record =
        |data: &&str| Record { position: Position::Number(position), data: data.as_bytes().to_vec() };
    Chunk {
        records: records.iter().map(record).collect(),
        watermark: Some(at(1)),
        behind: Some(Millis::new(250)),
        ..Chunk::at(Position::Number(position))
    }
}

fn packed(from: u64, chunk: &Chunk) -> Vec<u8> {
    let dropped: Attributes = ["Attributes"].into_iter().collect();
    pack(&"shard".into(), &["parent".into()], (&Position::Number(from), at(2)), chunk, &dropped).unwrap()
}

fn unpacked(file: &[u8]) -> Result<Vec<Step>, ArchiveError> {
    Steps::new(file).collect()
}

/// Everything of a chunk, to be compared.
fn shown(chunk: &Chunk) -> String {
    format!("{chunk:?}")
}

#[test]
fn steps_come_back_as_they_were() {
    let mut second = chunk(9, &[r#"{"a":1}"#, "not JSON \u{fc}", "", "{\n  \"b\": 2\n}", " 7 "]);
    second.broken.push(Broken {
        position: Position::Sequence("8".into()),
        data: vec![0, 255],
        reason: "odd".into(),
    });
    second.gap = Some(Lost { from: Some(at(0)), to: None, reason: "expired".into() });
    second.ended = true;
    second.behind = None;
    second.foreign = 3;
    let file = [packed(0, &chunk(3, &[r#"{"c":3}"#])), packed(3, &second)].concat();
    let steps = unpacked(&file).unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0].from, Position::Number(0));
    assert_eq!(steps[1].from, Position::Number(3));
    assert_eq!(steps[1].partition, PartitionId::from("shard"));
    assert_eq!(steps[1].parents, [PartitionId::from("parent")]);
    assert_eq!(steps[1].read, at(2));
    // Space around a value is not of it.
    second.records[4].data = b"7".to_vec();
    assert_eq!(shown(&steps[1].chunk), shown(&second));
}

#[test]
fn rows_of_the_acd_come_back_with_where_they_were_told() {
    let mut row = AcdRow::new(
        AcdReport::QueueInterval,
        "QR".into(),
        at(0),
        Millis::from_minutes(15),
        Grouping::default(),
    );
    row.telling = Telling { file: "reports/QR.csv".into(), made: at(900) };
    let chunk = Chunk { rows: vec![row], ..chunk(1, &["1"]) };
    assert_eq!(shown(&unpacked(&packed(0, &chunk)).unwrap()[0].chunk), shown(&chunk));
}

#[test]
fn attributes_that_are_not_kept_are_not_in_the_file() {
    let file = packed(0, &chunk(1, &[r#"{"ContactId":"c","Attributes":{"card":"4111"}}"#]));
    let text = zstd::decode_all(&*file).unwrap();
    assert!(!String::from_utf8(text).unwrap().contains("4111"));
    assert_eq!(unpacked(&file).unwrap()[0].chunk.records[0].data, br#"{"ContactId":"c"}"#);
}

#[test]
fn a_frame_is_text_for_people_with_zstd() {
    let text = zstd::decode_all(&*packed(41, &chunk(57, &[r#"{"a":1}"#]))).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
    {"pegboard_archive":1,"partition":"shard","parents":["parent"],"read":"2026-05-04T09:00:02Z","from":41,"position":57,"watermark":"2026-05-04T09:00:01Z","behind_ms":250,"records":1}
    {"position":57,"json":{"a":1}}
    "#);
}

#[test]
fn r24_a_changed_bit_or_a_torn_end_is_an_error_and_never_another_record() {
    let whole = [packed(0, &chunk(3, &[r#"{"c":"some text"}"#])), packed(3, &chunk(4, &[]))].concat();
    let truth: Vec<_> = unpacked(&whole).unwrap().iter().map(|step| shown(&step.chunk)).collect();
    for byte in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1 << bit;
            // A frame that became one to be skipped is none; what comes out is what was written, or nothing.
            if let Ok(steps) = unpacked(&damaged) {
                for step in steps {
                    assert!(truth.contains(&shown(&step.chunk)), "byte {byte} bit {bit}");
                }
            }
        }
    }
    let first = packed(0, &chunk(3, &[r#"{"c":"some text"}"#])).len();
    for end in (1..whole.len()).filter(|end| *end != first) {
        assert!(matches!(unpacked(&whole[..end]), Err(ArchiveError::Damaged { .. })), "cut at {end}");
    }
}

#[test]
fn r28_a_step_that_would_fill_the_memory_is_refused() {
    let text = "x".repeat(100_000);
    let file = packed(0, &chunk(1, &[&text]));
    let within = |max_bytes| Steps::within(&*file, max_bytes).next().unwrap();
    let length = zstd::decode_all(&*file).unwrap().len() as u64;
    assert!(within(length).is_ok());
    let error = within(length - 1).unwrap_err().to_string();
    assert!(error.contains("step 1 of the file is damaged: more than"), "{error}");
}

#[test]
fn a_newer_format_says_so() {
    let head = br#"{"pegboard_archive":2,"partition":"p","read":"2026-05-04T09:00:02Z","from":1,"position":2,"records":0}"#;
    let file = zstd::encode_all(&head[..], 1).unwrap();
    assert!(matches!(unpacked(&file), Err(ArchiveError::Newer { step: 1, version: 2 })));
}

proptest! {
    #[test]
    fn any_bytes_come_back(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
        let mut chunk = chunk(5, &[]);
        for data in &records {
            chunk.records.push(Record { position: Position::Number(5), data: data.clone() });
        }
        let steps = unpacked(&packed(0, &chunk)).unwrap();
        let back: Vec<_> = steps[0].chunk.records.iter().map(|record| record.data.trim_ascii()).collect();
        let there: Vec<_> = records.iter().map(|data| data.trim_ascii()).collect();
        prop_assert_eq!(back, there);
    }

    #[test]
    fn hostile_files_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let framed = zstd::encode_all(&*bytes, 1).unwrap();
        prop_assert!(unpacked(&framed).is_err());
        drop(unpacked(&bytes));
    }
}

const NAME: &str = "connect";

fn write(
    folder: &Path,
    partition: &str,
    (hour, number): (i64, u64),
    steps: &[(u64, Chunk)],
    parents: &[&str],
) {
    let parents: Vec<PartitionId> = parents.iter().map(|parent| PartitionId::from(*parent)).collect();
    let partition = PartitionId::from(partition);
    let read = at(hour * 3600);
    let frames = steps.iter().map(|(from, chunk)| {
        pack(&partition, &parents, (&Position::Number(*from), read), chunk, &Attributes::default()).unwrap()
    });
    let path = folder.join(FileName::new(&NAME.into(), &partition, read, number).to_string());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, frames.collect::<Vec<_>>().concat()).unwrap();
}

fn archive(folder: &Path) -> ArchiveSource {
    let file = FileSource::new("nowhere".into(), false, std::sync::Arc::new(|| at(0)));
    let archive = Archive::in_folder(folder, &SourceName::from(NAME));
    ArchiveSource::new(archive, Box::new(file), "observed".into())
}

/// The positions that the chunks of a partition lead to, from `from` on, and where there is a gap.
async fn read(source: &ArchiveSource, from: u64) -> Vec<(Position, bool)> {
    let mut plan = source.plan(&BTreeMap::new()).await.unwrap();
    let mut opening = plan.open.remove(0);
    opening.from = Position::Number(from);
    let mut reader = source.open(&opening).unwrap();
    let mut exhausted = source.exhausted();
    let mut chunks = Vec::new();
    loop {
        tokio::select! {
            biased;
            chunk = reader.next() => {
                let chunk = chunk.unwrap();
                chunks.push((chunk.position, chunk.gap.is_some()));
            }
            () = exhausted.wait(1) => return chunks,
        }
    }
}

#[test]
fn of_what_is_older_than_asked_for_nothing_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for (hour, number) in [(23, 9), (24, 10), (25, 11)] {
        write(folder.path(), "p", (hour, number), &[(0, chunk(1, &["1"]))], &[]);
    }
    let archive = Archive::in_folder(folder.path(), &NAME.into());
    let since = |hour: i64| {
        let files = archive.files_since(at(hour * 3600 + 1800)).unwrap();
        files.iter().flatten().map(FileName::number).collect::<Vec<_>>()
    };
    assert_eq!(
        (since(23), since(24), since(25), since(26)),
        (vec![9, 10, 11], vec![10, 11], vec![11], vec![])
    );
    assert_eq!(archive.begins().unwrap(), Some(at(23 * 3600)));
    std::fs::remove_dir_all(folder.path().join(NAME)).unwrap();
    std::fs::create_dir(folder.path().join(NAME)).unwrap();
    assert_eq!(archive.begins().unwrap(), None);
}

#[tokio::test]
async fn a_partition_is_read_file_by_file_in_the_order_of_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "p/1", (1, 10), &[(4, chunk(6, &["1"]))], &[]);
    write(folder.path(), "p/1", (0, 9), &[(0, chunk(2, &["1"])), (2, chunk(4, &["1"]))], &[]);
    write(folder.path(), "p/1", (1, 11), &[(6, chunk(7, &["1"]))], &[]);
    let source = archive(folder.path());
    let positions = [2, 4, 6, 7].map(|position| (Position::Number(position), false));
    assert_eq!(read(&source, 0).await, positions);
    assert_eq!(
        source.probe().await.unwrap(),
        format!("{} holds 3 files of 1 partitions", folder.path().join(NAME).display())
    );
}

#[tokio::test]
async fn reading_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "p",
        (0, 1),
        &[(0, chunk(2, &["1"])), (2, chunk(4, &["1"])), (4, chunk(5, &["1"]))],
        &[],
    );
    let source = archive(folder.path());
    assert_eq!(read(&source, 4).await, [(Position::Number(5), false)]);
}

#[tokio::test]
async fn what_is_missing_between_two_files_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "p", (0, 1), &[(0, chunk(2, &["1"]))], &[]);
    write(folder.path(), "p", (2, 3), &[(8, chunk(9, &["1"]))], &[]);
    let source = archive(folder.path());
    assert_eq!(read(&source, 0).await, [(Position::Number(2), false), (Position::Number(9), true)]);
}

#[tokio::test]
async fn children_wait_for_their_parents() {
    let folder = tempfile::tempdir().unwrap();
    let end = Chunk { ended: true, ..chunk(2, &[]) };
    write(folder.path(), "parent", (0, 1), &[(0, end)], &[]);
    write(folder.path(), "child", (0, 2), &[(0, chunk(1, &["1"]))], &["parent", "never archived"]);
    let source = archive(folder.path());
    let names = |plan: &crate::spec::Plan| {
        plan.open.iter().map(|opening| opening.partition.clone()).collect::<Vec<_>>()
    };
    let plan = source.plan(&BTreeMap::new()).await.unwrap();
    assert_eq!((names(&plan), &*plan.waiting), (vec!["parent".into()], &[PartitionId::from("child")][..]));
    let known = BTreeMap::from([(PartitionId::from("parent"), Progress::Finished)]);
    let plan = source.plan(&known).await.unwrap();
    assert_eq!((names(&plan), plan.waiting.len()), (vec!["child".into()], 0));
}

#[tokio::test]
async fn a_damaged_file_is_named_and_needs_somebody() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "p", (0, 1), &[(0, chunk(2, &["1"]))], &[]);
    let path = folder.path().join(FileName::new(&NAME.into(), &"p".into(), at(0), 1).to_string());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let error = archive(folder.path()).plan(&BTreeMap::new()).await.unwrap_err();
    assert!(error.needs_action);
    assert!(
        error.message.starts_with(&format!("{}: step 1 of the file is damaged", path.display())),
        "{error}"
    );
}

#[test]
fn files_can_be_put_together_and_read_with_a_buffer_of_any_size() {
    let file = [packed(0, &chunk(3, &["1"])), packed(3, &chunk(4, &["2"]))].concat();
    for capacity in [1, 2, 3, 7, 64, 4096] {
        let steps: Result<Vec<_>, _> = Steps::new(BufReader::with_capacity(capacity, &*file)).collect();
        assert_eq!(steps.unwrap().len(), 2);
    }
}

/// A file of two steps of which one names somebody, in a record, in one that is no JSON, and in one that is no text.
fn file_that_names(folder: &Path) -> std::path::PathBuf {
    let mut named = chunk(2, &[r#"{"Username":"aberg7@x.example", "n":1.50}"#, "[1]"]);
    named.broken.push(Broken {
        position: Position::Number(3),
        data: b"no JSON of aberg7@x.example".to_vec(),
        reason: "no JSON".into(),
    });
    named.broken.push(Broken {
        position: Position::Number(4),
        data: vec![0xff, 0xfe],
        reason: "no text".into(),
    });
    let name = FileName::new(&"s".into(), &"p".into(), at(0), 1);
    let path = folder.join(name.to_string());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, [packed(0, &chunk(1, &["{}"])), packed(1, &named)].concat()).unwrap();
    path
}

fn somebody() -> Person {
    let identifiers = ["aberg7@x.example".to_owned()].into();
    Person::new(Terms { identifiers, ..Terms::default() }, "erased-1").unwrap()
}

#[test]
fn a_file_is_written_anew_without_a_person_and_is_else_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_that_names(folder.path());
    let archive = Archive::in_folder(folder.path(), &"s".into());
    let file = archive.files().unwrap().remove(0).remove(0);
    let before = unpacked(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(archive.count(&file, &somebody()).unwrap(), 3);
    assert_eq!(unpacked(&fs::read(&path).unwrap()).unwrap().len(), 2, "counting changes nothing");
    assert_eq!(archive.rewrite(&file, &somebody()).unwrap(), 3);
    let after = unpacked(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(shown(&after[0].chunk), shown(&before[0].chunk));
    let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
    let records: Vec<_> = after[1].chunk.records.iter().map(|record| text(&record.data)).collect();
    assert_eq!(records, [r#"{"Username":"erased-1", "n":1.50}"#, "[1]"]);
    let broken: Vec<_> = after[1].chunk.broken.iter().map(|broken| text(&broken.data)).collect();
    assert_eq!(broken, ["no JSON of erased-1", ""]);
    assert_eq!((after[1].from.clone(), after[1].read), (before[1].from.clone(), before[1].read));
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(archive.rewrite(&file, &somebody()).unwrap(), 0, "once is enough");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_damaged_file_is_not_written_anew_and_one_that_is_gone_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_that_names(folder.path());
    let archive = Archive::in_folder(folder.path(), &"s".into());
    let file = archive.files().unwrap().remove(0).remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let refused = archive.rewrite(&file, &somebody()).unwrap_err().to_string();
    assert!(refused.contains("is damaged") && refused.contains(path.to_str().unwrap()), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), whole[..whole.len() - 9]);
    fs::remove_file(&path).unwrap();
    assert_eq!(archive.rewrite(&file, &somebody()).unwrap(), 0);
}

#[test]
fn a_frame_tells_what_else_names_somebody_and_is_packed_again_without() {
    let frame = packed(0, &chunk(1, &[r#"{"Username":"aberg7@x.example","FirstName":"Anna"}"#]));
    let mut more = Terms::default();
    learn_from_frame(&frame, &somebody(), &mut more).unwrap();
    assert!(more.names.contains("Anna"));
    let without = rewrite_frame(&frame, &somebody()).unwrap().unwrap();
    let step = unpacked(&without).unwrap().remove(0);
    assert_eq!(step.chunk.records[0].data, br#"{"Username":"erased-1","FirstName":"Anna"}"#);
    assert!(rewrite_frame(&without, &somebody()).unwrap().is_none());
}
