//! Files, and the folder that they are dropped in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pegboard_model::{PartitionId, Position, Timestamp};
use tempfile::TempDir;

use super::content::{Format, Item, MAX_FILE_BYTES, MAX_RECORDS, MOST_BAD, read};
use super::folder::{self, MAX_FILES};
use crate::sources::push::PushSource;
use crate::sources::push::tests::Records;
use crate::spec::{Carries, Chunk, Opening, PartitionReader, Progress, Source};

const STATE: &str = r#"{"kind":"agent_state","agent":"1","at":"2026-03-02T09:00:00Z","change":"sign_out"}"#;
const HEADER: &str = "kind,id,updated,channel,queue.id,queue.waited_s,disconnected\n";
const CONTACT: &str = "contact,c-1,2026-03-02T09:10:00Z,voice,q-1,12.5,2026-03-02T09:05:12Z\n";

fn reasons(items: &[Item]) -> Vec<&str> {
    fn reason(item: &Item) -> Option<&str> {
        match item {
            Item::Broken(_, reason) => Some(reason.as_str()),
            Item::Record(_) | Item::Row(_) => None,
        }
    }
    items.iter().filter_map(reason).collect()
}

#[test]
fn rows_of_csv_are_records_and_what_is_wrong_is_told_by_line_and_column() {
    let row = |from: &str, to: &str| CONTACT.replace(from, to);
    let multi = row("c-1", "\"c\n2\"");
    let text = [
        HEADER,
        CONTACT,
        &multi,
        &row("12.5", "-1"),
        &row("12.5", "12;5"),
        &row("q-1", ""),
        &row("voice,", ""),
        "\n",
        &row("2026-03-02T09:10:00Z", ""),
    ]
    .concat();
    let (items, is_refused) = read("legs.csv", Format::Csv, text.as_bytes());
    assert!(!is_refused && items.len() == 7, "{items:?}");
    assert!(matches!((&items[0], &items[1]), (Item::Record(_), Item::Record(_))));
    let expected = [
        "file `legs.csv`, line 5, column 6 (`queue.waited_s`): negative duration",
        "file `legs.csv`, line 6, column 6 (`queue.waited_s`): wrong type: found a text",
        "file `legs.csv`, line 7, column 5 (`queue.id`): missing",
        "file `legs.csv`, line 8: 6 cells, and the header has 7",
        "file `legs.csv`, line 10, column 3 (`updated`): missing",
    ];
    assert_eq!(reasons(&items), expected);
    let (items, _) = read("legs.csv", Format::Csv, text.replace('\n', "\r\n").as_bytes());
    assert_eq!(reasons(&items), expected, "however lines end");
    let mut bytes = text.into_bytes();
    let at = bytes.windows(5).position(|window| window == b"voice").unwrap();
    bytes[at] = 0xff;
    let (items, _) = read("legs.csv", Format::Csv, &bytes);
    assert_eq!(reasons(&items)[0], "file `legs.csv`, line 2, column 4: not UTF-8");
}

#[test]
fn lines_of_ndjson_are_records() {
    let text =
        format!("{STATE}\r\n\n{{\"kind\":\"agent_state\",}}\n{}\n{STATE}", STATE.replace("\"1\"", "1"));
    let (items, is_refused) = read("a.ndjson", Format::NdJson, text.as_bytes());
    assert!(!is_refused);
    assert_eq!(items[0], Item::Record(STATE.as_bytes().to_vec()));
    let expected = [
        "file `a.ndjson`, line 3, column 23: not JSON: trailing comma",
        "file `a.ndjson`, line 4: agent: wrong type: found an integer",
    ];
    assert_eq!(reasons(&items), expected);
}

#[test]
fn a_row_that_the_acd_computed_names_its_file_and_line() {
    let text = "kind,report,name,interval_start,interval_s,made,queue.name,values.offered\n\
                report_row,queue_interval,PBX,2026-03-02T09:00:00Z,900,2026-03-02T09:16:00Z,Sales,12\n";
    let (items, _) = read("q.csv", Format::Csv, text.as_bytes());
    let [Item::Row(row)] = &items[..] else { panic!("{items:?}") };
    assert_eq!(&*row.telling.file, "q.csv line 2");
}

