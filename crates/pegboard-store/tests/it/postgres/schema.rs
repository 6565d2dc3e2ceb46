//! Who makes the tables, and in which schema.

use pegboard_store::{PostgresStore, Store, StoreError};

use crate::home::{Home, PostgresHome};
use crate::sample::{all_agents, batch, commit_events, dead_letter, event, shard, source};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_one_store() {
    let Some(home) = PostgresHome::new() else { return };
    let url = home.url();
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresStore::open(&url, PostgresHome::options()).await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for start in starts {
        ids.push(start.await.unwrap().id().clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let made: i64 =
        home.client().await.query_one("SELECT count(*) FROM pegboard_store", &[]).await.unwrap().get(0);
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some(home) = PostgresHome::new() else { return };
    drop(home.postgres().await);
    let client = home.client().await;
    client.batch_execute("UPDATE pegboard_store SET version = 99").await.unwrap();
    let refused = PostgresStore::open(&home.url(), PostgresHome::options()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { found: 99, known: 1..99 }), "{refused}");
    let refused = PostgresStore::probe(&home.url(), PostgresHome::options()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_programs_tables_are_refused_and_left_alone() {
    let Some(home) = PostgresHome::new() else { return };
    let client = home.client().await;
    let schema = home.url().schema().to_owned();
    client
        .batch_execute(&format!("CREATE SCHEMA {schema}; CREATE TABLE agents (theirs text)"))
        .await
        .unwrap();
    let refused = PostgresStore::open(&home.url(), PostgresHome::options()).await.unwrap_err();
    assert!(refused.to_string().contains("another program's tables"), "{refused}");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = $1";
    let left: i64 = client.query_one(tables, &[&schema]).await.unwrap().get(0);
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_told_without_changing_it() {
    let Some(home) = PostgresHome::new() else { return };
    let probe = || async { PostgresStore::probe(&home.url(), PostgresHome::options()).await.unwrap() };
    for _ in 0..2 {
        assert_eq!(probe().await.version, None);
    }
    drop(home.postgres().await);
    let found = probe().await;
    assert!(found.keeps, "{found}");
    let told = format!("holds a store of version {}, PostgreSQL", found.version.unwrap());
    assert!(found.to_string().contains(&told), "{found}");
    assert_eq!(found.to_string().contains("data_checksums is off"), !found.notices, "{found}");
}

/// PostgreSQL has no NUL in its texts: a record with one must not stop its partition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_text_can_be_stored() {
    let Some(home) = PostgresHome::new() else { return };
    let store = home.open().await;
    let agents = ["a\0b", "a\u{1a}0b", "\u{1a}", "Zoë\u{1f600}"];
    let epoch = commit_events(&*store, &agents).await;
    let mut letter = dead_letter(1, vec![0, 255]);
    letter.reason = "name: \0 is no letter".into();
    let batch = pegboard_store::Batch { dead_letters: vec![letter.clone()], ..batch(epoch, 4) };
    store.commit(batch).await.unwrap();
    let mut found: Vec<String> =
        all_agents(&*store).await.iter().map(|agent| agent.agent.to_string()).collect();
    found.sort();
    let mut expected = agents.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    for (position, agent) in agents.iter().enumerate() {
        let evidence =
            store.evidence(&source(), &(*agent).into(), pegboard_model::Timestamp::MIN).await.unwrap();
        assert_eq!(evidence, event(epoch, position as u64, agent).evidence);
    }
    let letters = store.dead_letters(&[], None, 9).await.unwrap();
    assert_eq!((&letters[0].reason, &letters[0].payload), (&letter.reason, &letter.payload));
    assert_eq!(store.partitions(&source()).await.unwrap()[0].partition, shard());
}
