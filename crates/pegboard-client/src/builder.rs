//! What a connection is made of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pegboard_net::client::ClientError;
use pegboard_net::egress::InvalidOpening;
use pegboard_net::target::InvalidTarget;
use pegboard_net::{Client, ClientOptions, Egress, Opening, Secret, Target, TokenKeeper};

use crate::connection::Inner;
use crate::login::AccessKey;
use crate::{Connection, FieldMap, InvalidFieldMap, TokenStyle};

/// Where the calls are, below the service URL. NICE does not say it in public; these are Pegboard's proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Tokens for an access key.
    pub token: String,
    /// Tokens for a refresh token.
    pub refresh: String,
    /// The kind of ACD.
    pub acd_type: String,
    /// Signs of life.
    pub heartbeat: String,
    /// What agents do now.
    pub agent_states: String,
    /// What agents did.
    pub agent_activity: String,
    /// What happened in queues.
    pub queue_report: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            token: "/asc/v1/token".to_owned(),
            refresh: "/asc/v1/token/refresh".to_owned(),
            acd_type: "/asc/v1/acd-type".to_owned(),
            heartbeat: "/asc/v1/heartbeat".to_owned(),
            agent_states: "/asc/v1/agent-states".to_owned(),
            agent_activity: "/asc/v1/reports/agent-activity".to_owned(),
            queue_report: "/asc/v1/reports/queue".to_owned(),
        }
    }
}

/// The settings of a connection: `WFMConnectionConfigBuilder`. Three are needed: service URL, access key, secret key.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    service_url: Option<String>,
    access_key: Option<Secret>,
    secret_key: Option<Secret>,
    tenant: Option<String>,
    style: TokenStyle,
    allow: Vec<String>,
    roots: Option<PathBuf>,
    timeout: Option<Duration>,
    paths: Paths,
    renames: Vec<(String, String)>,
    answer_renames: Vec<(String, String)>,
}

/// Why there is no connection. No secret is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSetting {
    /// A setting that is needed.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// The service URL.
    #[error("the service URL is none: {0}")]
    ServiceUrl(#[from] InvalidTarget),
    /// A network.
    #[error("{0}")]
    Allow(#[from] InvalidOpening),
    /// A key of the bodies.
    #[error("{0}")]
    FieldMap(#[from] InvalidFieldMap),
    /// Certificates, or TLS as such.
    #[error("{0}")]
    Client(#[from] ClientError),
}

impl Builder {
    /// Where the service is: `https://...`.
    #[must_use]
    pub fn service_url(mut self, url: impl Into<String>) -> Self {
        self.service_url = Some(url.into());
        self
    }

    /// The id of the access key.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>) -> Self {
        self.access_key = Some(Secret::new(id.into()));
        self
    }

    /// The secret of the access key.
    #[must_use]
    pub fn secret_key(mut self, secret: impl Into<String>) -> Self {
        self.secret_key = Some(Secret::new(secret.into()));
        self
    }

    /// The name of the tenant, which goes with requests for tokens of [`TokenStyle::Nested`].
    #[must_use]
    pub fn tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// How a token is asked for; [`TokenStyle::Nested`] unless it is said.
    #[must_use]
    pub fn token_style(mut self, style: TokenStyle) -> Self {
        self.style = style;
        self
    }

    /// Lets a network be reached that is not public: `10.1.0.0/16`, an address, or the name of a host. Only public addresses are reached
    /// otherwise.
    #[must_use]
    pub fn allow(mut self, network: impl Into<String>) -> Self {
        self.allow.push(network.into());
        self
    }

    /// A PEM file of certificates that are trusted besides those of the operating system.
    #[must_use]
    pub fn trusted_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.roots = Some(file.into());
        self
    }

    /// How long a request may take; 30 seconds unless it is said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Where the calls are below the service URL.
    #[must_use]
    pub fn paths(mut self, paths: Paths) -> Self {
        self.paths = paths;
        self
    }

    /// Writes a key of the bodies under another name: one key by its path (`queueReport.workTime`), or all of a name (`agentId`).
    #[must_use]
    pub fn rename(mut self, key: impl Into<String>, name: impl Into<String>) -> Self {
        self.renames.push((key.into(), name.into()));
        self
    }

    /// Reads a key of the service's answers under another name: `name`, by its path or wherever it stands, is what this crate knows as
    /// `key`, such as `requestId`.
    #[must_use]
    pub fn rename_answer(mut self, key: impl Into<String>, name: impl Into<String>) -> Self {
        self.answer_renames.push((name.into(), key.into()));
        self
    }

    /// The connection. Nobody is asked yet.
    pub fn build(self) -> Result<Connection, InvalidSetting> {
        let url = self.service_url.ok_or(InvalidSetting::Missing("service URL"))?;
        let base: Target = url.parse()?;
        let id = present(self.access_key).ok_or(InvalidSetting::Missing("access key"))?;
        let secret = present(self.secret_key).ok_or(InvalidSetting::Missing("secret key"))?;
        let allow: Result<Vec<Opening>, _> = self.allow.iter().map(|network| network.parse()).collect();
        let usual =
            ClientOptions { egress: Egress::new(allow?), roots: self.roots, ..ClientOptions::default() };
        let total = self.timeout.unwrap_or(usual.total);
        let client = Client::new(ClientOptions { total, connect: usual.connect.min(total), ..usual })?;
        let hidden = [id.clone(), secret.clone()];
        let key = AccessKey {
            client: client.clone(),
            token: base.below(&self.paths.token),
            refresh: base.below(&self.paths.refresh),
            id,
            secret,
            tenant: self.tenant,
            style: self.style,
        };
        let fields = FieldMap::new(self.renames)?;
        let answers = FieldMap::new(self.answer_renames)?;
        let tokens = TokenKeeper::new(key);
        Ok(Connection(Arc::new(Inner { client, tokens, base, paths: self.paths, fields, answers, hidden })))
    }
}

fn present(secret: Option<Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.expose().is_empty())
}