#[test]
fn a_file_of_which_nothing_can_be_used_is_one_dead_letter() {
    for (text, problem) in [
        ("kind;id\n1;2\n", "line 1, column 1: its header is no path"),
        (
            "kind,idd\ncontact,1\ncontact,2\n",
            "2 of its 2 records cannot be used, the first because of: file `x.csv`, line 2, column 2 (`idd`)",
        ),
    ] {
        let (items, is_refused) = read("x.csv", Format::Csv, text.as_bytes());
        assert!(is_refused);
        let [Item::Broken(kept, reason)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(kept, text.as_bytes());
        assert!(
            reason.starts_with("file `x.csv` is refused as a whole: ") && reason.contains(problem),
            "{reason}"
        );
    }
    assert_eq!(read("x.csv", Format::Csv, b""), (Vec::new(), false));
}

#[test]
fn r28_a_dropped_file_has_limits() {
    let lines = |line: &str, count: usize| format!("{line}\n").repeat(count);
    let refused = |text: &str| read("x.ndjson", Format::NdJson, text.as_bytes()).1;
    assert!(!refused(&lines(STATE, MAX_RECORDS)) && refused(&lines(STATE, MAX_RECORDS + 1)));
    let bad = |count| lines("{}", count) + STATE;
    assert!(!refused(&bad(MOST_BAD)) && refused(&bad(MOST_BAD + 1)));
    let filled = |bytes: usize| format!("{STATE}\n{}", " ".repeat(bytes - STATE.len() - 1));
    assert!(!refused(&filled(MAX_FILE_BYTES)) && refused(&filled(MAX_FILE_BYTES + 1)));
}

#[test]
fn r28_a_folder_of_dropped_files_has_10_000_at_most() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..MAX_FILES {
        fs::write(folder.path().join(format!("{number}.csv")), "").unwrap();
    }
    assert_eq!(folder::list(folder.path()).unwrap().len(), MAX_FILES);
    fs::write(folder.path().join("one-more.csv"), "").unwrap();
    assert!(folder::list(folder.path()).unwrap_err().to_string().contains("more than 10000 files"));
}

/// A source that reads a folder.
struct Watched {
    folder: TempDir,
    source: PushSource,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Self::source(folder.path());
        Self { folder, source }
    }

    fn source(folder: &Path) -> PushSource {
        let clock = Arc::new(|| Timestamp::from_seconds(130));
        PushSource::new(Arc::new(Records::default()), clock, false).with_folder(folder.to_owned())
    }

    fn drop_file(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A reader as after a restart, from a position.
    fn reader(&self, from: &Position) -> Box<dyn PartitionReader> {
        let (partition, from) = (PartitionId::from("files"), from.clone());
        self.source.open(&Opening { partition, from, watermark: None, parents: Vec::new() }).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }
}

fn start() -> Position {
    Position::Number(0)
}

