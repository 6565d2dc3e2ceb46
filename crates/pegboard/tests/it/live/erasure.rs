//! Persons who are forgotten: nothing names them any more, and every number stays what it was.

use std::path::{Path, PathBuf};

use pegboard::config::{PlaceSettings, SourceConfig};
use pegboard::runtime::erasure::{ErasureError, ErasureRequest, ErasureStatus, MOST_OPEN};
use pegboard::runtime::reconcile;
use pegboard::runtime::view::View as _;
use pegboard_connect::archive::{Archive, ArchiveSource};
use pegboard_model::{AgentNow, Class, Millis};
use pegboard_store::{ErasureState, ErasureWrite};

use crate::support::archiving::{all_of, archive_of, archiving, in_folder, write_archive};
use crate::support::bucket::TestBucket;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, open_store, until};
use crate::support::script::Script;

/// What stands in place of whoever is forgotten.
const INSTEAD: &str = "erased-00000000000a";

/// What names nobody else, and only somebody knows.
const ADDRESS: &str = "canary@example.org";

fn request(who: &AgentNow, dry_run: bool) -> ErasureRequest {
    let also = vec![ADDRESS.to_owned()];
    ErasureRequest { source: SOURCE.into(), agent: who.agent_id.clone(), also, dry_run }
}

async fn erased(live: &Live, request: ErasureRequest) -> ErasureStatus {
    let asked = live.hub.erase(request, INSTEAD.to_owned(), "a test").await.unwrap();
    let is_over = async || {
        let found = live.hub.erasures(&[], Some(asked.id + 1), 1).await.unwrap().remove(0);
        !found.state.is_open()
    };
    until("the erasure is over", is_over).await;
    live.hub.erasures(&[], Some(asked.id + 1), 1).await.unwrap().remove(0)
}

/// Every text that names somebody.
fn names(who: &AgentNow) -> Vec<String> {
    let mut names: Vec<_> =
        [who.agent_id.as_str(), &who.agent_login, &who.agent_name, ADDRESS].map(str::to_owned).into();
    names.dedup();
    names
}

/// The same rows about somebody else, whatever order that makes.
fn without(tables: &Tables, who: &AgentNow) -> Tables {
    let instead = |row: &serde_json::Value| {
        let mut text = row.to_string();
        for name in names(who) {
            text = text.replace(&format!("\"{name}\""), &format!("\"{INSTEAD}\""));
        }
        serde_json::from_str(&text).unwrap()
    };
    tables.iter().map(|(name, rows)| (*name, sorted(rows.iter().map(instead).collect()))).collect()
}

fn sorted(mut rows: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    rows.sort_by_cached_key(ToString::to_string);
    rows
}

