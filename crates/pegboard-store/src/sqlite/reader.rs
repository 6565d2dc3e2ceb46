//! Connections that only read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::SqliteOptions;
use super::check::Soundness;
use super::connection::open_reader;
use super::fault::Tried;
use crate::{Result, StoreError};

/// How many queries run at once; further ones wait.
const CONNECTIONS: u32 = 4;

/// A small pool of connections, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    soundness: Soundness,
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    options: SqliteOptions,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: SqliteOptions, soundness: Soundness) -> Self {
        let pool = Pool { path, options, idle: Mutex::default() };
        Self { permits: Arc::new(Semaphore::new(CONNECTIONS as usize)), soundness, pool: Arc::new(pool) }
    }

    /// Runs `query` on a thread that may block. All that it reads is of one moment.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: impl FnOnce(&Connection) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        self.soundness.check()?;
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let pool = self.pool.clone();
        // The permit goes along: a query whose asker went away still uses its connection.
        let asked = tokio::task::spawn_blocking(move || {
            let answer = pool.run(query).map_err(|fault| fault.during(operation));
            drop(permit);
            answer
        });
        match asked.await {
            Ok(answer) => answer,
            Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Waits for the queries that run, and closes all connections.
    pub(super) async fn shut_down(&self) {
        if let Ok(all) = self.permits.acquire_many(CONNECTIONS).await {
            self.permits.close();
            all.forget();
        }
        self.pool.idle().clear();
    }
}

impl Pool {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that failed is not used again: it may be what failed.
    fn run<T>(&self, query: impl FnOnce(&Connection) -> Tried<T>) -> Tried<T> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path, &self.options)?,
        };
        let moment = connection.unchecked_transaction()?;
        let answer = query(&connection)?;
        moment.finish()?;
        self.idle().push(connection);
        Ok(answer)
    }
}
