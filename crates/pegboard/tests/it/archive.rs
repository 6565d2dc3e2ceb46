//! The archive, and the store that is made again from it.

mod bucket;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pegboard::config::{ArchiveSettings, PlaceSettings, SourceConfig};
use pegboard::runtime::{archive, reconcile};
use pegboard_connect::archive::{Archive, ArchiveSource, FileName};
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Delivery;
use pegboard_store::{DeadLetter, PartitionState};

use crate::support::archiving::{archive_of, archiving, in_folder, write_archive};
use crate::support::binary::run;
use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{ONLY, all_arrived, feed, one_partition, part_of};
use crate::support::live::{Live, SOURCE, Tables, assert_alike, config, open_store, until};
use crate::support::script::Script;

/// What a store holds, but for revisions.
struct Held {
    tables: Tables,
    partitions: Vec<PartitionState>,
    dead_letters: Vec<DeadLetter>,
}

async fn held(live: &Live, day: &Day) -> Held {
    let source = SOURCE.into();
    let mut partitions = live.store.partitions(&source).await.unwrap();
    for partition in &mut partitions {
        // How often somebody took it is its own affair.
        partition.epoch = 0;
    }
    let mut dead_letters = live.store.dead_letters(&[source], None, 1000).await.unwrap();
    for letter in &mut dead_letters {
        letter.id = 0;
    }
    Held { tables: live.tables(day.start, day.end).await, partitions, dead_letters }
}

/// A hub that has made its store again from the archive.
async fn rebuilt(script: &Script, archive: Archive, folder: &Path) -> Live {
    let source = Box::new(script.clone());
    let source = ArchiveSource::new(archive, source, reconcile::lane());
    let (count, mut exhausted) = (source.count().await.unwrap(), source.exhausted());
    let live = Live::reading(Box::new(source), &config(), folder).await;
    exhausted.wait(count).await;
    live.hub.settled().await;
    live
}

/// Three partitions, of which two go on where the first has ended; one record is broken.
fn split(day: &Day) -> Script {
    let script = Script::new(true);
    for (partition, parents) in [("0", &[][..]), ("1", &["0"]), ("2", &["0"])] {
        script.add(partition, parents);
    }
    let (deliveries, middle, end) =
        (day.deliveries(), day.start + Millis::from_minutes(183), all_arrived(day));
    feed(&script, "0", &deliveries, |_| true, day.start, middle);
    script.push("0", &["{\"AgentARN\": 7}", "no JSON"], middle);
    script.end("0", middle);
    let own = |part| move |delivery: &Delivery| part_of(delivery, 2) == part;
    feed(&script, "1", &deliveries, own(0), middle, end);
    feed(&script, "2", &deliveries, own(1), middle, end);
    clock::set(end);
    script
}

async fn assert_rebuilt(place: PlaceSettings, folder: &Path, day: &Day, script: &Script) {
    let again = tempfile::tempdir().unwrap();
    let keeping = archiving(place, config());
    let archive = archive_of(&keeping);
    let live = Live::start(script, &keeping, folder).await;
    live.settle(script, day.end).await;
    let expected = held(&live, day).await;
    write_archive(&*live.store, &archive).await;
    let waiting = live.store.archive_files(&SOURCE.into(), Timestamp::MAX, 10).await.unwrap();
    assert_eq!(waiting, [], "what is written waits no more");
    live.stop().await;

    let live = rebuilt(script, archive, again.path()).await;
    let found = held(&live, day).await;
    assert_alike(&expected.tables, &found.tables);
    assert_eq!(found.partitions, expected.partitions);
    assert_eq!(found.dead_letters, expected.dead_letters);
    live.stop().await;

    // The hub goes on with the source itself: there is nothing left to read, and nothing changes.
    let live = Live::start(script, &config(), again.path()).await;
    live.settle(script, day.end).await;
    assert_alike(&expected.tables, &held(&live, day).await.tables);
    live.stop().await;
}

#[tokio::test]
async fn a_store_that_is_made_again_holds_the_same() {
    let day = Day::of(12, 6, 2).disturbed(&late(2, Millis::from_hours(2)));
    let folder = tempfile::tempdir().unwrap();
    assert_rebuilt(in_folder(folder.path()), folder.path(), &day, &one_partition(&day, false)).await;
}

#[tokio::test]
async fn r04_a_store_that_is_made_again_over_partitions_that_were_split_holds_the_same() {
    let day = Day::of(14, 7, 6);
    let script = split(&day);
    let folder = tempfile::tempdir().unwrap();
    assert_rebuilt(in_folder(folder.path()), folder.path(), &day, &script).await;
}

