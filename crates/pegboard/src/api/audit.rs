//! Writing to the audit log: who did what, from where.
//!
//! What cannot be written down is not done: callers write first and act then.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pegboard_model::{Text, Timestamp};
use pegboard_store::{AuditEntry, AuditWrite, Store, StoreError};
use serde_json::{Value, json};

use crate::api::caller::{self, Caller, Peer};
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::api::throttle::{Buckets, Rate};

/// Who did something.
#[derive(Debug, Clone)]
pub struct Actor {
    by: Text,
    name: Text,
    via: &'static str,
    from: Option<Text>,
}

/// What he did.
#[derive(Debug, Clone)]
pub struct Deed {
    /// Such as `token.created`.
    pub action: &'static str,
    /// To what: the public id of a token, the name of a source.
    pub subject: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is from now on.
    pub after: Option<Value>,
}

impl Actor {
    /// The hub itself, as it starts.
    pub fn hub() -> Self {
        Self { by: "hub".into(), name: "the hub".into(), via: "start", from: None }
    }

    /// Whoever runs a command on the store's own file.
    pub fn machine() -> Self {
        Self { by: "machine".into(), name: "command line".into(), via: "command", from: None }
    }

    pub(crate) fn caller(caller: &Caller, origin: Origin) -> Self {
        let (by, name) = (caller.id().clone(), caller.name().into());
        Self { by, name, via: caller.via(), from: Some(origin.text()) }
    }

    /// Somebody who did not show who he is.
    pub(crate) fn stranger(origin: Origin) -> Self {
        Self { by: "-".into(), name: "unknown".into(), via: "session", from: Some(origin.text()) }
    }
}

/// Writes an entry, and shows its hash in the log, so that whoever keeps the log can tell whether the store's is the same.
/// Neither names nor addresses are shown there.
pub async fn write(
    store: &dyn Store,
    now: Timestamp,
    actor: Actor,
    deed: Deed,
) -> Result<AuditEntry, StoreError> {
    let text = |value: Value| Text::from(value.to_string());
    let Actor { by, name, via, from } = actor;
    let Deed { action, subject, before, after } = deed;
    let what = AuditWrite {
        at: now,
        by,
        name,
        via: via.into(),
        from,
        action: action.into(),
        subject: subject.into(),
        before: before.map(text),
        after: after.map(text),
    };
    let entry = store.append_audit(what).await?;
    let AuditEntry { number, hash, what, .. } = &entry;
    tracing::info!(number, action, subject = &*what.subject, by = &*what.by, %hash, "audit");
    Ok(entry)
}

/// Writes what a caller is about to do.
pub(crate) async fn note(
    state: &ApiState,
    caller: &Caller,
    origin: Origin,
    deed: Deed,
) -> Result<(), ApiError> {
    write(&*state.store, state.view.now(), Actor::caller(caller, origin), deed).await?;
    Ok(())
}

/// Bounds what strangers can write: 100 refused sign-ins at once, and one in ten seconds in the long run. Those that are
/// left out are counted in the next that is not.
#[derive(Debug)]
pub(crate) struct Refusals {
    written: Buckets<()>,
    left_out: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        let rate = Rate { per_second: 0.1, burst: 100.0 };
        Self { written: Buckets::new(rate, 1), left_out: AtomicU64::new(0) }
    }
}

impl Refusals {
    /// A sign-in was refused. That it cannot be written keeps nobody from being refused.
    pub(crate) async fn note(&self, state: &ApiState, origin: Origin) {
        if self.written.take(&(), Instant::now()).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let after = (left_out > 0).then(|| json!({"left_out": left_out}));
        let deed = Deed { action: "session.refused", subject: String::new(), before: None, after };
        let written = write(&*state.store, state.view.now(), Actor::stranger(origin), deed).await;
        if let Err(error) = written {
            tracing::error!(error = %error, "a refused sign-in is not in the audit log");
        }
    }
}

/// Where a request comes from: the peer, or what a declared proxy says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub(crate) IpAddr);

impl Origin {
    fn text(self) -> Text {
        self.0.to_canonical().to_string().into()
    }
}

impl FromRequestParts<ApiState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().copied();
        Ok(Self(caller::address(state.transport, &parts.headers, peer)))
    }
}
