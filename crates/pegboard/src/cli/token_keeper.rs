//! Who keeps the tokens just now: the store, or the running hub that holds it. Both do the same.

use std::sync::Arc;

use anyhow::Context;
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Role, Store};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Failure;
use super::hub_client::{HubClient, HubError};
use crate::api::audit::{self, Actor, Deed};
use crate::api::token_request::TokenRequest;
use crate::api::tokens::TokenEntry;
use crate::clock::Clock;
use crate::config::Secret;

/// Where the hub has its tokens.
const PATH: &str = "/api/v1/tokens";

/// Who keeps the tokens.
pub(super) enum Keeper {
    /// The store itself: no hub runs.
    Store {
        /// It, opened.
        store: Arc<dyn Store>,
        /// The sources that a token may be limited to.
        configured: Vec<SourceName>,
        /// What time it is.
        clock: Clock,
    },
    /// The hub that holds the store.
    Hub(HubClient),
}

/// The token that is asked for.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) sources: Vec<SourceName>,
    pub(super) expires: Option<Timestamp>,
}

impl Keeper {
    /// Makes a token: its text.
    pub(super) async fn create(&self, wanted: Wanted<'_>) -> Result<Secret, Failure> {
        let Wanted { name, role, sources, expires } = wanted;
        match self {
            Self::Store { store, configured, clock } => {
                let now = clock();
                let request = TokenRequest::new(name, role, sources, expires, configured, now)
                    .map_err(|fault| Failure::Usage(fault.to_string()))?;
                let (text, write) = request.make(now);
                self.note(TokenEntry::from(write.token.clone()).creation()).await?;
                store.add_token(write).await.context("cannot write the token")?;
                Ok(Secret::new(text.expose().to_owned()))
            }
            Self::Hub(hub) => {
                let body = json!({"name": name, "role": role, "sources": sources, "expires": expires});
                let made: Made = understood(hub.post(PATH, &body).await?)?;
                Ok(Secret::new(made.secret))
            }
        }
    }

    /// All tokens, the oldest first.
    pub(super) async fn list(&self) -> Result<Vec<TokenEntry>, Failure> {
        match self {
            Self::Store { store, .. } => {
                let tokens = store.tokens().await.context("cannot read the tokens")?;
                Ok(tokens.into_iter().map(TokenEntry::from).collect())
            }
            Self::Hub(hub) => {
                let listed: Listed = understood(hub.get(PATH).await?)?;
                Ok(listed.tokens)
            }
        }
    }

    /// Revokes a token.
    pub(super) async fn revoke(&self, id: &str) -> Result<(), Failure> {
        let revoked = match self {
            // Such an id is none, and could lead to another route.
            _ if !is_plain(id) => false,
            Self::Store { store, clock, .. } => {
                let now = clock();
                let tokens = store.tokens().await.context("cannot read the tokens")?;
                if let Some(token) = tokens.into_iter().find(|token| token.id == id) {
                    self.note(TokenEntry::from(token).revocation(now)).await?;
                }
                store.revoke_token(id, now).await.context("cannot revoke the token")?
            }
            Self::Hub(hub) => match hub.delete(&format!("{PATH}/{id}")).await {
                Ok(()) => true,
                Err(HubError::Refused { status, .. }) if status == 404 => false,
                Err(error) => return Err(error.into()),
            },
        };
        let unknown = || Failure::Usage(format!("there is no token '{id}': see pegboard token list"));
        revoked.then_some(()).ok_or_else(unknown)
    }

    /// Writes to the audit log what is about to be done to the store itself; a hub does that by itself.
    async fn note(&self, deed: Deed) -> Result<(), Failure> {
        if let Self::Store { store, clock, .. } = self {
            audit::write(&**store, clock(), Actor::machine(), deed)
                .await
                .context("cannot write to the audit log")?;
        }
        Ok(())
    }

    /// Closes what was opened.
    pub(super) async fn leave(self) -> Result<(), Failure> {
        match self {
            Self::Store { store, .. } => Ok(store.shut_down().await.context("cannot close the store")?),
            Self::Hub(_) => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Made {
    secret: String,
}

#[derive(Deserialize)]
struct Listed {
    tokens: Vec<TokenEntry>,
}

/// The answer in its own type. The parser's words could repeat a secret: they are left out.
fn understood<T: for<'de> Deserialize<'de>>(answer: Value) -> Result<T, Failure> {
    let strange =
        || anyhow::anyhow!("the answer is none that this version knows: is the hub of the same version?");
    Ok(serde_json::from_value(answer).map_err(|_| strange())?)
}

fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
