//! What only the inside can show: the writer's groups, and the settings of its connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use pegboard_model::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::StoreError;

fn clock() -> Timestamp {
    Timestamp::from_seconds(1_772_355_600)
}

fn open(folder: &TempDir, options: SqliteOptions) -> SqliteStore {
    SqliteStore::open(&folder.path().join("pegboard.db"), options).unwrap()
}

fn new() -> (TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteOptions::new(clock));
    (folder, Arc::new(store))
}

fn note(step: &writer::Step<'_>, name: &str) -> Tried<()> {
    step.connection.execute("INSERT INTO meta (name, value) VALUES (?1, '')", [name])?;
    Ok(())
}

async fn notes(store: &SqliteStore) -> Vec<String> {
    let query = |connection: &Connection| {
        let mut query = connection.prepare("SELECT name FROM meta WHERE name <> 'store_id' ORDER BY name")?;
        let names = query.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    };
    store.readers.run("read notes", query).await.unwrap()
}

/// Holds the writer until it is let go, so that what comes meanwhile is one group.
struct Held {
    go: mpsc::Sender<()>,
    job: tokio::task::JoinHandle<Result<()>>,
}

impl Held {
    async fn new(store: &Arc<SqliteStore>) -> Self {
        let (go, wait) = mpsc::channel();
        let (running, started) = tokio::sync::oneshot::channel();
        let store = store.clone();
        let job = tokio::spawn(async move {
            let work = move |_: &mut writer::Step<'_>| {
                running.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            };
            store.writer.run("hold", work).await
        });
        started.await.unwrap();
        Self { go, job }
    }

    async fn let_go(self) {
        self.go.send(()).unwrap();
        self.job.await.unwrap().unwrap();
    }
}

/// Lets other tasks run until so many jobs are in the queue.
async fn queued(store: &SqliteStore, jobs: usize) {
    while store.writer.room() != Some(128 - jobs) {
        tokio::task::yield_now().await;
    }
}

/// What a job does within its group.
#[derive(Clone, Copy)]
enum Deed {
    Succeed,
    Fail,
    /// As SQLite itself does when a write fails badly.
    LoseTheTransaction,
}

/// Runs jobs as one group; answers which of them succeeded. Job n writes the note `n`.
async fn together(store: &Arc<SqliteStore>, deeds: &[Deed]) -> Vec<bool> {
    let held = Held::new(store).await;
    let mut jobs = Vec::new();
    for (number, deed) in deeds.iter().copied().enumerate() {
        let asker = store.clone();
        jobs.push(tokio::spawn(async move {
            let work = move |step: &mut writer::Step<'_>| {
                note(step, &number.to_string())?;
                match deed {
                    Deed::Succeed => Ok(()),
                    Deed::Fail => Err(StoreError::CursorGone.into()),
                    Deed::LoseTheTransaction => {
                        step.connection.execute_batch("ROLLBACK")?;
                        Err(StoreError::CursorGone.into())
                    }
                }
            };
            asker.writer.run("work", work).await
        }));
        queued(store, number + 1).await;
    }
    held.let_go().await;
    let mut succeeded = Vec::new();
    for job in jobs {
        succeeded.push(job.await.unwrap().is_ok());
    }
    succeeded
}

#[tokio::test]
async fn a_failing_job_takes_back_its_own_savepoint_only() {
    let (_folder, store) = new();
    let answers = together(&store, &[Deed::Succeed, Deed::Fail, Deed::Succeed]).await;
    assert_eq!(answers, [true, false, true]);
    assert_eq!(notes(&store).await, ["0", "2"]);
}

#[tokio::test]
async fn a_lost_transaction_acknowledges_nothing_and_the_rest_goes_on() {
    let (_folder, store) = new();
    let answers = together(&store, &[Deed::Succeed, Deed::LoseTheTransaction, Deed::Succeed]).await;
    assert_eq!(answers, [false, false, true]);
    assert_eq!(notes(&store).await, ["2"]);
}

#[tokio::test]
async fn r28_jobs_that_wait_are_committed_together_and_in_order() {
    let (_folder, store) = new();
    let held = Held::new(&store).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let jobs: Vec<_> = (0..100)
        .map(|number| {
            let (store, order) = (store.clone(), order.clone());
            tokio::spawn(async move {
                let work = move |_: &mut writer::Step<'_>| {
                    order.lock().unwrap().push(number);
                    Ok(())
                };
                store.writer.run("count", work).await
            })
        })
        .collect();
    queued(&store, 100).await;
    held.let_go().await;
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn r28_one_more_job_than_fit_waits_outside() {
    let (_folder, store) = new();
    let held = Held::new(&store).await;
    let jobs: Vec<_> = (0..129)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.writer.run("nothing", |_| Ok(())).await })
        })
        .collect();
    queued(&store, 128).await;
    assert!(jobs.iter().all(|job| !job.is_finished()), "one waits outside, and none was refused");
    held.let_go().await;
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert_eq!(store.writer.room(), Some(128));
}

