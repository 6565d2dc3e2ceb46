//! Where a simulated hub keeps everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegboard_model::Millis;
use pegboard_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::at_once::{at_once, with_runtime};
use super::clock;

/// A database that outlives hubs.
#[derive(Debug)]
pub(super) enum Database {
    /// A file in a folder of its own.
    Sqlite { folder: TempDir, file: PathBuf },
    /// A schema of its own. Its connections live in a runtime of their own, whose time passes as it does.
    Postgres { url: Box<PostgresUrl>, runtime: Arc<Runtime> },
}

/// In memory, where there is such a folder: what the disk does is not simulated.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

impl Database {
    pub(super) fn sqlite() -> Self {
        let folder = folder();
        Self::Sqlite { file: folder.path().join("0.db"), folder }
    }

    /// A schema of a server.
    pub(super) fn postgres(server: &str, schema: &str) -> Self {
        let url = format!("{server}?schema={schema}").parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self::Postgres { url: Box::new(url), runtime: Arc::new(runtime.unwrap()) }
    }

    /// Opens it for one more life.
    pub(super) fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite { file, .. } => {
                with_runtime(None);
                Arc::new(SqliteStore::open(file, SqliteOptions::new(clock::store)).unwrap())
            }
            Self::Postgres { url, runtime } => {
                with_runtime(Some(runtime.handle().clone()));
                let options = PostgresOptions::new(clock::store);
                Arc::new(at_once(PostgresStore::open(url, options)).unwrap())
            }
        }
    }

    /// How long a sign of life of a node lasts that lasts `usual` by a clock of such a `speed`: PostgreSQL has a clock of
    /// its own, by which hours of the hub are seconds.
    pub(super) fn lasts(&self, usual: Millis, speed: i64) -> Millis {
        match self {
            Self::Sqlite { .. } => Millis::new(usual.get() * speed),
            Self::Postgres { .. } => Millis::new(20),
        }
    }

    /// Goes on with the files as they are now: nobody closes them. Answers whether it has any.
    pub(super) fn cut_off(&mut self, life: usize) -> bool {
        let Self::Sqlite { folder, file } = self else { return false };
        let next = folder.path().join(format!("{life}.db"));
        for suffix in ["", "-wal"] {
            let of = |path: &PathBuf| PathBuf::from(format!("{}{suffix}", path.display()));
            fs::copy(of(file), of(&next)).unwrap();
        }
        *file = next;
        true
    }
}
