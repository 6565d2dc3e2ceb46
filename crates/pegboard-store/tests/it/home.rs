//! Where a store lives, so that a test can leave it and come back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::Timestamp;
use pegboard_store::{
    PostgresOptions, PostgresStore, PostgresUrl, Retention, SqliteOptions, SqliteStore, Store,
};
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

/// The address of a PostgreSQL server for tests; nothing, said on stderr, where there is none.
pub(crate) fn postgres_server() -> Option<String> {
    let server = std::env::var_os("PEGBOARD_TEST_POSTGRES").map(|url| url.into_string().unwrap());
    if server.is_none() {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES is not set (see scripts/with-servers)");
    }
    server
}

/// A schema of its own on the server for tests.
pub(crate) struct PostgresHome {
    server: String,
    schema: String,
}

impl PostgresHome {
    /// Nothing where there is no server.
    pub(crate) fn new() -> Option<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let server = postgres_server()?;
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let schema = format!("test_{}_{number}_{}", std::process::id(), at(0).as_millis());
        Some(Self { server, schema })
    }

    pub(crate) fn url(&self) -> PostgresUrl {
        format!("{}?schema={}", self.server, self.schema).parse().unwrap()
    }

    /// The host and port of the server.
    pub(crate) fn address(&self) -> String {
        let (_, rest) = self.server.split_once('@').unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    pub(crate) fn options() -> PostgresOptions {
        PostgresOptions::new(clock)
    }

    pub(crate) async fn postgres(&self) -> PostgresStore {
        PostgresStore::open(&self.url(), Self::options()).await.unwrap()
    }

    /// A connection of the test's own.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let config: tokio_postgres::Config = self.server.parse().unwrap();
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("SET search_path = {}", self.schema)).await.unwrap();
        client
    }
}

impl Drop for PostgresHome {
    /// On a thread of its own: a test that fails must clean up, too, and cannot wait.
    fn drop(&mut self) {
        let (server, schema) = (self.server.clone(), self.schema.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config: tokio_postgres::Config = server.parse().unwrap();
                let Ok((client, connection)) = config.connect(tokio_postgres::NoTls).await else { return };
                tokio::spawn(connection);
                drop(client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await);
            });
        });
        drop(dropping.join());
    }
}

#[async_trait]
impl Home for PostgresHome {
    async fn open_with(&self, retention: Retention) -> Arc<dyn Store> {
        let options = PostgresOptions { retention, ..Self::options() };
        Arc::new(PostgresStore::open(&self.url(), options).await.unwrap())
    }
}

/// The clock of every test stands still at the beginning of [`at`].
pub(crate) fn clock() -> Timestamp {
    at(0)
}