fn told(chunk: &Chunk) -> (usize, usize, Option<i64>) {
    (chunk.records.len(), chunk.broken.len(), chunk.watermark.map(Timestamp::as_millis))
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_when_it_rests_and_put_away_when_it_is_committed() {
    let watched = Watched::new();
    let mut reader = watched.reader(&start());
    assert_eq!(told(&reader.next().await.unwrap()), (0, 0, Some(130_000)), "an empty folder is complete");
    watched.drop_file("b.ndjson", &format!("{STATE}\nno json\n"));
    watched.drop_file(".hidden.csv", "x");
    watched.drop_file("c.ndjson.part", "x");
    let chunk = reader.next().await.unwrap();
    assert_eq!((told(&chunk), chunk.is_judged), ((1, 1, None), true));
    let positions = [&chunk.records[0].position, &chunk.broken[0].position].map(Clone::clone);
    assert_eq!(positions, [1, 2].map(Position::Number), "records are numbered through all files");
    assert!(watched.has("b.ndjson"), "nobody has said yet that it is committed");
    assert_eq!(told(&reader.next().await.unwrap()), (0, 0, Some(130_000)));
    assert!(!watched.has("b.ndjson") && watched.has("done/b.ndjson"));
    assert!(watched.has(".hidden.csv") && watched.has("c.ndjson.part"));
    watched.drop_file("b.ndjson", &format!("{STATE}\n\n"));
    watched.drop_file("x.csv", "kind;id\n");
    assert_eq!(told(&reader.next().await.unwrap()), (1, 0, None));
    assert_eq!(told(&reader.next().await.unwrap()), (0, 1, None));
    reader.next().await.unwrap();
    assert_eq!(
        fs::read_dir(watched.folder.path().join("done")).unwrap().count(),
        2,
        "nothing is written over"
    );
    assert!(watched.has("refused/x.csv"));
}

#[tokio::test(start_paused = true)]
async fn r08_whatever_happens_in_between_each_record_of_a_file_counts_once() {
    let watched = Watched::new();
    let mut lines = String::new();
    for agent in 0..2500 {
        writeln!(lines, "{}", STATE.replace("\"1\"", &format!("\"{agent}\""))).unwrap();
    }
    watched.drop_file("a.ndjson", &lines);
    let (mut position, mut read) = (start(), Vec::new());
    loop {
        // Every chunk by another reader, which knows nothing but what was committed.
        let chunk = watched.reader(&position).next().await.unwrap();
        let again = watched.reader(&position).next().await.unwrap();
        assert_eq!(told(&chunk), told(&again), "one that was not committed comes again");
        if chunk.records.is_empty() {
            break;
        }
        assert!(watched.has("a.ndjson"));
        read.extend(chunk.records.into_iter().map(|record| record.data));
        position = chunk.position;
    }
    assert_eq!(String::from_utf8(read.join(&b'\n')).unwrap() + "\n", lines);
    assert!(watched.has("done/a.ndjson"));
    let mut sizes = lines.clone();
    sizes.push_str(STATE);
    watched.drop_file("a.ndjson", &sizes);
    let chunk = watched.reader(&position).next().await.unwrap();
    assert_eq!(chunk.records.len(), 1000, "another content under the same name is another file");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_grew_while_it_was_read_is_read_anew() {
    let watched = Watched::new();
    let mut reader = watched.reader(&start());
    watched.drop_file("a.ndjson", STATE);
    assert_eq!(told(&reader.next().await.unwrap()), (1, 0, None));
    watched.drop_file("a.ndjson", &format!("{STATE}\n{STATE}"));
    assert_eq!(told(&reader.next().await.unwrap()), (2, 0, None));
    reader.next().await.unwrap();
    assert!(watched.has("done/a.ndjson"));
}

#[tokio::test]
async fn a_folder_that_is_not_configured_any_more_holds_nothing_back() {
    let watched = Watched::new();
    let plan = watched.source.plan(&BTreeMap::new()).await.unwrap();
    let names: Vec<&str> = plan.open.iter().map(|opening| opening.partition.as_str()).collect();
    assert_eq!(names, ["push", "files"]);
    assert_eq!(watched.source.carries(&"files".into()), Carries { rows: true, ..Carries::EVENTS });
    assert!(watched.source.probe().await.unwrap().ends_with("has 0 files to read"));
    let clock = Arc::new(|| Timestamp::from_seconds(130));
    let without = PushSource::new(Arc::new(Records::default()), clock, false);
    assert_eq!(without.plan(&BTreeMap::new()).await.unwrap().open.len(), 1);
    let position = Position::Sequence("7/7/00000000000000ff/a.csv".into());
    let known =
        BTreeMap::from([("files".into(), Progress::Started { position: position.clone(), watermark: None })]);
    let plan = without.plan(&known).await.unwrap();
    let chunk = without.open(&plan.open[1]).unwrap().next().await.unwrap();
    assert_eq!((chunk.position, chunk.watermark), (position, Some(Timestamp::from_seconds(130))));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_not_there_is_told() {
    let clock = Arc::new(|| Timestamp::from_seconds(130));
    let source =
        PushSource::new(Arc::new(Records::default()), clock, false).with_folder("/nowhere/at/all".into());
    assert!(source.probe().await.unwrap_err().needs_action);
    let opening = source.plan(&BTreeMap::new()).await.unwrap().open.remove(1);
    let error = source.open(&opening).unwrap().next().await.unwrap_err();
    assert!(error.message.starts_with("folder /nowhere/at/all: "), "{error}");
}