fn in_any_order(tables: Tables) -> Tables {
    tables.into_iter().map(|(name, rows)| (name, sorted(rows))).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn holds(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

/// Where any byte of the store or any record of the archive names somebody.
async fn named(folder: &Path, archive: &Archive, who: &AgentNow) -> Vec<String> {
    let names = names(who);
    let mut found = Vec::new();
    for file in files(folder) {
        let bytes = std::fs::read(&file).unwrap();
        let named = names.iter().filter(|name| holds(&bytes, name));
        found.extend(named.map(|name| format!("{} {name}", file.display())));
    }
    for (_, steps) in all_of(archive).await {
        for chunk in steps.into_iter().map(|step| step.chunk) {
            let records = chunk.records.iter().map(|record| &record.data);
            for data in records.chain(chunk.broken.iter().map(|broken| &broken.data)) {
                let named = names.iter().filter(|name| holds(data, name));
                found.extend(named.map(|name| format!("archive {name}")));
            }
        }
    }
    found.dedup();
    found
}

/// A day of which a half is in the archive already, and records that cannot be used and name `who`.
async fn read_day(day: &Day, script: &Script, keeping: &SourceConfig, folder: &Path) -> (Live, AgentNow) {
    script.add(ONLY, &[]);
    let live = Live::start(script, keeping, folder).await;
    let middle = day.start + Millis::from_hours(9);
    feed_only(script, day, day.start, middle);
    live.read_all(script).await;
    write_archive(&*live.store, &archive_of(keeping)).await;
    feed_only(script, day, middle, all_arrived(day));
    live.settle(script, day.end).await;
    let rows = live.report("agent_queue_interval", day.start, day.end).await;
    let works = |who: &AgentNow| rows.iter().any(|row| row["agent_id"] == who.agent_id.as_str());
    let left = live.agents().await.into_values().filter(|who| who.class == Class::SignedOut);
    let who = left.into_iter().find(works).expect("somebody worked and has left");
    let bad = [
        format!("{{\"AgentARN\":7,\"Username\":\"{}\",\"Email\":\"{ADDRESS}\"}}", who.agent_login),
        format!("no JSON of {} and {}", who.agent_id, who.agent_login),
    ];
    script.push(ONLY, &bad, day.end + Millis::from_hours(1));
    live.read_all(script).await;
    (live, who)
}

#[tokio::test]
async fn s36_whoever_is_forgotten_is_named_nowhere_and_every_number_stays() {
    let folder = tempfile::tempdir().unwrap();
    assert_forgotten(in_folder(folder.path()), folder.path()).await;
}

#[tokio::test]
async fn s36_whoever_is_forgotten_is_named_nowhere_in_a_bucket_either() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bucket) = TestBucket::make().await else { return };
    assert_forgotten(bucket.archive(folder.path()), folder.path()).await;
}

async fn assert_forgotten(place: PlaceSettings, folder: &Path) {
    let (day, script) = (Day::of(12, 24, 9), Script::new(false));
    let keeping = archiving(place, config());
    let archive = archive_of(&keeping);
    let (live, who) = read_day(&day, &script, &keeping, folder).await;
    assert!(!named(folder, &archive, &who).await.is_empty());
    let in_archive = all_of(&archive).await.len();
    assert!(in_archive > 0, "a half of the day is there");
    let before = live.tables(day.start, day.end).await;
    let rows = live.store.rows(&SOURCE.into(), "agent_interval", day.start, day.end).await.unwrap();

    let counted = erased(&live, request(&who, true)).await;
    assert_eq!((counted.state, counted.progress.error.clone()), (ErasureState::Done, None));
    assert!(counted.progress.rows > 100 && counted.progress.records > 10, "{counted:?}");
    assert_alike(&before, &live.tables(day.start, day.end).await);

    let done = erased(&live, request(&who, false)).await;
    assert_eq!((done.state, done.progress.error.clone()), (ErasureState::Done, None));
    assert_eq!(done.progress.rows, counted.progress.rows, "as it was counted");
    assert_eq!(done.progress.records, counted.progress.records, "as it was counted");
    assert_eq!(named(folder, &archive, &who).await, [""; 0]);
    let after = in_any_order(live.tables(day.start, day.end).await);
    assert_alike(&without(&before, &who), &after);
    let again = live.store.rows(&SOURCE.into(), "agent_interval", day.start, day.end).await.unwrap();
    assert_eq!(rows.len(), again.len());
    assert!(again.iter().all(|row| row.revision == 1), "that is no correction");
    assert!(live.agents().await.contains_key(INSTEAD));

    // It goes on with the source, and is the same after a restart.
    script.push::<&str>(ONLY, &[], day.end + Millis::from_hours(2));
    live.settle(&script, day.end + Millis::from_hours(1)).await;
    write_archive(&*live.store, &archive).await;
    live.stop().await;
    assert_eq!(named(folder, &archive, &who).await, [""; 0]);

    let rebuilt = tempfile::tempdir().unwrap();
    let source = Box::new(script.clone());
    let source = ArchiveSource::new(archive.clone(), source, reconcile::lane());
    let (count, mut exhausted) = (source.count().await.unwrap(), source.exhausted());
    let live = Live::reading(Box::new(source), &config(), rebuilt.path()).await;
    exhausted.wait(count).await;
    live.hub.settled().await;
    assert_alike(&after, &in_any_order(live.tables(day.start, day.end).await));
    live.stop().await;
    assert_eq!(named(rebuilt.path(), &archive, &who).await, [""; 0]);
}

