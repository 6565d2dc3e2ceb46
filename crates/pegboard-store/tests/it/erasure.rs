//! What is left of a person in the bytes of a store.

use std::fs;

use pegboard_store::{Intake as _, Store as _};

use crate::home::{Home, PostgresHome, SqliteHome};
use crate::postgres::copy::fill_with;
use crate::sample::{at, source};
use crate::suite::erasure::{CANARY, INSTEAD, erase};

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Every file beside the store and the store itself, as far as there is anything of `word` in it.
fn found(home: &SqliteHome, word: &str) -> Vec<String> {
    let folder = home.path().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| holds(&fs::read(file).unwrap(), word))
        .map(|file| file.display().to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s36_nothing_of_a_person_is_left_in_any_byte_of_the_files() {
    let home = SqliteHome::new();
    let store = home.sqlite();
    fill_with(&store, CANARY).await;
    // Removed long ago, and written over by nobody.
    store.let_go(&source(), &crate::sample::shard(), 1).await.unwrap();
    assert!(!found(&home, CANARY).is_empty());
    erase(&store).await;
    assert_eq!(found(&home, CANARY), [""; 0]);
    assert!(!found(&home, INSTEAD).is_empty(), "it is not just empty");
    store.sweep(at(0)).await.unwrap();
    store.shut_down().await.unwrap();
    assert_eq!(found(&home, CANARY), [""; 0]);
    assert_eq!(home.sqlite().dead_letters(&[], None, 9).await.unwrap().len(), 2, "it is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s36_nothing_of_a_person_is_left_in_any_table_of_the_database() {
    let Some(home) = PostgresHome::new() else { return };
    let store = home.open().await;
    fill_with(&*store, CANARY).await;
    let client = home.client().await;
    let tables = client
        .query("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace", &[])
        .await
        .unwrap();
    let mut named = [0, 0];
    for (round, named) in named.iter_mut().enumerate() {
        if round == 1 {
            erase(&*store).await;
        }
        for table in &tables {
            let table: String = table.get(0);
            let sql = format!(
                "SELECT count(*) FROM \"{table}\" AS t
                 WHERE strpos(t::text, $1) > 0 OR strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0"
            );
            let count: i64 = client.query_one(&sql, &[&CANARY]).await.unwrap().get(0);
            *named += i64::from(count > 0);
        }
    }
    assert!(named[0] > 15, "{named:?}: tables that name him");
    assert_eq!(named[1], 0);
}