#[tokio::test]
async fn r28_one_more_query_than_fit_waits_outside() {
    let (_folder, store) = new();
    let (started, mut begun) = tokio::sync::mpsc::channel(8);
    let (go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let queries: Vec<_> = (0..5)
        .map(|_| {
            let (store, started, wait) = (store.clone(), started.clone(), wait.clone());
            let query = move |_: &Connection| {
                started.try_send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
                Ok(())
            };
            tokio::spawn(async move { store.readers.run("wait", query).await })
        })
        .collect();
    for _ in 0..4 {
        begun.recv().await.unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(begun.try_recv().is_err(), "the fifth waits");
    go.send(()).unwrap();
    begun.recv().await.unwrap();
    (0..4).for_each(|_| go.send(()).unwrap());
    for query in queries {
        query.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nobody_is_woken_before_the_commit() {
    let (_folder, store) = new();
    let woken = store.woken();
    let seen = Arc::new(AtomicBool::new(false));
    let (inside, noticed) = (woken.clone(), seen.clone());
    let work = move |step: &mut writer::Step<'_>| {
        feed::append(step, FeedKind::States, &"a".into(), &["{}".to_string()])?;
        noticed.store(*inside.borrow() > 0, Ordering::SeqCst);
        Ok(())
    };
    store.writer.run("feed", work).await.unwrap();
    store.writer.run("nothing", |_| Ok(())).await.unwrap();
    assert!(!seen.load(Ordering::SeqCst));
    assert_eq!(*woken.borrow(), 1, "a commit that fed nothing wakes nobody");
}

#[tokio::test]
async fn a_full_disk_passes_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteOptions { max_bytes: Some(400_000), ..SqliteOptions::new(clock) });
    let grow = |number: usize| {
        let work = move |step: &mut writer::Step<'_>| {
            let value = "x".repeat(10_000);
            let insert = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
            step.connection.execute(insert, [number.to_string(), value])?;
            Ok(())
        };
        store.writer.run("grow", work)
    };
    let mut written = 0;
    let full = loop {
        match grow(written).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(written > 0 && written < 40, "{written}");
    assert!(full.to_string().contains("free space on the disk"), "{full}");
    assert!(grow(written).await.is_err(), "it is still full");
    assert_eq!(notes(&store).await.len(), written);
    let raise = |step: &mut writer::Step<'_>| {
        step.connection.pragma_update_and_check(None, "max_page_count", 4000, |_| Ok(()))?;
        Ok(())
    };
    store.writer.run("raise", raise).await.unwrap();
    grow(written).await.unwrap();
    assert_eq!(notes(&store).await.len(), written + 1);
}

#[tokio::test]
async fn commits_wait_for_the_disk() {
    let (_folder, store) = new();
    let settings = |step: &mut writer::Step<'_>| {
        let number = |name| step.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let mode: String = step.connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((mode, number("synchronous")?, number("foreign_keys")?))
    };
    let settings = store.writer.run("look", settings).await.unwrap();
    assert_eq!(settings, ("wal".to_string(), 2, 1));
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, store) = new();
    let write = |connection: &Connection| Ok(connection.execute("DELETE FROM meta", [])?);
    let refused = store.readers.run("write", write).await.unwrap_err();
    assert!(refused.to_string().starts_with("write: attempt to write a readonly database"), "{refused}");
}

#[tokio::test]
async fn every_revision_is_kept() {
    let (_folder, store) = new();
    store.take_closer(&"a".into()).await.unwrap();
    for talk in 1..=3 {
        let row = crate::RowWrite {
            report: "agent_interval".into(),
            interval_start: clock(),
            key: "ann".to_string(),
            body: format!("{{\"talk_s\":{talk}}}"),
            reason: format!("reason {talk}").into(),
        };
        let close = Close {
            source: "a".into(),
            epoch: 1,
            closed_until: crate::ClosedUntil::both(clock()),
            rows: vec![row],
            gone: Vec::new(),
            answered: Vec::new(),
            at: clock(),
        };
        store.close(close).await.unwrap();
    }
    let query = |connection: &Connection| {
        let sql = "SELECT revision || ' ' || reason || ' ' || body FROM row_history ORDER BY revision";
        let mut query = connection.prepare(sql)?;
        let lines = query.query_map([], |row| row.get::<_, String>(0))?;
        Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?)
    };
    let history = store.readers.run("read history", query).await.unwrap();
    assert_eq!(history, [r#"1 reason 1 {"talk_s":1}"#, r#"2 reason 2 {"talk_s":2}"#]);
}
