//! Where a store lives, so that a test can leave it and come back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::Timestamp;
use pegboard_store::{Retention, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use crate::sample::at;

/// A place for one store.
#[async_trait]
pub(crate) trait Home: Sync {
    /// Opens the store, the same one every time.
    async fn open_with(&self, retention: Retention) -> Arc<dyn Store>;

    /// Opens it with the usual retention.
    async fn open(&self) -> Arc<dyn Store> {
        self.open_with(Retention::default()).await
    }
}

/// A temporary folder with an SQLite file.
pub(crate) struct SqliteHome {
    folder: TempDir,
}

impl SqliteHome {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("pegboard.db")
    }

    pub(crate) fn options() -> SqliteOptions {
        SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::new(clock) }
    }

    pub(crate) fn sqlite(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), Self::options()).unwrap()
    }
}

#[async_trait]
impl Home for SqliteHome {
    async fn open_with(&self, retention: Retention) -> Arc<dyn Store> {
        let options = SqliteOptions { retention, ..Self::options() };
        Arc::new(SqliteStore::open(&self.path(), options).unwrap())
    }
}

/// The clock of every test stands still at the beginning of [`at`].
pub(crate) fn clock() -> Timestamp {
    at(0)
}