#[tokio::test]
async fn r03_an_erasure_goes_on_after_a_crash() {
    let (day, script) = (Day::of(8, 18, 9), Script::new(false));
    let folder = tempfile::tempdir().unwrap();
    let keeping = archiving(in_folder(folder.path()), config());
    let archive = archive_of(&keeping);
    let (mut live, who) = read_day(&day, &script, &keeping, folder.path()).await;
    write_archive(&*live.store, &archive).await;
    let expected = without(&live.tables(day.start, day.end).await, &who);
    let store = live.store.clone();
    let asked = live.hub.erase(request(&who, false), INSTEAD.to_owned(), "a test").await.unwrap();
    let mut deaths = 0;
    while store.erasures(&[], Some(asked.id + 1), false, 1).await.unwrap()[0].state.is_open() {
        for _ in 0..deaths * 40 {
            tokio::task::yield_now().await;
        }
        if deaths < 12 {
            deaths += 1;
            live.die();
            for dead in store.roll().await.unwrap().nodes {
                store.leave(&dead.node).await.unwrap();
            }
            live = Live::over(store.clone(), Box::new(script.clone()), &keeping).await;
        } else {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    assert!(deaths > 2, "it was over before anybody died");
    live.close(day.end).await;
    assert_alike(&expected, &in_any_order(live.tables(day.start, day.end).await));
    drop(store);
    live.stop().await;
    assert_eq!(named(folder.path(), &archive, &who).await, [""; 0]);
}

#[tokio::test]
async fn who_is_signed_in_is_not_forgotten() {
    let day = Day::of(12, 3, 5);
    let script = one_partition(&day, false);
    let folder = tempfile::tempdir().unwrap();
    let source = Box::new(script.clone());
    let live = Live::over(open_store(folder.path()), source, &config()).await;
    live.settle(&script, day.end).await;
    let works = |who: &AgentNow| !matches!(who.class, Class::SignedOut | Class::Unknown);
    let who = live.agents().await.into_values().find(works).expect("somebody works");
    let refused = live.hub.erase(request(&who, false), INSTEAD.to_owned(), "a test").await.unwrap_err();
    assert!(matches!(refused, ErasureError::SignedIn), "{refused}");
    let counted = erased(&live, request(&who, true)).await;
    assert!(counted.progress.rows > 0, "{counted:?}");
    assert!(live.agents().await.contains_key(who.agent_id.as_str()));
    let stranger = ErasureRequest { source: "other".into(), ..request(&who, false) };
    let unknown = live.hub.erase(stranger, INSTEAD.to_owned(), "a test").await.unwrap_err();
    assert!(matches!(unknown, ErasureError::UnknownSource(_)), "{unknown}");
    live.stop().await;
}

#[tokio::test]
async fn r28_so_many_erasures_wait() {
    let day = Day::of(12, 3, 5);
    let script = one_partition(&day, false);
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    // Nobody can do these, so that they stay.
    let write = || ErasureWrite {
        source: SOURCE.into(),
        at: day.start,
        asked: "no JSON".to_owned(),
        progress: "{}".to_owned(),
    };
    for _ in 1..MOST_OPEN {
        assert!(store.add_erasure(write(), MOST_OPEN).await.unwrap().is_some());
    }
    let live = Live::over(store, Box::new(script.clone()), &config()).await;
    live.settle(&script, day.end).await;
    let who = live.agents().await.into_values().next().unwrap();
    let ask = async || live.hub.erase(request(&who, true), INSTEAD.to_owned(), "a test").await;
    assert!(ask().await.is_ok());
    let refused = ask().await.unwrap_err();
    assert!(matches!(refused, ErasureError::TooManyOpen), "{refused}");
    live.stop().await;
}
