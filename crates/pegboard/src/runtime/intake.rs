//! What others hand to the hub: who may, and where it stands until it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::push::LANE;
use pegboard_connect::spec::{HandedRecord, Inlet, SourceError};
use pegboard_model::{PartitionId, SourceName, Text};
use pegboard_store::{HandIn, HandedIn, Store, StoreError};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::{PushSettings, SecretError, SourceConfig, SourceInput};

/// How many records of a source may wait to be read.
pub const MOST_WAITING: u64 = 1_000_000;

/// How often there is a look without being woken: another node may have kept something.
const LOOK: Duration = Duration::from_millis(200);

/// The sources into which records are handed.
#[derive(Debug, Clone, Default)]
pub struct Gates(BTreeMap<SourceName, Arc<Gate>>);

impl Gates {
    /// Those of the sources that have one. Fails with a key that cannot be had.
    pub fn open(
        sources: &[SourceConfig],
        store: &Arc<dyn Store>,
        clock: Clock,
    ) -> Result<Self, (SourceName, SecretError)> {
        let mut gates = BTreeMap::new();
        for source in sources {
            if let SourceInput::Push(settings) = &source.input {
                let gate = Gate::new(source.name.clone(), settings, store.clone(), clock);
                let gate = gate.map_err(|error| (source.name.clone(), error))?;
                gates.insert(source.name.clone(), Arc::new(gate));
            }
        }
        Ok(Self(gates))
    }

    /// That of a source.
    pub fn of(&self, source: &SourceName) -> Option<&Arc<Gate>> {
        self.0.get(source)
    }
}

/// The way in to one source.
pub struct Gate {
    source: SourceName,
    /// The hash of both halves of the key: of one length, whatever they are.
    key: [u8; 32],
    lane: Arc<StoreLane>,
    clock: Clock,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Gate {
    fn new(
        source: SourceName,
        settings: &PushSettings,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> Result<Self, SecretError> {
        let (id, secret) = (settings.access_key_id.resolve()?, settings.secret_access_key.resolve()?);
        let lane = StoreLane { source: source.clone(), lane: LANE.into(), store, kept: Notify::new() };
        Ok(Self { source, key: hash(id.expose(), secret.expose()), lane: Arc::new(lane), clock })
    }

    /// Whether this is the key. Takes as long whatever is wrong with it.
    pub fn admits(&self, id: &str, secret: &str) -> bool {
        self.key.ct_eq(&hash(id, secret)).into()
    }

    /// Keeps records, durably, all or none. `answer` is given again whenever `key` comes again.
    pub async fn hand_in(
        &self,
        key: Option<Text>,
        records: Vec<Vec<u8>>,
        answer: String,
    ) -> Result<HandedIn, StoreError> {
        let StoreLane { source, lane, store, kept } = &*self.lane;
        let (source, lane, at) = (source.clone(), lane.clone(), (self.clock)());
        let handed = store.hand_in(HandIn { source, lane, key, at, records, answer }, MOST_WAITING).await?;
        if handed == HandedIn::Kept {
            kept.notify_one();
        }
        Ok(handed)
    }

    /// Where the source reads what was handed in.
    pub fn inlet(&self) -> Arc<dyn Inlet> {
        self.lane.clone()
    }
}

fn hash(id: &str, secret: &str) -> [u8; 32] {
    let length = (id.len() as u64).to_be_bytes();
    Sha256::new().chain_update(length).chain_update(id).chain_update(secret).finalize().into()
}

/// A lane of the store.
#[derive(Debug)]
struct StoreLane {
    source: SourceName,
    lane: PartitionId,
    store: Arc<dyn Store>,
    /// Told of everything that this node keeps.
    kept: Notify,
}

#[async_trait]
impl Inlet for StoreLane {
    async fn after(&self, after: u64, most: usize) -> Result<Vec<HandedRecord>, SourceError> {
        let records = self
            .store
            .handed_in(&self.source, &self.lane, after, most)
            .await
            .map_err(|error| passing(&error))?;
        let handed = records.into_iter().map(|record| HandedRecord {
            number: record.number,
            at: record.at,
            body: record.body,
        });
        Ok(handed.collect())
    }

    async fn let_go(&self, until: u64) -> Result<(), SourceError> {
        self.store.let_go(&self.source, &self.lane, until).await.map_err(|error| passing(&error))
    }

    async fn more(&self) {
        drop(tokio::time::timeout(LOOK, self.kept.notified()).await);
    }
}

/// The store's failures pass, or end the hub elsewhere.
fn passing(error: &StoreError) -> SourceError {
    SourceError::passing(format!("what was handed in cannot be read: {error}"))
}

/// What `check` asks a source that is handed its records: there is no lane yet.
#[derive(Debug)]
pub struct NoLane;

#[async_trait]
impl Inlet for NoLane {
    async fn after(&self, _: u64, _: usize) -> Result<Vec<HandedRecord>, SourceError> {
        Ok(Vec::new())
    }

    async fn let_go(&self, _: u64) -> Result<(), SourceError> {
        Ok(())
    }

    async fn more(&self) {
        std::future::pending::<()>().await;
    }
}