#[tokio::test]
async fn r03_a_file_that_was_half_written_is_written_again() {
    let day = Day::of(8, 3, 4);
    let script = one_partition(&day, false);
    let folder = tempfile::tempdir().unwrap();
    let keeping = archiving(in_folder(folder.path()), config());
    let archive = archive_of(&keeping);
    let place = folder.path().join("archive");
    let live = Live::start(&script, &keeping, folder.path()).await;
    live.settle(&script, day.end).await;
    let source = SOURCE.into();
    let over = clock::now() + Millis::from_hours(2);
    let waiting = live.store.archive_files(&source, over, 10).await.unwrap();
    let frames = live.store.archive_steps(&source, &waiting[0], waiting[0].first, 1000).await.unwrap();
    // As a crash after the file was written and before its steps were let go leaves it, and one in the middle of the next.
    write_archive(&*live.store, &archive).await;
    let path = only_file(&place);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole, frames.iter().flat_map(|step| step.frame.clone()).collect::<Vec<_>>());
    std::fs::write(path.with_extension("zst.part"), &whole[..whole.len() / 2]).unwrap();
    live.stop().await;

    let other = tempfile::tempdir().unwrap();
    let live = Live::start(&script, &keeping, other.path()).await;
    live.settle(&script, day.end).await;
    write_archive(&*live.store, &archive).await;
    assert_eq!(only_file(&place), path, "the half of a file is gone");
    assert_eq!(std::fs::read(&path).unwrap(), whole, "the same steps make the same file");
    live.stop().await;
}

#[tokio::test]
async fn the_program_makes_a_store_again() {
    let day = Day::of(8, 3, 5);
    let script = one_partition(&day, false);
    let folder = tempfile::tempdir().unwrap();
    let keeping = archiving(in_folder(folder.path()), config());
    let archive = archive_of(&keeping);
    let place = folder.path().join("archive");
    let live = Live::start(&script, &keeping, folder.path()).await;
    live.settle(&script, day.end).await;
    let expected = held(&live, &day).await;
    write_archive(&*live.store, &archive).await;
    live.stop().await;

    let again = tempfile::tempdir().unwrap();
    let source = format!("[[source]]\nname = \"{SOURCE}\"\nkind = \"file\"\nfile.path = \"x\"\n");
    std::fs::write(again.path().join("pegboard.toml"), &source).unwrap();
    run(again.path(), &["rebuild", "--to", "test.db"]).refused(64, &["--from", "[archive]"]);
    run(again.path(), &["rebuild", "--to", "test.db", "--from", "nowhere"]).refused(1, &["nowhere/centre"]);
    let from = place.to_str().unwrap();
    let made = run(again.path(), &["rebuild", "--to", "test.db", "--from", from]).well().text();
    assert!(made.contains("centre") && made.contains("test.db is made"), "{made}");
    run(again.path(), &["rebuild", "--to", "test.db", "--from", from]).refused(64, &["is there already"]);
    let live = Live::start(&script, &config(), again.path()).await;
    live.settle(&script, day.end).await;
    assert_alike(&expected.tables, &held(&live, &day).await.tables);
    live.stop().await;

    let file = only_file(&place);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    run(again.path(), &["rebuild", "--to", "half.db", "--from", from])
        .refused(1, &["half.db is not whole", "is damaged", file.to_str().unwrap()]);
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[tokio::test]
async fn r28_files_go_when_their_time_is_over_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::in_folder(folder.path(), &SOURCE.into());
    let place = |hour: i64| {
        let hour = Timestamp::from_millis(1_777_885_200_000) + Millis::from_hours(hour);
        let name = FileName::new(&SOURCE.into(), &"p".into(), hour, 1);
        folder.path().join(name.to_string())
    };
    for hour in 0..3 {
        std::fs::create_dir_all(place(hour).parent().unwrap()).unwrap();
        std::fs::write(place(hour), b"").unwrap();
    }
    let foreign = place(0).with_file_name("notes.txt");
    std::fs::write(&foreign, b"").unwrap();
    let store = open_store(folder.path());
    // The first two hours ended 48 hours ago, the second of them just now.
    let now = Timestamp::from_millis(1_777_885_200_000) + Millis::from_hours(50);
    archive::turn(&*store, &archive, Millis::from_hours(48), now).await.unwrap();
    let left: Vec<bool> = (0..3).map(|hour| place(hour).exists()).collect();
    assert_eq!(left, [false, false, true]);
    assert!(foreign.exists() && !place(1).parent().unwrap().exists());
}

#[tokio::test]
async fn where_too_much_waits_for_the_archive_reading_waits_and_nothing_is_lost() {
    let day = Day::of(6, 3, 8);
    let (script, folder) = (one_partition(&day, false), tempfile::tempdir().unwrap());
    let settings = ArchiveSettings { most_waiting: 0, ..ArchiveSettings::at(in_folder(folder.path())) };
    let keeping = SourceConfig { archive: Some(Arc::new(settings)), ..config() };
    let (archive, records) = (archive_of(&keeping), day.deliveries().len() as u64);
    let live = Live::start(&script, &keeping, folder.path()).await;
    live.settle(&script, day.end).await;
    let told = async || {
        live.status().await.error.is_some_and(|error| error.message.contains("nothing more is read"))
    };
    until("it is told", told).await;
    let (read, at) = (live.status().await.counts.records, clock::now());
    assert_eq!(read, records, "what was read before is there");
    script.push(ONLY, &["{}"], at);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(live.status().await.counts.records, read, "nothing more is read");
    write_archive(&*live.store, &archive).await;
    until("it is read once there is room", async || live.status().await.counts.records == read + 1).await;
    assert_eq!(live.status().await.gaps.len(), 0, "and nothing is lost");
    live.stop().await;
}
