//! What others hand to the hub: who may, and where it stands until it is read.

pub(crate) mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_connect::sources::push;
use pegboard_connect::sources::twilio::{self, Content, Signed};
use pegboard_connect::spec::{HandedRecord, Inlet, SourceError};
use pegboard_model::{PartitionId, SourceName, Text, Timestamp};
use pegboard_store::{HandIn, HandedIn, Store, StoreError};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Notify;

use self::token::{NoToken, Tokens, Use};
use crate::clock::Clock;
use crate::config::{
    SdkSettings, Secret, SecretError, SecretRef, SourceConfig, SourceInput, TwilioPostSettings,
};

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
            let name = &source.name;
            let lock = Lock::of(&source.input).map_err(|error| (name.clone(), error))?;
            if let Some((lane, lock)) = lock {
                let sdk = match &source.input {
                    SourceInput::Push(settings) => settings.sdk.clone(),
                    _ => SdkSettings::default(),
                };
                let gate = Gate { sdk, ..Gate::new(name.clone(), lane, lock, store.clone(), clock) };
                gates.insert(name.clone(), Arc::new(gate));
            }
        }
        Ok(Self(gates))
    }

    /// That of a source.
    pub fn of(&self, source: &SourceName) -> Option<&Arc<Gate>> {
        self.0.get(source)
    }
}

/// By what it is known who hands in.
enum Lock {
    /// Nobody: nothing comes over HTTP. What came while somebody could is read to its end.
    Nobody,
    /// The hash of both halves of an access key: of one length, whatever they are.
    Key([u8; 32]),
    /// What Twilio signs with, and the URL that it posts to.
    Twilio { tokens: Vec<Secret>, url: String },
}

impl Lock {
    /// That of a source and the lane behind it; nothing where nobody hands in anything.
    fn of(input: &SourceInput) -> Result<Option<(&'static str, Self)>, SecretError> {
        Ok(match input {
            SourceInput::Push(settings) => {
                let key = settings.key.as_ref();
                let key = key.map(|key| Ok((key.id.resolve()?, key.secret.resolve()?))).transpose()?;
                let key = key.map(|(id, secret)| Self::Key(hash(id.expose(), secret.expose())));
                Some((push::LANE, key.unwrap_or(Self::Nobody)))
            }
            SourceInput::Twilio(settings) => {
                let lock = settings.posts.as_ref().map(Self::of_posts).transpose()?;
                Some((twilio::LANE, lock.unwrap_or(Self::Nobody)))
            }
            SourceInput::AmazonConnect(_) | SourceInput::File(_) => None,
        })
    }

    fn of_posts(settings: &TwilioPostSettings) -> Result<Self, SecretError> {
        let tokens = settings.auth_tokens.iter().map(SecretRef::resolve).collect::<Result<_, _>>()?;
        Ok(Self::Twilio { tokens, url: settings.url.clone() })
    }
}

/// Whether everything is there by which a source knows who hands in; nothing is needed where nobody does.
pub fn has_keys(input: &SourceInput) -> Result<(), SecretError> {
    Lock::of(input).map(drop)
}

/// The way in to one source.
pub struct Gate {
    source: SourceName,
    lock: Lock,
    lane: Arc<StoreLane>,
    clock: Clock,
    sdk: SdkSettings,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Gate {
    fn new(source: SourceName, lane: &'static str, lock: Lock, store: Arc<dyn Store>, clock: Clock) -> Self {
        let lane = StoreLane { source: source.clone(), lane: lane.into(), store, kept: Notify::new() };
        Self { source, lock, lane: Arc::new(lane), clock, sdk: SdkSettings::default() }
    }

    /// Whether this is the access key. Takes as long whatever is wrong with it.
    pub fn admits(&self, id: &str, secret: &str) -> bool {
        match &self.lock {
            Lock::Key(key) => key.ct_eq(&hash(id, secret)).into(),
            Lock::Nobody | Lock::Twilio { .. } => false,
        }
    }

    /// Tokens for the access key; nothing where it is another one.
    pub fn log_in(&self, id: &str, secret: &str) -> Option<Tokens> {
        let Lock::Key(key) = &self.lock else { return None };
        self.admits(id, secret).then(|| Tokens::issue(key, &self.source, self.now()))
    }

    /// Tokens for a refresh token.
    pub fn renew(&self, refresh: &str) -> Result<Tokens, NoToken> {
        let Lock::Key(key) = &self.lock else { return Err(NoToken::Forged) };
        token::check(key, &self.source, Use::Refresh, refresh, self.now())?;
        Ok(Tokens::issue(key, &self.source, self.now()))
    }

    /// Whether a token is one of this source's, and good now.
    pub fn knows(&self, access: &str) -> Result<(), NoToken> {
        let Lock::Key(key) = &self.lock else { return Err(NoToken::Forged) };
        token::check(key, &self.source, Use::Access, access, self.now())
    }

    /// How what the calls of the SDK say is read.
    pub fn sdk(&self) -> &SdkSettings {
        &self.sdk
    }

    /// The time here.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether Twilio has signed this, as it came with this query.
    pub fn is_signed(&self, query: Option<&str>, signature: &str, content: Content<'_>) -> bool {
        let Lock::Twilio { tokens, url } = &self.lock else { return false };
        let url = query.map_or_else(|| url.clone(), |query| format!("{url}?{query}"));
        let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.expose().trim().as_bytes()).collect();
        Signed { url: &url, signature, content }.check(&tokens).is_ok()
    }

    /// Whether what is handed in here is signed by Twilio.
    pub fn is_for_twilio(&self) -> bool {
        matches!(self.lock, Lock::Twilio { .. })
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
