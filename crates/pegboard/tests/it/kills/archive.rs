//! The program is killed while it brings to a bucket what waits for the archive, and makes its store again from there.

use std::fs;

use pegboard_store::{SqliteOptions, SqliteStore, Store as _};

use super::hub::Folder;
use super::input::Input;
use super::outcome::Outcome;
use crate::support::archiving::{all_of, archive_at};
use crate::support::binary::run;
use crate::support::bucket::TestBucket;

/// Where the program is killed: between an object and letting go of what is in it, and after that.
const UPLOADING: [&str; 4] = ["archive.uploaded", "archive.let_go", "archive.uploaded", "archive.uploaded"];

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn outcome(folder: &Folder, store: &str, input: &Input) -> Outcome {
    let path = folder.path().display().to_string();
    block_on(async {
        let options = SqliteOptions::new(pegboard::clock::system);
        let store = SqliteStore::open(&folder.path().join(store), options).unwrap();
        let outcome = Outcome::read(&store, input.end, &path).await;
        store.shut_down().await.unwrap();
        outcome
    })
}

#[test]
fn r03_a_kill_between_an_object_and_its_removal_from_the_store_loses_nothing_and_doubles_nothing() {
    let Some(bucket) = block_on(TestBucket::make()) else { return };
    let (input, folder) = (Input::make(), Folder::new());
    input.write(folder.path());
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let keeping = format!("{}{settings}", bucket.archive_table(folder.path()));
    fs::write(&file, &keeping).unwrap();
    folder.finish(input.records());
    let (store, copy) = (folder.path().join("pegboard.db"), folder.path().join("copy.db"));
    fs::copy(&store, &copy).unwrap();

    for name in UPLOADING {
        folder.kill_command(&["rebuild", "--to", "again.db"], name, 1);
    }
    run(folder.path(), &["rebuild", "--to", "again.db"]).well();
    let place = bucket.archive(folder.path());
    let there = block_on(async {
        let mut there = 0;
        for source in super::input::SOURCES {
            there += all_of(&archive_at(&place, &source.into())).await.len();
        }
        there
    });
    assert!(there > 1, "{there} objects");
    let found = outcome(&folder, "again.db", &input);

    // The same from another place, where nobody is killed.
    fs::copy(&copy, &store).unwrap();
    fs::write(&file, keeping.replace("\"kept/\"", "\"undisturbed/\"")).unwrap();
    run(folder.path(), &["rebuild", "--to", "undisturbed.db"]).well();
    let expected = outcome(&folder, "undisturbed.db", &input);
    expected.assert_is_a_centre();
    expected.assert_same(&found);
}
