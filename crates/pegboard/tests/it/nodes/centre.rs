//! A place where nodes meet: one store, one source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pegboard::runtime::hub::NodeOptions;
use pegboard::runtime::node::Pace;
use pegboard_connect::spec::Source;
use pegboard_model::Millis;
use pegboard_store::{PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

use crate::support::clock;
use crate::support::live::{Live, config, until};

/// A node that says often that it lives, and is given up late: no busy machine makes it look dead.
pub(crate) const SURE: Pace = Pace { beat: Duration::from_millis(50), lasts: Millis::from_seconds(60) };

/// A node that is given up soon: one that is only slow now and then is taken for dead, which must not matter.
pub(crate) const NERVOUS: Pace = Pace { beat: Duration::from_millis(40), lasts: Millis::new(400) };

enum Place {
    /// One process holds the store: all nodes have the same.
    Sqlite { store: Arc<dyn Store>, _folder: TempDir },
    /// Each node has connections of its own, to a schema of the test's own.
    Postgres(Box<PostgresUrl>),
}

/// One store, for any number of nodes.
pub(crate) struct Centre {
    place: Place,
}

impl Centre {
    pub(crate) fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(clock::passing);
        let store = Arc::new(SqliteStore::open(&folder.path().join("test.db"), options).unwrap());
        Self { place: Place::Sqlite { store, _folder: folder } }
    }

    /// On the server that `PEGBOARD_TEST_POSTGRES` names; says so on stderr if there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(crate) fn on_postgres() -> Option<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
            eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
            return None;
        };
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let url = format!("{server}?schema=nodes_{}_{number}", std::process::id());
        Some(Self { place: Place::Postgres(Box::new(url.parse().unwrap())) })
    }

    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::Sqlite { store, .. } => store.clone(),
            Place::Postgres(url) => {
                let options = PostgresOptions::new(clock::noon);
                Arc::new(PostgresStore::open(url, options).await.unwrap())
            }
        }
    }

    /// One more node.
    pub(crate) async fn join(
        &self,
        source: &(impl Source + Clone + 'static),
        name: &str,
        pace: Pace,
    ) -> Live {
        let options = NodeOptions { name: Some(name.into()), pace, ..NodeOptions::default() };
        Live::joining(self.store().await, Box::new(source.clone()), &config(), options).await
    }
}

/// How many partitions each node reads, as one of them shows it; those that none reads are under `-`.
pub(crate) async fn shares(node: &Live) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for partition in node.status().await.partitions.into_iter().filter(|partition| !partition.finished) {
        *shares.entry(partition.node.unwrap_or_else(|| "-".into())).or_default() += 1;
    }
    shares
}

/// Waits until the nodes read so many partitions, in any order, and none is left.
pub(crate) async fn until_shared(node: &Live, expected: &[usize]) {
    let shared = async || {
        let shares = shares(node).await;
        let mut counts: Vec<usize> = shares.values().copied().collect();
        counts.sort_unstable();
        !shares.contains_key("-") && counts == expected
    };
    until(&format!("nodes share {expected:?}"), shared).await;
}
