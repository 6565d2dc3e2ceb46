//! What every route shares.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pegboard_model::{Millis, SourceName};
use pegboard_store::Store;

use crate::api::audit::Refusals;
use crate::api::metrics::Metrics;
use crate::api::sessions::Sessions;
use crate::api::throttle::{Buckets, Rate, SignInThrottle, Slots};
use crate::runtime::intake::Gates;
use crate::runtime::view::View;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever is on this machine, without a token. For the demo, which listens on loopback alone; every other
    /// address is refused all the same.
    Open,
    /// The bearer of a token.
    Tokens,
}

/// How requests arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In the clear, on loopback.
    Plain,
    /// By TLS that this server ends.
    Tls,
    /// Through a proxy that ends TLS and appends the caller's address to `X-Forwarded-For`. Only the proxy must be
    /// able to reach the server.
    BehindProxy,
}

impl Transport {
    /// Whether the caller's browser speaks TLS.
    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::BehindProxy)
    }
}

/// What one caller may use, and how long things may take. Each is documented in `docs/api.md`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of one token.
    pub requests: Rate,
    /// Failed sign-ins from one address.
    pub sign_ins_each: Rate,
    /// Failed sign-ins in all.
    pub sign_ins_all: Rate,
    /// Reports of one token that are computed at once.
    pub reports: usize,
    /// Rows of one answer.
    pub report_rows: usize,
    /// Streams of one token at once.
    pub streams: usize,
    /// How long an answer may take to begin.
    pub answer_time: Duration,
    /// The same of a copy of the store.
    pub backup_time: Duration,
    /// The pause between two heartbeats of a stream.
    pub heartbeat: Duration,
    /// How long a stream waits at most before it looks at the feed again.
    pub poll: Duration,
    /// How long a stream waits for a reader that does not keep up.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: Rate { per_second: 50.0, burst: 100.0 },
            sign_ins_each: Rate { per_second: 0.1, burst: 10.0 },
            sign_ins_all: Rate { per_second: 5.0, burst: 100.0 },
            reports: 2,
            report_rows: 500_000,
            streams: 32,
            answer_time: Duration::from_secs(30),
            backup_time: Duration::from_mins(10),
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            patience: Duration::from_secs(10),
        }
    }
}

/// How the API is set up.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Who may ask.
    pub access: Access,
    /// How requests arrive.
    pub transport: Transport,
    /// How long an agent of each source may be silent before what is shown of it is stale. Agents of a source that
    /// is not here never are for this reason.
    pub stale_after: BTreeMap<SourceName, Millis>,
    /// Where records are handed in.
    pub gates: Gates,
    /// What one caller may use.
    pub limits: Limits,
}

impl ApiOptions {
    /// The given access and transport, and the defaults.
    pub fn new(access: Access, transport: Transport) -> Self {
        Self {
            access,
            transport,
            stale_after: BTreeMap::new(),
            gates: Gates::default(),
            limits: Limits::default(),
        }
    }
}

/// What every route shares. Clones are the same.
#[derive(Debug, Clone)]
pub struct ApiState(Arc<Shared>);

/// Inside of [`ApiState`].
#[derive(Debug)]
pub struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) view: Arc<dyn View>,
    pub(crate) access: Access,
    pub(crate) transport: Transport,
    pub(crate) stale_after: BTreeMap<SourceName, Millis>,
    pub(crate) gates: Gates,
    pub(crate) limits: Limits,
    pub(crate) sessions: Sessions,
    pub(crate) sign_ins: SignInThrottle,
    pub(crate) requests: Buckets<Arc<str>>,
    pub(crate) reports: Slots,
    pub(crate) streams: Slots,
    pub(crate) metrics: Metrics,
    pub(crate) refusals: Refusals,
    /// Held while the store is copied: one copy at a time.
    pub(crate) backup: tokio::sync::Mutex<()>,
}

impl ApiState {
    /// How many tokens have a bucket of requests of their own.
    const RESTRAINED_TOKENS: usize = 4096;

    /// The state of an API that reads this store and this view of the hub.
    pub fn new(store: Arc<dyn Store>, view: Arc<dyn View>, options: ApiOptions) -> Self {
        let limits = options.limits;
        Self(Arc::new(Shared {
            store,
            view,
            access: options.access,
            transport: options.transport,
            stale_after: options.stale_after,
            gates: options.gates,
            sessions: Sessions::default(),
            sign_ins: SignInThrottle::new(limits.sign_ins_each, limits.sign_ins_all),
            requests: Buckets::new(limits.requests, Self::RESTRAINED_TOKENS),
            reports: Slots::new(limits.reports),
            streams: Slots::new(limits.streams),
            metrics: Metrics::default(),
            refusals: Refusals::default(),
            backup: tokio::sync::Mutex::default(),
            limits,
        }))
    }
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
